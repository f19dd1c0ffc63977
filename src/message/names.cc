// The words of the nouns' enums; the words are what users see, so they stand together.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "message/decision.h"
#include "message/envelope.h"
#include "message/evidence.h"
#include "message/record.h"

namespace gatehouse::message {
namespace {

constexpr std::array<std::string_view, 10> kGapReasons{
    "",        "encrypted", "too_deep",           "too_large", "too_many",
    "corrupt", "timed_out", "engine_unavailable", "refused",   "ambiguous"};
constexpr std::array<std::string_view, 10> kVerdicts{
    "", "virus", "phishing", "malformed", "unscannable", "suspicious", "policy", "spam", "graymail", "clean"};
constexpr std::array<std::string_view, 10> kActions{"",         "deliver",    "reject",      "defer",
                                                    "delete",   "quarantine", "tag_subject", "x_header",
                                                    "postpone", "hand_off"};
constexpr std::array<std::string_view, 11> kOutcomes{"",         "delivered", "quarantined",  "rejected",
                                                     "deferred", "deleted",   "in_doubt",     "refused",
                                                     "aborted",  "queued",    "undeliverable"};

}  // namespace

std::string_view to_string(GapReason reason) {
    return kGapReasons.at(static_cast<std::size_t>(reason));
}
std::string_view to_string(Verdict verdict) {
    return kVerdicts.at(static_cast<std::size_t>(verdict));
}
std::string_view to_string(ActionKind kind) {
    return kActions.at(static_cast<std::size_t>(kind));
}
std::string_view to_string(Outcome outcome) {
    return kOutcomes.at(static_cast<std::size_t>(outcome));
}

std::optional<Verdict> parse_verdict(std::string_view text) {
    const auto at = std::find(kVerdicts.begin() + 1, kVerdicts.end(), text);
    if (at == kVerdicts.end()) return std::nullopt;
    return static_cast<Verdict>(at - kVerdicts.begin());
}

std::optional<GapReason> parse_gap_reason(std::string_view text) {
    const auto at = std::find(kGapReasons.begin() + 1, kGapReasons.end(), text);
    if (at == kGapReasons.end()) return std::nullopt;
    return static_cast<GapReason>(at - kGapReasons.begin());
}

const Action* find_action(const GroupDecision& group, ActionKind kind) {
    for (const auto& action : group.actions) {
        if (action.kind == kind) return &action;
    }
    return nullptr;
}

bool is_same_outcome(const GroupDecision& a, const GroupDecision& b) {
    return a.actions == b.actions && a.plan == b.plan;
}

std::string domain_of(std::string_view address) {
    const auto at = address.rfind('@');
    if (at == std::string_view::npos) return {};
    std::string domain = base::lower(address.substr(at + 1));
    if (domain.ends_with('.')) domain.pop_back();
    return domain;
}

}  // namespace gatehouse::message
