#include "decide/evaluate.h"

#include <algorithm>
#include <unordered_map>

#include "decide/chain.h"
#include "decide/flips.h"
#include "decide/plan.h"
#include "decide/questions.h"
#include "decide/routes.h"

namespace gatehouse::decide {
namespace {

using message::ActionKind;
using message::GroupDecision;
using message::Verdict;

/// The rules whose route can make a difference: the condition holds, may hold, or would hold with less
/// evidence (for flips).
std::vector<std::size_t> rules_that_count(const Policy& policy, const Rulings& rulings, const Index& index) {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < policy.rules.size(); ++i) {
        const auto& rule = policy.rules[i];
        const bool counts = rulings.rules[i].truth != Truth::no || is_opposable(rule.when, index);
        if (rule.enabled && counts) out.push_back(i);
    }
    return out;
}

/// Everything but the recipients, as one string: equal strings are equal results.
std::string fingerprint(const GroupDecision& group, const std::vector<std::string>& doubtful) {
    std::string out;
    const auto add = [&](std::string_view text) {
        out += std::to_string(text.size());
        out += ':';
        out += text;
    };
    const auto add_all = [&](const std::vector<std::string>& list) {
        out += std::to_string(list.size());
        out += ';';
        for (const auto& text : list) add(text);
    };
    add(group.rule);
    for (const auto* list : {&group.matched, &group.because, &group.flips, &doubtful}) add_all(*list);
    for (const auto& action : group.actions) {
        out += std::to_string(static_cast<int>(action.kind));
        for (const auto* text : {&action.area, &action.name, &action.text}) add(*text);
    }
    return out;  // the plan follows from the actions
}

/// Policy's own part of the verdict: something was held back for a reason that is no spam.
bool is_policy_matter(const GroupDecision& group) {
    if (group.outcome().kind == ActionKind::deliver) return false;
    return std::any_of(group.because.begin(), group.because.end(),
                       [](const std::string& word) {
                           return word != "spam_score" && !word.starts_with("verdict.");
                       }) ||
           group.because.empty();
}

class Evaluation {
  public:
    Evaluation(const Input& input, const Policy& policy)
        : input_(input),
          policy_(policy),
          index_(input, policy.spam_threshold,
                 questions(input, policy).empty() ? Index::Missing::is_moot : Index::Missing::is_gap),
          rulings_(make_rulings(policy, index_, index_.view({}))),
          routes_(policy, input.envelope),
          flips_(policy, index_) {}

    Evaluated run() {
        for (const auto& one : routes_.classes(rules_that_count(policy_, rulings_, index_))) take_class(one);
        auto& decision = out_.decision;
        // A message always has recipients; a record of a refusal may have none.
        if (decision.groups.empty()) take_class({0, {}});
        decision.spam_score = rulings_.view.spam_score;
        decision.spam_threshold = policy_.spam_threshold;
        decision.verdict = rulings_.view.verdict;
        const bool is_held = std::any_of(decision.groups.begin(), decision.groups.end(), is_policy_matter);
        if (is_held) decision.verdict = std::min(decision.verdict, Verdict::policy);
        return std::move(out_);
    }

  private:
    void take_class(const Routes::Class& one) {
        const auto& recipients = input_.envelope.recipients;
        const Address first(one.recipients.empty() ? std::string_view() : recipients[one.first].address);
        const OnRoute is_on_route = [&](std::size_t rule) { return routes_.is_for(rule, first); };
        auto result = walk(policy_, rulings_, index_, is_on_route);
        auto& group = result.decision;
        group.plan = make_plan(input_, group.actions);
        group.flips = flips_.of(group, rulings_, is_on_route);
        auto& groups = out_.decision.groups;
        const auto [at, is_new] = group_of_.emplace(fingerprint(group, result.doubtful), groups.size());
        if (is_new) {
            groups.push_back(std::move(group));
            out_.doubtful.push_back(std::move(result.doubtful));
        }
        for (const auto i : one.recipients) groups[at->second].recipients.push_back(recipients[i].address);
    }

    const Input& input_;
    const Policy& policy_;
    Index index_;
    Rulings rulings_;
    Routes routes_;
    Flips flips_;
    Evaluated out_;
    std::unordered_map<std::string, std::size_t> group_of_;
};

}  // namespace

bool Evaluated::is_certain() const {
    return std::all_of(doubtful.begin(), doubtful.end(), [](const auto& rules) { return rules.empty(); });
}

Evaluated evaluate_with_doubt(const Input& input, const Policy& policy) {
    return Evaluation(input, policy).run();
}

message::Decision evaluate(const Input& input, const Policy& policy) {
    return evaluate_with_doubt(input, policy).decision;
}

}  // namespace gatehouse::decide
