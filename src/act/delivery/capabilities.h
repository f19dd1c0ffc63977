// What a next hop offers in its answer to EHLO (RFC 5321 4.1.1.1). Used by the client machine to choose
// parameters: what is not offered is never used. Pure; unknown keywords are ignored, the last of two equal
// keywords counts.
#pragma once

#include <cstdint>

#include "act/delivery/reply.h"

namespace gatehouse::act::delivery {

struct Capabilities {
    bool esmtp = false;  ///< EHLO was accepted
    bool size = false;
    bool pipelining = false;       ///< RFC 2920
    bool eight_bit = false;        ///< RFC 6152
    bool smtputf8 = false;         ///< RFC 6531
    bool dsn = false;              ///< RFC 3461
    bool chunking = false;         ///< RFC 3030; known, not used
    bool starttls = false;         ///< RFC 3207
    bool enhanced_codes = false;   ///< RFC 2034
    std::uint64_t size_limit = 0;  ///< RFC 1870; 0 = none named
    bool operator==(const Capabilities&) const = default;
};

Capabilities parse_capabilities(const Reply& ehlo);

}  // namespace gatehouse::act::delivery
