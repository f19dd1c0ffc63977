// What holds for one message whoever its recipients are: the truth of each rule's condition, and the rulings
// that no rule makes (mail loop, scanning exceptions). Made once per view of the findings; the chain of each
// recipient group only combines it. Private to decide.
//
// The order of a chain, as IMSS documents it:
//   1  mail loop                           always; 554 5.4.6
//   2  message size, number of recipients  scanning exception; later rules run unless its action ends them
//   3  malformed                           scanning exception; ends the evaluation whatever its action is
//   4  rules in order; directly after the first enabled one of kind antivirus, because they arise while it
//      scans:
//      encrypted, unscannable, engine_unavailable
//   5  deliver
// 2, 3 and the exceptions of 4 need an enabled rule of kind antivirus.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "decide/index.h"
#include "decide/policy.h"

namespace gatehouse::decide {

/// Names that stand in GroupDecision::rule and ::matched for what no rule of the policy did.
inline constexpr std::string_view kLoopRuling = "Mail loop";
inline constexpr std::string_view kExceptionPrefix = "Scanning exception:";
inline constexpr std::string_view kLimitsRuling = "Scanning exception: limits";
inline constexpr std::string_view kMalformedRuling = "Scanning exception: malformed";
inline constexpr std::string_view kEncryptedRuling = "Scanning exception: encrypted";
inline constexpr std::string_view kUnscannableRuling = "Scanning exception: unscannable";
inline constexpr std::string_view kEngineRuling = "Scanning exception: engine unavailable";

/// RFC 3463 3.5 (X.4.6 routing loop detected).
inline constexpr std::string_view kLoopReply = "554 5.4.6 Mail loop";
inline constexpr std::string_view kEngineReply =
    "451 4.3.2 Malware scanning is not available, try again later";

struct Ruling {
    std::string_view name;
    std::vector<std::string> because;
    std::optional<message::Action> action;  ///< none = do not intercept
    bool ends = false;                      ///< no rule runs after it, even without a terminal action
};

struct RuleState {
    Truth truth = Truth::no;
    bool waits_for_engine = false;
    std::vector<std::string> because;
};

struct Rulings {
    std::vector<Ruling> before;  ///< steps 1 to 3
    std::vector<RuleState> rules;
    std::vector<Ruling> at_antivirus;
    View view;
};

Rulings make_rulings(const Policy& policy, const Index& index, View view);

/// Whether taking evidence away can make a condition hold.
bool is_opposable(const Condition& condition, const Index& index);

}  // namespace gatehouse::decide
