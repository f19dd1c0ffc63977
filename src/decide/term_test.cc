#include "decide/term.h"

#include <gtest/gtest.h>

#include "decide/index.h"
#include "decide/test_support.h"

namespace gatehouse::decide {
namespace {

using message::AnswerState;
using message::GapReason;

TEST(Term, ReadsEveryForm) {
    const auto term = [](std::string_view text) {
        const auto parsed = parse_term(text);
        EXPECT_TRUE(parsed) << text << ": " << (parsed ? "" : parsed.error().sentence);
        return parsed.value_or(Term());
    };
    EXPECT_EQ(term("antivirus.match"), (Term{TermKind::evidence, "antivirus.match"}));
    EXPECT_EQ(term("packer.*"), (Term{TermKind::evidence, "packer.", true}));
    EXPECT_EQ(term("a.b.c"), (Term{TermKind::evidence, "a.b.c"}));
    EXPECT_EQ(term("packer.x >= 0.9"),
              (Term{TermKind::evidence, "packer.x", false, Comparison::at_least, 0.9}));
    EXPECT_EQ(term("packer.* > 0"), (Term{TermKind::evidence, "packer.", true, Comparison::above, 0}));
    EXPECT_EQ(term("gap.encrypted"), (Term{TermKind::gap, "encrypted"}));
    EXPECT_EQ(term("gap.*"), (Term{TermKind::gap, "", true}));
    EXPECT_EQ(term("verdict.virus"), (Term{TermKind::verdict, "virus"}));
    EXPECT_EQ(term("spam"), (Term{TermKind::spam_score, "", false, Comparison::at_least, 0, true}));
    EXPECT_EQ(term("spam_score>=6.5"), (Term{TermKind::spam_score, "", false, Comparison::at_least, 6.5}));
    EXPECT_EQ(term("spam_score < -2"), (Term{TermKind::spam_score, "", false, Comparison::below, -2}));
    EXPECT_EQ(term(" size > 10 MiB "), (Term{TermKind::size, "", false, Comparison::above, 10 << 20}));
    EXPECT_EQ(term("size <= 100"), (Term{TermKind::size, "", false, Comparison::at_most, 100}));
    EXPECT_EQ(term("recipients > 50"), (Term{TermKind::recipients, "", false, Comparison::above, 50}));
}

TEST(Term, TakesEveryFormOfTheManual) {
    for (const auto& form : condition_forms()) EXPECT_TRUE(parse_term(form.written)) << form.written;
}

TEST(Term, SaysWhatIsWrong) {
    for (const std::string_view bad : {"",
                                       " ",
                                       "antivirus",
                                       "Antivirus.match",
                                       ".match",
                                       "antivirus.",
                                       "antivirus..match",
                                       "*",
                                       ".*",
                                       "a.*.b",
                                       "antivirus.match*",
                                       "gap",
                                       "gap.",
                                       "gap.clean",
                                       "gap.encrypted >= 1",
                                       "verdict.",
                                       "verdict.bad",
                                       "verdict.policy",
                                       "verdict.virus > 1",
                                       "size",
                                       "size >",
                                       "size > x",
                                       "size > 10 parsec",
                                       "size = 5",
                                       "recipients > 5 MiB",
                                       "recipients > -1",
                                       "spam_score >= nan",
                                       "spam_score >= inf",
                                       "spam >= 5",
                                       "spam_score",
                                       "packer.x >= 2",
                                       "packer.x < 0.5",
                                       "packer.x >= ",
                                       "a b.c",
                                       "a.b\nc",
                                       "gap.* > 0"}) {
        const auto parsed = parse_term(bad);
        ASSERT_FALSE(parsed) << bad;
        EXPECT_EQ(parsed.error().sentence.front(), '"') << parsed.error().sentence;
    }
    EXPECT_FALSE(parse_term(std::string(100'000, 'a')));
}

/// One row per condition: what makes it hold, what does not, what leaves it unknown.
struct Row {
    std::string_view term;
    Mail mail;
    Truth truth;
};

Truth truth_of(std::string_view text, const Mail& mail, Index::Missing missing = Index::Missing::is_moot) {
    const Input input = mail.input();
    const Index index(input, 5.0, missing);
    return index.truth(parse_term(text).value(), index.view({}));
}

TEST(Term, EveryConditionAnswersYesNoOrUnknown) {
    Mail without_facts;
    without_facts.has_facts = false;
    Mail large;
    large.envelope.size = 2000;
    Mail skipped;
    skipped.not_looked_for = {"packer.*"};
    Mail replayed = Mail();
    replayed.is_live = false;
    const std::vector<Row> rows{
        {"packer.x", Mail().with("f", "packer.x"), Truth::yes},
        {"packer.x", Mail().with("f", "packer.y"), Truth::no},
        {"packer.x", without_facts, Truth::unknown},
        {"packer.x", skipped, Truth::unknown},
        {"packer.*", skipped, Truth::unknown},
        {"other.x", skipped, Truth::no},
        {"packer.*", Mail().with("f", "packer.y"), Truth::yes},
        {"packer.*", Mail().with("f", "packers.y"), Truth::no},
        {"packer.*", Mail().with("f", "packer"), Truth::no},
        {"packer.x >= 0.9", Mail().with("f", "packer.x", "", 0, 0.9), Truth::yes},
        {"packer.x > 0.9", Mail().with("f", "packer.x", "", 0, 0.9), Truth::no},
        {"packer.* >= 0.9", Mail().with("f", "packer.a", "", 0, 0.1).with("f", "packer.b", "", 0, 1),
         Truth::yes},
        {"packer.x >= 0.9", Mail().with("f", "packer.x", "", 0, 0.1).with("f", "packer.x", "", 0, 1),
         Truth::yes},
        {"antivirus.match", Mail().answered(AnswerState::found, "Eicar"), Truth::yes},
        {"antivirus.match", Mail().answered(AnswerState::clean), Truth::no},
        {"antivirus.match", Mail().answered(AnswerState::unavailable), Truth::unknown},
        {"antivirus.match", Mail().answered(AnswerState::not_scanned, "Limits", "", "too_large"),
         Truth::unknown},
        {"antivirus.match", Mail(), Truth::no},  // live and no engine is switched on
        {"antivirus.match", Mail().with_engine(), Truth::unknown},
        {"antivirus.match", replayed, Truth::unknown},
        {"antivirus.*", replayed, Truth::unknown},
        {"gap.encrypted", Mail().with_gap(GapReason::encrypted), Truth::yes},
        {"gap.encrypted", Mail().with_gap(GapReason::corrupt), Truth::no},
        {"gap.*", Mail().with_gap(GapReason::corrupt), Truth::yes},
        {"gap.*", Mail(), Truth::no},
        {"gap.engine_unavailable", Mail().answered(AnswerState::unavailable), Truth::yes},
        {"gap.too_large", Mail().answered(AnswerState::not_scanned, "", "", "too_large"), Truth::yes},
        {"gap.refused", Mail().answered(AnswerState::not_scanned, "", "", "nonsense"), Truth::yes},
        {"gap.encrypted", replayed, Truth::unknown},
        {"verdict.virus", Mail().answered(AnswerState::found, "Eicar"), Truth::yes},
        {"verdict.malformed", Mail().answered(AnswerState::found, "Eicar"), Truth::no},
        {"verdict.malformed", Mail().with("malformed", "malformed.headers"), Truth::yes},
        {"verdict.clean", Mail(), Truth::yes},
        {"verdict.clean", without_facts, Truth::unknown},
        {"verdict.spam", Mail().with("antispam", "antispam.x", "", 5.0), Truth::yes},
        {"verdict.spam", Mail().with("antispam", "antispam.x", "", 4.99), Truth::no},
        {"spam_score >= 5", Mail().with("antispam", "antispam.x", "", 5.0), Truth::yes},
        {"spam_score >= 5", Mail().with("a", "a.x", "", 2.5).with("a", "a.y", "", 2.5), Truth::yes},
        {"spam_score > 5", Mail().with("antispam", "antispam.x", "", 5.0), Truth::no},
        {"spam_score <= 5", Mail().with("antispam", "antispam.x", "", 5.0), Truth::yes},
        {"spam_score < 0", Mail().with("antispam", "antispam.x", "", -1), Truth::yes},
        {"spam_score >= 5", without_facts, Truth::unknown},
        {"size > 1999", large, Truth::yes},
        {"size > 2000", large, Truth::no},
        {"size >= 2000", large, Truth::yes},
        {"size < 2000", large, Truth::no},
        {"size > 1999", without_facts, Truth::yes},
        {"recipients > 1", Mail().to({"a@x", "b@x"}), Truth::yes},
        {"recipients > 2", Mail().to({"a@x", "b@x"}), Truth::no},
    };
    for (const auto& row : rows) EXPECT_EQ(truth_of(row.term, row.mail), row.truth) << row.term;
}

TEST(Term, AnAnswerThatMayComeIsUnknown) {
    const auto waiting = Mail().with_engine();
    const auto may_come = Index::Missing::may_come;
    EXPECT_EQ(truth_of("antivirus.match", waiting, may_come), Truth::unknown);
    EXPECT_EQ(truth_of("gap.engine_unavailable", waiting, may_come), Truth::unknown);
    EXPECT_EQ(truth_of("verdict.clean", waiting, may_come), Truth::unknown);
    EXPECT_EQ(truth_of("packer.x", waiting, may_come), Truth::no);
    EXPECT_EQ(truth_of("gap.engine_unavailable", waiting, Index::Missing::is_gap), Truth::yes);
}

TEST(Term, ScoresOfALyingInspectorStayFinite) {
    const double infinity = std::numeric_limits<double>::infinity();
    const auto mail = Mail()
                          .with("a", "a.x", "", std::numeric_limits<double>::quiet_NaN(), -infinity)
                          .with("a", "a.y", "", infinity, std::numeric_limits<double>::quiet_NaN())
                          .with("a", "a.z", "", 1e300, infinity);
    const Input input = mail.input();
    const Index index(input, 5.0, Index::Missing::is_moot);
    EXPECT_EQ(index.view({}).spam_score, 100);
    EXPECT_EQ(truth_of("a.x >= 0.1", mail), Truth::no);
    EXPECT_EQ(truth_of("a.y >= 0.1", mail), Truth::no);
    EXPECT_EQ(truth_of("a.z >= 0.1", mail), Truth::yes);
}

TEST(Truth, IsKleenes) {
    EXPECT_EQ(either(Truth::no, Truth::unknown), Truth::unknown);
    EXPECT_EQ(either(Truth::yes, Truth::unknown), Truth::yes);
    EXPECT_EQ(both(Truth::no, Truth::unknown), Truth::no);
    EXPECT_EQ(both(Truth::yes, Truth::unknown), Truth::unknown);
    EXPECT_EQ(opposite(Truth::unknown), Truth::unknown);
    EXPECT_EQ(opposite(Truth::yes), Truth::no);
    EXPECT_EQ(opposite(Truth::no), Truth::yes);
}

}  // namespace
}  // namespace gatehouse::decide
