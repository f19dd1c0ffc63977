#include "decide/rulings.h"

#include <algorithm>

#include "decide/make_action.h"

namespace gatehouse::decide {
namespace {

using message::Action;
using message::ActionKind;
using message::GapReason;

std::string gap_word(GapReason reason) {
    return "gap." + std::string(message::to_string(reason));
}

void add_loop(const Index& index, Rulings& to) {
    auto ids = index.ids_of_feature("loop", to.view);
    if (ids.empty()) return;
    to.before.push_back(
        {kLoopRuling, std::move(ids), Action{ActionKind::reject, "", "", std::string(kLoopReply)}, true});
}

void add_limits(const Policy& policy, const Index& index, Rulings& to) {
    const auto& limits = policy.exceptions;
    const auto& envelope = index.input().envelope;
    const auto is_over = [&](std::string_view word, std::uint64_t value, std::int64_t limit) {
        return limit > 0 && value > static_cast<std::uint64_t>(limit) && !to.view.removed.contains(word);
    };
    std::vector<std::string> because;
    if (is_over("size", envelope.size, limits.message_size)) because.emplace_back("size");
    if (is_over("recipients", envelope.recipients.size(), limits.recipients))
        because.emplace_back("recipients");
    if (because.empty()) return;
    to.before.push_back({kLimitsRuling, std::move(because), exception_action(limits.limits), false});
}

void add_malformed(const Policy& policy, const Index& index, Rulings& to) {
    auto ids = index.ids_of_feature("malformed", to.view);
    if (ids.empty()) return;
    to.before.push_back(
        {kMalformedRuling, std::move(ids), exception_action(policy.exceptions.malformed), true});
}

void add_gaps(const Policy& policy, const Index& index, Rulings& to) {
    constexpr std::array kUnscannable{GapReason::too_deep, GapReason::too_large, GapReason::too_many,
                                      GapReason::corrupt,  GapReason::timed_out, GapReason::refused,
                                      GapReason::ambiguous};
    const auto& exceptions = policy.exceptions;
    if (index.has_gap(GapReason::encrypted, to.view)) {
        to.at_antivirus.push_back({kEncryptedRuling,
                                   {gap_word(GapReason::encrypted)},
                                   exception_action(exceptions.encrypted),
                                   false});
    }
    std::vector<std::string> words;
    for (const auto reason : kUnscannable) {
        if (index.has_gap(reason, to.view)) words.push_back(gap_word(reason));
    }
    if (!words.empty()) {
        to.at_antivirus.push_back(
            {kUnscannableRuling, std::move(words), exception_action(exceptions.unscannable), false});
    }
    if (!index.has_gap(GapReason::engine_unavailable, to.view)) return;
    const bool is_worth_waiting = index.input().circumstances.engine_expected_back;
    to.at_antivirus.push_back(
        {kEngineRuling,
         {gap_word(GapReason::engine_unavailable)},
         is_worth_waiting ? std::optional(Action{ActionKind::defer, "", "", std::string(kEngineReply)})
                          : exception_action(exceptions.engine_unavailable),
         false});
}

RuleState make_state(const Rule& rule, const Index& index, const View& view) {
    RuleState state;
    if (!rule.enabled) return state;
    const auto& when = rule.when;
    state.truth = index.truth(when, view);
    for (const auto* list : {&when.any, &when.all, &when.none}) {
        for (const auto& term : *list) state.waits_for_engine |= index.waits_for_engine(term);
    }
    if (state.truth != Truth::yes) return state;
    for (const auto* list : {&when.any, &when.all}) {
        for (const auto& term : *list) index.add_reasons(term, view, state.because);
    }
    return state;
}

}  // namespace

Rulings make_rulings(const Policy& policy, const Index& index, View view) {
    Rulings to;
    to.view = std::move(view);
    add_loop(index, to);
    if (policy.has_exceptions()) {
        add_limits(policy, index, to);
        add_malformed(policy, index, to);
        add_gaps(policy, index, to);
    }
    to.rules.reserve(policy.rules.size());
    for (const auto& rule : policy.rules) to.rules.push_back(make_state(rule, index, to.view));
    return to;
}

bool is_opposable(const Condition& condition, const Index& index) {
    if (!condition.none.empty()) return true;
    const auto can_rise = [&](const Term& term) {
        const bool grows = term.comparison == Comparison::at_least || term.comparison == Comparison::above;
        return term.kind == TermKind::verdict ||
               (term.kind == TermKind::spam_score && (!grows || index.has_negative_scores()));
    };
    return std::any_of(condition.any.begin(), condition.any.end(), can_rise) ||
           std::any_of(condition.all.begin(), condition.all.end(), can_rise);
}

}  // namespace gatehouse::decide
