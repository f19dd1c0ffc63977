#include "apps/bench/reply_reader.h"

#include <utility>

#include "base/text.h"

namespace gatehouse::apps {

std::optional<ReadReply> ReplyReader::next() {
    while (true) {
        const auto end = buffer_.find('\n');
        if (end == std::string::npos) return std::nullopt;
        const std::string line(base::trim(std::string_view(buffer_).substr(0, end)));
        buffer_.erase(0, end + 1);
        const auto code = base::parse_unsigned(std::string_view(line).substr(0, 3));
        if (line.size() < 3 || !code || *code < 200 || *code > 599) return ReadReply{0, line};
        const bool goes_on = line.size() > 3 && line[3] == '-';
        begun_.code = static_cast<int>(*code);
        if (!begun_.text.empty()) begun_.text += '\n';
        if (line.size() > 4) begun_.text += line.substr(4);
        if (!goes_on) return std::exchange(begun_, {});
    }
}

void ReplyReader::clear() {
    buffer_.clear();
    begun_ = {};
}

}  // namespace gatehouse::apps
