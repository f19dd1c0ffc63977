#include "decide/local_time.h"

#include "base/text.h"

namespace gatehouse::decide {

std::optional<std::chrono::minutes> parse_time_of_day(std::string_view text) {
    if (text.size() != 5 || text[2] != ':') return std::nullopt;
    const auto hours = base::parse_unsigned(text.substr(0, 2));
    const auto minutes = base::parse_unsigned(text.substr(3));
    if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
    return std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
}

base::WallTime next_time_of_day(std::string_view text, base::WallTime now, std::chrono::minutes utc_offset) {
    const auto wanted = parse_time_of_day(text);
    if (!wanted) return now;
    const auto midnight = std::chrono::floor<std::chrono::days>(now + utc_offset);
    base::WallTime next = midnight + *wanted - utc_offset;
    if (next <= now) next += std::chrono::days(1);
    return next;
}

}  // namespace gatehouse::decide
