#include "inspect/mime/encoded_word.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace gatehouse::inspect::mime {
namespace {

TEST(EncodedWord, Rfc2047Examples) {  // RFC 2047 section 8
    EXPECT_EQ(decode_encoded_words("=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>"),
              "Keith Moore <moore@cs.utk.edu>");
    EXPECT_EQ(decode_encoded_words("=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?= <keld@dkuug.dk>"),
              "Keld Jørn Simonsen <keld@dkuug.dk>");
    EXPECT_EQ(decode_encoded_words("=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n"
                                   "    =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?="),
              "If you can read this you understand the example.");
    EXPECT_EQ(decode_encoded_words("(=?ISO-8859-1?Q?a?=)"), "(a)");
    EXPECT_EQ(decode_encoded_words("(=?ISO-8859-1?Q?a?= b)"), "(a b)");
    EXPECT_EQ(decode_encoded_words("(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)"), "(ab)");
    EXPECT_EQ(decode_encoded_words("(=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=)"), "(ab)");
    EXPECT_EQ(decode_encoded_words("(=?ISO-8859-1?Q?a_b?=)"), "(a b)");
    EXPECT_EQ(decode_encoded_words("(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)"), "(a b)");
}

TEST(EncodedWord, JoinsSplitCharacters) {
    EXPECT_EQ(decode_encoded_words("=?utf-8?Q?gr=C3?= =?UTF-8?Q?=BC=C3=9F?="), "grüß");
    EXPECT_EQ(decode_encoded_words("=?utf-8?B?4oI=?= =?utf-8?Q?=AC?="), "€");
    EXPECT_EQ(decode_encoded_words("=?utf-8?Q?=C3?= x =?utf-8?Q?=BC?="), "\uFFFD x \uFFFD")
        << "only adjacent words";
    EXPECT_EQ(decode_encoded_words("=?utf-8?Q?=C3?= =?iso-8859-1?Q?=BC?="), "\uFFFD¼")
        << "only words of one charset";
}

TEST(EncodedWord, OtherCharsets) {
    EXPECT_EQ(decode_encoded_words("=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?="), "日本");
    EXPECT_EQ(decode_encoded_words("=?koi8-r?B?8NLJ18XU?="), "Привет");
    EXPECT_EQ(decode_encoded_words("=?utf-8*en?Q?hi?="), "hi") << "RFC 2231 section 5";
    EXPECT_EQ(decode_encoded_words("=?x-unknown?Q?gr=FC=DF?="), "grüß");
    EXPECT_EQ(decode_encoded_words("=?GB2312?B?1tDOxA==?="), "中文");
}

TEST(EncodedWord, LenientForms) {
    EXPECT_EQ(decode_encoded_words("=?utf-8?q?a b?="), "a b");
    EXPECT_EQ(decode_encoded_words("=?utf-8?Q?a=3?="), "a=3");
    EXPECT_EQ(decode_encoded_words("=?utf-8?Q?a=zz=?="), "a=zz=");
    EXPECT_EQ(decode_encoded_words("=?utf-8?B?YQ?="), "a");
    EXPECT_EQ(decode_encoded_words("=?utf-8?Q?"
                                   "?="),
              "");
    EXPECT_EQ(decode_encoded_words("x=?utf-8?Q?=41?=y"), "xAy");
    EXPECT_EQ(decode_encoded_words("=?utf-8?Q?" + std::string(500, 'a') + "?="), std::string(500, 'a'));
}

TEST(EncodedWord, WhatIsNoneStays) {
    for (const char* text : {"plain", "=?", "=?utf-8", "=?utf-8?", "=?utf-8?Q", "=?utf-8?Q?", "=?utf-8?Q?abc",
                             "=?utf-8?X?abc?=", "=??Q?abc?=", "=?utf 8?Q?abc?=", "?=", "a =? b ?= c"}) {
        EXPECT_EQ(decode_encoded_words(text), text);
    }
}

TEST(EncodedWord, UnfoldsAndGuessesRawBytes) {
    EXPECT_EQ(decode_encoded_words("one\r\n two\n\tthree"), "one two\tthree");
    EXPECT_EQ(decode_encoded_words("gr\xFC\xDF"), "grüß");
    EXPECT_EQ(decode_encoded_words("gr\xC3\xBC\xC3\x9F"), "grüß");
}

TEST(EncodedWord, HostileInputIsLinearAndValid) {
    std::string openings;
    for (int i = 0; i < 200'000; ++i) openings += "=?a?q?x ";
    EXPECT_TRUE(decode_encoded_words(openings) == openings);
    std::string words;
    for (int i = 0; i < 100'000; ++i) words += "=?utf-8?Q?=C3?= ";
    const std::string decoded = decode_encoded_words(words);
    EXPECT_TRUE(base::is_valid_utf8(decoded));
    EXPECT_LE(decoded.size(), 4 * words.size());
    std::string heads;
    for (int i = 0; i < 200'000; ++i) heads += "=?";
    EXPECT_TRUE(decode_encoded_words(heads) == heads);
}

}  // namespace
}  // namespace gatehouse::inspect::mime
