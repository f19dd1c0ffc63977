#include "decide/chain.h"

#include <algorithm>
#include <span>

#include "base/text.h"

namespace gatehouse::decide {
namespace {

using message::Action;
using message::ActionKind;

class Chain {
  public:
    bool has_ended() const { return has_ended_; }

    void take(std::string_view name, const std::vector<std::string>& because,
              std::span<const Action> actions) {
        auto& decision = result_.decision;
        decision.matched.emplace_back(name);
        const bool is_last = !actions.empty() && is_terminal(actions.back().kind);
        for (const auto& action : actions) add(action);
        if (is_last) {
            decision.rule = name;
            decision.because = because;
            has_ended_ = true;
            return;
        }
        for (const auto& word : because) {
            if (decision.because.size() == kMaxReasons) break;
            const auto& have = decision.because;
            if (std::find(have.begin(), have.end(), word) == have.end()) decision.because.push_back(word);
        }
    }

    void take(const Ruling& ruling) {
        take(ruling.name, ruling.because,
             ruling.action ? std::span(&*ruling.action, 1) : std::span<const Action>());
        if (!ruling.ends || has_ended_) return;
        result_.decision.rule = ruling.name;
        result_.decision.because = ruling.because;
        has_ended_ = true;
    }

    ChainResult& result() { return result_; }

    ChainResult finish() && {
        auto& actions = result_.decision.actions;
        if (actions.empty() || !is_terminal(actions.back().kind)) actions.push_back(Action{});
        const auto outcome = actions.back().kind;
        // Nothing is written where nothing is delivered or kept.
        if (!is_kept_or_sent(outcome)) {
            actions.erase(actions.begin(), actions.end() - 1);
        }
        return std::move(result_);
    }

  private:
    /// IMSS: of several X-headers with the same name only the last remains. A tag is written once.
    void add(const Action& action) {
        auto& actions = result_.decision.actions;
        std::erase_if(actions, [&](const Action& earlier) {
            const bool replaces = action.kind == ActionKind::x_header || action.kind == ActionKind::postpone;
            return replaces && earlier.kind == action.kind && base::iequals(earlier.name, action.name);
        });
        const bool is_repeated_tag = action.kind == ActionKind::tag_subject &&
                                     std::find(actions.begin(), actions.end(), action) != actions.end();
        if (!is_repeated_tag) actions.push_back(action);
    }

    ChainResult result_;
    bool has_ended_ = false;
};

void take_rule(const Rule& rule, const RuleState& state, Chain& chain) {
    if (state.truth == Truth::no) return;
    chain.result().needs_engine |= state.waits_for_engine && state.truth == Truth::unknown;
    if (state.truth == Truth::unknown) {
        chain.result().doubtful.push_back(rule.name);
        return;
    }
    chain.take(rule.name, state.because, rule.actions);
}

void take_gaps(const Rulings& rulings, const Index& index, Chain& chain) {
    for (const auto& ruling : rulings.at_antivirus) {
        if (chain.has_ended()) return;
        chain.take(ruling);
    }
    if (!chain.has_ended()) chain.result().needs_engine |= index.waits_for_engine();
}

}  // namespace

ChainResult walk(const Policy& policy, const Rulings& rulings, const Index& index,
                 const OnRoute& is_on_route) {
    Chain chain;
    for (const auto& ruling : rulings.before) {
        if (!chain.has_ended()) chain.take(ruling);
    }
    for (std::size_t i = 0; i < policy.rules.size() && !chain.has_ended(); ++i) {
        const bool is_possible = rulings.rules[i].truth != Truth::no;
        if (is_possible && is_on_route(i)) take_rule(policy.rules[i], rulings.rules[i], chain);
        const bool is_scanning = policy.has_exceptions() && i == *policy.antivirus_rule;
        if (is_scanning && !chain.has_ended()) take_gaps(rulings, index, chain);
    }
    return std::move(chain).finish();
}

}  // namespace gatehouse::decide
