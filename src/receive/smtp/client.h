// Who is at the other end of a session, as far as anybody vouches for it: the connection itself, a PROXY
// header or XCLIENT from a listed host. Held by the machine, read by the walk. A plain value.
#pragma once

#include <string>

#include "base/ip_address.h"

namespace gatehouse::receive::smtp {

struct Client {
    base::Endpoint remote;  ///< "::" and port 0 when a vouching host says it is not known
    base::Endpoint local;   ///< where it connected to
    std::string name;       ///< verified host name; empty when not known
    std::string helo;       ///< named by XCLIENT; overrides what the session's own EHLO says
    std::string login;      ///< named by XCLIENT
    bool operator==(const Client&) const = default;
};

}  // namespace gatehouse::receive::smtp
