// base::Endpoint and base::Error at the system-call boundary. For the files of net only.
#pragma once

#include <sys/socket.h>

#include "base/ip_address.h"

namespace gatehouse::net {

struct SockAddr {
    sockaddr_storage storage{};
    socklen_t length = sizeof(sockaddr_storage);

    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
    int family() const { return storage.ss_family; }
};

SockAddr to_sockaddr(const base::Endpoint& endpoint);
/// The unspecified endpoint for anything that is not IPv4 or IPv6.
base::Endpoint to_endpoint(const SockAddr& address);
/// The own end of a socket.
base::Endpoint local_endpoint(int socket);

}  // namespace gatehouse::net
