// ASCII text helpers that do not look at the locale. Mail syntax is ASCII; bytes >= 0x80 pass unchanged.
// Pure and thread-safe; nothing here allocates but where it returns a std::string.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::base {

constexpr char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
constexpr bool is_alpha(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool is_alnum(char c) {
    return is_digit(c) || is_alpha(c);
}
constexpr bool is_blank(char c) {
    return c == ' ' || c == '\t';
}
constexpr bool is_space(char c) {
    return is_blank(c) || c == '\r' || c == '\n';
}
/// 0-15, or -1 when c is no hexadecimal digit.
constexpr int hex_value(char c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::string lower(std::string_view text);
bool iequals(std::string_view a, std::string_view b);
bool istarts_with(std::string_view text, std::string_view prefix);
bool iends_with(std::string_view text, std::string_view suffix);
/// Without leading and trailing space, tab, CR and LF.
std::string_view trim(std::string_view text);
std::vector<std::string_view> split(std::string_view text, char separator);
/// Decimal digits only, no sign, no blanks, no overflow.
std::optional<std::uint64_t> parse_unsigned(std::string_view text);

std::string to_hex(std::string_view bytes);
std::optional<std::string> from_hex(std::string_view text);

/// At most `limit` bytes, and no UTF-8 symbol is cut in two.
std::string_view cut_text(std::string_view text, std::size_t limit);

/// For logs, JSON-free sentences and terminals: control characters (C0, C1, those that turn the reading order
/// round) and invalid UTF-8 become \xNN; cut at `limit` bytes.
std::string printable(std::string_view bytes, std::size_t limit = 256);
/// Printable ASCII alone: every other character, bytes that are no UTF-8, and those of `also` become \x{HEX},
/// as RFC 6533 section 3 writes addresses; cut at about `limit` bytes.
std::string ascii_escaped(std::string_view bytes, std::size_t limit = 256, std::string_view also = {});
bool is_valid_utf8(std::string_view bytes);
/// No byte above 127.
bool is_ascii(std::string_view bytes);

/// The candidate with the smallest edit distance to `word`, when it is near enough to be a likely typing
/// error.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace gatehouse::base
