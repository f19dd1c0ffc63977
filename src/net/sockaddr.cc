#include "net/sockaddr.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace gatehouse::net {

using base::Endpoint;
using base::IpAddress;

SockAddr to_sockaddr(const Endpoint& endpoint) {
    SockAddr out;
    const auto& bytes = endpoint.address.bytes();
    if (endpoint.address.is_v4()) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(endpoint.port);
        std::memcpy(&v4.sin_addr, bytes.data() + 12, 4);
        std::memcpy(&out.storage, &v4, sizeof v4);
        out.length = sizeof v4;
        return out;
    }
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
    std::memcpy(&out.storage, &v6, sizeof v6);
    out.length = sizeof v6;
    return out;
}

Endpoint to_endpoint(const SockAddr& address) {
    if (address.family() == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &address.storage, sizeof v4);
        std::array<std::uint8_t, 4> bytes{};
        std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
        return {IpAddress::from_bytes(bytes).value_or(IpAddress()), ntohs(v4.sin_port)};
    }
    if (address.family() != AF_INET6) return {};
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address.storage, sizeof v6);
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return {IpAddress::from_bytes(bytes).value_or(IpAddress()), ntohs(v6.sin6_port)};
}

Endpoint local_endpoint(int socket) {
    SockAddr address;
    if (::getsockname(socket, address.get(), &address.length) != 0) return {};
    return to_endpoint(address);
}

}  // namespace gatehouse::net
