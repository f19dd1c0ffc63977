#include "base/time.h"

#include <fmt/format.h>

#include <array>
#include <optional>

#include "base/text.h"

namespace gatehouse::base {
namespace {

struct CivilTime {
    std::chrono::year_month_day date;
    std::chrono::hh_mm_ss<std::chrono::seconds> time;
    unsigned weekday;
};

CivilTime civil(WallTime time) {
    const auto days = std::chrono::floor<std::chrono::days>(time);
    const auto rest = std::chrono::floor<std::chrono::seconds>(time - days);
    return {std::chrono::year_month_day(days), std::chrono::hh_mm_ss<std::chrono::seconds>(rest),
            std::chrono::weekday(days).c_encoding()};
}

std::optional<int> number(std::string_view text, std::size_t at, std::size_t length) {
    const auto value = parse_unsigned(text.substr(at, length));
    return value ? std::optional<int>(static_cast<int>(*value)) : std::nullopt;
}

}  // namespace

std::string to_rfc3339(WallTime time) {
    const auto [date, clock, weekday] = civil(time);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

Result<WallTime> parse_rfc3339(std::string_view text) {
    const auto bad = [&] {
        return fail(Fault::usage, "\"{}\" is not a UTC time such as 2026-01-01T00:00:00Z",
                    printable(text, 64));
    };
    if (text.size() != 20 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != ' ') ||
        text[13] != ':' || text[16] != ':' || text[19] != 'Z') {
        return bad();
    }
    const auto year = number(text, 0, 4);
    const auto month = number(text, 5, 2);
    const auto day = number(text, 8, 2);
    const auto hour = number(text, 11, 2);
    const auto minute = number(text, 14, 2);
    const auto second = number(text, 17, 2);
    if (!year || !month || !day || !hour || !minute || !second) return bad();
    const std::chrono::year_month_day date{std::chrono::year(*year),
                                           std::chrono::month(static_cast<unsigned>(*month)),
                                           std::chrono::day(static_cast<unsigned>(*day))};
    if (!date.ok() || *hour > 23 || *minute > 59 || *second > 59) return bad();
    return WallTime(std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
                    std::chrono::seconds(*second));
}

std::string to_rfc5322(WallTime time, std::chrono::minutes utc_offset) {
    static constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto [date, clock, weekday] = civil(time + utc_offset);
    const auto offset = utc_offset.count();
    const auto magnitude = offset < 0 ? -offset : offset;
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} {}{:02}{:02}", kDays.at(weekday),
                       static_cast<unsigned>(date.day()), kMonths.at(static_cast<unsigned>(date.month()) - 1),
                       static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
                       clock.seconds().count(), offset < 0 ? '-' : '+', magnitude / 60, magnitude % 60);
}

}  // namespace gatehouse::base
