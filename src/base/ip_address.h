// Addresses, networks and endpoints of IPv4 and IPv6 as values; used wherever a peer is named or a list of
// networks is kept. Parsing is strict: no octal or short IPv4 forms, no zone, no host name. A v4-mapped IPv6
// address is the IPv4 address it maps, so one list entry matches both spellings. Text is RFC 5952's. Pure;
// faults are usage.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gatehouse::base {

class IpAddress {
  public:
    /// The unspecified IPv6 address "::": stands for "not known".
    IpAddress() = default;
    static Result<IpAddress> parse(std::string_view text);
    /// Network byte order, 4 or 16 bytes; nullopt for any other count.
    static std::optional<IpAddress> from_bytes(std::span<const std::uint8_t> bytes);

    bool is_v4() const;
    bool is_loopback() const;
    bool is_unspecified() const;
    /// 0.0.0.0 or ::, where a socket listens on every address.
    bool is_wildcard() const;
    /// 16 bytes; an IPv4 address in its mapped form ::ffff:a.b.c.d.
    const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
    std::string to_string() const;
    auto operator<=>(const IpAddress&) const = default;

  private:
    std::array<std::uint8_t, 16> bytes_{};
};

class Network {
  public:
    /// "10.0.0.0/8", "2001:db8::/32"; an address alone is a network of one. Bits behind the prefix must be
    /// zero.
    static Result<Network> parse(std::string_view text);

    /// An IPv6 network never contains an IPv4 address, nor the reverse; "::/0" is all of IPv6.
    bool contains(const IpAddress& address) const;
    std::string to_string() const;
    auto operator<=>(const Network&) const = default;

  private:
    IpAddress base_;
    std::uint8_t bits_ = 128;  // counted in the 16-byte form
};

struct Endpoint {
    IpAddress address;
    std::uint16_t port = 0;

    /// "127.0.0.1:25" or "[::1]:25".
    static Result<Endpoint> parse(std::string_view text);
    std::string to_string() const;
    auto operator<=>(const Endpoint&) const = default;
};

}  // namespace gatehouse::base
