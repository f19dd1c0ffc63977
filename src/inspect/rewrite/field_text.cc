#include "inspect/rewrite/field_text.h"

#include <algorithm>

#include "base/text.h"
#include "message/charset.h"

namespace gatehouse::inspect::rewrite {

namespace {

constexpr std::size_t kLine = 78;       // RFC 5322 2.1.1, should
constexpr std::size_t kHardLine = 900;  // below the 998 that must not be passed
constexpr std::size_t kLongestPlain = 60;
constexpr std::size_t kMaxText = 16 * 1024;
constexpr std::size_t kBytesPerWord = 45;  // 60 characters of base64 in an encoded word of at most 75

std::string to_base64(std::string_view bytes) {
    constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            group = group << 8U | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0U);
        }
        for (std::size_t i = 0; i < 4; ++i) {
            out += i <= count ? kAlphabet[group >> (18U - 6U * static_cast<unsigned>(i)) & 63U] : '=';
        }
    }
    return out;
}

/// The longest beginning of at most kBytesPerWord bytes that ends between two characters.
std::string_view next_piece(std::string_view text) {
    if (text.size() <= kBytesPerWord) return text;
    std::size_t end = kBytesPerWord;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    return text.substr(0, end);
}

std::string encoded_words(std::string_view text, std::string_view line_end) {
    std::string out;
    while (!text.empty()) {
        const auto piece = next_piece(text);
        text.remove_prefix(piece.size());
        if (!out.empty()) out.append(line_end).append(" ");
        out.append("=?utf-8?B?").append(to_base64(piece)).append("?=");
    }
    return out;
}

bool is_plain(std::string_view text) {
    return text.find("=?") == std::string_view::npos &&
           std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7F; });
}

/// Plain words behind `line`, folded where a line would pass kLine.
void append_folded(std::string& out, std::string_view text, std::string_view line_end) {
    std::size_t line = out.size();
    while (!text.empty()) {
        const auto blank =
            text.find(' ', text.find_first_not_of(' ') == std::string_view::npos ? text.size() : 1);
        auto word = text.substr(0, std::min(blank, kHardLine));
        text.remove_prefix(word.size());
        if (line > 0 && line + word.size() > kLine && word.starts_with(' ') && word.size() > 1) {
            out += line_end;
            line = 0;
        } else if (line + word.size() > kHardLine) {
            out.append(line_end).append(" ");
            line = 1;
        }
        out += word;
        line += word.size();
    }
}

}  // namespace

bool is_field_name(std::string_view name) {
    return !name.empty() && name.size() <= 76 &&
           std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7F && c != ':'; });
}

std::string tidy_text(std::string_view text) {
    std::string out = message::guess_to_utf8(text.substr(0, kMaxText), kMaxText).text;
    std::ranges::replace_if(
        out, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7F; }, ' ');
    return std::string(base::trim(out));
}

std::string subject_prefix(std::string_view text, std::string_view line_end, bool before_encoded_word) {
    std::string tidy = tidy_text(text);
    if (tidy.empty()) return {};
    if (is_plain(tidy) && tidy.size() <= kLongestPlain) return " " + tidy;
    if (before_encoded_word) tidy += ' ';
    return " " + encoded_words(tidy, line_end);
}

std::string make_field(std::string_view name, std::string_view text, std::string_view line_end) {
    std::string out = std::string(name) + ":";
    const std::string tidy = tidy_text(text);
    if (is_plain(tidy)) {
        append_folded(out, " " + tidy, line_end);
    } else {
        out.append(" ").append(encoded_words(tidy, line_end));
    }
    return out.append(line_end);
}

}  // namespace gatehouse::inspect::rewrite
