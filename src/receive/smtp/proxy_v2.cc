#include "receive/smtp/proxy_v2.h"

#include <array>
#include <cstdint>
#include <span>

namespace gatehouse::receive::smtp {
namespace {

using base::Fault;

constexpr std::string_view kSignature{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t kFixed = 16;  // signature, version and command, family and transport, length

unsigned octet(std::string_view bytes, std::size_t at) {
    return static_cast<unsigned char>(bytes[at]);
}

std::uint16_t octet_pair(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint16_t>(octet(bytes, at) << 8 | octet(bytes, at + 1));
}

std::optional<base::IpAddress> address_at(std::string_view bytes, std::size_t at, std::size_t size) {
    std::array<std::uint8_t, 16> raw{};
    for (std::size_t i = 0; i < size; ++i) raw[i] = static_cast<std::uint8_t>(octet(bytes, at + i));
    return base::IpAddress::from_bytes(std::span(raw).first(size));
}

/// `body`: what the length field counts. Source and destination address, then their ports.
base::Result<void> read_addresses(std::string_view body, std::size_t size, ProxyHeader& header) {
    if (body.size() < size * 2 + 4)
        return base::fail(Fault::malformed, "PROXY header shorter than its addresses");
    header.source = base::Endpoint{*address_at(body, 0, size), octet_pair(body, size * 2)};
    header.destination = base::Endpoint{*address_at(body, size, size), octet_pair(body, size * 2 + 2)};
    return {};
}

base::Result<void> read_body(std::string_view bytes, ProxyHeader& header) {
    constexpr unsigned kLocal = 0x20;
    constexpr unsigned kProxy = 0x21;
    constexpr unsigned kUnspecified = 0x00;
    constexpr unsigned kTcp4 = 0x11;
    constexpr unsigned kTcp6 = 0x21;
    const unsigned command = octet(bytes, 12);
    if (command == kLocal) return {};
    if (command != kProxy) return base::fail(Fault::malformed, "PROXY header of another version or command");
    const std::string_view body = bytes.substr(kFixed, header.length - kFixed);
    switch (octet(bytes, 13)) {
        case kUnspecified:
            return {};
        case kTcp4:
            return read_addresses(body, 4, header);
        case kTcp6:
            return read_addresses(body, 16, header);
        default:
            return base::fail(Fault::malformed, "PROXY header of a transport other than TCP");
    }
}

}  // namespace

base::Result<std::optional<ProxyHeader>> parse_proxy_v2(std::string_view bytes) {
    const std::string_view start = bytes.substr(0, kSignature.size());
    if (start != kSignature.substr(0, start.size())) {
        return base::fail(Fault::malformed, "no PROXY protocol version 2 header");
    }
    if (bytes.size() < kFixed) return std::nullopt;
    ProxyHeader header;
    header.length = kFixed + octet_pair(bytes, 14);
    if (header.length > kMaxProxyHeader)
        return base::fail(Fault::limit, "PROXY header of {} bytes", header.length);
    if (bytes.size() < header.length) return std::nullopt;
    GATEHOUSE_CHECK(read_body(bytes, header));
    return header;
}

}  // namespace gatehouse::receive::smtp
