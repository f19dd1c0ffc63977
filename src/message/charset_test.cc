#include "message/charset.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <string>

#include "base/text.h"

namespace gatehouse::message {
namespace {

using namespace std::string_view_literals;
constexpr std::size_t kPlenty = 1 << 20;

std::string decoded(std::string_view bytes, std::string_view label) {
    const auto text = to_utf8(bytes, label, kPlenty);
    return text ? text->text : "(unknown)";
}

TEST(Charset, ReadsLabelsAsClientsDo) {
    EXPECT_EQ(charset_name("Latin1"), "windows-1252");
    EXPECT_EQ(charset_name("us-ascii"), "windows-1252");
    EXPECT_EQ(charset_name(" \"ISO-8859-1\" "), "windows-1252");
    EXPECT_EQ(charset_name("UTF8"), "utf-8");
    EXPECT_EQ(charset_name("utf_8"), "utf-8");
    EXPECT_EQ(charset_name("gb2312"), "gb18030");
    EXPECT_EQ(charset_name("ks_c_5601-1987"), "euc-kr");
    EXPECT_EQ(charset_name("ISO-8859-9"), "windows-1254");
    EXPECT_EQ(charset_name("iso-8859-7"), "iso-8859-7");
    EXPECT_EQ(charset_name("no-such-charset"), "");
    EXPECT_EQ(charset_name(""), "");
    EXPECT_EQ(charset_name(std::string(1000, 'a')), "");
    EXPECT_EQ(charset_name("ISO_2022,locale=ja,version=0"), "") << "ICU's options are not for senders";
}

TEST(Charset, DecodesSingleByteSets) {
    EXPECT_EQ(decoded("na\xEFve \x80 \x93q\x94", "iso-8859-1"), "naïve € “q”");
    EXPECT_EQ(decoded("\xF0\xD2\xC9\xD7\xC5\xD4", "koi8-r"), "Привет");
    EXPECT_EQ(decoded("\xCF\xF0\xE8\xE2\xE5\xF2", "windows-1251"), "Привет");
    EXPECT_EQ(decoded("\xA4", "iso-8859-15"), "€");
    EXPECT_EQ(decoded("\x81\x9D", "latin1"), "\xC2\x81\xC2\x9D");
}

TEST(Charset, DecodesMultiByteSets) {
    EXPECT_EQ(decoded("\x93\xFA\x96\x7B", "Shift_JIS"), "日本");
    EXPECT_EQ(decoded("\xC6\xFC\xCB\xDC", "euc-jp"), "日本");
    EXPECT_EQ(decoded("\x1B$BF|K\\\x1B(B", "ISO-2022-JP"), "日本");
    EXPECT_EQ(decoded("\xD6\xD0\xCE\xC4", "gb2312"), "中文");
    EXPECT_EQ(decoded("\xA4\xA4\xA4\xE5", "big5"), "中文");
    EXPECT_EQ(decoded("\xC7\xD1\xB1\xDB", "euc-kr"), "한글");
    EXPECT_EQ(decoded("~{<:Ky~}", "hz-gb-2312"), "己所");
}

TEST(Charset, DecodesUnicodeForms) {
    EXPECT_EQ(decoded("Hi Mom -+Jjo--!", "utf-7"), "Hi Mom -☺-!");
    EXPECT_EQ(decoded("\xFE\xFF\x00\x41"sv, "utf-16"), "A");
    EXPECT_EQ(decoded("\xFF\xFE\x41\x00"sv, "utf-16"), "A");
    EXPECT_EQ(decoded("\x41\x00\x42\x00"sv, "utf-16"), "AB");
    EXPECT_EQ(decoded("\x00\x41\x00\x42"sv, "utf-16"), "AB");
    EXPECT_EQ(decoded("\x00\x41\x00\x42"sv, "utf-16be"), "AB");
    EXPECT_EQ(decoded("\xEF\xBB\xBF"
                      "A",
                      "utf-8"),
              "A")
        << "the mark is no text";
}

TEST(Charset, CountsWhatMeansNothing) {
    const auto broken = to_utf8(
        "a\xFF"
        "b\xE2\x82"
        "c\xC0\xAF",
        "utf-8", kPlenty);
    ASSERT_TRUE(broken);
    EXPECT_EQ(broken->text, "a\uFFFDb\uFFFDc\uFFFD\uFFFD");
    EXPECT_EQ(broken->replaced, 4U);
    EXPECT_TRUE(broken->complete);
    const auto surrogate = to_utf8("\xED\xA0\x80", "utf-8", kPlenty);
    EXPECT_EQ(surrogate->replaced, 3U);
    const auto japanese = to_utf8("\x93\xFA\xFF\x96\x7B", "shift_jis", kPlenty);
    ASSERT_TRUE(japanese);
    EXPECT_GE(japanese->replaced, 1U);
    EXPECT_TRUE(base::is_valid_utf8(japanese->text));
    const auto half = to_utf8("\x41\x00\x42"sv, "utf-16le", kPlenty);
    ASSERT_TRUE(half);
    EXPECT_EQ(half->replaced, 1U);
}

TEST(Charset, UnknownIsSaidAndGuessed) {
    EXPECT_FALSE(to_utf8("x", "x-klingon", kPlenty));
    EXPECT_FALSE(to_utf8("x", "", kPlenty));
    EXPECT_EQ(to_utf8_or_guess("gr\xC3\xBC\xDF", "x-klingon", kPlenty).text, "grÃ¼ß");
    EXPECT_EQ(to_utf8_or_guess("gr\xC3\xBC\xC3\x9F", "", kPlenty).text, "grüß");
    EXPECT_EQ(guess_to_utf8("gr\xFC\xDF", kPlenty).text, "grüß");
}

TEST(Charset, OutputIsBoundedAtCharacters) {
    const std::string umlauts(1000, '\xFC');
    for (const char* label : {"latin1", "iso-8859-2", "windows-1250", "koi8-r", "gb18030", "utf-8"}) {
        for (const std::size_t limit :
             {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{5}, std::size_t{100}}) {
            const auto text = to_utf8(umlauts, label, limit);
            ASSERT_TRUE(text) << label;
            EXPECT_LE(text->text.size(), limit) << label;
            EXPECT_FALSE(text->complete) << label << " " << limit;
            EXPECT_TRUE(base::is_valid_utf8(text->text)) << label << " " << limit;
        }
    }
    const auto exact = to_utf8("\xFC\xFC", "iso-8859-2", 4);
    EXPECT_EQ(exact->text, "üü");
    EXPECT_TRUE(exact->complete);
}

TEST(Charset, EveryByteInEveryWarmCharsetGivesValidUtf8) {
    std::string all;
    for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
    all += all;
    for (const char* label : {"latin1",      "iso-8859-2", "iso-8859-6", "iso-8859-8",  "windows-1255",
                              "windows-874", "koi8-u",     "shift_jis",  "euc-jp",      "euc-kr",
                              "big5",        "gb18030",    "gbk",        "iso-2022-jp", "iso-2022-kr",
                              "iso-2022-cn", "hz-gb-2312", "utf-7",      "utf-8",       "utf-16",
                              "utf-16le",    "utf-32",     "ibm437",     "macintosh",   "unicode"}) {
        const auto text = to_utf8(all, label, kPlenty);
        ASSERT_TRUE(text) << label;
        EXPECT_TRUE(base::is_valid_utf8(text->text)) << label;
        EXPECT_TRUE(text->complete) << label;
    }
}

TEST(Charset, NeedsNoFileAtRunTime) {
    const auto without_descriptors = [] {
        const rlimit none{0, 0};
        if (setrlimit(RLIMIT_NOFILE, &none) != 0) std::_Exit(2);
        if (!warm_charsets()) std::_Exit(3);
        if (decoded("\xF0\xD2", "koi8-r") != "Пр" || decoded("\xA4\xA4", "big5") != "中") std::_Exit(4);
        if (!to_utf8("\x80", "ibm-1399", kPlenty)) std::_Exit(5);
        std::_Exit(0);
    };
    EXPECT_EXIT(without_descriptors(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace gatehouse::message
