#include "inspect/format/html.h"

#include <gtest/gtest.h>

#include <string>

#include "inspect/format/public_suffix.h"

namespace gatehouse::inspect::format {
namespace {

/// "text(a) start(p) ..." with attributes as name=value.
std::string read(std::string_view html) {
    std::string out;
    HtmlReader reader(html);
    HtmlToken token;
    while (reader.next(token)) {
        switch (token.kind) {
            case HtmlKind::text:
                out += "text(" + std::string(token.text) + ")";
                break;
            case HtmlKind::start:
                out += "start(";
                for (const auto& a : reader.attributes())
                    out += std::string(a.label) + "=" + std::string(a.value) + ",";
                out += ")";
                break;
            case HtmlKind::end:
                out += "end()";
                break;
            case HtmlKind::raw:
                out += "raw(" + std::string(token.text) + ")";
                break;
            case HtmlKind::comment:
                out += "comment()";
                break;
        }
    }
    return out;
}

std::string decoded(std::string_view text, bool in_attribute) {
    std::string out;
    append_html_text(out, text, in_attribute);
    return out;
}

TEST(Html, TagsAndText) {
    EXPECT_EQ(read("a<P Class=x>b</p>"), "text(a)start(Class=x,)text(b)end()");
    EXPECT_EQ(read("<a href='x y' id=\"z\"k>"), "start(href=x y,id=z,k=,)");
    EXPECT_EQ(read("<a/href = u/v >"), "start(href=u/v,)");
    EXPECT_EQ(read("1 < 2 <3"), "text(1 )text(< 2 )text(<3)");
    EXPECT_EQ(read("<a href=\"x"), "start(href=x,)") << "never ended";
    EXPECT_EQ(read("<img src=\"a>b\">c"), "start(src=a>b,)text(c)");
}

TEST(Html, CommentsAreNoContentButConditionalOnesAre) {
    EXPECT_EQ(read("<!-- <a href=x> -->b"), "comment()text(b)");
    EXPECT_EQ(read("<!--[if mso]><a href=x><![endif]-->"), "comment()start(href=x,)comment()");
    EXPECT_EQ(read("<!--><a href=x>"), "comment()start(href=x,)");
    EXPECT_EQ(read("<!-- open <a href=x>"), "comment()text( open )start(href=x,)");
    EXPECT_EQ(read("<!doctype html><?xml?></ x>b"), "comment()comment()comment()text(b)");
}

TEST(Html, RawText) {
    EXPECT_EQ(read("<script>a<b></SCRIPT >c"), "start()raw(a<b>)end()text(c)");
    EXPECT_EQ(read("<title>a&amp;b</title>"), "start()text(a&amp;b)end()");
    EXPECT_EQ(read("<style>never <b>"), "start()text(never )start()") << "no end: it is read as markup";
}

TEST(Html, References) {
    EXPECT_EQ(decoded("&lt;&#65;&#x42;&#x43;&amp;&period;&Tab;", false), "<ABC&.\t");
    EXPECT_EQ(decoded("&ampx &notit;", false), "&x \xC2\xACit;");
    EXPECT_EQ(decoded("?a=1&copy=2&amp=3&lt;", true), "?a=1&copy=2&amp=3<");
    EXPECT_EQ(decoded("&#0;&#xD800;&#999999999999;&#x80;", false),
              "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xE2\x82\xAC");
    EXPECT_EQ(decoded("&;&#;&#x;&zzz;", false), "&;&#;&#x;&zzz;");
}

TEST(Html, HostileInputIsReadInOneGo) {
    std::string scripts;
    std::string comments;
    std::string quotes;
    for (int i = 0; i < 100'000; ++i) {
        scripts += "<script></";
        comments += "<!--";
        quotes += "<a b=\"";
    }
    EXPECT_FALSE(read(scripts).empty());
    EXPECT_FALSE(read(comments).empty());
    EXPECT_FALSE(read(quotes).empty());
    EXPECT_FALSE(read("<a " + std::string(1 << 20, 'x') + " " + std::string(1 << 20, '=')).empty());
}

TEST(PublicSuffix, RegistrableDomains) {
    EXPECT_EQ(registrable_domain("www.One.co.uk."), "one.co.uk");
    EXPECT_EQ(registrable_domain("co.uk"), "");
    EXPECT_EQ(registrable_domain("a.b.unlisted"), "b.unlisted");
    EXPECT_EQ(registrable_domain("127.0.0.1"), "");
    EXPECT_EQ(registrable_domain(""), "");
    EXPECT_TRUE(has_known_top_level("one.example.com"));
    EXPECT_FALSE(has_known_top_level("readme.txt"));
}

}  // namespace
}  // namespace gatehouse::inspect::format
