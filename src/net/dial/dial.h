// Connecting to Internet addresses: the only way out, and therefore a target of its own, which only
// act/delivery and consult/door may link (the wall check refuses anybody else). Takes addresses, never names:
// resolving is the door's.
#pragma once

#include <chrono>

#include "base/ip_address.h"
#include "net/stream.h"

namespace gatehouse::net::dial {

/// A connected stream, or why not: refused (nobody listens), timed_out, unavailable (no way there).
Task<base::Result<Stream>> connect(Io& io, base::Endpoint to, base::SteadyTime deadline);

}  // namespace gatehouse::net::dial
