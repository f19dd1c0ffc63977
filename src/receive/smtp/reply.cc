#include "receive/smtp/reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/text.h"

namespace gatehouse::receive::smtp {
namespace {

constexpr std::size_t kMaxLine = 512;  // RFC 5321 4.5.3.1.5, with CR LF
constexpr std::size_t kMaxText = 4096;
constexpr std::size_t kMaxLines = 64;

std::size_t count_digits(std::string_view text) {
    return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), base::is_digit) -
                                    text.begin());
}

/// Cuts the first piece of at most `room` octets off `line`, at a blank where there is one in its second
/// half.
std::string_view take_piece(std::string_view& line, std::size_t room) {
    std::size_t length = std::min(line.size(), room);
    if (length < line.size()) {
        const std::size_t blank = line.substr(0, length).rfind(' ');
        if (blank != std::string_view::npos && blank > length / 2) length = blank + 1;
    }
    const std::string_view piece = line.substr(0, length);
    line.remove_prefix(length);
    return piece;
}

void append_line(std::string_view head, char separator, std::string_view text, std::string& out) {
    out += head.substr(0, 3);
    out += separator;
    out += head.substr(3);
    std::transform(text.begin(), text.end(), std::back_inserter(out), [](char c) {
        if (c == '\t') return ' ';
        return c >= ' ' && c <= '~' ? c : '?';
    });
    out += "\r\n";
}

}  // namespace

bool is_enhanced_code(std::string_view text, int code) {
    if (text.size() < 5 || text[1] != '.' || text[0] - '0' != code / 100) return false;
    if (text[0] != '2' && text[0] != '4' && text[0] != '5') return false;
    text.remove_prefix(2);
    const std::size_t subject = count_digits(text);
    if (subject < 1 || subject > 3 || subject >= text.size() || text[subject] != '.') return false;
    text.remove_prefix(subject + 1);
    const std::size_t detail = count_digits(text);
    return detail >= 1 && detail <= 3 && detail == text.size();
}

void append_wire(const Reply& reply, std::string& out) {
    const int code = reply.code >= 200 && reply.code <= 599 ? reply.code : 451;
    std::string head = fmt::format("{}", code);
    if (!reply.enhanced.empty()) {
        const bool fits = is_enhanced_code(reply.enhanced, code);
        head += (fits ? reply.enhanced : fmt::format("{}.0.0", code / 100)) + ' ';
    }
    const std::size_t room = kMaxLine - head.size() - 3;  // the separator and CR LF
    std::size_t lines = 0;
    std::string_view rest = std::string_view(reply.text).substr(0, kMaxText);
    bool is_last = false;
    while (!is_last) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        std::string_view line = rest.substr(0, end);
        if (line.ends_with('\r')) line.remove_suffix(1);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        do {
            const std::string_view piece = take_piece(line, room);
            is_last = ++lines == kMaxLines || (line.empty() && rest.empty());
            append_line(head, is_last ? ' ' : '-', piece, out);
        } while (!is_last && !line.empty());
    }
}

}  // namespace gatehouse::receive::smtp
