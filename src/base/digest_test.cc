#include "base/digest.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace gatehouse::base {
namespace {

// FIPS 180-4 example "abc".
TEST(Digest, Sha256) {
    EXPECT_EQ(to_hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    Sha256 digest;
    digest.update("a");
    digest.update("bc");
    EXPECT_EQ(digest.finish(), sha256("abc"));
    digest.update("abc");
    EXPECT_EQ(digest.finish(), sha256("abc"));
}

TEST(Digest, ChecksumSeesOneBit) {
    EXPECT_NE(checksum64("frame"), checksum64("frbme"));
}

}  // namespace
}  // namespace gatehouse::base
