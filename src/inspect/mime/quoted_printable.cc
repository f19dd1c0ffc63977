#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "inspect/mime/decode.h"
#include "inspect/mime/line.h"

namespace gatehouse::inspect::mime {

namespace {

bool is_hex_pair(std::string_view text) {
    return text.size() >= 2 && base::hex_value(text[0]) >= 0 && base::hex_value(text[1]) >= 0;
}

/// What follows the '=' in "=0x41" and "==41".
bool is_like_hex(std::string_view text) {
    if (text.size() >= 2 && base::to_lower(text[1]) == 'x') return base::is_digit(text[0]);
    return text.starts_with('=') && is_hex_pair(text.substr(1));
}

class QuotedPrintableDecoder {
  public:
    QuotedPrintableDecoder(std::string_view text, std::size_t max_output) : lines_(text) {
        result_.bytes.resize(std::min(text.size(), max_output));  // the output is never longer than the input
    }

    Decoded run() {
        Line line;
        while (result_.complete && lines_.next(line)) {
            std::string_view text = lines_.text(line);
            while (!text.empty() && base::is_blank(text.back())) text.remove_suffix(1);
            const bool soft = !text.empty() && text.back() == '=';
            if (soft) text.remove_suffix(1);
            decode_line(text);
            if (soft) continue;
            if (line.line_end ==
                LineEnd::none) {  // blanks at the very end are content for want of a line end
                append(lines_.bytes().substr(line.begin + text.size(), line.end - line.begin - text.size()));
            } else {
                append(lines_.bytes().substr(line.end, line.next - line.end));
            }
        }
        result_.bytes.resize(used_);
        return std::move(result_);
    }

  private:
    void decode_line(std::string_view text) {
        while (!text.empty()) {
            const std::size_t at = text.find('=');
            append(text.substr(0, at));
            if (at == std::string_view::npos) return;
            text.remove_prefix(at);
            while (!text.empty() && text.front() == '=') text.remove_prefix(1 + escape(text.substr(1)));
        }
    }

    /// What follows an '='; how much of it was taken.
    std::size_t escape(std::string_view text) {
        const int high = text.empty() ? -1 : base::hex_value(text[0]);
        const int low = text.size() < 2 ? -1 : base::hex_value(text[1]);
        if (high >= 0 && low >= 0) {
            append(static_cast<char>(high * 16 + low));
            return 2;
        }
        // "=4" at a line end goes on in the next line for some readers, and "= " inside a line is a break for
        // others.
        // '=' before other text ("a=b", as in HTML that was never encoded, or a ruler of them) is itself.
        const bool cut = high >= 0 && (text.size() == 1 || text[1] == '=');
        const bool odd = cut || (!text.empty() && base::is_blank(text[0])) || is_like_hex(text);
        result_.anomalies.insert(odd ? AnomalyKind::qp_split_escape : AnomalyKind::qp_bad_escape);
        append('=');
        return 0;
    }

    void append(std::string_view bytes) {
        const std::size_t fitting = std::min(bytes.size(), result_.bytes.size() - used_);
        if (fitting > 0) std::memcpy(result_.bytes.data() + used_, bytes.data(), fitting);
        used_ += fitting;
        if (fitting < bytes.size()) stop();
    }

    void append(char byte) {
        if (used_ == result_.bytes.size()) return stop();
        result_.bytes[used_++] = byte;
    }

    void stop() {
        result_.complete = false;
        result_.anomalies.insert(AnomalyKind::decoded_too_large);
    }

    LineScanner lines_;
    Decoded result_;
    std::size_t used_ = 0;
};

/// Appends what an '=' means before `text`; how much of that is done with.
std::size_t mend_escape(std::string_view text, std::string& out) {
    if (text.starts_with('=') && is_like_hex(text)) return 0;
    const std::size_t blanks = std::min(text.find_first_not_of(" \t"), text.size());
    if (blanks > 0 && blanks < text.size() && text[blanks] != '\r' && text[blanks] != '\n') return blanks;
    out += '=';
    if (is_like_hex(text) && is_hex_pair(text.substr(2))) return 2;
    const std::size_t line_end = text.substr(0, 3).ends_with("\r\n") ? 2 : 1;
    const bool cut = text.size() > line_end + 1 && base::hex_value(text[0]) >= 0 && text[line_end] == '\n' &&
                     base::hex_value(text[line_end + 1]) >= 0;
    if (!cut) return 0;
    out += text[0];
    return 1 + line_end;
}

}  // namespace

Decoded decode_quoted_printable(std::string_view text, std::size_t max_output) {
    return QuotedPrintableDecoder(text, max_output).run();
}

std::string mend_escapes(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const std::size_t at = std::min(text.find('='), text.size());
        out.append(text.substr(0, at));
        text.remove_prefix(at);
        if (!text.empty()) text.remove_prefix(mend_escape(text.substr(1), out) + 1);
    }
    return out;
}

}  // namespace gatehouse::inspect::mime
