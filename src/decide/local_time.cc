#include "decide/local_time.h"

#include <algorithm>

#include "base/text.h"

namespace gatehouse::decide {

std::optional<std::chrono::minutes> parse_time_of_day(std::string_view text) {
    if (text.size() != 5 || text[2] != ':') return std::nullopt;
    const auto hours = base::parse_unsigned(text.substr(0, 2));
    const auto minutes = base::parse_unsigned(text.substr(3));
    if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
    return std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
}

base::WallTime next_time_of_day(std::string_view text, base::WallTime now, const OffsetAt& offset_at) {
    const auto wanted = parse_time_of_day(text);
    if (!wanted) return now;
    auto midnight = std::chrono::floor<std::chrono::days>(now + offset_at(now));
    while (true) {
        const base::WallTime as_of_now = midnight + *wanted - offset_at(now);
        const base::WallTime next = midnight + *wanted - offset_at(as_of_now);
        const bool is_left_out = offset_at(next) != offset_at(as_of_now);
        const base::WallTime shown = is_left_out ? std::max(next, as_of_now) : next;
        if (shown > now) return shown;
        midnight += std::chrono::days(1);
    }
}

}  // namespace gatehouse::decide
