#include "base/text.h"

#include <gtest/gtest.h>

namespace gatehouse::base {
namespace {

TEST(Text, ComparesWithoutCase) {
    EXPECT_TRUE(iequals("Content-Type", "content-TYPE"));
    EXPECT_FALSE(iequals("a", "ab"));
    EXPECT_TRUE(istarts_with("MAIL FROM:<>", "mail from:"));
    EXPECT_TRUE(iends_with("x.example.COM", ".com"));
}

TEST(Text, ParsesOnlyPlainNumbers) {
    EXPECT_EQ(parse_unsigned("18446744073709551615"), 18446744073709551615ULL);
    EXPECT_FALSE(parse_unsigned("18446744073709551616"));
    EXPECT_FALSE(parse_unsigned("+1"));
    EXPECT_FALSE(parse_unsigned(""));
    EXPECT_FALSE(parse_unsigned("1 "));
}

TEST(Text, MakesBytesPrintable) {
    EXPECT_EQ(printable("a\r\n\x1b[31m"), "a\\x0d\\x0a\\x1b[31m");
    EXPECT_EQ(printable("J\xc3\xbcrgen \xff"), "J\xc3\xbcrgen \\xff");
    EXPECT_EQ(printable("abcdef", 3), "abc...");
    EXPECT_EQ(printable("a\xc2\x9b"
                        "31m"),
              "a\\xc2\\x9b31m");  // CSI in one symbol
    EXPECT_EQ(printable("a\xe2\x80\xae"
                        "b"),
              "a\\xe2\\x80\\xaeb");                                        // right-to-left override
    EXPECT_EQ(printable("\xc2\xa0\xe2\x80\x93"), "\xc2\xa0\xe2\x80\x93");  // what only looks like them
}

TEST(Text, CutsBetweenSymbols) {
    EXPECT_EQ(cut_text("J\xc3\xbc", 2), "J");
    EXPECT_EQ(cut_text("J\xc3\xbc", 3), "J\xc3\xbc");
    EXPECT_EQ(cut_text("\xf0\x9f\x93\xa7", 3), "");
    EXPECT_EQ(cut_text("abc", 2), "ab");
    EXPECT_EQ(cut_text("\x80\x80\x80\x80\x80\x80", 5).size(), 2U) << "rubbish is cut somewhere";
    EXPECT_EQ(printable("J\xc3\xbc", 2), "J...");
}

TEST(Text, KnowsUtf8) {
    EXPECT_TRUE(is_valid_utf8("\xf0\x9f\x93\xa7"));
    EXPECT_FALSE(is_valid_utf8("\xc0\xaf"));          // overlong
    EXPECT_FALSE(is_valid_utf8("\xed\xa0\x80"));      // surrogate
    EXPECT_FALSE(is_valid_utf8("\xf4\x90\x80\x80"));  // beyond U+10FFFF
}

TEST(Text, FindsTheNearestWord) {
    EXPECT_EQ(nearest("max_recipient", {"max_recipients", "listen"}), "max_recipients");
    EXPECT_FALSE(nearest("zzz", {"max_recipients", "listen"}));
}

TEST(Text, Hex) {
    EXPECT_EQ(to_hex(std::string("\x00\xff", 2)), "00ff");
    EXPECT_EQ(from_hex("00FF"), std::string("\x00\xff", 2));
    EXPECT_FALSE(from_hex("0"));
    EXPECT_FALSE(from_hex("0g"));
}

}  // namespace
}  // namespace gatehouse::base
