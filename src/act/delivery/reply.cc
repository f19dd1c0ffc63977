#include "act/delivery/reply.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace gatehouse::act::delivery {
namespace {

using base::fail;
using base::Fault;

constexpr std::size_t kMaxShown = 400;

/// Length of "d.ddd.ddd" at the front when it is an enhanced code of this class, else 0 (RFC 3463 section 2).
std::size_t enhanced_length(std::string_view text, char code_class) {
    if (text.size() < 5 || text[0] != code_class || text[1] != '.') return 0;
    std::size_t at = 2;
    for (int part = 0; part < 2; ++part) {
        const std::size_t start = at;
        while (at < text.size() && base::is_digit(text[at])) ++at;
        if (at == start || at - start > 3) return 0;
        if (part == 0 && (at == text.size() || text[at++] != '.')) return 0;
    }
    return at == text.size() || text[at] == ' ' ? at : 0;
}

std::string one_line(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, kMaxShown)) {
        if (c == '\n' || c == '\t') {
            out += ' ';
        } else {
            out += c >= 0x20 && c < 0x7F ? c : '?';
        }
    }
    return out;
}

std::string_view default_enhanced(int code) {
    if (code / 100 == 2) return "2.0.0";
    return code / 100 == 4 ? "4.0.0" : "5.0.0";
}

}  // namespace

std::string Reply::to_string() const {
    std::string out = std::to_string(code);
    if (!enhanced.empty()) out += ' ' + enhanced;
    if (!text.empty()) out += ' ' + one_line(text);
    return out;
}

Reply Reply::for_client() const {
    Reply out;
    out.code = code == 421 ? 451 : code;
    out.enhanced = enhanced.empty() ? default_enhanced(code) : enhanced;
    out.text = one_line(text);
    out.ours = ours;
    return out;
}

Reply make_own_reply(int code, std::string_view enhanced, std::string_view text) {
    Reply reply;
    reply.code = code;
    reply.enhanced = enhanced;
    reply.text = text;
    reply.ours = true;
    return reply;
}

base::Result<std::optional<Reply>> ReplyParser::take(std::string_view& bytes) {
    while (!bytes.empty()) {
        const auto end = bytes.find('\n');
        const auto length = end == std::string_view::npos ? bytes.size() : end;
        if (line_.size() + length > kMaxLine) {
            return fail(Fault::malformed, "the next hop sent a reply line of more than {} bytes", kMaxLine);
        }
        if (end == std::string_view::npos) {
            line_ += bytes;
            bytes = {};
            break;
        }
        bool complete = false;
        if (line_.empty()) {
            GATEHOUSE_TRY(complete, take_line(bytes.substr(0, end)));
        } else {
            line_ += bytes.substr(0, end);
            GATEHOUSE_TRY(complete, take_line(line_));
            line_.clear();
        }
        bytes.remove_prefix(end + 1);
        if (complete) {
            lines_ = 0;
            bytes_ = 0;
            return std::exchange(reply_, Reply());
        }
    }
    return std::nullopt;
}

/// True when this was the last line of its reply. A line may end in LF alone: nothing of a reply is ever
/// forwarded as it came, so leniency costs nothing here.
base::Result<bool> ReplyParser::take_line(std::string_view line) {
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.find('\0') != std::string_view::npos || line.find('\r') != std::string_view::npos) {
        return fail(Fault::malformed, "the next hop sent a reply with a NUL or a bare CR");
    }
    const bool has_code = line.size() >= 3 && line[0] >= '2' && line[0] <= '5' && base::is_digit(line[1]) &&
                          base::is_digit(line[2]);
    const bool separated = line.size() == 3 || (line.size() > 3 && (line[3] == ' ' || line[3] == '-'));
    if (!has_code || !separated) {
        return fail(Fault::malformed, "the next hop sent \"{}\", which is no SMTP reply",
                    base::printable(line, 60));
    }
    const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    if (lines_ > 0 && code != reply_.code) {
        return fail(Fault::malformed, "the next hop sent one reply with the codes {} and {}", reply_.code,
                    code);
    }
    reply_.code = code;
    const bool last = line.size() == 3 || line[3] == ' ';
    GATEHOUSE_CHECK(add_text(line.substr(std::min<std::size_t>(line.size(), 4))));
    return last;
}

base::Result<void> ReplyParser::add_text(std::string_view text) {
    bytes_ += text.size();
    if (++lines_ > kMaxLines || bytes_ > kMaxBytes) {
        return fail(Fault::malformed, "the next hop sent a reply without an end ({} lines, {} bytes)", lines_,
                    bytes_);
    }
    if (const auto length = enhanced_length(text, static_cast<char>('0' + reply_.code / 100)); length > 0) {
        if (lines_ == 1) reply_.enhanced = text.substr(0, length);
        text.remove_prefix(std::min(text.size(), length + 1));
    }
    if (lines_ > 1) reply_.text += '\n';
    reply_.text += text;
    return {};
}

}  // namespace gatehouse::act::delivery
