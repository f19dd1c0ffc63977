#include "message/xtext.h"

#include <gtest/gtest.h>

namespace gatehouse::message {
namespace {

TEST(Xtext, Decodes) {
    EXPECT_EQ(decode_xtext("a+2Bb+3Dc+20"), "a+b=c ");
    EXPECT_EQ(decode_xtext(""), "");
    for (const char* bad : {"+", "+4", "+4g", "+gg", "a=b", "a b", "+0A", "+7F", "+FF", "\x80", "a\x01"}) {
        EXPECT_FALSE(decode_xtext(bad)) << bad;
    }
}

TEST(Xtext, KnowsUtf8Addresses) {
    EXPECT_TRUE(is_utf8_address_text("\\x{1F600}@b.test", false));
    EXPECT_TRUE(is_utf8_address_text("a\\x{5C}@b.test", false));
    for (const char* bad : {"", "a=b", "a+b", "\\", "\\x{", "\\x{}", "\\x{1}", "\\x{0A}", "\\x{85}",
                            "\\x{D800}", "\\x{110000}", "\\x{1234567}", "\\x{fc}", "\xc3\xbc"}) {
        EXPECT_FALSE(is_utf8_address_text(bad, false)) << bad;
    }
    EXPECT_TRUE(is_utf8_address_text("\xc3\xbc", true));
    EXPECT_FALSE(is_utf8_address_text("\xff", true));
}

}  // namespace
}  // namespace gatehouse::message
