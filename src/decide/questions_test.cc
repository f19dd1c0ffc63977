#include "decide/questions.h"

#include <gtest/gtest.h>

#include "decide/default_policy.h"
#include "decide/test_support.h"

namespace gatehouse::decide {
namespace {

using message::AnswerState;
using message::GapReason;
using message::Question;
using message::QuestionKind;

const Policy& defaults() {
    static const Policy kPolicy = policy_of(default_policy_text(), default_settings_text());
    return kPolicy;
}

Mail before_facts() {
    Mail mail = Mail().with_engine();
    mail.has_facts = false;
    return mail;
}

std::vector<Question> asked(const Mail& mail, const Policy& policy = defaults()) {
    return questions(mail.input(), policy);
}

const Question kMessage{QuestionKind::engine_message, "clamd", ""};

TEST(Questions, TheWholeMessageIsAskedAboutBeforeTheFacts) {
    EXPECT_EQ(asked(before_facts()), std::vector<Question>{kMessage});
}

TEST(Questions, PartsFollowAndNothingIsAskedTwice) {
    Mail mail = before_facts().answered(AnswerState::clean);
    EXPECT_TRUE(asked(mail).empty());
    mail.has_facts = true;
    mail.parts = {"2:a.zip", "2:a.zip/b.exe", "2:a.zip"};
    EXPECT_EQ(asked(mail), (std::vector<Question>{{QuestionKind::engine_part, "clamd", "2:a.zip"},
                                                  {QuestionKind::engine_part, "clamd", "2:a.zip/b.exe"}}));
    mail.answered(AnswerState::clean, "", "2:a.zip");
    EXPECT_EQ(asked(mail).size(), 1U);
    mail.answered(AnswerState::not_scanned, "Limits", "2:a.zip/b.exe", "too_large");
    EXPECT_TRUE(asked(mail).empty());
}

TEST(Questions, SeveralEnginesAreAskedEach) {
    Mail mail = before_facts();
    mail.circumstances.engines = {"clamd", "icap"};
    EXPECT_EQ(asked(mail).size(), 2U);
    mail.answered(AnswerState::clean);
    EXPECT_EQ(asked(mail), (std::vector<Question>{{QuestionKind::engine_message, "icap", ""}}));
}

TEST(Questions, MalwareThatIsKnownEndsTheAsking) {
    Mail mail = before_facts().answered(AnswerState::found, "Eicar");
    mail.has_facts = true;
    mail.parts = {"2:a.zip"};
    EXPECT_TRUE(asked(mail).empty());
    const Policy tags = policy_of(
        "[[rule]]\nname = \"r\"\nkind = \"antivirus\"\nwhen.any = [\"antivirus.match\"]\n"
        "then = { action = \"tag_subject\", text = \"[virus]\" }");
    EXPECT_EQ(asked(mail, tags).size(), 1U);  // a gap could still quarantine it
}

TEST(Questions, AnEngineThatIsAwayIsNotAskedAgain) {
    Mail mail = before_facts().answered(AnswerState::unavailable);
    mail.parts = {"2:a.zip"};
    EXPECT_TRUE(asked(mail).empty());
}

TEST(Questions, NothingIsAskedWhereTheEnvelopeDecides) {
    Mail mail = before_facts();
    mail.envelope.size = 31ULL << 20;
    EXPECT_TRUE(asked(mail).empty());
    EXPECT_FALSE(
        asked(mail, policy_of(default_policy_text(), "[antivirus.exceptions]\nlimits = \"do_not_intercept\""))
            .empty());
}

TEST(Questions, NothingIsAskedAboutLoopsAndMalformedMail) {
    EXPECT_TRUE(asked(Mail().with_engine().with("loop", "loop.received")).empty());
    EXPECT_TRUE(asked(Mail().with_engine().with("malformed", "malformed.x")).empty());
    EXPECT_FALSE(asked(Mail().with_engine().with_gap(GapReason::too_deep)).empty());
}

TEST(Questions, EnginesThatAreOffOrWantedByNoRuleAreNotAsked) {
    Mail off = before_facts();
    off.circumstances.engines.clear();
    EXPECT_TRUE(asked(off).empty());
    EXPECT_TRUE(asked(before_facts(), policy_of("")).empty());
    EXPECT_TRUE(
        asked(before_facts(), policy_of("[[rule]]\nname = \"Global antivirus rule\"\nenabled = false\n"
                                        "when.any = [\"antivirus.match\"]\nthen = \"delete\""))
            .empty());
    EXPECT_FALSE(
        asked(before_facts(),
              policy_of("[[rule]]\nname = \"mine\"\nwhen.any = [\"antivirus.*\"]\nthen = \"delete\""))
            .empty());
}

TEST(Questions, AnEarlierTerminalRuleOfSomeRecipientsIsNotEnough) {
    const std::string text =
        "[[rule]]\nname = \"first\"\nwhen = \"always\"\nthen = \"delete\"\n"
        "route = { recipients = [\"*@one.example\"] }\n" +
        std::string(default_policy_text());
    const Policy policy = policy_of(text);
    EXPECT_TRUE(asked(before_facts().to({"a@one.example"}), policy).empty());
    EXPECT_FALSE(asked(before_facts().to({"a@one.example", "b@two.example"}), policy).empty());
}

TEST(Questions, TheLoopEndsWithinTwoRounds) {
    Mail mail = before_facts();
    mail.answered(AnswerState::clean);
    mail.has_facts = true;
    for (int i = 0; i < 10'000; ++i) mail.parts.push_back("p" + std::to_string(i));
    const auto open = asked(mail);
    EXPECT_EQ(open.size(), 10'000U);
    for (const auto& question : open)
        mail.answers.push_back({question, AnswerState::clean, "", "", "", 0, false});
    EXPECT_TRUE(asked(mail).empty());
    EXPECT_EQ(words_of(mail.group(defaults())), "deliver");
}

}  // namespace
}  // namespace gatehouse::decide
