#include "inspect/format/url_host.h"

#include <array>
#include <cstddef>
#include <vector>

#include "base/text.h"
#include "inspect/format/idna.h"
#include "inspect/format/url_percent.h"

namespace gatehouse::inspect::format {

namespace {

constexpr std::string_view kForbiddenInHost("\0\t\n\r #/:<>?@[\\]^|", 17);

bool is_forbidden_in_domain(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x1F || byte == 0x7F || c == '%' || kForbiddenInHost.find(c) != std::string_view::npos;
}

/// Large enough to be out of range whatever follows.
constexpr std::uint64_t kTooLarge = std::uint64_t{1} << 40U;

/// Decimal, 0x hexadecimal or 0 octal.
std::optional<std::uint64_t> parse_ipv4_number(std::string_view text) {
    if (text.empty()) return std::nullopt;
    unsigned radix = 10;
    if (text.starts_with("0x") || text.starts_with("0X")) {
        radix = 16;
        text.remove_prefix(2);
    } else if (text.size() >= 2 && text[0] == '0') {
        radix = 8;
        text.remove_prefix(1);
    }
    std::uint64_t value = 0;
    for (const char c : text) {
        const int digit = base::hex_value(c);
        if (digit < 0 || static_cast<unsigned>(digit) >= radix) return std::nullopt;
        value = value * radix + static_cast<unsigned>(digit);
        if (value > kTooLarge) value = kTooLarge;
    }
    return value;
}

std::string_view without_last_dot(std::string_view text) {
    if (text.size() > 1 && text.ends_with('.')) text.remove_suffix(1);
    return text;
}

bool ends_in_number(std::string_view domain) {
    domain = without_last_dot(domain);
    const auto last = domain.substr(domain.rfind('.') + 1);
    if (last.empty()) return false;
    if (last.find_first_not_of("0123456789") == std::string_view::npos) return true;
    return parse_ipv4_number(last).has_value();
}

std::optional<std::string> parse_ipv4(std::string_view domain) {
    std::array<std::uint64_t, 4> numbers{};
    std::size_t count = 0;
    for (std::string_view rest = without_last_dot(domain);;) {
        const auto dot = rest.find('.');
        const auto number = parse_ipv4_number(rest.substr(0, dot));
        if (!number || count == numbers.size()) return std::nullopt;
        numbers.at(count++) = *number;
        if (dot == std::string_view::npos) break;
        rest.remove_prefix(dot + 1);
    }
    std::uint64_t address = numbers.at(count - 1);
    if (address >= std::uint64_t{1} << (8 * (5 - count))) return std::nullopt;
    for (std::size_t i = 0; i + 1 < count; ++i) {
        if (numbers.at(i) > 255) return std::nullopt;
        address += numbers.at(i) << (8 * (3 - i));
    }
    std::string out;
    for (unsigned shift = 32; shift > 0; shift -= 8) {
        if (!out.empty()) out += '.';
        out += std::to_string(address >> (shift - 8) & 255U);
    }
    return out;
}

using Pieces = std::array<std::uint16_t, 8>;

/// "1.2.3.4" at the end of an IPv6 address: no leading zeros, all four.
std::optional<std::uint32_t> parse_strict_ipv4(std::string_view text) {
    std::uint32_t address = 0;
    std::size_t count = 0;
    for (const auto part : base::split(text, '.')) {
        const auto number = base::parse_unsigned(part);
        if (part.size() > 3 || (part.size() > 1 && part[0] == '0')) return std::nullopt;
        if (!number || *number > 255 || ++count > 4) return std::nullopt;
        address = address << 8U | static_cast<std::uint32_t>(*number);
    }
    return count == 4 ? std::optional(address) : std::nullopt;
}

/// The pieces of "a:b:c", at most eight; with "1.2.3.4" for the last two.
std::optional<std::vector<std::uint16_t>> parse_pieces(std::string_view text) {
    std::vector<std::uint16_t> pieces;
    while (true) {
        const auto colon = text.find(':');
        const auto part = text.substr(0, colon);
        if (pieces.size() == 8) return std::nullopt;
        if (colon == std::string_view::npos && part.find('.') != std::string_view::npos) {
            const auto v4 = parse_strict_ipv4(part);
            if (!v4) return std::nullopt;
            pieces.push_back(static_cast<std::uint16_t>(*v4 >> 16U));
            pieces.push_back(static_cast<std::uint16_t>(*v4 & 0xFFFFU));
            return pieces;
        }
        if (part.empty() || part.size() > 4) return std::nullopt;
        unsigned value = 0;
        for (const char c : part) {
            const int digit = base::hex_value(c);
            if (digit < 0) return std::nullopt;
            value = value * 16 + static_cast<unsigned>(digit);
        }
        pieces.push_back(static_cast<std::uint16_t>(value));
        if (colon == std::string_view::npos) return pieces;
        text.remove_prefix(colon + 1);
    }
}

std::optional<Pieces> parse_ipv6(std::string_view text) {
    if (text.size() > 64) return std::nullopt;
    const auto gap = text.find("::");
    const bool has_gap = gap != std::string_view::npos;
    const auto head_text = text.substr(0, gap);
    const auto tail_text = has_gap ? text.substr(gap + 2) : std::string_view();
    std::vector<std::uint16_t> head;
    std::vector<std::uint16_t> tail;
    if (!has_gap || !head_text.empty()) {
        // Dots end an address, so none may stand before a gap.
        if (has_gap && head_text.find('.') != std::string_view::npos) return std::nullopt;
        auto parsed = parse_pieces(head_text);
        if (!parsed) return std::nullopt;
        head = *std::move(parsed);
    }
    if (!tail_text.empty()) {
        auto parsed = parse_pieces(tail_text);
        if (!parsed) return std::nullopt;
        tail = *std::move(parsed);
    }
    const auto count = head.size() + tail.size();
    if (has_gap ? count > 7 : count != 8) return std::nullopt;
    Pieces out{};
    for (std::size_t i = 0; i < head.size(); ++i) out.at(i) = head[i];
    for (std::size_t i = 0; i < tail.size(); ++i) out.at(8 - tail.size() + i) = tail[i];
    return out;
}

struct Run {
    std::size_t start = 0;
    std::size_t size = 0;
};

/// The first of the longest runs of zeros, if of two or more (RFC 5952 4.2).
Run longest_zeros(const Pieces& pieces) {
    Run best;
    Run now;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        if (pieces.at(i) != 0) {
            now = {};
            continue;
        }
        if (now.size == 0) now.start = i;
        ++now.size;
        if (now.size > best.size) best = now;
    }
    return best.size >= 2 ? best : Run{};
}

std::string hex_piece(std::uint16_t piece) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out;
    for (int shift = 12; shift >= 0; shift -= 4) {
        const auto digit = static_cast<unsigned>(piece) >> static_cast<unsigned>(shift) & 15U;
        if (digit != 0 || !out.empty() || shift == 0) out += kDigits[digit];
    }
    return out;
}

std::string serialise(const Pieces& pieces) {
    const Run gap = longest_zeros(pieces);
    std::string out = "[";
    for (std::size_t i = 0; i < pieces.size();) {
        if (gap.size != 0 && i == gap.start) {
            out += i == 0 ? "::" : ":";
            i += gap.size;
            continue;
        }
        out += hex_piece(pieces.at(i));
        if (++i < pieces.size()) out += ':';
    }
    return out += ']';
}

std::optional<UrlHost> parse_opaque(std::string_view utf8) {
    if (utf8.find_first_of(kForbiddenInHost) != std::string_view::npos) return std::nullopt;
    UrlHost host{.kind = HostKind::opaque};
    append_percent_encoded(host.text, utf8, PercentSet::control);
    return host;
}

std::optional<UrlHost> parse_domain(std::string_view utf8) {
    UrlHost host{.kind = HostKind::domain};
    std::string decoded(utf8);
    if (utf8.find('%') != std::string_view::npos) {
        decoded = repair_utf8(percent_decode(utf8));
        host.escaped = decoded != utf8;
    }
    auto domain = domain_to_ascii(decoded);
    if (!domain || domain->text.empty()) return std::nullopt;
    for (const char c : domain->text) {
        if (is_forbidden_in_domain(c)) return std::nullopt;
    }
    host.invisible = domain->invisible;
    host.text = std::move(domain->text);
    if (!ends_in_number(host.text)) return host;
    auto address = parse_ipv4(host.text);
    if (!address) return std::nullopt;
    host.kind = HostKind::ipv4;
    host.numbers = *address != decoded;
    host.text = *std::move(address);
    return host;
}

}  // namespace

std::optional<UrlHost> parse_url_host(std::string_view utf8, bool special) {
    if (utf8.starts_with('[')) {
        if (!utf8.ends_with(']')) return std::nullopt;
        const auto pieces = parse_ipv6(utf8.substr(1, utf8.size() - 2));
        if (!pieces) return std::nullopt;
        return UrlHost{.kind = HostKind::ipv6, .text = serialise(*pieces)};
    }
    return special ? parse_domain(utf8) : parse_opaque(utf8);
}

}  // namespace gatehouse::inspect::format
