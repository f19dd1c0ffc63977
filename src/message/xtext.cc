#include "message/xtext.h"

#include <algorithm>

#include "base/text.h"

namespace gatehouse::message {
namespace {

/// An upper-case hexadecimal digit, the only kind these grammars know; -1 otherwise.
int upper_hex(char c) {
    return c >= 'a' && c <= 'f' ? -1 : base::hex_value(c);
}

/// "\x{HEXPOINT}" at the front: its length, or 0.
std::size_t embedded_length(std::string_view text) {
    constexpr std::string_view kOpen = "\\x{";
    if (!text.starts_with(kOpen)) return 0;
    const std::size_t close = text.find('}');
    if (close == std::string_view::npos || close < kOpen.size() + 2 || close > kOpen.size() + 6) return 0;
    unsigned value = 0;
    for (const char c : text.substr(kOpen.size(), close - kOpen.size())) {
        if (upper_hex(c) < 0) return 0;
        value = value * 16 + static_cast<unsigned>(upper_hex(c));
    }
    const bool is_control = value < 0x20 || (value >= 0x7F && value < 0xA0);
    const bool is_surrogate = value >= 0xD800 && value <= 0xDFFF;
    return is_control || is_surrogate || value > 0x10FFFF ? 0 : close + 1;
}

}  // namespace

std::optional<std::string> decode_xtext(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c < '!' || c > '~' || c == '=') return std::nullopt;
        if (c == '+') {
            if (text.size() - i < 3 || upper_hex(text[i + 1]) < 0 || upper_hex(text[i + 2]) < 0)
                return std::nullopt;
            c = static_cast<char>(upper_hex(text[i + 1]) * 16 + upper_hex(text[i + 2]));
            if (c < ' ' || c > '~') return std::nullopt;
            i += 2;
        }
        out += c;
    }
    return out;
}

bool is_utf8_address_text(std::string_view text, bool utf8) {
    const bool has_8bit = std::any_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; });
    if (text.empty() || (has_8bit && (!utf8 || !base::is_valid_utf8(text)))) return false;
    while (!text.empty()) {
        std::size_t length = 1;
        const char c = text.front();
        if (c == '\\') {
            length = embedded_length(text);
        } else if ((c & 0x80) == 0 && (c < '!' || c > '~' || c == '+' || c == '=')) {
            length = 0;
        }
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

}  // namespace gatehouse::message
