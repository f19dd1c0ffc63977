#include "receive/smtp/path.h"

#include <algorithm>

#include "base/ip_address.h"
#include "base/text.h"

namespace gatehouse::receive::smtp {
namespace {

constexpr std::size_t kMaxPath = 512;
constexpr std::size_t kMaxLocal = 255;
constexpr std::size_t kMaxDomain = 255;
constexpr std::size_t kMaxLabel = 63;

std::unexpected<Reply> wrong(std::string_view text) {
    return std::unexpected(Reply{501, "5.1.3", "Bad address syntax: " + std::string(text)});
}

bool is_eight_bit(char c) {
    return (c & 0x80) != 0;
}

bool is_atext(char c) {
    constexpr std::string_view kSpecials = "!#$%&'*+-/=?^_`{|}~";
    return base::is_alnum(c) || is_eight_bit(c) || kSpecials.find(c) != std::string_view::npos;
}

bool is_label(std::string_view label) {
    const auto is_allowed = [](char c) {
        return base::is_alnum(c) || c == '-' || c == '_' || is_eight_bit(c);
    };
    if (label.empty() || label.front() == '-' || label.back() == '-') return false;
    if (!std::all_of(label.begin(), label.end(), is_allowed)) return false;
    // A label of 8-bit bytes is shorter in the form DNS sees.
    return label.size() <= kMaxLabel || std::any_of(label.begin(), label.end(), is_eight_bit);
}

/// Length of the quoted string at the front, quotes included; 0 when there is none.
std::size_t quoted_length(std::string_view text) {
    for (std::size_t i = 1; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '"') return i + 1;
        if (c == '\\') ++i;
        if (i == text.size() || ((text[i] < ' ' || text[i] > '~') && (c == '\\' || !is_eight_bit(text[i]))))
            return 0;
    }
    return 0;
}

/// Length of the dot-string at the front; 0 when there is none.
std::size_t dot_string_length(std::string_view text) {
    bool after_dot = true;
    std::size_t i = 0;
    for (; i < text.size() && (text[i] == '.' || is_atext(text[i])); ++i) {
        if (text[i] == '.' && after_dot) return 0;
        after_dot = text[i] == '.';
    }
    return after_dot ? 0 : i;
}

/// Length of the domain or address literal at the front; 0 when there is none.
std::size_t domain_length(std::string_view text) {
    if (!text.starts_with('[')) {
        const std::size_t end = std::min(text.find_first_of(">,:"), text.size());
        return is_domain(text.substr(0, end)) ? end : 0;
    }
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return 0;
    std::string_view inside = text.substr(1, close - 1);
    constexpr std::string_view kTag = "IPv6:";
    const bool is_v6 = base::istarts_with(inside, kTag);
    if (is_v6) inside.remove_prefix(kTag.size());
    const bool has_colon = inside.find(':') != std::string_view::npos;
    return has_colon == is_v6 && base::IpAddress::parse(inside) ? close + 1 : 0;
}

/// Removes "@a,@b:" from the front; false when it is malformed.
bool skip_route(std::string_view& text) {
    while (text.starts_with('@')) {
        text.remove_prefix(1);
        const std::size_t length = domain_length(text);
        if (length == 0 || length == text.size()) return false;
        const char next = text[length];
        text.remove_prefix(length + 1);
        if (next == ':') return true;
        if (next != ',') return false;
    }
    return false;
}

std::expected<Path, Reply> take_mailbox(std::string_view& text) {
    const std::size_t local = text.starts_with('"') ? quoted_length(text) : dot_string_length(text);
    if (local == 0) return wrong("the part before the @ is malformed");
    if (local > kMaxLocal) return wrong("the part before the @ is too long");
    Path path{std::string(text.substr(0, local)), {}};
    text.remove_prefix(local);
    if (!text.starts_with('@')) return path;
    text.remove_prefix(1);
    const std::size_t domain = domain_length(text);
    if (domain == 0) return wrong("the domain is malformed");
    path.domain = text.substr(0, domain);
    text.remove_prefix(domain);
    return path;
}

}  // namespace

bool is_domain(std::string_view text) {
    if (text.size() > kMaxDomain) return false;
    while (true) {
        const std::size_t dot = text.find('.');
        if (!is_label(text.substr(0, dot))) return false;
        if (dot == std::string_view::npos) return true;
        text.remove_prefix(dot + 1);
    }
}

std::expected<ParsedPath, Reply> parse_path(std::string_view& text) {
    if (!text.starts_with('<')) return wrong("it must stand in angle brackets");
    const std::size_t before = text.size();
    text.remove_prefix(1);
    ParsedPath parsed;
    if (text.starts_with('>')) {
        text.remove_prefix(1);
        return parsed;
    }
    parsed.has_route = text.starts_with('@');
    if (parsed.has_route && !skip_route(text)) return wrong("the source route is malformed");
    auto path = take_mailbox(text);
    if (!path) return std::unexpected(std::move(path).error());
    parsed.path = std::move(*path);
    if (!text.starts_with('>')) return wrong("the closing angle bracket is missing");
    text.remove_prefix(1);
    if (before - text.size() > kMaxPath) return wrong("it is too long");
    const std::string whole = parsed.path.to_string();
    parsed.is_eight_bit = std::any_of(whole.begin(), whole.end(), is_eight_bit);
    if (parsed.is_eight_bit && !base::is_valid_utf8(whole)) return wrong("it is not UTF-8");
    return parsed;
}

}  // namespace gatehouse::receive::smtp
