#include "decide/plan.h"

#include "decide/policy.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace gatehouse::decide {
namespace {

using message::Action;
using message::ActionKind;
using message::HeaderEdit;
using message::RewritePlan;

constexpr std::array<std::string_view, 2> kOurPrefixes{"X-Gatehouse-", "X-Spam-"};

/// The inspector lists at most so many ids; a list near that may have lost one.
constexpr std::size_t kManyIds = 50;

void strip_foreign_headers(const Input& input, RewritePlan& plan) {
    const auto* facts = input.facts;
    // All prefixes at once: the list of names is bounded, so the second kind may have been crowded out of it.
    // Without facts nobody knows what the header holds, so it is asked for rather than trusted.
    if (facts == nullptr || !facts->stripped_headers.empty()) {
        for (const auto prefix : kOurPrefixes) {
            plan.edits.push_back({HeaderEdit::Kind::remove_prefix, std::string(prefix), ""});
        }
    }
    const auto& own = input.circumstances.authserv_id;
    if (own.empty()) return;
    // RFC 8601 section 5: fields that claim to be ours and arrive from outside are forged.
    const bool is_forged = facts == nullptr || facts->authserv_ids.size() >= kManyIds ||
                           std::any_of(facts->authserv_ids.begin(), facts->authserv_ids.end(),
                                       [&](const std::string& id) { return base::iequals(id, own); });
    if (is_forged) {
        plan.edits.push_back({HeaderEdit::Kind::remove_results_of, "Authentication-Results", own});
    }
}

}  // namespace

RewritePlan make_plan(const Input& input, const std::vector<Action>& actions) {
    RewritePlan plan;
    const auto outcome = actions.back().kind;
    // A quarantined message keeps its plan for the day it is released.
    if (!is_kept_or_sent(outcome)) return plan;
    strip_foreign_headers(input, plan);
    for (const auto& action : actions) {
        if (action.kind == ActionKind::x_header) {
            plan.edits.push_back({HeaderEdit::Kind::remove_named, action.name, ""});
            plan.edits.push_back({HeaderEdit::Kind::append, action.name, action.text});
        }
        if (action.kind == ActionKind::tag_subject) {
            plan.edits.push_back({HeaderEdit::Kind::prefix_subject, "", action.text});
        }
    }
    return plan;
}

}  // namespace gatehouse::decide
