// From decided actions to what an inspector does to the header block. Every message that goes on loses the
// fields that only we may write; nothing else is touched unless an action says so, and where there is nothing
// to do the plan is empty and the bytes stay as they are. What the front puts in front of the message
// (Received, X-Gatehouse-Ref, X-Gatehouse-Verdict) is no part of it.
#pragma once

#include <vector>

#include "decide/input.h"
#include "message/decision.h"

namespace gatehouse::decide {

message::RewritePlan make_plan(const Input& input, const std::vector<message::Action>& actions);

}  // namespace gatehouse::decide
