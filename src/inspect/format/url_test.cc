#include "inspect/format/url.h"

#include <gtest/gtest.h>

#include <string>

#include "inspect/format/idna.h"
#include "inspect/format/url_percent.h"

namespace gatehouse::inspect::format {
namespace {

std::string canonical(std::string_view text) {
    const auto url = parse_url(text);
    return url ? url->canonical() : "refused";
}

TEST(Url, IsReadAsBrowsersReadIt) {
    EXPECT_EQ(canonical("http://one.example"), "http://one.example/");
    EXPECT_EQ(canonical("HTTP://ONE.example:80/A/../b?c#d"), "http://one.example/b?c#d");
    EXPECT_EQ(canonical("ht\ntp:\\\\one.example\\x"), "http://one.example/x");
    EXPECT_EQ(canonical("https://o%6Ee.example/%41"), "https://one.example/%41");
    EXPECT_EQ(canonical("mailto:a@b.example"), "mailto:a@b.example");
    EXPECT_EQ(canonical("login.html"), "refused");
    EXPECT_EQ(canonical("http://a b/"), "refused");
    EXPECT_EQ(canonical("http://one.example:99999/"), "refused");
}

TEST(Url, RelativeReferencesCountFromTheBase) {
    const auto base = parse_url("http://one.example/x/y?z");
    ASSERT_TRUE(base.has_value());
    EXPECT_EQ(parse_url("login.html", &*base)->href(), "http://one.example/x/login.html");
    EXPECT_EQ(parse_url("//two.example", &*base)->href(), "http://two.example/");
    EXPECT_EQ(parse_url("?q", &*base)->href(), "http://one.example/x/y?q");
    EXPECT_EQ(parse_url("", &*base)->href(), "http://one.example/x/y?z");
}

TEST(Url, UserinfoIsNoPartOfTheCanonicalForm) {
    const auto url = parse_url("http://www.bank.example:80@two.example/a");
    ASSERT_TRUE(url.has_value());
    EXPECT_EQ(url->username, "www.bank.example");
    EXPECT_EQ(url->host.text, "two.example");
    EXPECT_EQ(url->canonical(), "http://two.example/a");
}

TEST(Url, AddressesInEverySpelling) {
    for (const std::string_view text : {"http://2130706433/", "http://0x7f.1/", "http://0177.0.0.01/",
                                        "http://127.1/", "http://\xEF\xBC\x91\x32\x37.0.0.1/"}) {
        const auto url = parse_url(text);
        ASSERT_TRUE(url.has_value()) << text;
        EXPECT_EQ(url->host.kind, HostKind::ipv4) << text;
        EXPECT_EQ(url->host.text, "127.0.0.1") << text;
        EXPECT_TRUE(url->host.numbers) << text;
    }
    EXPECT_FALSE(parse_url("http://127.0.0.1/")->host.numbers);
    EXPECT_EQ(canonical("http://[0:0::1]/"), "http://[::1]/");
    EXPECT_EQ(canonical("http://256.1.1.1/"), "refused");
}

TEST(Url, NamesInUnicode) {
    EXPECT_EQ(canonical("http://b\xC3\xBC\x63her.example/"), "http://xn--bcher-kva.example/");
    EXPECT_EQ(canonical("http://one\xE3\x80\x82\x65xample/"), "http://one.example/");
    const auto hidden = parse_url("http://o\xC2\xADne.example/");
    ASSERT_TRUE(hidden.has_value());
    EXPECT_EQ(hidden->host.text, "one.example");
    EXPECT_TRUE(hidden->host.invisible);
    EXPECT_EQ(domain_to_unicode("xn--bcher-kva.example"), "b\xC3\xBC\x63her.example");
}

TEST(Url, NamesThatLookLikeOthers) {
    const auto cyrillic = look_of_label("\xD1\x80\xD0\xB0yp\xD0\xB0l");
    EXPECT_FALSE(cyrillic.ascii);
    EXPECT_TRUE(cyrillic.mixed_lookalikes);
    EXPECT_EQ(cyrillic.looks_like, "paypal");
    EXPECT_TRUE(look_of_label("paypal").ascii);
    EXPECT_FALSE(look_of_label("b\xC3\xBC\x63her").mixed_scripts);
    EXPECT_EQ(confusable_skeleton("\xD1\x80\xD0\xB0yp\xD0\xB0l"), confusable_skeleton("paypal"));
}

TEST(Url, WhatIsReadOnceStaysTheSame) {
    for (const std::string_view text : {"http://a/%zz?%", "data:text/html,<b>", "foo://h\x01/",
                                        "http://a//b/./..//c", "file:///C|/x", "a:b"}) {
        const auto url = parse_url(text);
        if (!url) continue;
        const auto again = parse_url(url->href());
        ASSERT_TRUE(again.has_value()) << text;
        EXPECT_EQ(again->href(), url->href());
    }
}

TEST(Url, HugeAndHostileInputEnds) {
    EXPECT_TRUE(parse_url("http://a/" + std::string(1 << 20, '/')).has_value());
    EXPECT_TRUE(parse_url("http://" + std::string(1 << 20, '@') + "a/").has_value());
    EXPECT_FALSE(parse_url("http://\xC3\xBC" + std::string(1 << 20, 'a') + "/").has_value());
    std::string dots = "http://a/";
    for (int i = 0; i < 200'000; ++i) dots += "../x/";
    EXPECT_TRUE(parse_url(dots).has_value());
    EXPECT_FALSE(parse_url(std::string_view("http://\0/", 9)).has_value());
}

TEST(Percent, Decode) {
    EXPECT_EQ(percent_decode("%41%4a%zz%"), "AJ%zz%");
}

}  // namespace
}  // namespace gatehouse::inspect::format
