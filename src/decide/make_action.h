// One action of a rule or of a scanning exception, checked. Used by make_policy and by the rulings that no
// rule makes. Every text that can reach a header or an SMTP reply is checked here, so that act need not.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "base/value.h"
#include "message/decision.h"

namespace gatehouse::decide {

/// From `"quarantine"` or `{ action = "tag_subject", text = "[Spam] " }`. No action = do not intercept.
base::Result<std::optional<message::Action>> make_action(const base::Value& value);

/// From one of kExceptionActions, with the default area and replies.
std::optional<message::Action> exception_action(std::string_view verb);

}  // namespace gatehouse::decide
