#include "receive/smtp/path.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace gatehouse::receive::smtp {
namespace {

/// The path read, or "-CODE"; what follows it stays.
std::string read(std::string_view text) {
    const auto parsed = parse_path(text);
    if (!parsed) return "-" + std::to_string(parsed.error().code);
    std::string out = parsed->path.to_string();
    if (parsed->path.is_null()) out = "null";
    if (parsed->has_route) out += " routed";
    if (parsed->is_eight_bit) out += " 8bit";
    if (!text.empty()) out += " then" + std::string(text);
    return out;
}

TEST(Path, ReadsMailboxes) {
    EXPECT_EQ(read("<>"), "null");
    EXPECT_EQ(read("<a@b>"), "a@b");
    EXPECT_EQ(read("<first.last+tag@sub.example.com> SIZE=1"), "first.last+tag@sub.example.com then SIZE=1");
    EXPECT_EQ(read("<!#$%&'*+-/=?^_`{|}~@iana.org>"), "!#$%&'*+-/=?^_`{|}~@iana.org");
    EXPECT_EQ(read("<Postmaster>"), "Postmaster");
    EXPECT_EQ(read("<a@1.2.3.4>"), "a@1.2.3.4");
    EXPECT_EQ(read("<a@under_score.example>"), "a@under_score.example");
    EXPECT_EQ(read("<a@xn--hxajbheg2az3al.xn--jxalpdlp>"), "a@xn--hxajbheg2az3al.xn--jxalpdlp");
}

TEST(Path, ReadsQuotedLocalParts) {
    EXPECT_EQ(read(R"(<"a b"@x.test>)"), R"("a b"@x.test)");
    EXPECT_EQ(read(R"(<""@x.test>)"), R"(""@x.test)");
    EXPECT_EQ(read(R"(<"a\"b\\"@x.test>)"), R"("a\"b\\"@x.test)");
    EXPECT_EQ(read(R"(<"a@b"@x.test>)"), R"("a@b"@x.test)");
    EXPECT_EQ(read(R"(<"a>b"@x.test>)"), R"("a>b"@x.test)");
    for (const char* bad : {R"(<"a@x.test>)", R"(<"a\"@x.test>)", R"(<"""@x.test>)", R"(<"a"b@x.test>)",
                            R"(<a"b"@x.test>)", R"(<"a"."b"@x.test>)", "<\"a\tb\"@x.test>",
                            "<\"a\\\x01\"@x.test>", "<\"\\\xc3\xa9\"@x.test>", R"(<")", R"(<"\)"}) {
        EXPECT_EQ(read(bad), "-501") << bad;
    }
}

TEST(Path, ReadsAddressLiterals) {
    EXPECT_EQ(read("<a@[192.0.2.1]>"), "a@[192.0.2.1]");
    EXPECT_EQ(read("<a@[IPv6:2001:db8::1]>"), "a@[IPv6:2001:db8::1]");
    EXPECT_EQ(read("<a@[ipv6:::1]>"), "a@[ipv6:::1]");
    for (const char* bad :
         {"<a@[192.0.2.256]>", "<a@[2001:db8::1]>", "<a@[IPv6:192.0.2.1]>", "<a@[]>", "<a@[192.0.2.1>",
          "<a@192.0.2.1]>", "<a@[x400:c=us]>", "<a@[192.0.2.1]b>", "<a@b[192.0.2.1]>"}) {
        EXPECT_EQ(read(bad), "-501") << bad;
    }
}

TEST(Path, StripsSourceRoutes) {
    EXPECT_EQ(read("<@a.test:user@c.test>"), "user@c.test routed");
    EXPECT_EQ(read("<@a.test,@[192.0.2.1]:user@c.test>"), "user@c.test routed");
    for (const char* bad : {"<@a.test>", "<@a.test,user@c.test>", "<@a.test:>", "<@:user@c.test>",
                            "<@a.test:@b.test:u@c>", "<@a.test,,@b.test:u@c>", "<@a.test b@c>", "<@"}) {
        EXPECT_EQ(read(bad), "-501") << bad;
    }
}

TEST(Path, RefusesBrokenOnes) {
    for (const char* bad :
         {"",         "a@b",          "<",        "<a",      "<a@",       "<a@b",     "<@b>",
          "<a@>",     "< a@b>",       "<a@b >",   "<a @b>",  "<a@ b>",    "<a@@b>",   "<a@b@c>",
          "<.a@b>",   "<a.@b>",       "<a..b@c>", "<a@.b>",  "<a@b.>",    "<a@b..c>", "<a@-b>",
          "<a@b->",   "<a(x)@b>",     "<a@b,c>",  "<a@b/c>", "<a\\@b@c>", "<a@b\n>",  "<a\r@b>",
          "<\x01@b>", "<a@\x7f.org>", "<a;b@c>",  "<a<b@c>", "<a@b:c>",   "<[a]@b>"}) {
        EXPECT_EQ(read(bad), "-501") << bad;
    }
    EXPECT_EQ(read(std::string_view("<a\0b@c>", 7)), "-501");
}

TEST(Path, KnowsUtf8) {
    EXPECT_EQ(read("<j\xc3\xbcrgen@sender.test>"), "j\xc3\xbcrgen@sender.test 8bit");
    EXPECT_EQ(read("<a@b\xc3\xbc\x63her.test>"), "a@b\xc3\xbc\x63her.test 8bit");
    EXPECT_EQ(read("<\"\xe2\x82\xac\"@b.test>"), "\"\xe2\x82\xac\"@b.test 8bit");
    for (const char* bad : {"<\xff@b.test>", "<\xc3@b.test>", "<a@\xc0\xaf.test>", "<\xed\xa0\x80@b.test>"}) {
        EXPECT_EQ(read(bad), "-501") << bad;
    }
}

TEST(Path, HasLimits) {
    const std::string label(63, 'd');
    EXPECT_NE(read("<" + std::string(255, 'l') + "@x.test>"), "-501");
    EXPECT_EQ(read("<" + std::string(256, 'l') + "@x.test>"), "-501");
    EXPECT_NE(read("<a@" + label + ".test>"), "-501");
    EXPECT_EQ(read("<a@" + label + "d.test>"), "-501");
    const std::string longest = label + "." + label + "." + label + "." + label;
    EXPECT_NE(read("<a@" + longest + ">"), "-501");
    EXPECT_EQ(read("<a@" + longest + ".d>"), "-501");
    std::string routed = "<";
    for (int i = 0; i < 100; ++i) routed += "@a.test,";
    EXPECT_EQ(read(routed + "@a.test:u@c.test>"), "-501");
}

TEST(Path, KnowsDomains) {
    EXPECT_TRUE(is_domain("example.com"));
    EXPECT_TRUE(is_domain("localhost"));
    for (const char* bad :
         {"", ".", "a.", ".a", "a b", "a..b", "-a", "a-", "*.a", "a@b", "[1.2.3.4]", "a:b"}) {
        EXPECT_FALSE(is_domain(bad)) << bad;
    }
}

// --- the isemail suite of the shared vectors
// ------------------------------------------------------------------

struct Case {
    std::string address;
    std::string category;
    std::string diagnosis;
};

std::string between(const std::string& text, const std::string& tag) {
    const auto start = text.find("<" + tag + ">");
    const auto end = text.find("</" + tag + ">");
    if (start == std::string::npos || end == std::string::npos) return {};
    return text.substr(start + tag.size() + 2, end - start - tag.size() - 2);
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
        text.replace(at, what.size(), with);
    }
}

/// Character references, and the pictures U+2400.. that the suite writes for control characters.
std::string decode(std::string text) {
    replace_all(text, "&lt;", "<");
    replace_all(text, "&gt;", ">");
    replace_all(text, "&quot;", "\"");
    for (int code = 0; code < 0x20; ++code) {
        const char real = static_cast<char>(code);
        replace_all(text, fmt::format("&#x24{:02X};", code), std::string_view(&real, 1));
    }
    replace_all(text, "&#x7F;", "\x7f");
    replace_all(text, "&#x7f;", "\x7f");
    replace_all(text, "&#xA9;", "\xc2\xa9");
    replace_all(text, "&amp;", "&");
    EXPECT_EQ(text.find("&#"), std::string::npos) << text;
    return text;
}

std::vector<Case> read_cases(const std::filesystem::path& file) {
    std::ifstream stream(file);
    std::stringstream whole;
    whole << stream.rdbuf();
    const std::string text = whole.str();
    std::vector<Case> out;
    for (auto at = text.find("<test "); at != std::string::npos; at = text.find("<test ", at + 1)) {
        const std::string one = text.substr(at, text.find("</test>", at) - at);
        out.push_back({decode(between(one, "address")), between(one, "category"), between(one, "diagnosis")});
    }
    return out;
}

TEST(Path, JudgesTheIsemailSuite) {
    const char* named = std::getenv("GATEHOUSE_SHARED");
    const std::filesystem::path shared = named != nullptr ? named : GATEHOUSE_SOURCE_ROOT "/../shared";
    const auto folder = shared / "vectors/address";
    if (!std::filesystem::exists(folder / "tests.xml")) GTEST_SKIP() << "no " << folder;
    std::size_t judged = 0;
    for (const char* name : {"tests.xml", "tests-original.xml"}) {
        const auto cases = read_cases(folder / name);
        ASSERT_GT(cases.size(), 100U);
        for (const auto& one : cases) {
            const bool is_refused = read("<" + one.address + ">").starts_with('-') || one.address.empty() ||
                                    one.address.find('@') == std::string::npos;
            const bool is_good =
                one.category == "ISEMAIL_VALID_CATEGORY" || one.category == "ISEMAIL_RFC5321";
            const bool is_bad = one.category == "ISEMAIL_ERR" || one.category == "ISEMAIL_CFWS";
            if (!is_good && !is_bad) continue;
            EXPECT_EQ(is_refused, is_bad) << one.address << " " << one.diagnosis;
            ++judged;
        }
    }
    EXPECT_GT(judged, 200U);
}

}  // namespace
}  // namespace gatehouse::receive::smtp
