// Hosts of URLs: names, IPv4 addresses in every spelling that browsers take (0x7f.1, 017700000001, full-width
// digits), IPv6 addresses, and the opaque hosts of schemes that nobody knows. Part of the URL parser.
// Source: https://url.spec.whatwg.org/#host-parsing. Pure, total, thread-safe, linear (names in Unicode are
// limited in length, see idna.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gatehouse::inspect::format {

enum class HostKind : std::uint8_t {
    none,    ///< the URL has no host at all: mailto:
    empty,   ///< it has one of no characters: file:///
    domain,  ///< lower case, in ASCII
    ipv4,    ///< four decimal numbers
    ipv6,    ///< in brackets, compressed
    opaque,  ///< of a scheme that is not special
};

struct UrlHost {
    HostKind kind = HostKind::none;
    std::string text = {};
    bool invisible = false;  ///< characters that nobody sees were dropped, or stand in it
    bool escaped = false;    ///< %XX stood in a name
    bool numbers = false;    ///< an IPv4 address that was not written as four decimal numbers
};

/// Nothing when browsers refuse it. `special`: of http, https, ftp, ws, wss or file. Not for empty hosts.
std::optional<UrlHost> parse_url_host(std::string_view utf8, bool special);

}  // namespace gatehouse::inspect::format
