// The binary header of the PROXY protocol, version 2, which a load balancer puts before the first byte of a
// connection. Read by the session shell from hosts in smtp.proxy_hosts only; there it is required.
// Takes the bytes received so far; bounded: a header is at most kMaxProxyHeader bytes. Type-length-value
// fields are skipped. Anything that is no valid header is refused, so the connection must be closed. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "base/ip_address.h"
#include "base/result.h"

namespace gatehouse::receive::smtp {

inline constexpr std::size_t kMaxProxyHeader = 4096;

struct ProxyHeader {
    std::size_t length = 0;  ///< bytes to drop from the input
    /// Absent for a connection of the balancer's own (health checks) or of a protocol without addresses: the
    /// connection's own end points count.
    std::optional<base::Endpoint> source;
    std::optional<base::Endpoint> destination;
};

/// nullopt: the header is not complete yet. Fault malformed or limit.
base::Result<std::optional<ProxyHeader>> parse_proxy_v2(std::string_view bytes);

}  // namespace gatehouse::receive::smtp
