// The function of detector `loop`; info.h says what it is. Pure; linear in the header's size.
#pragma once

#include "inspect/detect/detector.h"
#include "inspect/detect/loop/info.h"

namespace gatehouse::inspect::detect::loop {

Finding inspect(const Object& object, const MessageFacts& facts, base::Budget& budget,
                const Settings& settings);

/// The host after "by" in a Received value (RFC 5321 4.4 By-domain), outside comments; empty when there is
/// none.
std::string_view by_host(std::string_view received);

}  // namespace gatehouse::inspect::detect::loop
