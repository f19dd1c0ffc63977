#include "decide/make_policy.h"

#include <gtest/gtest.h>

#include "decide/default_policy.h"
#include "decide/test_support.h"
#include "settings/text/catalogue.h"
#include "settings/text/render.h"

namespace gatehouse::decide {
namespace {

using message::ActionKind;

constexpr std::string_view kGood =
    "[[rule]]\n"
    "name = \"r\"\n"
    "when.any = [\"antivirus.match\"]\n"
    "then = [\"quarantine\"]\n";

std::string rule(std::string_view lines) {
    return "[[rule]]\nname = \"r\"\n" + std::string(lines);
}
std::string when_always(std::string_view then) {
    return rule("when = \"always\"\nthen = " + std::string(then));
}

TEST(DefaultPolicy, HoldsTheTwoBuiltInRules) {
    const Policy policy = policy_of(default_policy_text(), default_settings_text());
    ASSERT_EQ(policy.rules.size(), 2U);
    EXPECT_EQ(policy.rules[0].name, "Global antivirus rule");
    EXPECT_EQ(policy.antivirus_rule, 0U);
    EXPECT_EQ(policy.rules[0].kind, RuleKind::antivirus);
    EXPECT_EQ(policy.rules[1].name, kDefaultSpamRule);
    EXPECT_EQ(policy.rules[1].route.direction, Direction::incoming);
    EXPECT_EQ(policy.rules[1].when.any.at(0).number, 5.0);
    EXPECT_TRUE(policy.has_exceptions());
    EXPECT_TRUE(policy.warnings.empty());
}

TEST(DefaultPolicy, ItsTextSaysWhatTheStructsDefaultTo) {
    const Policy written = policy_of("", default_settings_text());
    const Policy built_in = policy_of("", "");
    EXPECT_EQ(written.general.internal_addresses, built_in.general.internal_addresses);
    EXPECT_EQ(written.general.time_zone, built_in.general.time_zone);
    EXPECT_EQ(written.antivirus.grace, built_in.antivirus.grace);
    EXPECT_EQ(written.exceptions.message_size, built_in.exceptions.message_size);
    EXPECT_EQ(written.exceptions.recipients, built_in.exceptions.recipients);
    EXPECT_EQ(written.exceptions.limits, built_in.exceptions.limits);
    EXPECT_EQ(written.exceptions.malformed, built_in.exceptions.malformed);
    EXPECT_EQ(written.exceptions.encrypted, built_in.exceptions.encrypted);
    EXPECT_EQ(written.exceptions.unscannable, built_in.exceptions.unscannable);
    EXPECT_EQ(written.exceptions.engine_unavailable, built_in.exceptions.engine_unavailable);
    EXPECT_EQ(written.spam_threshold, built_in.spam_threshold);
}

TEST(MakePolicy, AnEmptyPolicyDeliversAndWarns) {
    const Policy policy = policy_of("");
    EXPECT_TRUE(policy.rules.empty());
    EXPECT_FALSE(policy.has_exceptions());
    ASSERT_EQ(policy.warnings.size(), 2U);
    EXPECT_NE(policy.warnings[0].find("no rule has kind"), std::string::npos);
    EXPECT_NE(policy.warnings[1].find("malware is delivered"), std::string::npos);
    const Policy disabled =
        policy_of(rule("kind = \"antivirus\"\nenabled = false\n"
                       "when.any = [\"antivirus.match\"]\nthen = \"delete\""));
    EXPECT_NE(disabled.warnings.at(0).find("every rule is disabled"), std::string::npos);
}

TEST(MakePolicy, TheScanningExceptionsFollowTheKindAndNotTheName) {
    const std::string scan = "when.any = [\"antivirus.match\"]\nthen = \"delete\"";
    const Policy renamed = policy_of(rule("kind = \"antivirus\"\n" + scan));
    EXPECT_TRUE(renamed.has_exceptions());
    EXPECT_TRUE(renamed.warnings.empty());
    const Policy named = policy_of("[[rule]]\nname = \"Global antivirus rule\"\n" + scan);
    EXPECT_FALSE(named.has_exceptions());
    EXPECT_EQ(named.warnings.size(), 1U);
    // The first that is enabled carries them.
    const Policy second =
        policy_of(rule("kind = \"antivirus\"\nenabled = false\n" + scan) + "\n[[rule]]\nname = \"s\"\n" +
                  scan + "\n[[rule]]\nname = \"t\"\nkind = \"antivirus\"\n" + scan);
    EXPECT_EQ(second.antivirus_rule, 2U);
}

TEST(MakePolicy, EverySpellingOfActions) {
    const Policy policy = policy_of(
        when_always("[{ action = \"tag_subject\", text = \"[x] \" }, \"delete\","
                    " { action = \"x_header\", name = \"X-A\", text = \"b\" }, \"do_not_intercept\"]"));
    const auto& actions = policy.rules.at(0).actions;
    ASSERT_EQ(actions.size(), 3U);
    EXPECT_EQ(actions[0].kind, ActionKind::tag_subject);
    EXPECT_EQ(actions[1].kind, ActionKind::x_header);
    EXPECT_EQ(actions[2].kind, ActionKind::remove);
    EXPECT_EQ(policy_of(when_always("\"quarantine\"")).rules[0].actions.at(0).area, "default");
    EXPECT_EQ(policy_of(when_always("{ action = \"reject\" }")).rules[0].actions.at(0).text,
              "550 5.7.1 Message refused by policy");
    EXPECT_EQ(
        policy_of(when_always("{ action = \"reject\", text = \"Go away\" }")).rules[0].actions.at(0).text,
        "550 5.7.1 Go away");
    EXPECT_EQ(policy_of(when_always("{ action = \"reject\", text = \"554 5.6.0 No\" }"))
                  .rules[0]
                  .actions.at(0)
                  .text,
              "554 5.6.0 No");
    EXPECT_EQ(policy_of(when_always("\"defer\"")).rules[0].actions.at(0).text, "451 4.7.1 Try again later");
    EXPECT_TRUE(policy_of(when_always("\"do_not_intercept\"")).rules[0].actions.empty());
    EXPECT_EQ(
        policy_of(rule("when.any = [\"spam\"]\n[[rule.then]]\naction = \"quarantine\"\narea = \"default\""))
            .rules[0]
            .actions.size(),
        1U);
}

struct Case {
    std::string policy;
    std::string_view sentence;
};

TEST(MakePolicy, OneClearErrorForEachKindOfMistake) {
    const std::vector<Case> cases{
        {std::string(kGood), "ok"},
        {"[[ruel]]\n", "policy.toml:1: unknown table ruel; did you mean rule?"},
        {"rule = 1", "policy.toml:1: rules are written as [[rule]], not as an integer"},
        {"[rule]\nname = \"x\"", "policy.toml:1: rules are written as [[rule]], not as a table"},
        {"rule = [1]", "policy.toml:1: a rule must be a table written as [[rule]], not an integer"},
        {"[[rule]]\nwhen = \"always\"", "policy.toml:1: rule without name"},
        {"[[rule]]\nname = \"\"",
         "policy.toml:2: name: a name is 1 to 100 bytes of text without control characters"},
        {"[[rule]]\nname = \"Mail loop\"",
         "policy.toml:2: name: \"Mail loop\" is the name of what happens without a rule"},
        {rule("whne = \"always\""), "policy.toml:3: unknown key rule.whne; did you mean when?"},
        {rule("enable = true"), "policy.toml:3: unknown key rule.enable; did you mean enabled?"},
        {rule("enabled = 1"), "policy.toml:3: enabled must be true or false, not an integer"},
        {rule("kind = \"anti\""),
         "policy.toml:3: kind must be one of antivirus, other, builtin, not \"anti\""},
        {rule("then = \"delete\""),
         "policy.toml:1: rule \"r\" has no when; write when = \"always\" for a rule that matches every "
         "message"},
        {rule("when = \"always\""),
         "policy.toml:1: rule \"r\" has no then; write then = [\"do_not_intercept\"] to do nothing"},
        {rule("when = \"never\"\nthen = \"delete\""),
         "policy.toml:3: when must be a table with any, all or none, or \"always\", not a string"},
        {rule("when = {}\nthen = \"delete\""),
         "policy.toml:3: when names no condition; write when = \"always\" for a rule that matches every "
         "message"},
        {rule("when.any = []\nthen = \"delete\""),
         "policy.toml:3: when names no condition; write when = \"always\" for a rule that matches every "
         "message"},
        {rule("when.some = [\"spam\"]\nthen = \"delete\""),
         "policy.toml:3: unknown key rule.when.some; did you mean none?"},
        {rule("when.any = [\n\"spam\",\n\"viurs\"]\nthen = \"delete\""),
         "policy.toml:5: any: \"viurs\" is no condition (an evidence id such as antivirus.match or packer.*, "
         "gap.WORD, verdict.WORD, spam, or spam_score, size or recipients with a comparison)"},
        {rule("when.any = [\"gap.encrpyted\"]\nthen = \"delete\""),
         "policy.toml:3: any: \"gap.encrpyted\" names no gap (encrypted, too_deep, too_large, too_many, "
         "corrupt, "
         "timed_out, engine_unavailable, refused, ambiguous, or *)"},
        {rule("when.any = [1]\nthen = \"delete\""),
         "policy.toml:3: any must be a list of strings, not a list with an integer"},
        {rule("when = \"always\"\nroute = 1\nthen = \"delete\""),
         "policy.toml:4: rule.route must be a table, not an integer"},
        {rule("when = \"always\"\nroute.direction = \"in\"\nthen = \"delete\""),
         "policy.toml:4: direction must be one of all, incoming, outgoing, both, not \"in\""},
        {rule("when = \"always\"\nroute.sender = [\"a@b\"]\nthen = \"delete\""),
         "policy.toml:4: unknown key rule.route.sender; did you mean senders?"},
        {rule("when = \"always\"\nroute.senders = [\"a@*\"]\nthen = \"delete\""),
         "policy.toml:4: senders: \"a@*\" is no address pattern (user@example.com, *@example.com, "
         "*@*.example.com, *@*, or <> for the null sender)"},
        {when_always("[]"), "policy.toml:4: rule \"r\" does nothing; write then = [\"do_not_intercept\"]"},
        {when_always("\"deliver\""),
         "policy.toml:4: deliver is what happens after the last rule; do_not_intercept goes on to the next "
         "rule"},
        {when_always("\"quarantien\""),
         "policy.toml:4: action must be one of do_not_intercept, reject, defer, delete, quarantine, "
         "hand_off, postpone, tag_subject, x_header, not \"quarantien\""},
        {when_always("[1]"), "policy.toml:4: rule.then must be a table, not an integer"},
        {when_always("[{ text = \"x\" }]"),
         "policy.toml:4: what the rule does needs action = one of do_not_intercept, reject, defer, delete, "
         "quarantine, hand_off, postpone, tag_subject, x_header"},
        {when_always("[\"delete\", \"reject\"]"),
         "policy.toml:4: rule \"r\": delete and reject exclude each other"},
        {when_always("{ action = \"delete\", area = \"default\" }"),
         "policy.toml:4: area means nothing for the action delete"},
        {when_always("{ action = \"quarantine\", area = \"spam\" }"),
         "policy.toml:4: area: default is the one quarantine area of this version, not \"spam\""},
        {when_always("\"tag_subject\""),
         "policy.toml:4: tag_subject: text must be 1 to 100 bytes without control characters"},
        {when_always("{ action = \"tag_subject\", text = \"a\\r\\nBcc: x\" }"),
         "policy.toml:4: tag_subject: text must be 1 to 100 bytes without control characters"},
        {when_always("{ action = \"x_header\", name = \"Subject\", text = \"x\" }"),
         "policy.toml:4: x_header: name must be a header field such as X-Checked"},
        {when_always("{ action = \"x_header\", name = \"X-A: b\", text = \"x\" }"),
         "policy.toml:4: x_header: name must be a header field such as X-Checked"},
        {when_always("{ action = \"x_header\", name = \"x-gatehouse-verdict\", text = \"clean\" }"),
         "policy.toml:4: x_header: X-Gatehouse- fields are written by Gatehouse alone"},
        {when_always("{ action = \"x_header\", name = \"X-A\", text = \"a\\nb\" }"),
         "policy.toml:4: x_header: text must be 1 to 500 characters of plain ASCII"},
        {when_always("{ action = \"reject\", text = \"a\\r\\n250 ok\" }"),
         "policy.toml:4: reject: text must be at most 200 characters of plain ASCII"},
        {when_always("{ action = \"reject\", text = \"451 4.7.1 later\" }"),
         "policy.toml:4: reject: a text that begins with a code must be like \"550 5.7.1 Words\""},
        {when_always("{ action = \"defer\", text = \"421 4.7.1 later\" }"),
         "policy.toml:4: defer: a text that begins with a code must be like \"451 4.7.1 Words\""},
        {std::string(kGood) + std::string(kGood),
         "policy.toml:5: the name \"r\" is already that of the rule at policy.toml:1"},
    };
    for (const auto& one : cases) EXPECT_EQ(refusal_of(one.policy), one.sentence) << one.policy;
}

TEST(MakePolicy, SettingsAreCheckedToo) {
    EXPECT_EQ(refusal_of("", "[general]\ninternal_addresses = [\"a@*\"]").substr(0, 17), "settings.toml:2: ");
    EXPECT_EQ(refusal_of("", "[general]\ntime_zone = \"../etc\"").substr(0, 17), "settings.toml:2: ");
    EXPECT_EQ(
        refusal_of("", "[antivirus.exceptions]\nmalformed = \"deliver\""),
        "settings.toml:2: malformed must be one of do_not_intercept, quarantine, delete, reject, defer, "
        "not \"deliver\"");
    EXPECT_EQ(refusal_of("", "[antispam]\nthreshold = 2.9"),
              "settings.toml:2: antispam.threshold must be from 3.0 to 10.0, or 0, not 2.9");
    EXPECT_EQ(policy_of("", "[antispam]\nthreshold = 3").spam_threshold, 3.0);
    EXPECT_EQ(policy_of("", "[antispam]\ncatch_rate = \"low\"").spam_threshold, 7.0);
    EXPECT_EQ(policy_of("", "[antispam]\ncatch_rate = \"high\"").spam_threshold, 4.5);
}

TEST(MakePolicy, UnknownEvidenceIsAnErrorWhereTheVocabularyIsKnown) {
    constexpr std::array kKnown{
        base::EvidenceInfo{"packer.high_entropy", "intellitrap", base::Strength::weak, 1, "x"}};
    const auto made = [&](std::string_view term) {
        auto tree = settings::text::parse(
            rule("when.any = [\"" + std::string(term) + "\"]\nthen = \"delete\""), "policy.toml");
        const auto policy =
            make_policy(message::make_revision(base::Value(), std::move(tree).value()), kKnown);
        return policy ? std::string("ok") : policy.error().sentence;
    };
    EXPECT_EQ(made("packer.high_entropy"), "ok");
    EXPECT_EQ(made("packer.*"), "ok");
    EXPECT_EQ(made("antivirus.match"), "ok");
    EXPECT_EQ(made("gap.encrypted"), "ok");
    EXPECT_EQ(made("packer.hi_entropy"),
              "policy.toml:3: nothing in this version gives the evidence packer.hi_entropy; did you mean "
              "packer.high_entropy?");
    EXPECT_EQ(made("unheard.of.*").substr(0, 60),
              "policy.toml:3: nothing in this version gives the evidence un");
}

TEST(MakePolicy, TooManyRulesAreALimit) {
    std::string text;
    for (std::size_t i = 0; i <= kMaxRules; ++i) {
        text += "[[rule]]\nname = \"r" + std::to_string(i) +
                "\"\nwhen = \"always\"\nthen = \"do_not_intercept\"\n";
    }
    EXPECT_NE(refusal_of(text).find("at most 1000 rules"), std::string::npos);
}

TEST(Settings, TheCatalogueTakesAllTablesAndTheDefaults) {
    std::vector<settings::text::Entry> entries;
    add_tables(entries);
    const settings::text::Catalogue catalogue(entries);
    const settings::text::Trees trees{{},
                                      settings::text::parse(default_settings_text(), "settings.toml").value(),
                                      settings::text::parse(default_policy_text(), "policy.toml").value()};
    EXPECT_TRUE(catalogue.check(settings::text::File::settings, trees.settings));
    EXPECT_TRUE(catalogue.check(settings::text::File::policy, trees.policy));
    const std::string manual = settings::text::reference(catalogue);
    EXPECT_NE(manual.find("### [[rule.then]]"), std::string::npos);
    EXPECT_NE(manual.find("`internal_addresses`"), std::string::npos);
    const std::string shown = settings::text::show(catalogue, trees);
    EXPECT_EQ(shown.find("[rule.route]"), std::string::npos);
    EXPECT_NE(shown.find("name = \"Default spam rule\""), std::string::npos);
}

}  // namespace
}  // namespace gatehouse::decide
