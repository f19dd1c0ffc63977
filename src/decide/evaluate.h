// The decision: pure and deterministic, the same input always gives the same result, so a stored record can
// be decided again. Called by the front once a message's facts and answers are in, and by replay.
//
// Unknown: a condition that nobody could answer counts as not holding. In live mail what makes it unknown (an
// engine away, a message that could not be inspected) is a gap at the same time, and the scanning exceptions
// act on that, so "unknown" never means "clean"; `Evaluated` says where it mattered, for replay.
//
// Groups: recipients whose whole result is the same, reasons included, in the order of their first recipient.
// message::is_same_outcome() tells whether groups differ in their reasons only.
#pragma once

#include <string>
#include <vector>

#include "decide/input.h"
#include "decide/policy.h"
#include "message/decision.h"

namespace gatehouse::decide {

struct Evaluated {
    message::Decision decision;
    /// Per group: the rules on its way whose condition is unknown; empty = the result is certain.
    std::vector<std::vector<std::string>> doubtful;
    bool is_certain() const;
};

message::Decision evaluate(const Input& input, const Policy& policy);
Evaluated evaluate_with_doubt(const Input& input, const Policy& policy);

}  // namespace gatehouse::decide
