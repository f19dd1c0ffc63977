#include "apps/bench/sink_talk.h"

#include "base/text.h"

namespace gatehouse::apps {
namespace {

constexpr std::string_view kEndMark = "\r\n.\r\n";
constexpr std::size_t kTail = kEndMark.size() - 1;
constexpr std::size_t kLongestLine = 8192;

}  // namespace

std::size_t SinkTalk::end_of_message(std::string_view bytes) const {
    const std::string seam = tail_ + std::string(bytes.substr(0, kTail));
    if (const auto at = seam.find(kEndMark); at != std::string::npos)
        return at + kEndMark.size() - tail_.size();
    const auto at = bytes.find(kEndMark);
    return at == std::string_view::npos ? at : at + kEndMark.size();
}

void SinkTalk::feed(std::string_view bytes, std::string& replies) {
    while (!bytes.empty() && !is_over_) {
        if (in_message_) {
            const auto end = end_of_message(bytes);
            if (end == std::string_view::npos) {
                tail_.append(bytes.substr(bytes.size() - std::min(bytes.size(), kTail)));
                if (tail_.size() > kTail) tail_.erase(0, tail_.size() - kTail);
                return;
            }
            in_message_ = false;
            ++messages_;
            replies += "250 2.0.0 taken\r\n";
            bytes.remove_prefix(end);
            continue;
        }
        const auto end = bytes.find('\n');
        line_.append(bytes.substr(0, end));
        if (line_.size() > kLongestLine) is_over_ = true;
        if (end == std::string_view::npos) return;
        bytes.remove_prefix(end + 1);
        command(base::trim(line_), replies);
        line_.clear();
    }
}

void SinkTalk::command(std::string_view line, std::string& replies) {
    const auto verb = line.substr(0, 4);
    if (base::iequals(verb, "EHLO")) {
        replies +=
            "250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE\r\n";
    } else if (base::iequals(verb, "DATA")) {
        in_message_ = true;
        tail_ = "\r\n";
        replies += "354 go on\r\n";
    } else if (base::iequals(verb, "QUIT")) {
        is_over_ = true;
        replies += "221 2.0.0 good bye\r\n";
    } else {
        replies += "250 2.0.0 ok\r\n";
    }
}

}  // namespace gatehouse::apps
