// What has to hold whatever the policy and the message are, tried on random ones; and the action of each
// decision compared with that of an evaluator that shares no code with ours.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "decide/questions.h"
#include "decide/test_support.h"

namespace gatehouse::decide {
namespace {

using message::ActionKind;
using message::AnswerState;

#ifdef GATEHOUSE_SANITIZED
constexpr int kTimes = 1;  // sanitizers cost ten times as much
#else
constexpr int kTimes = 5;
#endif

class Dice {
  public:
    explicit Dice(unsigned seed) : engine_(seed) {}
    std::size_t below(std::size_t n) { return engine_() % n; }
    bool one_in(std::size_t n) { return below(n) == 0; }
    template <typename List>
    auto pick(const List& list) {
        return list[below(list.size())];
    }

  private:
    std::mt19937 engine_;
};

const std::vector<std::string> kIds{"a.x", "a.y", "b.x", "c.long_one", "malformed.x", "loop.received"};
const std::vector<std::string> kTerms{"a.x",
                                      "a.*",
                                      "b.x",
                                      "b.x >= 0.5",
                                      "gap.encrypted",
                                      "gap.*",
                                      "antivirus.match",
                                      "spam",
                                      "spam_score < 3",
                                      "size > 1000",
                                      "recipients > 2",
                                      "verdict.clean",
                                      "verdict.virus",
                                      "c.*",
                                      "antivirus.*"};
const std::vector<std::string> kThen{"\"delete\"",
                                     "\"quarantine\"",
                                     "\"reject\"",
                                     "\"defer\"",
                                     "\"do_not_intercept\"",
                                     "{ action = \"tag_subject\", text = \"[x] \" }",
                                     "{ action = \"x_header\", name = \"X-A\", text = \"1\" }",
                                     "{ action = \"x_header\", name = \"x-a\", text = \"2\" }"};
const std::vector<std::string> kAddresses{"a@in.example",  "b@in.example", "c@sub.in.example",
                                          "d@out.example", "Postmaster",   "\"q u\"@out.example"};
const std::vector<std::string> kPatterns{"*@in.example", "a@in.example", "*@*.in.example",
                                         "*@*",          "out.example",  "<>"};
const std::vector<std::string> kDirectionWords{"all", "incoming", "outgoing", "both"};

std::string list_of(Dice& dice, const std::vector<std::string>& from, std::size_t most) {
    std::string out = "[";
    for (std::size_t n = dice.below(most + 1); n > 0; --n) out += "\"" + dice.pick(from) + "\",";
    return out + "]";
}

std::string random_rule(Dice& dice, std::size_t number) {
    const bool is_global = number == 1 && dice.one_in(2);
    std::string text = "[[rule]]\nname = \"r" + std::to_string(number) + "\"\n";
    if (is_global || dice.one_in(8)) text += "kind = \"antivirus\"\n";
    if (dice.one_in(6)) text += "enabled = false\n";
    const std::string any = list_of(dice, kTerms, 2);
    const std::string all = list_of(dice, kTerms, 2);
    const std::string none = list_of(dice, kTerms, 1);
    const bool is_empty = any == "[]" && all == "[]" && none == "[]";
    text += is_empty ? "when = \"always\"\n"
                     : "when = { any = " + any + ", all = " + all + ", none = " + none + " }\n";
    if (dice.one_in(2)) {
        text += "route = { direction = \"" + dice.pick(kDirectionWords) +
                "\", recipients = " + list_of(dice, kPatterns, 2) +
                ", senders = " + list_of(dice, kPatterns, 1) + " }\n";
    }
    text += "then = [" + dice.pick(kThen);
    if (dice.one_in(3)) text += ", " + kThen[5 + dice.below(3)];
    return text + "]\n";
}

std::string random_policy(Dice& dice) {
    std::string text;
    for (std::size_t i = 0, n = dice.below(8); i < n; ++i) text += random_rule(dice, i);
    return text;
}

std::string random_settings(Dice& dice) {
    std::string text = "[antivirus.exceptions]\n";
    for (const std::string key : {"limits", "malformed", "encrypted", "unscannable", "engine_unavailable"}) {
        if (dice.one_in(2)) text += key + " = \"" + std::string(dice.pick(kExceptionActions)) + "\"\n";
    }
    if (dice.one_in(3)) text += "message_size = 2000\n";
    if (dice.one_in(3)) text += "recipients = 3\n";
    if (dice.one_in(2)) text += "[general]\ninternal_addresses = [\"in.example\"]\n";
    return text;
}

Mail random_mail(Dice& dice) {
    Mail mail;
    std::vector<std::string> recipients;
    for (std::size_t n = 1 + dice.below(6); n > 0; --n) recipients.push_back(dice.pick(kAddresses));
    mail.to(recipients);
    mail.envelope.sender = dice.one_in(5) ? "" : dice.pick(kAddresses);
    mail.envelope.size = dice.below(4000);
    mail.envelope.client.permitted_sender = dice.one_in(2);
    for (std::size_t n = dice.below(3); n > 0; --n) {
        const auto id = kIds[dice.one_in(4) ? dice.below(kIds.size()) : dice.below(4)];
        mail.with(id.substr(0, id.find('.')), id, dice.one_in(2) ? "" : "1",
                  static_cast<double>(dice.below(8)), static_cast<double>(dice.below(11)) / 10);
    }
    if (dice.one_in(4)) mail.with_gap(static_cast<message::GapReason>(1 + dice.below(9)));
    if (dice.one_in(2)) mail.with_engine();
    if (dice.one_in(2)) mail.answered(static_cast<AnswerState>(1 + dice.below(4)), "name", "", "encrypted");
    if (dice.one_in(4)) mail.parts = {"2:a"};
    mail.circumstances.engine_expected_back = dice.one_in(2);
    if (dice.one_in(4)) mail.facts.stripped_headers = {"X-Spam-Flag"};
    mail.has_facts = !dice.one_in(10);
    mail.is_live = !dice.one_in(5);
    if (dice.one_in(5)) mail.not_looked_for = {dice.pick(kIds)};
    return mail;
}

void expect_whole(const message::Decision& decision, const Mail& mail) {
    std::map<std::string, std::size_t> wanted;
    std::map<std::string, std::size_t> seen;
    for (const auto& recipient : mail.envelope.recipients) ++wanted[recipient.address];
    ASSERT_FALSE(decision.groups.empty());
    for (const auto& group : decision.groups) {
        EXPECT_FALSE(group.recipients.empty());
        for (const auto& recipient : group.recipients) ++seen[recipient];
        ASSERT_FALSE(group.actions.empty());
        EXPECT_TRUE(is_terminal(group.actions.back().kind));
        EXPECT_EQ(std::count_if(group.actions.begin(), group.actions.end(),
                                [](const message::Action& action) { return is_terminal(action.kind); }),
                  1);
        if (group.outcome().kind == ActionKind::deliver && group.actions.size() > 1) {
            EXPECT_FALSE(group.plan.is_empty());
        }
        EXPECT_LE(group.flips.size(), 4U);
    }
    EXPECT_EQ(seen, wanted);
}

TEST(Property, EveryRecipientInOneGroupEveryGroupOneTerminalActionLast) {
    Dice dice(20260101);
    for (int round = 0; round < 600 * kTimes; ++round) {
        const auto text = random_policy(dice);
        const auto settings = random_settings(dice);
        const Policy policy = policy_of(text, settings);
        for (int i = 0; i < 5; ++i) {
            const Mail mail = random_mail(dice);
            const auto decision = mail.decide(policy);
            expect_whole(decision, mail);
            EXPECT_EQ(mail.decide(policy), decision);
            if (testing::Test::HasFailure()) FAIL() << text << settings;
        }
    }
}

std::multimap<std::string, std::string> outcomes(const message::Decision& decision) {
    std::multimap<std::string, std::string> out;
    for (const auto& group : decision.groups) {
        for (const auto& recipient : group.recipients) out.emplace(recipient, words_of(group));
    }
    return out;
}

/// What is still asked could change something, and when nothing is asked, engines change nothing: an answer
/// "clean" and an answer "found" to open questions give the same actions.
TEST(Property, UnaskedEnginesWouldNotHaveChangedTheActions) {
    Dice dice(7);
    for (int round = 0; round < 600 * kTimes; ++round) {
        const Policy policy = policy_of(random_policy(dice), random_settings(dice));
        Mail mail = random_mail(dice);
        mail.answers.clear();
        mail.with_engine();
        mail.has_facts = true;
        mail.is_live = true;
        if (!questions(mail.input(), policy).empty()) continue;
        Mail clean = mail;
        Mail found = mail;
        clean.answered(AnswerState::clean);
        found.answered(AnswerState::found, "Eicar");
        clean.parts.clear();
        found.parts.clear();
        EXPECT_EQ(outcomes(clean.decide(policy)), outcomes(found.decide(policy)));
    }
}

// --- an independent evaluator: one recipient at a time, straight from the documents
// ----------------------------

struct Plain {
    const Mail& mail;
    const Policy& policy;

    bool has(std::string_view word, bool is_group, double least) const {
        for (const auto& item : mail.facts.evidence) {
            const bool is_it = is_group ? item.id.starts_with(word) : item.id == word;
            if (is_it && item.confidence >= least) return true;
        }
        return std::any_of(mail.answers.begin(), mail.answers.end(), [&](const auto& answer) {
            const bool is_it =
                is_group ? std::string_view("antivirus.match").starts_with(word) : word == "antivirus.match";
            return answer.state == AnswerState::found && is_it;
        });
    }
    bool has_gap(std::string_view word) const {
        for (const auto& gap : mail.facts.coverage.gaps) {
            if (word.empty() || to_string(gap.reason) == word) return true;
        }
        return false;
    }
    double score() const {
        double sum = 0;
        for (const auto& item : mail.facts.evidence) sum += item.score;
        return sum;
    }
    std::string verdict() const {
        if (has("antivirus.match", false, 0)) return "virus";
        if (has("malformed.", true, 0) || has_gap("ambiguous") || has_gap("corrupt")) return "malformed";
        if (has_gap("")) return "unscannable";
        if (has("loop.", true, 0)) return "policy";
        return score() >= 5 ? "spam" : "clean";
    }
    bool holds(const Term& term) const {
        switch (term.kind) {
            case TermKind::evidence:
                return has(term.word, term.is_group, term.number);
            case TermKind::gap:
                return has_gap(term.word);
            case TermKind::verdict:
                return verdict() == term.word;
            case TermKind::spam_score:
                return term.comparison == Comparison::below ? score() < term.number : score() >= term.number;
            case TermKind::size:
                return static_cast<double>(mail.envelope.size) > term.number;
            case TermKind::recipients:
                return static_cast<double>(mail.envelope.recipients.size()) > term.number;
        }
        return false;
    }
    bool is_internal(std::string_view address) const { return policy.internal.matches(Address(address)); }
    bool is_for(const Route& route, const std::string& recipient) const {
        const auto& sender = mail.envelope.sender;
        const bool out =
            policy.internal.is_empty() ? mail.envelope.client.permitted_sender : is_internal(sender);
        const bool in = policy.internal.is_empty() ? !out : is_internal(recipient);
        if (route.direction == Direction::incoming && !in) return false;
        if (route.direction == Direction::outgoing && !out) return false;
        if (route.direction == Direction::both && !in && !out) return false;
        if (!route.senders.is_empty() && !route.senders.matches(Address(sender))) return false;
        return route.recipients.is_empty() || route.recipients.matches(Address(recipient));
    }
    static std::optional<std::string> ends(const std::string& verb) {
        return verb == "do_not_intercept" ? std::nullopt : std::optional(verb);
    }
    std::optional<std::string> gaps() const {
        std::optional<std::string> out;
        if (has_gap("encrypted")) out = ends(policy.exceptions.encrypted);
        for (const auto* word :
             {"too_deep", "too_large", "too_many", "corrupt", "timed_out", "refused", "ambiguous"}) {
            if (!out && has_gap(word)) out = ends(policy.exceptions.unscannable);
        }
        if (out || !has_gap("engine_unavailable")) return out;
        return mail.circumstances.engine_expected_back ? std::optional<std::string>("defer")
                                                       : ends(policy.exceptions.engine_unavailable);
    }
    std::string outcome(const std::string& recipient) const {
        if (has("loop.", true, 0)) return "reject";
        const auto& limits = policy.exceptions;
        if (policy.has_exceptions()) {
            const bool is_over = (limits.message_size > 0 &&
                                  mail.envelope.size > static_cast<std::uint64_t>(limits.message_size)) ||
                                 (limits.recipients > 0 && mail.envelope.recipients.size() >
                                                               static_cast<std::uint64_t>(limits.recipients));
            if (const auto end = is_over ? ends(limits.limits) : std::nullopt) return *end;
            if (has("malformed.", true, 0)) return ends(limits.malformed).value_or("deliver");
        }
        bool has_scanned = !policy.has_exceptions();
        for (const auto& rule : policy.rules) {
            const auto all = [&](const auto& list, bool wanted) {
                return std::all_of(list.begin(), list.end(),
                                   [&](const Term& t) { return holds(t) == wanted; });
            };
            const auto& when = rule.when;
            const bool any = when.any.empty() || !all(when.any, false);
            const bool matches = any && all(when.all, true) && all(when.none, false);
            if (rule.enabled && matches && is_for(rule.route, recipient) && !rule.actions.empty() &&
                is_terminal(rule.actions.back().kind)) {
                return std::string(to_string(rule.actions.back().kind));
            }
            const bool is_scanning = !has_scanned && rule.enabled && rule.kind == RuleKind::antivirus;
            has_scanned |= is_scanning;
            if (const auto end = is_scanning ? gaps() : std::nullopt) return *end;
        }
        return "deliver";
    }
};

TEST(Property, TheOutcomeIsThatOfAnIndependentEvaluator) {
    Dice dice(42);
    for (int round = 0; round < 4000 * kTimes; ++round) {
        const auto text = random_policy(dice);
        const Policy policy = policy_of(text, random_settings(dice));
        Mail mail = random_mail(dice);
        mail.has_facts = true;
        mail.is_live = true;
        mail.not_looked_for.clear();
        mail.parts.clear();
        mail.circumstances.engines.clear();
        std::erase_if(mail.answers, [](const auto& answer) {
            return answer.state != AnswerState::clean && answer.state != AnswerState::found;
        });
        const Plain plain{mail, policy};
        for (const auto& group : mail.decide(policy).groups) {
            for (const auto& recipient : group.recipients) {
                ASSERT_EQ(to_string(group.outcome().kind), plain.outcome(recipient)) << text << recipient;
            }
        }
    }
}

/// Rules without none-lists, verdicts and upper bounds can only lose by losing evidence.
TEST(Property, RemovingEvidenceNeverAddsAMatchingRule) {
    Dice dice(11);
    const std::vector<std::string> terms{"a.x", "a.*", "b.x", "c.*", "gap.*", "spam", "antivirus.match"};
    for (int round = 0; round < 600 * kTimes; ++round) {
        std::string text;
        for (int i = 0; i < 4; ++i) {
            text += "[[rule]]\nname = \"r" + std::to_string(i) +
                    "\"\nwhen = { any = " + list_of(dice, terms, 3) + ", all = [\"" + dice.pick(terms) +
                    "\"] }\nthen = \"do_not_intercept\"\n";
        }
        const Policy policy = policy_of(text);
        Mail mail = random_mail(dice);
        mail.is_live = true;
        mail.has_facts = true;
        mail.not_looked_for.clear();
        std::erase_if(mail.facts.evidence, [](const auto& item) { return item.feature == "loop"; });
        if (mail.facts.evidence.empty()) continue;
        const auto before = mail.decide(policy).groups.at(0).matched;
        mail.facts.evidence.erase(mail.facts.evidence.begin());
        const auto after = mail.decide(policy).groups.at(0).matched;
        for (const auto& name : after) {
            EXPECT_NE(std::find(before.begin(), before.end(), name), before.end()) << text;
        }
    }
}

}  // namespace
}  // namespace gatehouse::decide
