#include "settings/text/parse.h"

#include <gtest/gtest.h>

namespace gatehouse::settings::text {
namespace {

std::string repeat(std::string_view text, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) out += text;
    return out;
}

std::string sentence(std::string_view toml) {
    const auto parsed = parse(toml, "f.toml");
    return parsed ? "parsed: " + parsed->to_string() : parsed.error().sentence;
}

TEST(Parse, KeepsOrderKindsAndPlaces) {
    const auto tree = parse(
        "z = 1\n"
        "[smtp]\n"
        "listen = [\n"
        "  \"a\",\n"
        "  \"b\",\n"
        "]\n"
        "rate = 1.5\n"
        "[[rule]]\n"
        "on = true\n"
        "[rule.when]\n"
        "any = [\"x\"]\n"
        "[[rule]]\n"
        "on = false\n",
        "f.toml");
    ASSERT_TRUE(tree) << tree.error().sentence;
    EXPECT_EQ(tree->to_string(),
              "{z = 1, smtp = {listen = [\"a\", \"b\"], rate = 1.5}, "
              "rule = [{on = true, when = {any = [\"x\"]}}, {on = false}]}");
    const auto* smtp = tree->find("smtp");
    ASSERT_NE(smtp, nullptr);
    EXPECT_EQ(smtp->place().to_string(), "f.toml:2");
    EXPECT_EQ(smtp->find("listen")->place().line, 3U);
    EXPECT_EQ(smtp->find("listen")->array()->at(1).place().line, 5U);
    const auto& rules = *tree->find("rule")->array();
    EXPECT_EQ(rules.at(0).place().line, 8U);
    EXPECT_EQ(rules.at(1).place().line, 12U);
    EXPECT_EQ(rules.at(0).find("when")->place().line, 10U);
}

TEST(Parse, DatesMustStandInQuotes) {
    for (const std::string date : {"1979-05-27T07:32:00Z", "1979-05-27", "07:32:00"}) {
        EXPECT_EQ(sentence("a = 1\nb = " + date), "f.toml:2: a date or time must stand in quotes");
    }
    EXPECT_EQ(sentence("a = \"1979-05-27\""), "parsed: {a = \"1979-05-27\"}");
}

TEST(Parse, EmptyTextIsAnEmptyTable) {
    EXPECT_EQ(sentence(""), "parsed: {}");
    EXPECT_EQ(sentence("\n# nothing\n"), "parsed: {}");
}

TEST(Parse, SyntaxErrorsNameFileLineAndColumn) {
    EXPECT_EQ(sentence("a = 1\nb = \"x\n").substr(0, 11), "f.toml:2:7:");
    EXPECT_EQ(sentence("a = 1\na = 2").substr(0, 11), "f.toml:2:5:");
    EXPECT_EQ(sentence("[a\n").substr(0, 9), "f.toml:1:");
    EXPECT_EQ(sentence("a = 1 b = 2").substr(0, 11), "f.toml:1:7:");
    EXPECT_EQ(sentence("\n\nx = {a = 1, a = 2}").substr(0, 9), "f.toml:3:");
    const auto parsed = parse("a =", "f.toml");
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().fault, base::Fault::usage);
    EXPECT_EQ(parsed.error().sentence.find('\n'), std::string::npos);
}

TEST(Parse, HostileBytesAreErrors) {
    for (const std::string_view text :
         {std::string_view("a = \"\xff\""), std::string_view("\0", 1), std::string_view("a = \"\x01\""),
          std::string_view("\xef\xbb"), std::string_view("a = 1\rb = 2"),
          std::string_view("x = 99999999999999999999"), std::string_view("x = 1e999"), std::string_view("'"),
          std::string_view("\"\"\""), std::string_view("\"\\")}) {
        EXPECT_FALSE(parse(text, "f.toml")) << text;
    }
}

TEST(Parse, DepthIsBounded) {
    EXPECT_TRUE(parse("a=" + repeat("[", 31) + repeat("]", 31), "f.toml"));
    for (const std::string& deep : {
             "a=" + repeat("[", 33) + repeat("]", 33),
             "a=" + repeat("[", 100'000),
             repeat("a.", 500'000) + "b = 1",
             "[" + repeat("a.", 500'000) + "b]",
             "x = {" + repeat("a . ", 1000) + "b = 1}",
             repeat("\"a\".", 100'000) + "b = 1",
             "a=" + repeat("{b=", 500) + "1" + repeat("}", 500),
             "[" + repeat("a.", 20) + "b]\nx = " + repeat("[", 20) + repeat("]", 20),
         }) {
        const auto parsed = parse(deep, "f.toml");
        ASSERT_FALSE(parsed);
        EXPECT_EQ(parsed.error().fault, base::Fault::limit) << parsed.error().sentence;
        EXPECT_EQ(parsed.error().sentence.substr(0, 7), "f.toml:");
    }
}

TEST(Parse, DotsInStringsAndCommentsAreNoDepth) {
    const std::string dots = repeat(".", 200);
    EXPECT_TRUE(parse("a = \"" + dots + "\"\n# " + dots + "\nb = '" + dots + "'", "f.toml"));
    EXPECT_TRUE(parse("a = \"\"\"\n" + dots + "\\\"\"\"\" \nb = '''" + dots + "'''\n", "f.toml"));
    EXPECT_TRUE(parse("a = [" + repeat("\"x.y.z\", 1.5, ", 100) + "]", "f.toml"));
    EXPECT_TRUE(parse("a = \"it's [[[[\"\nb = 'say \"{{{{'\n", "f.toml"));
}

TEST(Parse, SizeIsBounded) {
    EXPECT_TRUE(parse("#" + std::string(kMaxText - 1, 'x'), "f.toml"));
    const auto parsed = parse(std::string(kMaxText + 1, '\n'), "f.toml");
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().fault, base::Fault::limit);
}

TEST(Parse, ManySmallThingsAreFine) {
    EXPECT_TRUE(parse(repeat("[[a]]\n", 100'000), "f.toml"));
    std::string keys;
    for (int i = 0; i < 50'000; ++i) keys += "k" + std::to_string(i) + "=" + std::to_string(i) + "\n";
    const auto tree = parse(keys, "f.toml");
    ASSERT_TRUE(tree);
    EXPECT_EQ(tree->table()->size(), 50'000U);
    EXPECT_EQ(tree->table()->back().second.place().line, 50'000U);
}

}  // namespace
}  // namespace gatehouse::settings::text
