#include "decide/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "decide/default_policy.h"
#include "decide/findings.h"
#include "decide/plan.h"
#include "decide/rulings.h"
#include "decide/test_support.h"

namespace gatehouse::decide {
namespace {

using message::ActionKind;
using message::AnswerState;
using message::GapReason;
using message::HeaderEdit;
using message::Verdict;
using testing::ElementsAre;
using testing::IsEmpty;

const Policy& defaults() {
    static const Policy kPolicy = policy_of(default_policy_text(), default_settings_text());
    return kPolicy;
}

std::string rule(std::string_view name, std::string_view when, std::string_view then,
                 std::string_view more = "") {
    return "[[rule]]\nname = \"" + std::string(name) + "\"\nwhen" + std::string(when) +
           "\nthen = " + std::string(then) + "\n" + std::string(more) + "\n";
}
constexpr std::string_view kAlways = " = \"always\"";
const std::string kGlobal =
    rule("Malware", ".any = [\"antivirus.match\"]", "\"delete\"", "kind = \"antivirus\"");

// --- the default policy ----------------------------------------------------------------------------------

TEST(Default, CleanMailIsDeliveredUnchanged) {
    const auto decision = Mail().with_engine().answered(AnswerState::clean).decide(defaults());
    EXPECT_EQ(decision.verdict, Verdict::clean);
    ASSERT_EQ(decision.groups.size(), 1U);
    const auto& group = decision.groups[0];
    EXPECT_EQ(words_of(group), "deliver");
    EXPECT_EQ(group.rule, "");
    EXPECT_TRUE(group.plan.is_empty());
    EXPECT_THAT(group.because, IsEmpty());
    EXPECT_THAT(group.flips, IsEmpty());
    EXPECT_THAT(group.recipients, ElementsAre("b@example.com"));
}

TEST(Default, AVirusIsQuarantinedWithItsReasons) {
    const auto decision = Mail()
                              .with_engine()
                              .answered(AnswerState::clean)
                              .answered(AnswerState::found, "Eicar", "2:a.zip/b.exe")
                              .decide(defaults());
    EXPECT_EQ(decision.verdict, Verdict::virus);
    const auto& group = decision.groups.at(0);
    EXPECT_EQ(words_of(group), "quarantine");
    EXPECT_EQ(group.outcome().area, "default");
    EXPECT_EQ(group.rule, "Global antivirus rule");
    EXPECT_THAT(group.matched, ElementsAre("Global antivirus rule"));
    EXPECT_THAT(group.because, ElementsAre("antivirus.match"));
    EXPECT_THAT(group.flips, ElementsAre("without antivirus.match at 2:a.zip/b.exe: deliver"));
}

TEST(Default, SpamIsQuarantinedFromTheThresholdOn) {
    EXPECT_EQ(words_of(Mail().with("antispam", "antispam.x", "", 4.999).group(defaults())), "deliver");
    EXPECT_EQ(words_of(Mail().with("antispam", "antispam.x", "", 5.001).group(defaults())), "quarantine");
    const auto decision = Mail().with("antispam", "antispam.x", "", 5.0).decide(defaults());
    EXPECT_EQ(decision.verdict, Verdict::spam);
    EXPECT_EQ(decision.spam_score, 5.0);
    EXPECT_EQ(decision.groups[0].rule, "Default spam rule");
    EXPECT_THAT(decision.groups[0].because, ElementsAre("spam_score"));
    EXPECT_THAT(decision.groups[0].flips, ElementsAre("with another spam score (it is 5): deliver"));
}

// --- scanning exceptions ---------------------------------------------------------------------------------

TEST(Exceptions, ExactlyTheLimitPassesOneByteMoreDoesNot) {
    Mail mail;
    mail.envelope.size = 30ULL << 20;
    EXPECT_EQ(words_of(mail.group(defaults())), "deliver");
    ++mail.envelope.size;
    const auto group = mail.group(defaults());
    EXPECT_EQ(words_of(group), "quarantine");
    EXPECT_EQ(group.rule, kLimitsRuling);
    EXPECT_THAT(group.because, ElementsAre("size"));
    EXPECT_THAT(group.flips, ElementsAre("with another size (it is 31457281 bytes): deliver"));
    EXPECT_EQ(mail.decide(defaults()).verdict, Verdict::policy);
    const Policy unlimited =
        policy_of(default_policy_text(), "[antivirus.exceptions]\nmessage_size = 0\nrecipients = 0");
    EXPECT_EQ(words_of(mail.group(unlimited)), "deliver");
}

TEST(Exceptions, AThousandRecipientsPassOneMoreDoesNot) {
    Mail mail;
    std::vector<std::string> many;
    for (int i = 0; i < 1000; ++i) many.push_back("u" + std::to_string(i) + "@example.com");
    EXPECT_EQ(words_of(mail.to(many).group(defaults())), "deliver");
    many.emplace_back("one@more.example");
    EXPECT_EQ(words_of(mail.to(many).group(defaults())), "quarantine");
    EXPECT_THAT(mail.group(defaults()).because, ElementsAre("recipients"));
    EXPECT_EQ(mail.group(defaults()).recipients.size(), 1001U);
}

TEST(Exceptions, LimitsComeBeforeAllRulesAndLetThemRunWhenTheyDoNotEnd) {
    Mail mail = Mail().answered(AnswerState::found, "Eicar");
    mail.envelope.size = 31ULL << 20;
    EXPECT_EQ(mail.group(policy_of(kGlobal)).rule, kLimitsRuling);
    const auto group =
        mail.group(policy_of(kGlobal, "[antivirus.exceptions]\nlimits = \"do_not_intercept\""));
    EXPECT_EQ(words_of(group), "delete");
    EXPECT_THAT(group.matched, ElementsAre(kLimitsRuling, "Malware"));
}

TEST(Exceptions, MalformedStopsAllRules) {
    const Mail mail =
        Mail().answered(AnswerState::found, "Eicar").with("malformed", "malformed.headers", "1");
    const auto group = mail.group(policy_of(kGlobal));
    EXPECT_EQ(words_of(group), "quarantine");
    EXPECT_EQ(group.rule, kMalformedRuling);
    EXPECT_THAT(group.because, ElementsAre("malformed.headers"));
    EXPECT_EQ(mail.decide(policy_of(kGlobal)).verdict, Verdict::virus);
    const auto passed =
        mail.group(policy_of(kGlobal, "[antivirus.exceptions]\nmalformed = \"do_not_intercept\""));
    EXPECT_EQ(words_of(passed), "deliver");
    EXPECT_EQ(passed.rule, kMalformedRuling);
}

TEST(Exceptions, EachGapHasItsDefaultAction) {
    for (std::uint8_t i = 1; i <= 9; ++i) {
        const auto reason = static_cast<GapReason>(i);
        const Mail mail = Mail().with_gap(reason);
        const auto group = mail.group(defaults());
        const bool goes_on = reason == GapReason::encrypted;
        EXPECT_EQ(words_of(group), goes_on ? "deliver" : "quarantine") << to_string(reason);
        EXPECT_THAT(group.because, ElementsAre("gap." + std::string(to_string(reason))));
        const bool is_structure = reason == GapReason::ambiguous || reason == GapReason::corrupt;
        EXPECT_EQ(mail.decide(defaults()).verdict, is_structure ? Verdict::malformed : Verdict::unscannable);
    }
    EXPECT_EQ(Mail().with_gap(GapReason::corrupt, "2:a.zip", "zip").decide(defaults()).verdict,
              Verdict::unscannable);
}

TEST(Exceptions, EachTakesEachAction) {
    for (const std::string key : {"limits", "malformed", "encrypted", "unscannable", "engine_unavailable"}) {
        for (const auto verb : kExceptionActions) {
            Mail mail;
            if (key == "limits") mail.envelope.size = 31ULL << 20;
            if (key == "malformed") mail.with("malformed", "malformed.parts");
            if (key == "encrypted") mail.with_gap(GapReason::encrypted);
            if (key == "unscannable") mail.with_gap(GapReason::too_deep);
            if (key == "engine_unavailable") mail.answered(AnswerState::unavailable);
            const Policy policy = policy_of(
                default_policy_text(), "[antivirus.exceptions]\n" + key + " = \"" + std::string(verb) + "\"");
            const auto expected = verb == "do_not_intercept" ? "deliver" : verb;
            EXPECT_EQ(words_of(mail.group(policy)), expected) << key;
        }
    }
}

TEST(Exceptions, NoneActsWhileTheGlobalAntivirusRuleIsOff) {
    const std::string off =
        "[[rule]]\nname = \"Global antivirus rule\"\nenabled = false\nwhen.any = "
        "[\"antivirus.match\"]\nthen = \"delete\"\n";
    Mail mail = Mail().with("malformed", "malformed.x").with_gap(GapReason::too_deep).with_engine();
    mail.envelope.size = 31ULL << 20;
    for (const auto& text : {off, std::string()}) {
        const Policy policy = policy_of(text);
        const auto decision = mail.decide(policy);
        EXPECT_EQ(words_of(decision.groups.at(0)), "deliver");
        EXPECT_EQ(decision.verdict, Verdict::malformed);
    }
}

TEST(Exceptions, MalwareComesBeforeWhatCouldNotBeScanned) {
    const auto group = Mail()
                           .answered(AnswerState::found, "Eicar")
                           .answered(AnswerState::unavailable, "", "2:a.zip")
                           .with_gap(GapReason::too_deep)
                           .group(policy_of(kGlobal));
    EXPECT_EQ(group.rule, "Malware");
    EXPECT_EQ(words_of(group), "delete");
}

TEST(Exceptions, AnEngineThatIsAwayDefersWhileItIsExpectedBack) {
    Mail mail = Mail().with_engine().answered(AnswerState::unavailable);
    mail.circumstances.engine_expected_back = true;
    const auto waiting = mail.group(defaults());
    EXPECT_EQ(words_of(waiting), "defer");
    EXPECT_EQ(waiting.outcome().text, kEngineReply);
    EXPECT_EQ(mail.decide(defaults()).verdict, Verdict::unscannable);
    mail.circumstances.engine_expected_back = false;
    EXPECT_EQ(words_of(mail.group(defaults())), "quarantine");
}

TEST(Exceptions, WhatNobodyAskedOrAnsweredIsNeverClean) {
    const auto unasked = Mail().with_engine().decide(defaults());
    EXPECT_EQ(unasked.verdict, Verdict::unscannable);
    EXPECT_EQ(words_of(unasked.groups.at(0)), "quarantine");
    auto half = Mail().with_engine().answered(AnswerState::clean);
    half.parts = {"2:a.zip"};
    EXPECT_EQ(words_of(half.group(defaults())), "quarantine");
    half.answered(AnswerState::clean, "", "2:a.zip");
    EXPECT_EQ(words_of(half.group(defaults())), "deliver");
    auto crashed = Mail().with_engine().answered(AnswerState::clean);
    crashed.has_facts = false;
    EXPECT_EQ(words_of(crashed.group(defaults())), "quarantine");
    EXPECT_EQ(crashed.decide(defaults()).verdict, Verdict::unscannable);
}

// --- mail loop -------------------------------------------------------------------------------------------

TEST(Loop, IsRejectedBeforeEverythingElse) {
    Mail mail = Mail().with("loop", "loop.received").answered(AnswerState::found, "Eicar");
    mail.envelope.size = 31ULL << 20;
    for (const auto& policy : {policy_of(""), policy_of(kGlobal)}) {
        const auto group = mail.group(policy);
        EXPECT_EQ(words_of(group), "reject");
        EXPECT_EQ(group.outcome().text.substr(0, 10), "554 5.4.6 ");
        EXPECT_EQ(group.rule, kLoopRuling);
        EXPECT_THAT(group.because, ElementsAre("loop.received"));
    }
    EXPECT_EQ(Mail().with("loop", "loop.own_name").decide(policy_of("")).verdict, Verdict::policy);
}

// --- rules -----------------------------------------------------------------------------------------------

TEST(Rules, RunInOrderUntilATerminalAction) {
    const Policy policy = policy_of(
        rule("one", kAlways, "{ action = \"tag_subject\", text = \"[1] \" }") +
        rule("two", kAlways, "\"do_not_intercept\"") + rule("three", ".any = [\"a.x\"]", "\"delete\"") +
        rule("four", kAlways, "[\"quarantine\", { action = \"tag_subject\", text = \"[4] \" }]") +
        rule("five", kAlways, "\"reject\""));
    const auto group = Mail().group(policy);
    EXPECT_EQ(words_of(group), "tag_subject tag_subject quarantine");
    EXPECT_EQ(group.rule, "four");
    EXPECT_THAT(group.matched, ElementsAre("one", "two", "four"));
    const auto deleted = Mail().with("f", "a.x").group(policy);
    EXPECT_EQ(words_of(deleted), "delete");  // nothing is written where nothing is delivered
    EXPECT_EQ(deleted.rule, "three");
}

TEST(Rules, DisabledOnesDoNothing) {
    EXPECT_EQ(words_of(Mail().group(policy_of(rule("one", kAlways, "\"delete\"", "enabled = false")))),
              "deliver");
}

TEST(Rules, EachActionIsCarried) {
    for (const std::string verb : {"reject", "defer", "delete", "quarantine"}) {
        const auto group = Mail().group(policy_of(rule("one", kAlways, "\"" + verb + "\"")));
        EXPECT_EQ(words_of(group), verb);
        EXPECT_EQ(group.rule, "one");
    }
}

TEST(Rules, AnyAllAndNoneCombine) {
    const Policy policy = policy_of(
        rule("one", " = { any = [\"a.x\", \"a.y\"], all = [\"b.x\"], none = [\"c.x\"] }", "\"delete\""));
    const auto outcome = [&](std::vector<std::string> ids) {
        Mail mail;
        for (auto& id : ids) mail.with("f", std::move(id));
        return words_of(mail.group(policy));
    };
    EXPECT_EQ(outcome({"a.x", "b.x"}), "delete");
    EXPECT_EQ(outcome({"a.y", "b.x"}), "delete");
    EXPECT_EQ(outcome({"a.x"}), "deliver");
    EXPECT_EQ(outcome({"b.x"}), "deliver");
    EXPECT_EQ(outcome({"a.x", "b.x", "c.x"}), "deliver");
}

TEST(Rules, TheLastXHeaderOfANameWins) {
    const Policy policy = policy_of(
        rule("one", kAlways, "{ action = \"x_header\", name = \"X-Checked\", text = \"one\" }") +
        rule("two", kAlways, "{ action = \"x_header\", name = \"X-Other\", text = \"two\" }") +
        rule("three", kAlways, "{ action = \"x_header\", name = \"x-checked\", text = \"three\" }"));
    const auto group = Mail().group(policy);
    ASSERT_EQ(words_of(group), "x_header x_header deliver");
    EXPECT_EQ(group.actions[0].text, "two");
    EXPECT_EQ(group.actions[1].text, "three");
    ASSERT_EQ(group.plan.edits.size(), 4U);
    EXPECT_EQ(group.plan.edits[2], (HeaderEdit{HeaderEdit::Kind::remove_named, "x-checked", ""}));
    EXPECT_EQ(group.plan.edits[3], (HeaderEdit{HeaderEdit::Kind::append, "x-checked", "three"}));
}

TEST(Rules, TheSameTagIsWrittenOnce) {
    const std::string tag = "{ action = \"tag_subject\", text = \"[x] \" }";
    const auto group = Mail().group(policy_of(rule("one", kAlways, tag) + rule("two", kAlways, tag)));
    EXPECT_EQ(words_of(group), "tag_subject deliver");
    EXPECT_EQ(group.plan.edits, (std::vector<HeaderEdit>{{HeaderEdit::Kind::prefix_subject, "", "[x] "}}));
}

TEST(Rules, AConditionMayAskForTheVerdict) {
    const Policy policy = policy_of(rule("one", ".none = [\"verdict.clean\"]", "\"reject\""));
    EXPECT_EQ(words_of(Mail().group(policy)), "deliver");
    EXPECT_EQ(words_of(Mail().with_gap(GapReason::encrypted).group(policy)), "reject");
}

// --- routes and groups -----------------------------------------------------------------------------------

struct RouteCase {
    std::string_view route;
    std::string_view sender;
    std::string_view recipient;
    bool matches;
};

TEST(Routes, DirectionsAndLists) {
    const std::vector<RouteCase> cases{
        {"direction = \"incoming\"", "x@out.example", "b@in.example", true},
        {"direction = \"incoming\"", "x@out.example", "b@out.example", false},
        {"direction = \"incoming\"", "", "b@in.example", true},
        {"direction = \"incoming\"", "a@in.example", "b@in.example", true},
        {"direction = \"outgoing\"", "a@in.example", "b@out.example", true},
        {"direction = \"outgoing\"", "a@out.example", "b@in.example", false},
        {"direction = \"outgoing\"", "a@x.in.example", "b@out.example", false},
        {"direction = \"both\"", "a@in.example", "b@out.example", true},
        {"direction = \"both\"", "a@out.example", "b@in.example", true},
        {"direction = \"both\"", "a@out.example", "b@out.example", false},
        {"direction = \"all\"", "a@out.example", "b@out.example", true},
        {"senders = [\"*@out.example\"]", "a@out.example", "b@c", true},
        {"senders = [\"*@out.example\"]", "a@in.example", "b@c", false},
        {"senders = [\"<>\"]", "", "b@c", true},
        {"recipients = [\"b@in.example\", \"c@in.example\"]", "a@b", "c@IN.example", true},
        {"recipients = [\"b@in.example\"]", "a@b", "c@in.example", false},
        {"senders = [\"a@b\"]\nrecipients = [\"b@in.example\"]", "a@b", "b@in.example", true},
        {"senders = [\"a@b\"]\nrecipients = [\"b@in.example\"]", "a@c", "b@in.example", false},
        {"users = [\"boss@in.example\"]", "boss@in.example", "x@y", true},
        {"users = [\"boss@in.example\"]", "x@y", "boss@in.example", true},
        {"users = [\"boss@in.example\"]", "x@y", "z@in.example", false},
        {"direction = \"incoming\"\nusers = [\"*@in.example\"]", "a@in.example", "x@out.example", false},
    };
    for (const auto& one : cases) {
        const Policy policy =
            policy_of(rule("r", kAlways, "\"delete\"", "[rule.route]\n" + std::string(one.route)),
                      "[general]\ninternal_addresses = [\"in.example\"]");
        Mail mail;
        mail.envelope.sender = one.sender;
        mail.to({std::string(one.recipient)});
        EXPECT_EQ(words_of(mail.group(policy)), one.matches ? "delete" : "deliver")
            << one.route << ": " << one.sender << " -> " << one.recipient;
    }
}

TEST(Routes, WithoutInternalAddressesPermittedSendersAreOutgoing) {
    const auto incoming =
        policy_of(rule("r", kAlways, "\"delete\"", "[rule.route]\ndirection = \"incoming\""));
    const auto outgoing =
        policy_of(rule("r", kAlways, "\"delete\"", "[rule.route]\ndirection = \"outgoing\""));
    Mail mail;
    EXPECT_EQ(words_of(mail.group(incoming)), "delete");
    EXPECT_EQ(words_of(mail.group(outgoing)), "deliver");
    mail.envelope.client.permitted_sender = true;
    EXPECT_EQ(words_of(mail.group(incoming)), "deliver");
    EXPECT_EQ(words_of(mail.group(outgoing)), "delete");
}

TEST(Groups, RecipientsWithTheSameResultStandTogetherInTheirOrder) {
    const Policy policy = policy_of(
        rule("tag", kAlways, "{ action = \"tag_subject\", text = \"[x]\" }",
             "route = { recipients = [\"*@one.example\"] }") +
        rule("hold", ".any = [\"a.x\"]", "\"quarantine\"", "route = { recipients = [\"*@two.example\"] }"));
    Mail mail =
        Mail().to({"1@one.example", "2@two.example", "3@three.example", "4@one.example", "5@four.example"});
    auto decision = mail.decide(policy);
    ASSERT_EQ(decision.groups.size(), 2U);
    EXPECT_THAT(decision.groups[0].recipients, ElementsAre("1@one.example", "4@one.example"));
    EXPECT_THAT(decision.groups[1].recipients,
                ElementsAre("2@two.example", "3@three.example", "5@four.example"));
    decision = mail.with("f", "a.x").decide(policy);
    ASSERT_EQ(decision.groups.size(), 3U);
    EXPECT_EQ(words_of(decision.groups[1]), "quarantine");
    EXPECT_THAT(decision.groups[2].recipients, ElementsAre("3@three.example", "5@four.example"));
}

TEST(Groups, RepeatedRecipientsAndOneWithoutAddressKeepTheirPlace) {
    const auto group = Mail().to({"a@b", "Postmaster", "a@b"}).group(defaults());
    EXPECT_THAT(group.recipients, ElementsAre("a@b", "Postmaster", "a@b"));
}

TEST(Groups, DifferentReasonsForTheSameOutcomeAreStillTheSameOutcome) {
    const Policy policy =
        policy_of(rule("one", kAlways, "\"quarantine\"", "route = { recipients = [\"*@one.example\"] }") +
                  rule("two", kAlways, "\"quarantine\"", "route = { recipients = [\"*@two.example\"] }"));
    const auto decision = Mail().to({"1@one.example", "2@two.example"}).decide(policy);
    ASSERT_EQ(decision.groups.size(), 2U);
    EXPECT_TRUE(message::is_same_outcome(decision.groups[0], decision.groups[1]));
}

// --- plan ------------------------------------------------------------------------------------------------

TEST(Plan, NothingToRemoveIsAnEmptyPlan) {
    Mail mail;
    mail.facts.authserv_ids = {"mx.elsewhere.example"};
    mail.circumstances.authserv_id = "mx.example.com";
    EXPECT_TRUE(mail.group(defaults()).plan.is_empty());
}

TEST(Plan, ForeignHeadersGo) {
    Mail mail;
    mail.facts.stripped_headers = {"x-spam-flag"};
    mail.facts.authserv_ids = {"other.example", "MX.example.com"};
    mail.circumstances.authserv_id = "mx.example.com";
    const std::vector<HeaderEdit> expected{
        {HeaderEdit::Kind::remove_prefix, "X-Gatehouse-", ""},
        {HeaderEdit::Kind::remove_prefix, "X-Spam-", ""},
        {HeaderEdit::Kind::remove_results_of, "Authentication-Results", "mx.example.com"}};
    EXPECT_EQ(mail.group(defaults()).plan.edits, expected);
    mail.answered(AnswerState::found, "Eicar");
    EXPECT_EQ(mail.group(defaults()).plan.edits, expected);  // for the day it is released
    EXPECT_TRUE(mail.group(policy_of(kGlobal)).plan.is_empty());
}

TEST(Plan, CrowdedListsAndMissingFactsAreNotTrusted) {
    Mail mail;
    mail.circumstances.authserv_id = "mx.example.com";
    for (int i = 0; i < 100; ++i) mail.facts.authserv_ids.push_back("h" + std::to_string(i));
    EXPECT_EQ(mail.group(defaults()).plan.edits.size(), 1U);
    mail.has_facts = false;
    const std::vector<message::Action> deliver{message::Action{}};
    EXPECT_EQ(make_plan(mail.input(), deliver).edits.size(), 3U);
}

// --- flips -----------------------------------------------------------------------------------------------

TEST(Flips, AnyNeedsAllItsReasonsGoneAllNeedsOne) {
    const Policy any = policy_of(rule("r", ".any = [\"a.x\", \"a.y\", \"a.z\"]", "\"delete\""));
    const Mail both = Mail().with("f", "a.x", "1").with("f", "a.y", "2");
    EXPECT_THAT(both.group(any).flips, ElementsAre("without a.x at 1 and without a.y at 2: deliver"));
    const Policy all = policy_of(rule("r", ".all = [\"a.x\", \"a.y\"]", "\"delete\""));
    EXPECT_THAT(both.group(all).flips, ElementsAre("without a.x at 1: deliver", "without a.y at 2: deliver"));
}

TEST(Flips, GoOnUntilTheOutcomeIsAnother) {
    const Policy policy = policy_of(rule("one", ".any = [\"a.x\"]", "\"quarantine\"") +
                                    rule("two", ".any = [\"a.y\"]", "\"quarantine\"") +
                                    rule("three", ".any = [\"a.z\"]", "\"reject\""));
    const Mail mail = Mail().with("f", "a.x").with("f", "a.y").with("f", "a.z");
    EXPECT_THAT(
        mail.group(policy).flips,
        ElementsAre("without a.x and without a.y: three: reject with 550 5.7.1 Message refused by policy"));
}

TEST(Flips, NameTheRuleThatWouldActInstead) {
    const Policy policy = policy_of(rule("one", ".any = [\"a.x\"]", "\"delete\"") +
                                    rule("spam", ".any = [\"spam\"]", "\"quarantine\""));
    const Mail mail = Mail().with("f", "a.x", "2:a").with("f", "b.x", "", 7);
    EXPECT_THAT(mail.group(policy).flips, ElementsAre("without a.x at 2:a: spam: quarantine to default"));
}

TEST(Flips, PlacesAreCountedNotListedForever) {
    Mail mail;
    for (int i = 0; i < 10'000; ++i) mail.with_gap(GapReason::too_many, "part" + std::to_string(i));
    EXPECT_THAT(mail.group(defaults()).flips,
                ElementsAre("without gap.too_many at part0, part1, part2 and 9997 more: deliver"));
}

TEST(Flips, AnAlwaysRuleHasNone) {
    EXPECT_THAT(Mail().group(policy_of(rule("r", kAlways, "\"delete\""))).flips, IsEmpty());
}

TEST(Flips, HostilePlacesArePrintable) {
    const auto group = Mail().answered(AnswerState::found, "x\r\ny", "2:\x1b[31m\xff").group(defaults());
    EXPECT_THAT(group.flips, ElementsAre("without antivirus.match at 2:\\x1b[31m\\xff: deliver"));
}

// --- unknown ---------------------------------------------------------------------------------------------

TEST(Doubt, ARecordWithoutTheEvidenceIsUnknownNotClean) {
    Mail mail;
    mail.is_live = false;
    const auto evaluated = evaluate_with_doubt(mail.input(), defaults());
    EXPECT_FALSE(evaluated.is_certain());
    EXPECT_THAT(evaluated.doubtful.at(0), ElementsAre("Global antivirus rule"));
    mail.answered(AnswerState::clean);
    EXPECT_TRUE(evaluate_with_doubt(mail.input(), defaults()).is_certain());
}

TEST(Doubt, WhatDecidedEarlierIsCertain) {
    const Policy policy = policy_of(rule("first", ".any = [\"a.x\"]", "\"delete\"") +
                                    rule("later", ".any = [\"packer.x\"]", "\"reject\""));
    Mail mail = Mail().answered(AnswerState::clean);
    mail.not_looked_for = {"packer.*"};
    EXPECT_FALSE(evaluate_with_doubt(mail.input(), policy).is_certain());
    mail.with("f", "a.x");
    EXPECT_TRUE(evaluate_with_doubt(mail.input(), policy).is_certain());
}

TEST(Doubt, UnknownUnderNoneIsUnknown) {
    const Policy policy = policy_of(rule("r", " = { all = [\"a.x\"], none = [\"packer.x\"] }", "\"delete\""));
    Mail mail = Mail().with("f", "a.x");
    EXPECT_EQ(words_of(mail.group(policy)), "delete");
    mail.not_looked_for = {"packer.x"};
    EXPECT_EQ(words_of(mail.group(policy)), "deliver");
    EXPECT_FALSE(evaluate_with_doubt(mail.input(), policy).is_certain());
}

// --- findings --------------------------------------------------------------------------------------------

TEST(Findings, AnswersBecomeEvidenceAndGaps) {
    const Mail mail = Mail()
                          .answered(AnswerState::clean)
                          .answered(AnswerState::found, std::string(1000, 'x'), "2:a")
                          .answered(AnswerState::unavailable, "", "3:b")
                          .answered(AnswerState::not_scanned, "Heuristics.Limits", "4:c", "too_large");
    const auto evidence = all_evidence(&mail.facts, mail.answers);
    ASSERT_EQ(evidence.size(), 1U);
    EXPECT_EQ(evidence[0].id, "antivirus.match");
    EXPECT_EQ(evidence[0].feature, "antivirus");
    EXPECT_EQ(evidence[0].where, "2:a");
    EXPECT_EQ(evidence[0].facts.at(0), (std::pair<std::string, std::string>("engine", "clamd")));
    EXPECT_EQ(evidence[0].facts.at(1).second.size(), message::kMaxFactText);
    const auto gaps = all_gaps(nullptr, mail.answers);
    ASSERT_EQ(gaps.size(), 2U);
    EXPECT_EQ(gaps[0].reason, GapReason::engine_unavailable);
    EXPECT_EQ(gaps[0].engine, "clamd");
    EXPECT_EQ(gaps[1].reason, GapReason::too_large);
    EXPECT_EQ(gaps[1].text, "clamd did not look into all of 4:c: Heuristics.Limits");
}

TEST(Findings, TheWorstVerdictWins) {
    const auto verdict = [](const Mail& mail) {
        return verdict_of(all_evidence(&mail.facts, mail.answers), all_gaps(&mail.facts, mail.answers), 5.0);
    };
    Mail mail;
    EXPECT_EQ(verdict(mail), Verdict::clean);
    EXPECT_EQ(verdict(mail.with("web", "url.seen")), Verdict::clean);
    EXPECT_EQ(verdict(mail.with("antispam", "antispam.x", "", 9)), Verdict::spam);
    EXPECT_EQ(verdict(mail.with_gap(GapReason::encrypted)), Verdict::unscannable);
    EXPECT_EQ(verdict(mail.with("malformed", "malformed.x")), Verdict::malformed);
    EXPECT_EQ(verdict(mail.answered(AnswerState::found, "Eicar")), Verdict::virus);
}

// --- hostile ---------------------------------------------------------------------------------------------

TEST(Hostile, ManyFindingsAndRecipients) {
    Mail mail;
    std::string text;
    for (int i = 0; i < 100; ++i) {
        text += rule("r" + std::to_string(i), ".any = [\"a.x\", \"gap.*\", \"b.*\"]", "\"do_not_intercept\"",
                     "route = { recipients = [\"*@d" + std::to_string(i) + ".example\"] }");
    }
    std::vector<std::string> recipients;
    for (int i = 0; i < 5000; ++i) recipients.push_back("u@d" + std::to_string(i % 200) + ".example");
    mail.to(recipients);
    for (int i = 0; i < 10'000; ++i) mail.with_gap(GapReason::too_many, "p" + std::to_string(i));
    for (int i = 0; i < 50'000; ++i) mail.with("b", "b.e" + std::to_string(i));
    const auto decision = mail.decide(policy_of(text + rule("last", ".all = [\"gap.*\"]", "\"quarantine\"")));
    EXPECT_EQ(decision.groups.size(), 101U);
    std::size_t count = 0;
    for (const auto& group : decision.groups) {
        count += group.recipients.size();
        EXPECT_LE(group.because.size(), kMaxReasons);
        EXPECT_EQ(group.outcome().kind, ActionKind::quarantine);
    }
    EXPECT_EQ(count, 5000U);
}

TEST(Hostile, EveryRecipientMayTakeAWayOfItsOwn) {
    std::string text;
    for (int bit = 0; bit < 13; ++bit) {
        std::string list;
        for (int i = 0; i < 5000; ++i) {
            if ((i >> bit) & 1) list += "\"u" + std::to_string(i) + "@x\",";
        }
        text += rule("bit" + std::to_string(bit), ".any = [\"a.x\"]",
                     "{ action = \"x_header\", name = \"X-B" + std::to_string(bit) + "\", text = \"1\" }",
                     "route = { recipients = [" + list + "] }");
    }
    std::vector<std::string> recipients;
    for (int i = 0; i < 5000; ++i) recipients.push_back("u" + std::to_string(i) + "@x");
    const Mail mail = Mail().to(recipients).with("f", "a.x");
    const auto decision = mail.decide(policy_of(text));
    EXPECT_EQ(decision.groups.size(), 5000U);
}

TEST(Hostile, AMessageWithoutRecipientsHasOneEmptyGroup) {
    const auto decision = Mail().to({}).decide(defaults());
    ASSERT_EQ(decision.groups.size(), 1U);
    EXPECT_THAT(decision.groups[0].recipients, IsEmpty());
    EXPECT_EQ(words_of(decision.groups[0]), "deliver");
}

}  // namespace
}  // namespace gatehouse::decide
