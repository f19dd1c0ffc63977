// Actions and reasons in words for people: in flips, `gatehouse explain` and log lines. Everything that came
// from a message is made printable here. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "decide/index.h"
#include "message/decision.h"

namespace gatehouse::decide {

/// "quarantine to default", "reject with 550 5.7.1 ...", "tag the subject with \"[Spam] \"".
std::string describe(const message::Action& action);
std::string describe(const std::vector<message::Action>& actions);

/// One reason taken away: "without antivirus.match at 2:a.zip/b.exe", "with another size (it is 5 bytes)".
std::string describe_without(std::string_view word, const Index& index, const View& view);

}  // namespace gatehouse::decide
