// The function of detector `malformed`; info.h says what it is. Pure; linear in the number of parts; at most
// one item of evidence for each limit, and at most kMaxAmbiguous parts named as ambiguous.
#pragma once

#include "inspect/detect/detector.h"
#include "inspect/detect/malformed/info.h"

namespace gatehouse::inspect::detect::malformed {

inline constexpr std::size_t kMaxAmbiguous = 20;

Finding inspect(const Object& object, const MessageFacts& facts, base::Budget& budget,
                const Settings& settings);

}  // namespace gatehouse::inspect::detect::malformed
