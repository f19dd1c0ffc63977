// A stored message in words: what was found, what was not looked into, and per group of recipients the rule,
// its evidence and what would have led elsewhere. For `gatehouse explain` and `scan --explain`. Plain text,
// a few lines, safe for a terminal whatever the message held; long lists are cut with their number. Pure.
#pragma once

#include <string>

#include "message/record.h"

namespace gatehouse::decide {

std::string explain(const message::Record& record);

}  // namespace gatehouse::decide
