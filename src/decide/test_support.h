// For the tests of decide only: a policy from TOML text, and a message whose parts can be changed one by one.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "decide/evaluate.h"
#include "decide/input.h"
#include "decide/make_policy.h"
#include "message/revision.h"
#include "settings/text/parse.h"

namespace gatehouse::decide {

inline Policy policy_of(std::string_view policy, std::string_view settings = "") {
    auto tree = settings::text::parse(policy, "policy.toml");
    auto settings_tree = settings::text::parse(settings, "settings.toml");
    EXPECT_TRUE(tree && settings_tree) << policy << settings;
    auto made =
        make_policy(message::make_revision(std::move(settings_tree).value(), std::move(tree).value()));
    EXPECT_TRUE(made) << (made ? "" : made.error().sentence);
    return made.value_or(Policy());
}

/// The sentence that make_policy gives, or "ok".
inline std::string refusal_of(std::string_view policy, std::string_view settings = "") {
    auto tree = settings::text::parse(policy, "policy.toml");
    auto settings_tree = settings::text::parse(settings, "settings.toml");
    if (!tree) return tree.error().sentence;
    if (!settings_tree) return settings_tree.error().sentence;
    auto made =
        make_policy(message::make_revision(std::move(settings_tree).value(), std::move(tree).value()));
    return made ? "ok" : made.error().sentence;
}

struct Mail {
    message::Envelope envelope;
    message::Facts facts;
    message::Answers answers;
    message::Circumstances circumstances;
    std::vector<std::string> parts;
    std::vector<std::string> not_looked_for;
    bool has_facts = true;
    bool is_live = true;

    Mail() {
        envelope.sender = "a@example.org";
        envelope.recipients = {{"b@example.com", 0, ""}};
        envelope.size = 5000;
    }
    Input input() const {
        return {envelope, has_facts ? &facts : nullptr, answers, circumstances, parts, not_looked_for,
                is_live};
    }
    message::Decision decide(const Policy& policy) const { return evaluate(input(), policy); }
    /// The one group that is expected.
    message::GroupDecision group(const Policy& policy) const {
        auto decision = decide(policy);
        EXPECT_EQ(decision.groups.size(), 1U);
        return decision.groups.at(0);
    }
    Mail& to(std::vector<std::string> addresses) {
        envelope.recipients.clear();
        for (auto& address : addresses) envelope.recipients.push_back({std::move(address), 0, ""});
        return *this;
    }
    Mail& with(std::string feature, std::string id, std::string where = "", double score = 0,
               double confidence = 1) {
        facts.evidence.push_back({std::move(feature),
                                  std::move(id),
                                  std::move(where),
                                  confidence,
                                  score,
                                  "a sentence",
                                  {},
                                  "local"});
        return *this;
    }
    Mail& with_gap(message::GapReason reason, std::string part = "2:a.zip", std::string engine = "") {
        facts.coverage.gaps.push_back({std::move(part), reason, "", std::move(engine)});
        return *this;
    }
    Mail& answered(message::AnswerState state, std::string name = "", std::string where = "",
                   std::string gap = "") {
        const auto kind =
            where.empty() ? message::QuestionKind::engine_message : message::QuestionKind::engine_part;
        answers.push_back(
            {{kind, "clamd", std::move(where)}, state, std::move(name), std::move(gap), "g1", 5, false});
        return *this;
    }
    Mail& with_engine() {
        circumstances.engines = {"clamd"};
        return *this;
    }
};

/// The words of a group's actions: "tag_subject quarantine".
inline std::string words_of(const message::GroupDecision& group) {
    std::string out;
    for (const auto& action : group.actions) {
        if (!out.empty()) out += ' ';
        out += message::to_string(action.kind);
    }
    return out;
}

}  // namespace gatehouse::decide
