#include "decide/flips.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "decide/words.h"

namespace gatehouse::decide {
namespace {

using message::GroupDecision;

struct Flip {
    Removed removed;
    GroupDecision other;
};

Removed united(const Removed& a, const Removed& b) {
    Removed out = a;
    out.insert(b.begin(), b.end());
    return out;
}

/// Fewer words first; the order of equals is fixed, so that the same input gives the same flips.
bool is_smaller(const Removed& a, const Removed& b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
}

}  // namespace

const Rulings* Flips::rulings_without(const Removed& removed) {
    if (const auto at = cache_.find(removed); at != cache_.end()) return &at->second;
    if (cache_.size() >= kMaxViews) return nullptr;
    return &cache_.emplace(removed, make_rulings(policy_, index_, index_.view(removed))).first->second;
}

std::vector<Removed> Flips::ways_to_stop(const Rule& rule, const View& view) const {
    std::vector<Removed> ways;
    const auto add = [&](std::span<const Term> terms) {
        std::vector<std::string> words;
        for (const auto& term : terms) index_.add_reasons(term, view, words);
        // As many as can be kept may not be all of them: then this is no way.
        if (!words.empty() && words.size() < kMaxReasons) ways.emplace_back(words.begin(), words.end());
    };
    add(rule.when.any);
    for (const auto& term : rule.when.all) add(std::span(&term, 1));
    std::sort(ways.begin(), ways.end(), is_smaller);
    if (ways.size() > kMaxFlips) ways.resize(kMaxFlips);
    return ways;
}

/// Ways to stop what decided: the rule that ended the evaluation, or else the last that acted.
std::vector<Removed> Flips::ways_to_stop(const GroupDecision& decision, const View& view) const {
    for (auto name = decision.matched.rbegin(); name != decision.matched.rend(); ++name) {
        const auto rule = std::find_if(policy_.rules.begin(), policy_.rules.end(),
                                       [&](const Rule& one) { return one.name == *name; });
        if (rule != policy_.rules.end() && !rule->actions.empty()) return ways_to_stop(*rule, view);
        // No rule of the policy: a ruling, which has exactly the reasons it gives.
        if (*name == decision.rule) return {Removed(decision.because.begin(), decision.because.end())};
    }
    return {};
}

std::string Flips::words(const Removed& removed, const View& view, const GroupDecision& other) const {
    std::string out;
    for (const auto& word : removed)
        out += (out.empty() ? "" : " and ") + describe_without(word, index_, view);
    const std::string actions = describe(other.actions);
    return other.rule.empty() ? fmt::format("{}: {}", out, actions)
                              : fmt::format("{}: {}: {}", out, other.rule, actions);
}

std::vector<std::string> Flips::of(const GroupDecision& decision, const Rulings& rulings,
                                   const OnRoute& is_on_route) {
    std::vector<Flip> found;
    for (const auto& way : ways_to_stop(decision, rulings.view)) {
        Removed removed = way;
        for (std::size_t step = 0; step < kMaxSteps && !removed.empty(); ++step) {
            const Rulings* without = rulings_without(removed);
            if (without == nullptr) break;
            auto other = walk(policy_, *without, index_, is_on_route).decision;
            if (other.actions != decision.actions) {
                found.push_back({removed, std::move(other)});
                break;
            }
            const auto next = ways_to_stop(other, without->view);
            if (next.empty()) break;
            removed = united(removed, next.front());
        }
    }
    std::sort(found.begin(), found.end(),
              [](const Flip& a, const Flip& b) { return is_smaller(a.removed, b.removed); });
    std::vector<std::string> out;
    for (const auto& flip : found) {
        auto sentence = words(flip.removed, rulings.view, flip.other);
        if (std::find(out.begin(), out.end(), sentence) == out.end()) out.push_back(std::move(sentence));
    }
    return out;
}

}  // namespace gatehouse::decide
