#include "inspect/mime/decode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatehouse::inspect::mime {
namespace {

using namespace std::string_view_literals;
using enum AnomalyKind;
constexpr std::size_t kPlenty = 1 << 20;

std::vector<AnomalyKind> kinds(AnomalySet set) {
    std::vector<AnomalyKind> out;
    set.for_each([&](AnomalyKind kind) { out.push_back(kind); });
    return out;
}

struct Case {
    std::string_view text;
    std::string_view bytes;
    std::vector<AnomalyKind> anomalies;
};

TEST(Base64, CleanForms) {  // RFC 4648 section 10
    const std::vector<Case> cases = {
        {"", "", {}},
        {"Zg==", "f", {}},
        {"Zm8=", "fo", {}},
        {"Zm9v", "foo", {}},
        {"Zm9vYg==", "foob", {}},
        {"Zm9vYmE=", "fooba", {}},
        {"Zm9vYmFy\r\n", "foobar", {}},
        {"\r\n\r\nZm9v\r\nYmFy\r\n\r\n", "foobar", {}},
        {"Zm9v\nYg==\n", "foob", {}},
        {"AAD/", "\0\0\xFF"sv, {}},
        {"+/+/", "\xFB\xFF\xBF", {}},
    };
    for (const Case& entry : cases) {
        const Decoded decoded = decode_base64(entry.text, kPlenty);
        EXPECT_EQ(decoded.bytes, entry.bytes) << entry.text;
        EXPECT_TRUE(decoded.complete);
        EXPECT_EQ(kinds(decoded.anomalies), entry.anomalies) << entry.text;
    }
}

TEST(Base64, LenientForms) {
    const std::vector<Case> cases = {
        {"Zm9", "fo", {base64_truncated}},
        {"Zg=", "f", {base64_truncated}},
        {"Zm9vY", "foo", {base64_truncated}},
        {"Zm.9v", "foo", {base64_junk}},
        {"Zm9v!YmFy", "foobar", {base64_junk}},
        {"Zm9v\0YmFy"sv, "foobar", {base64_junk}},
        {"\xE9Zm9v", "foo", {base64_junk}},
        {"Z m9v", "foo", {base64_split_group}},
        {"Z\r\nm\r\n9\r\nv\r\n", "foo", {base64_split_group}},
        {"Zg==Zg==", "ff", {base64_data_after_padding}},
        {"Zm8=Zm8=\r\n", "fofo", {base64_data_after_padding}},
        {"====Zm9v", "foo", {base64_stray_padding}},
        {"Zm9v====Zm9v", "foofoo", {base64_stray_padding}},
        {"Zm9v=", "foo", {base64_truncated}},
        {"Zg==\r\n____\r\nlist footer!\r\n", "f", {base64_text_after_end}},
        {"=", "", {base64_truncated}},
    };
    for (const Case& entry : cases) {
        const Decoded decoded = decode_base64(entry.text, kPlenty);
        const bool footer = entry.anomalies == std::vector{base64_text_after_end};
        if (footer) {
            EXPECT_TRUE(decoded.bytes.starts_with(entry.bytes));
            EXPECT_TRUE(decoded.anomalies.contains(base64_text_after_end));
            EXPECT_FALSE(decoded.anomalies.contains(base64_data_after_padding));
            continue;
        }
        EXPECT_EQ(decoded.bytes, entry.bytes) << entry.text;
        EXPECT_EQ(kinds(decoded.anomalies), entry.anomalies) << entry.text;
    }
}

TEST(Base64, StopsAtTheLimit) {
    const std::string text = "Zm9vYmFyZm9vYmFy";
    for (std::size_t limit = 0; limit < 12; ++limit) {
        const Decoded decoded = decode_base64(text, limit);
        EXPECT_EQ(decoded.bytes, std::string("foobarfoobar").substr(0, limit));
        EXPECT_FALSE(decoded.complete);
        EXPECT_TRUE(decoded.anomalies.contains(decoded_too_large));
    }
    EXPECT_TRUE(decode_base64(text, 12).complete);
    EXPECT_TRUE(decode_base64("", 0).complete);
}

TEST(Base64, EveryByteAndLength) {
    static constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string bytes;
    for (int i = 0; i < 300; ++i) {
        std::string text;
        for (std::size_t at = 0; at < bytes.size(); at += 3) {
            unsigned bits = 0;
            const std::size_t have = std::min<std::size_t>(3, bytes.size() - at);
            for (std::size_t k = 0; k < 3; ++k) {
                bits = bits << 8 | (k < have ? static_cast<unsigned char>(bytes[at + k]) : 0U);
            }
            for (std::size_t k = 0; k < 4; ++k)
                text += k <= have ? kAlphabet[bits >> (18 - 6 * k) & 63U] : '=';
            if (text.size() % 78 == 76) text += "\r\n";
        }
        const Decoded decoded = decode_base64(text, kPlenty);
        ASSERT_EQ(decoded.bytes, bytes);
        ASSERT_TRUE(decoded.anomalies.is_empty());
        bytes += static_cast<char>(i * 7);
    }
}

TEST(QuotedPrintable, CleanForms) {
    const std::vector<Case> cases = {
        {"", "", {}},
        {"plain text\r\n", "plain text\r\n", {}},
        {"gr=C3=BC=C3=9F=\r\ne\r\n",
         "gr\xC3\xBC\xC3\x9F"
         "e\r\n",
         {}},
        {"=3D=3d", "==", {}},
        {"a= \t\r\nb", "ab", {}},
        {"a=\nb", "ab", {}},
        {"a=\rb", "ab", {}},
        {"trailing \t \r\nx", "trailing\r\nx", {}},
        {"kept=20\r\n", "kept \r\n", {}},
        {"end=", "end", {}},
        {"end  ", "end  ", {}},
        {"=00=FF", "\0\xFF"sv, {}},
    };
    for (const Case& entry : cases) {
        const Decoded decoded = decode_quoted_printable(entry.text, kPlenty);
        EXPECT_EQ(decoded.bytes, entry.bytes) << entry.text;
        EXPECT_EQ(kinds(decoded.anomalies), entry.anomalies) << entry.text;
    }
}

TEST(QuotedPrintable, BrokenEscapesStandForThemselves) {
    const std::vector<Case> cases = {
        {"a=b", "a=b", {qp_split_escape}},      {"href=\"x\"", "href=\"x\"", {qp_bad_escape}},
        {"x=http", "x=http", {qp_bad_escape}},  {"=5=\r\n8", "=58", {qp_bad_escape}},
        {"=\t=58", "=\tX", {qp_split_escape}},  {"=0x35", "=0x35", {qp_split_escape}},
        {"==41", "=A", {qp_split_escape}},      {"=0=41", "=0A", {qp_split_escape}},
        {"=====\r\n", "====", {qp_bad_escape}}, {"===== \r\n", "====", {qp_bad_escape}},
    };
    for (const Case& entry : cases) {
        const Decoded decoded = decode_quoted_printable(entry.text, kPlenty);
        EXPECT_EQ(decoded.bytes, entry.bytes) << entry.text;
        EXPECT_FALSE(decoded.anomalies.is_empty()) << entry.text;
    }
    EXPECT_TRUE(decode_quoted_printable("=5=\r\n8", kPlenty).anomalies.has(Weight::ambiguous));
    EXPECT_TRUE(decode_quoted_printable("=\t=58", kPlenty).anomalies.has(Weight::ambiguous));
    EXPECT_TRUE(decode_quoted_printable("=0x35", kPlenty).anomalies.has(Weight::ambiguous));
    EXPECT_TRUE(decode_quoted_printable("==41", kPlenty).anomalies.has(Weight::ambiguous));
    EXPECT_FALSE(decode_quoted_printable("href=\"x\"", kPlenty).anomalies.has(Weight::ambiguous));
    EXPECT_FALSE(decode_quoted_printable("=====\r\n", kPlenty).anomalies.has(Weight::ambiguous));
}

TEST(QuotedPrintable, StopsAtTheLimit) {
    for (std::size_t limit = 0; limit < 5; ++limit) {
        const Decoded decoded = decode_quoted_printable("a=62c=64e", limit);
        EXPECT_EQ(decoded.bytes, std::string("abcde").substr(0, limit));
        EXPECT_FALSE(decoded.complete);
        EXPECT_TRUE(decoded.anomalies.contains(decoded_too_large));
    }
    EXPECT_TRUE(decode_quoted_printable("a=62c=64e", 5).complete);
}

TEST(QuotedPrintable, HostileInputIsLinear) {
    EXPECT_EQ(decode_quoted_printable(std::string(1'000'000, '='), kPlenty).bytes.size(), 999'999U);
    decode_quoted_printable(std::string(1'000'000, ' '), kPlenty);
    decode_quoted_printable(std::string(1'000'000, '\r'), kPlenty);
}

TEST(Uuencode, Decodes) {
    const std::string text = "begin 644 cat.txt\r\n#0V%T\r\n`\r\nend\r\n";
    const Decoded decoded = decode_uuencode(text, kPlenty);
    EXPECT_EQ(decoded.bytes, "Cat");
    EXPECT_TRUE(decoded.anomalies.is_empty());
    const Decoded longer = decode_uuencode(
        "See below.\n\nbegin 644 wikipedia-url.txt\n::'1T<#HO+W=W=RYW:6MI<&5D:6$N;W)G#0H\n`\nend\n", kPlenty);
    EXPECT_EQ(longer.bytes, "http://www.wikipedia.org\r\n");
}

TEST(Uuencode, BrokenForms) {
    EXPECT_TRUE(decode_uuencode("begin 644 x\n#0V%T\n", kPlenty).anomalies.contains(uu_malformed))
        << "no end";
    EXPECT_EQ(decode_uuencode("begin 644 x\n#0V%T\n", kPlenty).bytes, "Cat");
    EXPECT_TRUE(decode_uuencode("#0V%T\n", kPlenty).anomalies.contains(uu_malformed)) << "no begin";
    EXPECT_EQ(decode_uuencode("begin 644 x\n#0V%\n`\nend\n", kPlenty).bytes.size(), 3U)
        << "lost trailing blank";
    const Decoded cut = decode_uuencode("begin 644 x\n#0V%T\n#0V%T\n`\nend\n", 4);
    EXPECT_FALSE(cut.complete);
    EXPECT_LE(cut.bytes.size(), 4U);
}

TEST(Uuencode, FindsFilesInText) {
    const std::string text =
        "Hi, begin 644 is no file.\r\nbegin 644 a b.exe\r\n#0V%T\r\n`\r\nend\r\nmore\r\nbegin 600 "
        "two\r\n#0V%T\r\nend\r\n";
    const auto files = find_uuencoded(text, 10);
    ASSERT_EQ(files.size(), 2U);
    EXPECT_EQ(files[0].name, "a b.exe");
    EXPECT_EQ(files[1].name, "two");
    EXPECT_EQ(
        decode_uuencode(std::string_view(text).substr(files[0].begin, files[0].end - files[0].begin), kPlenty)
            .bytes,
        "Cat");
    EXPECT_EQ(find_uuencoded(text, 1).size(), 1U);
    EXPECT_TRUE(
        find_uuencoded("begin 644 of a story\r\nthat goes on as TEXT in lower case letters\r\n", 10).empty());
}

TEST(QuotedPrintable, DoubtfulEscapesAreMended) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"a=b", "a=b"},
        {"x=4\r\n1", "x=41"},
        {"x=4\n1", "x=41"},
        {"x= y", "xy"},
        {"x= \r\ny", "x= \r\ny"},
        {"==41", "=41"},
        {"=0x41", "=41"},
        {"=3D==3D=", "=3D=3D="},
        {"=41=\r\n", "=41=\r\n"},
        {"=4\r\nx", "=4\r\nx"},
        {"=", "="},
        {"= ", "= "},
        {"", ""},
        {"==", "=="},
    };
    for (const auto& [text, mended] : cases) EXPECT_EQ(mend_escapes(text), mended) << text;
}

TEST(Base64, JunkIsFound) {
    EXPECT_EQ(find_base64_junk("Zm9v YmFy=\r\n"), std::string_view::npos);
    EXPECT_EQ(find_base64_junk("Zm9v-"), 4U);
    EXPECT_EQ(find_base64_junk(""), std::string_view::npos);
}

TEST(Yenc, IsFoundAndDecodedInText) {
    std::string shifted;
    for (const char c : std::string_view("MZ\0=\x13 end", 9)) {
        const auto up = static_cast<char>(static_cast<unsigned char>(c) + 42);
        if (up == '=' || up == '\0' || up == '\n' || up == '\r') {
            shifted += '=';
            shifted += static_cast<char>(static_cast<unsigned char>(up) + 64);
        } else {
            shifted += up;
        }
    }
    const auto file = "=ybegin line=128 size=9 name=a b.exe\r\n" + shifted + "\r\n=yend size=9\r\n";
    const auto text = "Hello\r\n" + file + "bye =ybegin no\r\n" + file;
    const auto found = find_yenc(text, 10);
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].name, "a b.exe");
    const auto first = std::string_view(text).substr(found[0].begin, found[0].end - found[0].begin);
    EXPECT_EQ(decode_yenc(first, 100).bytes, std::string_view("MZ\0=\x13 end", 9));
    EXPECT_TRUE(decode_yenc(first, 100).complete);
    EXPECT_EQ(decode_yenc(first, 2).bytes, "MZ");
    EXPECT_FALSE(decode_yenc(first, 2).complete);
    EXPECT_EQ(find_yenc(text, 1).size(), 1U);
}

}  // namespace
}  // namespace gatehouse::inspect::mime
