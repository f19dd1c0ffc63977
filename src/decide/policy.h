// The policy as decide evaluates it: made from a Revision by make_policy(), immutable, shared by all messages
// of that revision. IMSS's model: a rule is a route, a condition and actions; enabled rules run in order
// until a terminal action ends the evaluation; after the last one the message is delivered.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/evidence_id.h"
#include "base/result.h"
#include "base/value.h"
#include "decide/address_list.h"
#include "decide/settings.h"
#include "decide/term.h"
#include "message/decision.h"
#include "message/revision.h"

namespace gatehouse::decide {

inline constexpr std::string_view kDefaultSpamRule = "Default spam rule";

/// The one quarantine area of this version.
inline constexpr std::string_view kDefaultArea = "default";

enum class RuleKind : std::uint8_t { antivirus, other, builtin };
enum class Direction : std::uint8_t { all, incoming, outgoing, both };

/// Whom a rule is for. Every list that is not empty has to match.
struct Route {
    Direction direction = Direction::all;
    AddressList senders;
    AddressList recipients;
    AddressList users;  ///< sender or recipient

    bool is_for_everybody() const {
        return direction == Direction::all && senders.is_empty() && recipients.is_empty() && users.is_empty();
    }
};

/// any: at least one holds; all: every one holds; none: not one holds. Lists that are empty ask nothing.
struct Condition {
    std::vector<Term> any;
    std::vector<Term> all;
    std::vector<Term> none;
};

struct Rule {
    std::string name;
    RuleKind kind = RuleKind::other;
    bool enabled = true;
    std::string notes;
    Route route;
    Condition when;
    /// Modifying actions first, at most one terminal action last; none at all = do not intercept.
    std::vector<message::Action> actions;
    base::Place place;
};

struct Policy {
    std::string revision;
    std::vector<Rule> rules;
    /// The first enabled rule of kind antivirus, whatever its name: it carries the scanning exceptions.
    std::optional<std::size_t> antivirus_rule;
    GeneralSettings general;
    AntivirusSettings antivirus;
    ExceptionSettings exceptions;
    AddressList internal;
    double spam_threshold = 5.0;
    /// What identifies the keyword lists (message::digest_of); empty = none.
    std::string expressions;
    /// What is allowed but dangerous, in sentences for the log and `config check`.
    std::vector<std::string> warnings;

    /// Whether scanning exceptions act.
    bool has_exceptions() const { return antivirus_rule.has_value(); }
};

/// deliver, reject, defer, delete and quarantine end the evaluation.
bool is_terminal(message::ActionKind kind);
/// Something of the message goes on or stays: then what was to be written into it counts.
bool is_kept_or_sent(message::ActionKind outcome);

}  // namespace gatehouse::decide
