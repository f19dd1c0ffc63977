#include "base/ip_address.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace gatehouse::base {
namespace {

constexpr std::size_t kGroups = 8;
constexpr std::uint8_t kMappedBits = 96;
constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

/// Digits only, at most `most`, no leading zero (an octal number to some readers).
std::optional<unsigned> parse_decimal(std::string_view text, unsigned most) {
    if (text.size() > 5 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
    const auto number = parse_unsigned(text);
    if (!number || *number > most) return std::nullopt;
    return static_cast<unsigned>(*number);
}

bool parse_v4(std::string_view text, std::span<std::uint8_t, 4> out) {
    for (std::size_t i = 0; i < 4; ++i) {
        const std::size_t dot = i < 3 ? text.find('.') : text.size();
        if (dot == std::string_view::npos) return false;
        const auto number = parse_decimal(text.substr(0, dot), 255);
        if (!number) return false;
        out[i] = static_cast<std::uint8_t>(*number);
        text.remove_prefix(std::min(dot + 1, text.size()));
    }
    return true;
}

/// One group of 1 to 4 hexadecimal digits.
std::optional<std::uint16_t> parse_group(std::string_view text) {
    if (text.empty() || text.size() > 4) return std::nullopt;
    unsigned value = 0;
    for (const char c : text) {
        if (hex_value(c) < 0) return std::nullopt;
        value = value * 16 + static_cast<unsigned>(hex_value(c));
    }
    return static_cast<std::uint16_t>(value);
}

struct GroupRun {
    std::array<std::uint8_t, 16> bytes{};
    std::size_t count = 0;  // groups of two bytes

    bool add(std::uint16_t group) {
        if (count == kGroups) return false;
        bytes[count * 2] = static_cast<std::uint8_t>(group >> 8);
        bytes[count * 2 + 1] = static_cast<std::uint8_t>(group & 0xFF);
        ++count;
        return true;
    }
};

/// "a:b:c", the last one possibly an IPv4 address; empty text is an empty run.
bool parse_run(std::string_view text, bool is_last, GroupRun& run) {
    if (text.empty()) return true;
    while (true) {
        const std::size_t colon = text.find(':');
        const std::string_view part = text.substr(0, colon);
        const bool at_end = colon == std::string_view::npos;
        if (at_end && is_last && part.find('.') != std::string_view::npos) {
            std::array<std::uint8_t, 4> quad{};
            return parse_v4(part, quad) && run.add(static_cast<std::uint16_t>(quad[0] << 8 | quad[1])) &&
                   run.add(static_cast<std::uint16_t>(quad[2] << 8 | quad[3]));
        }
        const auto group = parse_group(part);
        if (!group || !run.add(*group)) return false;
        if (at_end) return true;
        text.remove_prefix(colon + 1);
    }
}

bool parse_v6(std::string_view text, std::array<std::uint8_t, 16>& out) {
    const std::size_t gap = text.find("::");
    GroupRun head;
    if (gap == std::string_view::npos) {
        if (!parse_run(text, true, head) || head.count != kGroups) return false;
        out = head.bytes;
        return true;
    }
    GroupRun tail;
    if (!parse_run(text.substr(0, gap), false, head) || !parse_run(text.substr(gap + 2), true, tail))
        return false;
    if (head.count + tail.count >= kGroups) return false;
    out = head.bytes;
    const auto from = tail.bytes.begin();
    const auto length = static_cast<std::ptrdiff_t>(tail.count * 2);
    std::copy(from, from + length, out.end() - length);
    return true;
}

bool is_bit_set(const std::array<std::uint8_t, 16>& bytes, std::size_t bit) {
    return (bytes[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

/// Longest run of two or more zero groups, the first of equals (RFC 5952 section 4.2.3).
std::pair<std::size_t, std::size_t> longest_zero_run(const std::array<std::uint16_t, kGroups>& groups) {
    std::pair<std::size_t, std::size_t> best{kGroups, 0};
    for (std::size_t i = 0; i < kGroups; ++i) {
        std::size_t end = i;
        while (end < kGroups && groups[end] == 0) ++end;
        if (end - i > std::max<std::size_t>(best.second, 1)) best = {i, end - i};
        i = std::max(i, end);
    }
    return best;
}

}  // namespace

Result<IpAddress> IpAddress::parse(std::string_view text) {
    IpAddress address;
    if (text.find(':') != std::string_view::npos) {
        if (parse_v6(text, address.bytes_)) return address;
    } else {
        std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), address.bytes_.begin());
        if (parse_v4(text, std::span(address.bytes_).last<4>())) return address;
    }
    return fail(Fault::usage, "\"{}\" is no IP address", printable(text, 80));
}

std::optional<IpAddress> IpAddress::from_bytes(std::span<const std::uint8_t> bytes) {
    IpAddress address;
    if (bytes.size() == 4) {
        std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), address.bytes_.begin());
    } else if (bytes.size() != 16) {
        return std::nullopt;
    }
    std::copy(bytes.begin(), bytes.end(), address.bytes_.end() - static_cast<std::ptrdiff_t>(bytes.size()));
    return address;
}

bool IpAddress::is_v4() const {
    return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes_.begin());
}

bool IpAddress::is_loopback() const {
    if (is_v4()) return bytes_[12] == 127;
    return bytes_[15] == 1 &&
           std::all_of(bytes_.begin(), bytes_.end() - 1, [](auto byte) { return byte == 0; });
}

bool IpAddress::is_unspecified() const {
    return std::all_of(bytes_.begin(), bytes_.end(), [](auto byte) { return byte == 0; });
}

bool IpAddress::is_wildcard() const {
    const bool is_host_zero =
        std::all_of(bytes_.end() - 4, bytes_.end(), [](auto byte) { return byte == 0; });
    return is_host_zero && (is_v4() || is_unspecified());
}

std::string IpAddress::to_string() const {
    if (is_v4()) return fmt::format("{}.{}.{}.{}", bytes_[12], bytes_[13], bytes_[14], bytes_[15]);
    std::array<std::uint16_t, kGroups> groups{};
    for (std::size_t i = 0; i < kGroups; ++i) {
        groups[i] = static_cast<std::uint16_t>(bytes_[i * 2] << 8 | bytes_[i * 2 + 1]);
    }
    const auto [gap, length] = longest_zero_run(groups);
    std::string out;
    for (std::size_t i = 0; i < kGroups; ++i) {
        if (i == gap) {
            out += "::";
            i += length - 1;
            continue;
        }
        if (!out.empty() && out.back() != ':') out += ':';
        out += fmt::format("{:x}", groups[i]);
    }
    return out;
}

Result<Network> Network::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    GATEHOUSE_TRY(const IpAddress base, IpAddress::parse(text.substr(0, slash)));
    Network network;
    network.base_ = base;
    if (slash == std::string_view::npos) return network;
    const bool written_as_v4 = text.find(':') == std::string_view::npos;
    const auto bits = parse_decimal(text.substr(slash + 1), written_as_v4 ? 32 : 128);
    if (!bits)
        return fail(Fault::usage, "\"{}\" is no network: the prefix length is wrong", printable(text, 80));
    network.bits_ = static_cast<std::uint8_t>(written_as_v4 ? *bits + kMappedBits : *bits);
    for (std::size_t bit = network.bits_; bit < 128; ++bit) {
        if (!is_bit_set(base.bytes(), bit)) continue;
        return fail(Fault::usage, "\"{}\" is no network: bits behind the prefix are set",
                    printable(text, 80));
    }
    return network;
}

bool Network::contains(const IpAddress& address) const {
    if (bits_ < kMappedBits && address.is_v4()) return false;
    const std::size_t whole = bits_ / 8;
    const auto& own = base_.bytes();
    const auto& other = address.bytes();
    if (!std::equal(own.begin(), own.begin() + static_cast<std::ptrdiff_t>(whole), other.begin()))
        return false;
    const unsigned rest = bits_ % 8U;
    return rest == 0 || ((own[whole] ^ other[whole]) >> (8 - rest)) == 0;
}

std::string Network::to_string() const {
    const bool as_v4 = base_.is_v4() && bits_ >= kMappedBits;
    return fmt::format("{}/{}", base_.to_string(), as_v4 ? bits_ - kMappedBits : bits_);
}

Result<Endpoint> Endpoint::parse(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    const auto wrong = [&] {
        return fail(Fault::usage, "\"{}\" is no address with a port, as 127.0.0.1:25 or [::1]:25",
                    printable(text, 80));
    };
    if (colon == std::string_view::npos) return wrong();
    const auto port = parse_decimal(text.substr(colon + 1), 65535);
    std::string_view host = text.substr(0, colon);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    const auto address = IpAddress::parse(host);
    const bool has_colon = host.find(':') != std::string_view::npos;
    if (!port || !address || bracketed != has_colon) return wrong();
    return Endpoint{*address, static_cast<std::uint16_t>(*port)};
}

std::string Endpoint::to_string() const {
    if (address.is_v4()) return fmt::format("{}:{}", address.to_string(), port);
    return fmt::format("[{}]:{}", address.to_string(), port);
}

}  // namespace gatehouse::base
