#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "inspect/find/page.h"
#include "inspect/find/style.h"
#include "inspect/find/text_urls.h"
#include "inspect/find/unwrap.h"
#include "inspect/find/url_list.h"

namespace gatehouse::inspect::find {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> in_text(std::string_view text) {
    std::vector<std::string> out;
    for (const auto& url : find_urls(text, 100)) {
        if (!url.defanged) out.push_back(url.url);
    }
    return out;
}

message::Facts of_page(std::string_view html) {
    UrlList list;
    list.enter("1:text/html", true);
    list.add_page(read_page(html, 1 << 20), "");
    message::Facts facts;
    list.finish(facts);
    return facts;
}

std::vector<std::string> canonicals(const message::Facts& facts) {
    std::vector<std::string> out;
    for (const auto& url : facts.urls) out.push_back(url.canonical);
    return out;
}

bool has(const message::Facts& facts, std::string_view id) {
    return std::ranges::find(facts.evidence, id, &message::Evidence::id) != facts.evidence.end();
}

TEST(TextUrls, AsMailProgramsMakeLinks) {
    EXPECT_THAT(in_text("go to http://one.example/a?b=c."), ElementsAre("http://one.example/a?b=c"));
    EXPECT_THAT(in_text("(https://one.example/a_(b))"), ElementsAre("https://one.example/a_(b)"));
    EXPECT_THAT(in_text("www.one.com/x, two.org and three.example/y"),
                ElementsAre("http://www.one.com/x", "http://two.org", "http://three.example/y"));
    EXPECT_THAT(in_text("mail a@one.com, see file readme.txt or build.sh, version 1.2.3"), IsEmpty());
    EXPECT_THAT(in_text("<http://one.example/very/\r\n  long>"), ElementsAre("http://one.example/very/long"));
    EXPECT_THAT(in_text("\xE2\x80\x9Chttp://one.example/\xE2\x80\x9D"), ElementsAre("http://one.example/"));
    EXPECT_THAT(in_text("read:http://one.example/"), ElementsAre("http://one.example/"));
}

TEST(TextUrls, WrittenSoThatProgramsDoNotSeeThem) {
    EXPECT_THAT(in_text("http:\\\\one.example\\x"), ElementsAre("http:\\\\one.example\\x"));
    EXPECT_THAT(in_text("h\xE2\x80\x8Bttp://o\xC2\xADne.example/"), ElementsAre("http://one.example/"));
    EXPECT_THAT(in_text("\xEF\xBD\x88ttp\xEF\xBC\x9A//one\xEF\xBC\x8E\x65xample/"),
                ElementsAre("http://one.example/"));
    for (const std::string_view text :
         {"hxxp://one.example/a", "http://one[.]example/a", "one[dot]com", "hxxps[:]//one(.)com/x"}) {
        const auto found = find_urls(text, 10);
        ASSERT_EQ(found.size(), 1U) << text;
        EXPECT_TRUE(found[0].defanged) << text;
    }
}

TEST(TextUrls, HostileTextIsReadInOneGo) {
    for (const std::string_view piece :
         {"a.", "http:", "http://", "(", "[.]", "www.", ")", "\xE2\x80\x8B", "://"}) {
        std::string text;
        while (text.size() < (2U << 20)) text += piece;
        (void)find_urls(text, 10'000);
        (void)find_urls("http://a/" + text, 10'000);
    }
}

TEST(Invisible, IsTakenOutAndCounted) {
    std::size_t count = 0;
    EXPECT_EQ(without_invisible("pass\xE2\x80\x8Bword \xE2\x80\x8B", &count), "password ");
    EXPECT_EQ(count, 1U);
}

TEST(Page, ShowsWhatAReaderSees) {
    const auto page = read_page(
        "<p>one  two<br>three &amp; f<b>our</b></p><table><tr><td>a<td>b</table>"
        "<pre>x  y</pre><script>no</script><!-- no -->",
        1000);
    EXPECT_EQ(page.text, "one two\nthree & four\na b\nx  y\n");
    EXPECT_EQ(page.hidden, "");
}

TEST(Page, HidesInManyWays) {
    for (const std::string_view html :
         {"<div style='display:none'>secret</div>", "<div style='DISPLAY : /* x */ none'>secret</div>",
          "<span style='font-size:0px'>secret</span>", "<font color=white>secret</font>",
          "<body bgcolor=#000000><p style='color:black'>secret</p>", "<span hidden>secret</span>",
          "<style>.x{display:none}</style><p class='a x'>secret</p>", "<p style='opacity:0'>secret</p>",
          "<div style='position:absolute;left:-9999px'>secret</div>",
          "<p style='text-indent:-999px'>secret</p>",
          "<div style='max-height:0;overflow:hidden'>secret</div>", "<p style='mso-hide:all'>secret</p>",
          "<p style='color:rgba(0,0,0,0)'>secret</p>", "<p style='color:#fefefe'>secret</p>",
          "<div style='visibility:hidden'><b>secret</b></div>"}) {
        const auto page = read_page(html, 1000);
        EXPECT_THAT(page.hidden, testing::HasSubstr("secret")) << html;
        EXPECT_THAT(page.text, testing::Not(testing::HasSubstr("secret"))) << html;
        EXPECT_NE(page.hiding, 0) << html;
    }
    for (const std::string_view html :
         {"<p style='display:none'>a<p>shown", "<b style='font-size:1px'></b>shown", "<font color=red>shown",
          "<td bgcolor=black><font color=white>shown",
          "<div style='font-size:0'><p style='font-size:14px'>shown",
          "<div style='background:url(x.png)'><font color=white>shown",
          "<p style='color:white;background:#123456'>shown"}) {
        EXPECT_THAT(read_page(html, 1000).text, testing::HasSubstr("shown")) << html;
    }
}

TEST(Page, EveryAttributeThatLeadsSomewhere) {
    const auto facts = of_page(
        "<base href='http://b.example/d/'><a href=1>x</a><area href=2><form action=3><button formaction=4>"
        "<iframe src=5></iframe><img srcset='6 1x, 7 2x'><object data=8></object><link href=9>"
        "<body background=10><meta http-equiv=Refresh content='0;URL=\"11\"'><video poster=12></video>"
        "<svg><a xlink:href=13></a></svg><p style=\"background:url('14')\"><style>@import '15'; "
        "p{a:url(16)}</style>"
        "<a href=\"javascript:location='http://b.example/d/17'\">y</a><p "
        "onclick=\"go('http://b.example/d/18')\">"
        "<a ping=19 href='#x'>z</a>");
    const auto found = canonicals(facts);
    for (int i = 1; i <= 19; ++i) EXPECT_THAT(found, Contains("http://b.example/d/" + std::to_string(i)));
    EXPECT_EQ(found.size(), 19U);
}

TEST(Urls, AreCanonicalAndListedOnce) {
    const auto facts =
        of_page("<a href='HTTP://ONE.example.:80/'>x</a> http://one.example/ <a href=rel>y</a>");
    EXPECT_THAT(canonicals(facts), ElementsAre("http://one.example/"));
    EXPECT_EQ(facts.urls[0].host, "one.example");
    EXPECT_EQ(facts.urls[0].where, "1:text/html");
    EXPECT_THAT(canonicals(of_page("<a href='http://4024../x'>x</a>")), ElementsAre("http://4024../x"));
}

TEST(Urls, WhatIsOddIsSaid) {
    EXPECT_TRUE(has(of_page("<a href='http://www.bank.example@two.example/'>x</a>"), "url.userinfo"));
    EXPECT_TRUE(has(of_page("<a href='http://0x7f.1/'>x</a>"), "url.obfuscated"));
    EXPECT_TRUE(has(of_page("<a href='http://two.example/'>www.bank.example</a>"), "url.text_mismatch"));
    EXPECT_FALSE(
        has(of_page("<a href='http://a.two.example/'>http://two.example/x</a>"), "url.text_mismatch"));
    EXPECT_FALSE(has(of_page("<a href='http://two.example/'>click here. Now</a>"), "url.text_mismatch"));
    EXPECT_TRUE(has(of_page("<a href='http://\xD1\x80\xD0\xB0yp\xD0\xB0l.example/'>x</a>"), "url.homograph"));
    EXPECT_FALSE(has(of_page("<a href='http://b\xC3\xBC\x63her.example/'>x</a>"), "url.homograph"));
    EXPECT_TRUE(has(of_page("<a href='http://tw\xE2\x80\x8Bo.example/'>x</a>"), "url.invisible_characters"));
    EXPECT_TRUE(has(of_page("<a href='\\\\one.example\\share'>x</a>"), "url.file_share"));
    EXPECT_TRUE(has(of_page("hxxp://one.example/"), "url.defanged"));
    EXPECT_TRUE(
        has(of_page("<form action='http://one.example/'><input type=password>"), "url.password_form"));
    EXPECT_TRUE(has(of_page("<p style='display:none'>words</p>"), "text.hidden"));
    EXPECT_TRUE(has(of_page("pass\xE2\x80\x8Bword"), "text.invisible_characters"));
}

struct WrappedCase {
    std::string_view url;
    std::string_view inner;
};

TEST(Unwrap, EveryServiceOfTheTable) {
    constexpr std::string_view kTarget = "http://one.example/a?b=c";
    const auto cases = std::to_array<WrappedCase>({
        {"https://eur01.safelinks.protection.outlook.com/?url=http%3A%2F%2Fone.example%2Fa%3Fb%3Dc&data=05",
         kTarget},
        {"https://eur01.safelinks.protection.outlook.com/?a=1&amp;url=http%3A%2F%2Fone.example%2Fa%3Fb%3Dc",
         kTarget},
        {"https://urldefense.proofpoint.com/v1/url?u=http%3A%2F%2Fone.example%2Fa%3Fb%3Dc&k=x", kTarget},
        {"https://urldefense.proofpoint.com/v2/url?u=http-3A__one.example_a-3Fb-3Dc&d=x", kTarget},
        {"https://urldefense.com/v3/__http://one.example/a?b=c__;!!Org!id$", kTarget},
        {"https://urldefense.com/v3/__http://one.example/a*b=c__;Pw!!Org!id$", kTarget},
        {"https://urldefense.us/v3/__http://one.example/**A=c__;YT9i!!Org!id$", "http://one.example/a?=c"},
        {"https://a.ctp.trendmicro.com/wis/clicktime/v1/"
         "query?url=http%3a%2f%2fone.example%2fa%3fb%3dc&umid=1",
         kTarget},
        {"https://linkprotect.cudasvc.com/url?a=http%3a%2f%2fone.example%2fa%3fb%3dc&c=E", kTarget},
        {"https://eu.protection.sophos.com/?d=x&u=aHR0cDovL29uZS5leGFtcGxlL2E_Yj1j", kTarget},
        {"https://protect2.fireeye.com/v1/url?k=1&u=http%3A%2F%2Fone.example%2Fa%3Fb%3Dc", kTarget},
        {"https://urlsand.esvalabs.com/?u=http%3A%2F%2Fone.example%2Fa%3Fb%3Dc&e=1", kTarget},
        {"https://x.r.eu.awstrack.me/L0/http:%2F%2Fone.example%2Fa%3Fb=c/1/2", kTarget},
        {"https://eu.safelink.emails.azure.net/redirect/?destination=http%3A%2F%2Fone.example%2Fa%3Fb%3Dc",
         kTarget},
        {"https://l.wl.co/l?u=http%3A%2F%2Fone.example%2Fa%3Fb%3Dc", kTarget},
        {"https://protect-eu.mimecast.com/s/token?domain=one.example", "http://one.example"},
        {"https://secure-web.cisco.com/1abc/http%3A%2F%2Fone.example%2Fa%3Fb%3Dc", kTarget},
        {"https://clicktime.symantec.com/3abc?u=http%3A%2F%2Fone.example%2Fa%3Fb%3Dc", kTarget},
        {"https://www.google.com/url?sa=t&q=http%3A%2F%2Fone.example%2Fa%3Fb%3Dc", kTarget},
    });
    for (const auto& row : cases) {
        const auto url = format::parse_url(row.url);
        ASSERT_TRUE(url.has_value()) << row.url;
        const auto found = unwrap(*url);
        ASSERT_EQ(found.size(), 1U) << row.url;
        EXPECT_EQ(found[0].url, row.inner) << row.url;
        EXPECT_NE(found[0].wrapper, "") << row.url;
    }
}

TEST(Unwrap, WhateverStandsInAUrl) {
    const auto facts = of_page(
        "<a "
        "href='https://r.example/?u=http%253A%252F%252Fone.example%252F&b=aHR0cDovL3R3by5leGFtcGxlLw#x'>a</a>"
        "<a href='https://web.example/2020/http://three.example/x'>b</a>");
    EXPECT_THAT(canonicals(facts), Contains("http://one.example/"));
    EXPECT_THAT(canonicals(facts), Contains("http://two.example/"));
    EXPECT_THAT(canonicals(facts), Contains("http://three.example/x"));
}

TEST(Unwrap, LayersEnd) {
    std::string url = "http://one.example/";
    for (int i = 0; i < 20; ++i) {
        std::string encoded;
        for (const char c : url)
            encoded += c == ':' ? "%3A" : c == '/' ? "%2F" : c == '%' ? "%25" : std::string(1, c);
        if (encoded.size() > 4000) break;
        url = "https://r.example/?u=" + encoded;
    }
    EXPECT_LE(of_page("<a href='" + url + "'>x</a>").urls.size(), 16U);
}

TEST(Urls, TheListEnds) {
    std::string html;
    for (int i = 0; i < 12'000; ++i) html += "<a href=http://h" + std::to_string(i) + ".example/>x</a>";
    const auto facts = of_page(html);
    EXPECT_EQ(facts.urls.size(), kMaxUrls);
    ASSERT_EQ(facts.coverage.gaps.size(), 1U);
    EXPECT_EQ(facts.coverage.gaps[0].reason, message::GapReason::too_many);
}

}  // namespace
}  // namespace gatehouse::inspect::find
