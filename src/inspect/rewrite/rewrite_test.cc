#include "inspect/rewrite/rewrite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "inspect/mime/encoded_word.h"
#include "inspect/mime/parser.h"
#include "inspect/rewrite/authserv_id.h"

namespace gatehouse::inspect::rewrite {
namespace {

using message::HeaderEdit;
using message::RewritePlan;
using Kind = HeaderEdit::Kind;

std::string apply(std::string_view raw, std::vector<HeaderEdit> edits) {
    const auto done = rewrite(raw, {std::move(edits)});
    EXPECT_TRUE(done) << done.error().sentence;
    return done->header + std::string(done->body);
}

HeaderEdit remove(std::string name) {
    return {Kind::remove_named, std::move(name), ""};
}
HeaderEdit prefix(std::string text) {
    return {Kind::prefix_subject, "", std::move(text)};
}
HeaderEdit append(std::string name, std::string text) {
    return {Kind::append, std::move(name), std::move(text)};
}

TEST(Rewrite, RemovesFieldsWithTheirFolding) {
    EXPECT_EQ(apply("A: 1\r\nX-Spam: a\r\n b\r\n\tc\r\nB: 2\r\n\r\nX-Spam: body\r\n", {remove("x-spam")}),
              "A: 1\r\nB: 2\r\n\r\nX-Spam: body\r\n");
    EXPECT_EQ(apply("X: 1\nA: 2\nX: 3\n 4\n\nbody\n", {remove("X")}), "A: 2\n\nbody\n");
    EXPECT_EQ(apply("X: 1\r\n\r\n", {remove("X")}), "\r\n");
    EXPECT_EQ(apply("X : odd blank\r\nA: 1\r\n\r\n", {remove("X")}), "A: 1\r\n\r\n");
}

TEST(Rewrite, RemovesByPrefix) {
    EXPECT_EQ(apply("X-Spam-Status: a\r\nx-spam-level: b\r\nX-Spammer: c\r\nS: d\r\n\r\nb",
                    {{Kind::remove_prefix, "X-Spam-", ""}}),
              "X-Spammer: c\r\nS: d\r\n\r\nb");
}

TEST(Rewrite, RemovesResultsThatClaimToBeOurs) {
    const std::string raw =
        "Authentication-Results: mx.example.com; spf=pass\r\n"
        "Authentication-Results:\r\n (hi) \"MX.example.com\" 1;\r\n dkim=pass\r\n"
        "Authentication-Results: mx.example.com.evil.example; spf=pass\r\n"
        "Authentication-Results: other.example; spf=pass\r\n"
        "ARC-Authentication-Results: i=1; mx.example.com; spf=pass\r\n\r\nbody";
    EXPECT_EQ(apply(raw, {{Kind::remove_results_of, "", "mx.Example.com"}}),
              "Authentication-Results: mx.example.com.evil.example; spf=pass\r\n"
              "Authentication-Results: other.example; spf=pass\r\n"
              "ARC-Authentication-Results: i=1; mx.example.com; spf=pass\r\n\r\nbody");
}

TEST(AuthservId, IsReadThroughCommentsAndQuotes) {
    EXPECT_EQ(authserv_id(" mx.example.com; none"), "mx.example.com");
    EXPECT_EQ(authserv_id(" (a (b)) MX.example.com(c);"), "mx.example.com");
    EXPECT_EQ(authserv_id("\r\n\t\"a b\" 1; x"), "a b");
    EXPECT_EQ(authserv_id(""), "");
    EXPECT_EQ(authserv_id(" ; spf=pass"), "");
    EXPECT_EQ(authserv_id("(((("), "");
}

TEST(Rewrite, PutsTextInFrontOfTheSubject) {
    EXPECT_EQ(apply("Subject: hello\r\n\r\n", {prefix("[SPAM]")}), "Subject: [SPAM] hello\r\n\r\n");
    EXPECT_EQ(apply("subject:hello\r\n\r\n", {prefix("[SPAM]")}), "subject: [SPAM] hello\r\n\r\n");
    EXPECT_EQ(apply("Subject:\r\n =?utf-8?q?a?=\r\n b\r\n\r\n", {prefix("[SPAM]")}),
              "Subject: [SPAM]\r\n =?utf-8?q?a?=\r\n b\r\n\r\n");
    EXPECT_EQ(apply("Subject:\r\n\r\n", {prefix("[SPAM]")}), "Subject: [SPAM]\r\n\r\n");
    EXPECT_EQ(apply("Subject: a\r\nSubject: b\r\n\r\n", {prefix("*")}), "Subject: * a\r\nSubject: b\r\n\r\n");
    EXPECT_EQ(apply("Subject: a\r\n\r\n", {prefix("1"), prefix("2")}), "Subject: 2 1 a\r\n\r\n");
}

TEST(Rewrite, MakesASubjectWhereThereIsNone) {
    EXPECT_EQ(apply("A: 1\r\n\r\nbody", {prefix("[X]")}), "A: 1\r\nSubject: [X]\r\n\r\nbody");
    EXPECT_EQ(apply("Subject: a\r\n\r\nbody", {remove("Subject"), prefix("[X]")}),
              "Subject: [X]\r\n\r\nbody");
}

TEST(Rewrite, EncodesPrefixesThatAreNotPlain) {
    const std::string umlaut = apply("Subject: hello\r\n\r\n", {prefix("Gr\xc3\xbc\xc3\x9f")});
    EXPECT_EQ(umlaut, "Subject: =?utf-8?B?R3LDvMOf?= hello\r\n\r\n");
    const std::string both = apply("Subject: =?utf-8?q?hello?=\r\n\r\n", {prefix("\xc3\xbc")});
    const auto structure = mime::parse(both);
    EXPECT_EQ(mime::decode_encoded_words(structure.headers().text("Subject")), "\xc3\xbc hello");
    EXPECT_NE(both.find("=?utf-8?q?hello?=\r\n"), std::string::npos);

    std::string lengthy;
    for (int i = 0; i < 200; ++i) lengthy += "\xe2\x82\xac";
    const std::string folded = apply("Subject: end\r\n\r\n", {prefix(lengthy)});
    const auto parsed = mime::parse(folded);
    EXPECT_EQ(mime::decode_encoded_words(parsed.headers().text("Subject")), lengthy + " end");
    EXPECT_FALSE(parsed.kinds.contains(mime::AnomalyKind::long_line));
}

TEST(Rewrite, NeverMakesALineTooLong) {
    const std::string raw = "Subject: " + std::string(980, 's') + "\r\n\r\n";
    const std::string out = apply(raw, {prefix("[SUSPICIOUS]")});
    EXPECT_EQ(out, "Subject: [SUSPICIOUS]\r\n " + std::string(980, 's') + "\r\n\r\n");
    EXPECT_FALSE(mime::parse(out).kinds.contains(mime::AnomalyKind::long_line));
    const std::string tight =
        apply("Subject:" + std::string(985, 's') + "\r\n\r\n", {prefix("[SUSPICIOUS]")});
    EXPECT_FALSE(mime::parse(tight).kinds.contains(mime::AnomalyKind::long_line));
    const std::string field = apply("A: 1\r\n\r\n", {append("X-Long", std::string(5000, 'w'))});
    EXPECT_FALSE(mime::parse(field).kinds.contains(mime::AnomalyKind::long_line));
}

TEST(Rewrite, AppendsAtTheEndOfTheHeader) {
    EXPECT_EQ(apply("A: 1\r\n\r\nbody", {append("X-B", "two")}), "A: 1\r\nX-B: two\r\n\r\nbody");
    EXPECT_EQ(apply("A: 1\n\nbody\n", {append("X-B", "two")}), "A: 1\nX-B: two\n\nbody\n");
    EXPECT_EQ(apply("A: 1", {append("X-B", "two")}), "A: 1\r\nX-B: two\r\n");
    EXPECT_EQ(apply("A: 1\r\n", {append("X-B", "two")}), "A: 1\r\nX-B: two\r\n");
    EXPECT_EQ(apply("", {append("X-B", "two")}), "X-B: two\r\n");
    EXPECT_EQ(apply("A: 1\r\n\r\n", {append("X-B", "")}), "A: 1\r\nX-B: \r\n\r\n");
}

TEST(Rewrite, MessagesWithoutAHeaderGetOne) {
    EXPECT_EQ(apply("\r\nbody", {append("X-B", "two")}), "X-B: two\r\n\r\nbody");
    EXPECT_EQ(apply("just text\r\n", {append("X-B", "two")}), "X-B: two\r\n\r\njust text\r\n");
    EXPECT_EQ(apply("just text\n", {prefix("[X]")}), "Subject: [X]\r\n\r\njust text\n");
}

TEST(Rewrite, TextNeverBecomesAHeaderWhenTheLastFieldGoes) {
    EXPECT_EQ(apply("X-A: one\r\njust text\r\n", {remove("X-A")}), "\r\njust text\r\n");
    EXPECT_EQ(apply("X-A: one\r\n\r\njust text\r\n", {remove("X-A")}), "\r\njust text\r\n");
    EXPECT_EQ(apply("X-A: one\r\njust text\r\n", {remove("X-A"), append("X-B", "two")}),
              "X-B: two\r\n\r\njust text\r\n");
}

TEST(Rewrite, KeepsAFromLineAndTabOnlyFolding) {
    EXPECT_EQ(apply("From a@b Mon Jan  1\nA: 1\nX: 2\n\nbody", {remove("X")}),
              "From a@b Mon Jan  1\nA: 1\n\nbody");
    const std::string raw = "A: one\r\n\t\r\n\ttwo\r\nSubject: s\r\n\t\r\n\r\nbody\r\n";
    EXPECT_EQ(apply(raw, {append("X-B", "1")}),
              "A: one\r\n\t\r\n\ttwo\r\nSubject: s\r\n\t\r\nX-B: 1\r\n\r\nbody\r\n");
    EXPECT_EQ(apply(raw, {remove("A")}), "Subject: s\r\n\t\r\n\r\nbody\r\n");
    EXPECT_EQ(apply(raw, {prefix("*")}), "A: one\r\n\t\r\n\ttwo\r\nSubject: * s\r\n\t\r\n\r\nbody\r\n");
}

TEST(Rewrite, TextsCannotInject) {
    EXPECT_EQ(apply("A: 1\r\n\r\nbody", {append("X-B", "two\r\nEvil: yes\r\n\r\nbody")}),
              "A: 1\r\nX-B: two  Evil: yes    body\r\n\r\nbody");
    EXPECT_EQ(apply("Subject: s\r\n\r\n", {prefix("a\nEvil: 1\r\n\r\n")}), "Subject: a Evil: 1 s\r\n\r\n");
    EXPECT_EQ(apply("A: 1\r\n\r\n", {append("X", "=?utf-8?q?x?=")}).find("=?utf-8?q?x?="), std::string::npos);
    for (const char* name : {"", "A B", "A:", "A\r\nEvil", "\xc3\xa4", "A\x7f"}) {
        EXPECT_EQ(rewrite("A: 1\r\n\r\n", {{append(name, "x")}}).error().fault, base::Fault::usage) << name;
        EXPECT_FALSE(rewrite("A: 1\r\n\r\n", {{{Kind::remove_prefix, name, ""}}})) << name;
    }
    EXPECT_FALSE(rewrite("", {std::vector<HeaderEdit>(kMaxEdits + 1, remove("A"))}));
    EXPECT_FALSE(rewrite("A: 1\r\n\r\n", {{{static_cast<Kind>(77), "A", ""}}}));
}

TEST(Rewrite, FoldsLongTextsAtBlanks) {
    std::string text;
    for (int i = 0; i < 60; ++i) text += "word" + std::to_string(i) + " ";
    const std::string out = apply("A: 1\r\n\r\n", {append("X-Words", text)});
    const auto structure = mime::parse(out);
    text.pop_back();
    EXPECT_EQ(structure.headers().text("X-Words"), text);
    std::size_t begin = 0;
    for (std::size_t end = out.find("\r\n"); end != std::string::npos; end = out.find("\r\n", begin)) {
        EXPECT_LE(end - begin, 78U);
        begin = end + 2;
    }
}

TEST(Rewrite, EditsRunInOrder) {
    EXPECT_EQ(apply("X-A: 1\r\n\r\n", {{Kind::remove_prefix, "X-", ""}, append("X-A", "2")}),
              "X-A: 2\r\n\r\n");
    EXPECT_EQ(apply("X-A: 1\r\n\r\n", {append("X-A", "2"), {Kind::remove_prefix, "X-", ""}}), "\r\n");
}

TEST(Rewrite, RefusesAFloodOfFieldsAndIsQuickBelow) {
    std::string flood;
    for (std::size_t i = 0; i <= kMaxFields; ++i) flood += "a:\n";
    EXPECT_EQ(rewrite(flood, {{remove("b")}}).error().fault, base::Fault::limit);
    EXPECT_TRUE(rewrite(flood.substr(0, 300'000), {std::vector<HeaderEdit>(kMaxEdits, remove("b"))}));
}

// --- properties over random messages

std::string random_message(std::mt19937& random) {
    static const std::vector<std::string> kPieces{"Subject: ",
                                                  "X-Spam-A: ",
                                                  "A",
                                                  ":",
                                                  " ",
                                                  "\t",
                                                  "\r\n",
                                                  "\n",
                                                  "\r",
                                                  "\r\n\r\n",
                                                  "\n\n",
                                                  "\r\n\t\r\n",
                                                  "=?utf-8?q?",
                                                  "--b\r\n",
                                                  "From ",
                                                  "\xc3\xa4",
                                                  "\xff",
                                                  std::string(1, '\0'),
                                                  "Authentication-Results: me;",
                                                  "text",
                                                  "Content-Type: "};
    std::uniform_int_distribution<std::size_t> pick(0, kPieces.size() - 1);
    std::uniform_int_distribution<int> length(0, 40);
    std::string out;
    for (int i = length(random); i > 0; --i) out += kPieces[pick(random)];
    return out;
}

TEST(RewriteProperty, PlansThatChangeNothingGiveTheSameBytes) {
    std::mt19937 random(1);
    for (int i = 0; i < 3000; ++i) {
        const std::string raw = random_message(random);
        EXPECT_EQ(apply(raw, {}), raw);
        EXPECT_EQ(apply(raw, {remove("Not-There"), {Kind::remove_results_of, "", "nobody"}}), raw);
    }
}

TEST(RewriteProperty, TheBodyIsTheSameAndRemovedFieldsAreGone) {
    std::mt19937 random(2);
    for (int i = 0; i < 3000; ++i) {
        const std::string raw = random_message(random);
        const auto before = mime::parse_header(raw);
        const auto body = std::string_view(raw).substr(before.root().header.end);
        const std::string out =
            apply(raw, {{Kind::remove_prefix, "X-Spam-", ""}, prefix("[T]"), append("X-N", "v")});
        ASSERT_TRUE(out.ends_with(body)) << testing::PrintToString(raw);
        const auto after = mime::parse_header(out);
        EXPECT_EQ(out.size() - after.root().header.end, body.size()) << testing::PrintToString(raw);
        EXPECT_EQ(after.headers().count("X-Spam-A"), 0U) << testing::PrintToString(raw);
        EXPECT_EQ(after.headers().count("X-N"), before.headers().count("X-N") + 1)
            << testing::PrintToString(raw) << "\n"
            << testing::PrintToString(out);
        EXPECT_THAT(after.headers().text("Subject"), testing::StartsWith("[T]"));
    }
}

}  // namespace
}  // namespace gatehouse::inspect::rewrite
