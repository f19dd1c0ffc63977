#include "record/packing.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace gatehouse::record {
namespace {

using base::Fault;

TEST(Packing, RoundTripsAndSaves) {
    for (const std::string& bytes : {std::string(), std::string("abc"), std::string(100'000, 'x')}) {
        EXPECT_EQ(unpack(pack(bytes, 0), 1 << 20).value(), bytes);
        EXPECT_EQ(unpack(pack(bytes, 1 << 30), 1 << 20).value(), bytes);
    }
    EXPECT_LT(pack(std::string(100'000, 'x'), 1000).size(), 1000U);
    const auto noise = base::random_bytes(10'000);
    EXPECT_EQ(pack(noise, 1).size(), noise.size() + 1) << "what does not shrink stays as it is";
    EXPECT_EQ(unpack(pack(noise, 1), 1 << 20).value(), noise);
}

TEST(Packing, BoundsWhatComesOut) {
    const auto bomb = pack(std::string(10 << 20, 'x'), 1);
    EXPECT_LT(bomb.size(), 10'000U);
    EXPECT_EQ(unpack(bomb, 1 << 20).error().fault, Fault::limit);
    EXPECT_EQ(unpack(std::string(1, '\0') + std::string(100, 'x'), 50).error().fault, Fault::limit);
}

TEST(Packing, DamageIsMalformed) {
    const auto good = pack(std::string(10'000, 'x') + "end", 1);
    EXPECT_EQ(unpack("", 100).error().fault, Fault::malformed);
    EXPECT_EQ(unpack("\x07zzz", 100).error().fault, Fault::malformed);
    EXPECT_EQ(unpack("\x01zzz", 100).error().fault, Fault::malformed);
    for (std::size_t i = 1; i < good.size(); ++i) EXPECT_FALSE(unpack(good.substr(0, i), 1 << 20)) << i;
}

}  // namespace
}  // namespace gatehouse::record
