#include "receive/smtp/line_reader.h"

#include <algorithm>

namespace gatehouse::receive::smtp {

LineReader::Status LineReader::read(std::string_view input, std::size_t limit, std::size_t& used) {
    if (is_complete_) forget();
    const std::size_t end = input.find('\n');
    const bool has_end = end != std::string_view::npos;
    used = has_end ? end + 1 : input.size();
    if (skipped_ > 0 || held_.size() + used > limit) {
        skipped_ += held_.size() + used;
        held_ = std::string();
        if (skipped_ > kFlood) return Status::flood;
        if (!has_end) return Status::incomplete;
        skipped_ = 0;
        return Status::too_long;
    }
    if (!has_end) {
        held_ += input;
        return Status::incomplete;
    }
    is_complete_ = true;
    text_ = input.substr(0, used);
    if (!held_.empty()) {
        held_ += text_;
        text_ = held_;
    }
    is_bare_ = !text_.ends_with("\r\n");
    text_.remove_suffix(is_bare_ ? 1 : 2);
    return Status::line;
}

void LineReader::forget() {
    held_ = std::string();
    text_ = {};
    is_bare_ = false;
    is_complete_ = false;
}

}  // namespace gatehouse::receive::smtp
