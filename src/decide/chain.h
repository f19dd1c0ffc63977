// One recipient's walk through the rulings and rules, in order, to a GroupDecision. Private to decide.
#pragma once

#include <functional>

#include "decide/rulings.h"
#include "message/decision.h"

namespace gatehouse::decide {

/// Whether rule number n is for the recipient.
using OnRoute = std::function<bool(std::size_t)>;

struct ChainResult {
    message::GroupDecision decision;    ///< without recipients, flips and plan
    std::vector<std::string> doubtful;  ///< rules on the way whose condition is unknown
    bool needs_engine = false;          ///< an engine's answer could change this result
};

ChainResult walk(const Policy& policy, const Rulings& rulings, const Index& index,
                 const OnRoute& is_on_route);

}  // namespace gatehouse::decide
