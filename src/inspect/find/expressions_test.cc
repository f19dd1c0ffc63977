#include "inspect/find/expressions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inspect/find/expression_syntax.h"
#include "inspect/find/office_text.h"

namespace gatehouse::inspect::find {
namespace {

using message::ExpressionList;
using message::ListMatch;
using message::TextField;
using testing::HasSubstr;

constexpr std::uint8_t kEverywhere = 15;

ExpressionList list(std::string name, std::vector<message::Expression> expressions,
                    ListMatch match = ListMatch::any, std::int64_t threshold = 1,
                    std::uint8_t fields = kEverywhere) {
    return {std::move(name), match, threshold, fields, std::move(expressions), {}};
}

message::Expression word(std::string pattern, std::int64_t score = 1, bool case_sensitive = false) {
    return {std::move(pattern), score, case_sensitive, "", {}};
}

Expressions compiled(const std::vector<ExpressionList>& lists) {
    const auto payload = compile_expressions(lists);
    if (!payload) throw std::runtime_error(payload.error().sentence);
    auto loaded = Expressions::load(*payload);
    if (!loaded) throw std::runtime_error(loaded.error().sentence);
    return std::move(*loaded);
}

/// "NAME hits score" of every list that matches a body.
std::vector<std::string> found(const Expressions& expressions, std::string_view body,
                               TextField field = TextField::body) {
    ExpressionScan scan(&expressions);
    scan.add(field, "1", body);
    message::Facts facts;
    scan.finish(facts);
    std::vector<std::string> out;
    for (const auto& item : facts.evidence)
        out.push_back(item.facts.at(0).second + " " + item.facts.at(1).second + " " +
                      item.facts.at(2).second);
    return out;
}

bool matches(std::string pattern, std::string_view text) {
    return !found(compiled({list("x", {word(std::move(pattern))})}), text).empty();
}

TEST(Expressions, AnyAllNoneAndScore) {
    const std::vector words{word("iban", 3), word("swift", 4), word("lottery", -2)};
    const auto expressions =
        compiled({list("any", words), list("all", words, ListMatch::all),
                  list("none", words, ListMatch::none), list("score", words, ListMatch::score, 7)});
    using testing::ElementsAre;
    EXPECT_THAT(found(expressions, "the IBAN, the IBAN"), ElementsAre("any 1 3"));
    EXPECT_THAT(found(expressions, "iban and swift"), ElementsAre("any 2 7", "score 2 7"));
    EXPECT_THAT(found(expressions, "iban swift lottery"), ElementsAre("any 3 5", "all 3 5"));
    EXPECT_THAT(found(expressions, "nothing"), ElementsAre("none 0 0"));
}

TEST(Expressions, AScoreOfNothingIsNoMatch) {
    const auto expressions = compiled({list("x", {word("a")}, ListMatch::score, -5)});
    EXPECT_TRUE(found(expressions, "zzz").empty());
}

TEST(Expressions, OnlyWhereTheListLooks) {
    const auto expressions = compiled({list("subject", {word("secret")}, ListMatch::any, 1, 1)});
    EXPECT_TRUE(found(expressions, "secret", TextField::body).empty());
    EXPECT_EQ(found(expressions, "secret", TextField::subject).size(), 1U);
    const ExpressionScan scan(&expressions);
    EXPECT_FALSE(scan.is_wanted(TextField::attachment));
    EXPECT_TRUE(scan.is_wanted(TextField::subject));
}

TEST(Expressions, LettersAreUnicodes) {
    EXPECT_TRUE(matches("straße", "STRAßE"));
    EXPECT_TRUE(matches("кредит", "КРЕДИТ"));
    EXPECT_TRUE(matches("\\bкредит\\b", "наш Кредит."));
    EXPECT_FALSE(matches("\\bкредит\\b", "кредиты"));
    EXPECT_FALSE(matches("\\bcaf\\b", "café"));
    EXPECT_TRUE(matches("\\bcafé\\b", "un CAFÉ"));
    EXPECT_TRUE(matches("\\b(foo|bar)\\b", "x\nbar"));
    EXPECT_FALSE(matches("\\b(foo|bar)\\b", "foobar"));
    EXPECT_TRUE(matches("\\bone\\b|\\btwo\\b", "(two)"));
    EXPECT_TRUE(matches("foo\\b.bar", "foo bar"));
    EXPECT_TRUE(matches("^invoice", "Dear\nInvoice 7"));
}

TEST(Expressions, CaseAndWordsThatAreTakenApart) {
    const auto exact = compiled({list("x", {word("Secret", 1, true)})});
    EXPECT_TRUE(found(exact, "secret").empty());
    EXPECT_FALSE(found(exact, "a Secret").empty());
    EXPECT_TRUE(matches("password", "pass\xE2\x80\x8Bword"));
    EXPECT_TRUE(matches("password", "pass\xC2\xADword"));
}

TEST(Expressions, BytesThatAreNoTextDoNoHarm) {
    EXPECT_TRUE(matches("secret", "\xFF\xFE secret \xC3"));
    EXPECT_FALSE(matches("secret", std::string(1000, '\xC3')));
}

TEST(Expressions, HostileOnesAreRefusedWithTheirPlace) {
    const auto sentence = [](std::string pattern) {
        auto one = word(std::move(pattern));
        one.place = {"policy.toml", 12};
        const auto payload = compile_expressions(std::vector{list("x", {word("fine"), one})});
        return payload ? std::string() : payload.error().sentence;
    };
    EXPECT_THAT(sentence("(a+"),
                HasSubstr("policy.toml:12: the expression \"(a+\" is refused: Missing close"));
    EXPECT_THAT(sentence("(a)\\1"), HasSubstr("Back-references are unsupported (write several"));
    EXPECT_THAT(sentence("(?=a)b"), HasSubstr("Zero-width assertions are not supported"));
    EXPECT_THAT(sentence("a*"), HasSubstr("found in every text"));
    EXPECT_THAT(sentence("x.{1000,3000}y"), HasSubstr("too large (repeat less"));
    EXPECT_EQ(sentence("(a{1,100}){1,50}"), "");
}

TEST(Expressions, DamagedPayloadsAreRefused) {
    const auto payload = compile_expressions(std::vector{list("x", {word("abc")})});
    ASSERT_TRUE(payload);
    for (std::size_t size = 0; size < payload->size(); size += 7)
        EXPECT_FALSE(Expressions::load(std::string_view(*payload).substr(0, size)));
}

TEST(Expressions, ProgressNamesEachInTurn) {
    std::vector<std::size_t> seen;
    ASSERT_TRUE(compile_expressions(std::vector{list("x", {word("a"), word("b")}), list("y", {word("c")})},
                                    [&](std::size_t next) { seen.push_back(next); }));
    EXPECT_THAT(seen, testing::ElementsAre(0, 1, 2, 3));
}

TEST(ExpressionSyntax, OutermostBoundariesAreTakenOff) {
    using testing::ElementsAre;
    const auto form = [](std::string pattern, bool unicode, bool ends, bool begins, std::uint32_t literal) {
        return ExpressionForm{std::move(pattern), unicode, ends, begins, literal};
    };
    EXPECT_THAT(forms_of("\\bfoo\\b"), ElementsAre(form("foo", true, true, true, 3)));
    EXPECT_THAT(forms_of("\\bcaf\xC3\xA9"), ElementsAre(form("caf\xC3\xA9", true, false, true, 4)));
    EXPECT_THAT(forms_of("a\\.b c"), ElementsAre(form("a\\.b c", true, false, false, 5)));
    EXPECT_THAT(forms_of("(?i)\\bfoo|bar\\b"),
                ElementsAre(form("(?i)foo", true, false, true, 3), form("(?i)bar", true, true, false, 3)));
    EXPECT_THAT(forms_of("\\bfo+\\b"), ElementsAre(form("\\bfo+", false, true, false, 0)));
    EXPECT_THAT(forms_of("\\b\xC3\xA9+\\b"), ElementsAre(form("(?:^|\\W)\xC3\xA9+", true, true, false, 0)));
    EXPECT_THAT(forms_of("foo\\b bar"), ElementsAre(form("foo\\b bar", false, false, false, 0)));
    EXPECT_THAT(forms_of("a|b"), ElementsAre(form("a|b", true, false, false, 0)));
    EXPECT_THAT(forms_of("[\\b]x"), ElementsAre(form("[\\b]x", true, false, false, 0)));
    EXPECT_THAT(forms_of("\\Q\\b\\Ex"), ElementsAre(form("\\Q\\b\\Ex", true, false, false, 0)));
    EXPECT_THAT(forms_of("\\b"), ElementsAre(form("\\b", false, false, false, 0)));
    EXPECT_EQ(forms_of("a\\").size(), 1U);
}

TEST(ExpressionSyntax, WordsEndWhereNoLetterFollows) {
    const std::string_view text =
        "caf\xC3\xA9 \xE2\x80\x9C"
        "iban\xE2\x80\x9D";
    EXPECT_FALSE(is_word_edge(text, 3));
    EXPECT_TRUE(is_word_edge(text, 5));
    EXPECT_TRUE(is_word_edge(text, 9));
    EXPECT_TRUE(is_word_edge(text, 13));
    EXPECT_FALSE(is_word_edge(text, text.size()));
    EXPECT_EQ(step_back(text, 5, 1), 3U);
    EXPECT_EQ(step_back(text, 5, 9), 0U);
}

TEST(OfficeText, ParagraphsRunsAndFields) {
    const auto text = office_text(
        "<?xml version=\"1.0\"?><w:document "
        "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body>"
        "<w:p><w:r><w:t>Con</w:t></w:r><w:r><w:t>fidential &amp; more</w:t></w:r></w:p>"
        "<w:p><w:r><w:instrText>HYPER</w:instrText></w:r><w:r><w:instrText>LINK "
        "\"http://a.example/\"</w:instrText>"
        "</w:r><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t></w:r></w:p>"
        "<w:fldSimple w:instr=\" HYPERLINK &quot;http://b.example/&quot; "
        "\"><w:r><w:t>c</w:t></w:r></w:fldSimple>",
        10'000);
    ASSERT_TRUE(text);
    EXPECT_EQ(text->text, "Confidential & more\na b\nc");
    EXPECT_EQ(text->hidden, "HYPERLINK \"http://a.example/\"\n HYPERLINK \"http://b.example/\" \n");
    EXPECT_FALSE(office_text("<html><body>x</body></html>", 100));
    const auto cut = office_text("<a xmlns=\"urn:oasis:names:tc:opendocument:x\"><text:p>abcdef", 3);
    ASSERT_TRUE(cut);
    EXPECT_EQ(cut->text, "abc");
    EXPECT_TRUE(cut->cut);
}

}  // namespace
}  // namespace gatehouse::inspect::find
