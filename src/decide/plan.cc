#include "decide/plan.h"

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

void strip_foreign_headers(const Input& input, RewritePlan& plan) {
    const auto* facts = input.facts;
    for (const auto prefix : kOurPrefixes) {
        // Without facts nobody knows what the header holds, so it is asked for rather than trusted.
        const bool is_there =
            facts == nullptr ||
            std::any_of(facts->stripped_headers.begin(), facts->stripped_headers.end(),
                        [&](const std::string& name) { return base::istarts_with(name, prefix); });
        if (is_there) plan.edits.push_back({HeaderEdit::Kind::remove_prefix, std::string(prefix), ""});
    }
    const auto& own = input.circumstances.authserv_id;
    if (facts == nullptr || own.empty()) return;
    // RFC 8601 section 5: fields that claim to be ours and arrive from outside are forged.
    const bool is_forged = std::any_of(facts->authserv_ids.begin(), facts->authserv_ids.end(),
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
    if (outcome != ActionKind::deliver && outcome != ActionKind::quarantine) return plan;
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
