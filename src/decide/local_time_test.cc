#include "decide/local_time.h"

#include <gtest/gtest.h>

namespace gatehouse::decide {
namespace {

using namespace std::chrono_literals;

base::WallTime utc(const char* text) {
    return base::parse_rfc3339(text).value();
}

/// Two hours ahead until 2026-10-25 01:00 UTC, one hour from then on.
std::chrono::minutes berlin(base::WallTime at) {
    return at < utc("2026-10-25T01:00:00Z") ? 120min : 60min;
}

TEST(LocalTime, TheNextTimeThatTheClocksShow) {
    EXPECT_EQ(next_time_of_day("22:00", utc("2026-07-01T10:00:00Z"), berlin), utc("2026-07-01T20:00:00Z"));
    EXPECT_EQ(next_time_of_day("22:00", utc("2026-07-01T20:00:00Z"), berlin), utc("2026-07-02T20:00:00Z"));
    EXPECT_EQ(next_time_of_day("00:30", utc("2026-07-01T22:10:00Z"), berlin), utc("2026-07-01T22:30:00Z"));
    EXPECT_EQ(next_time_of_day("no", utc("2026-07-01T22:10:00Z"), berlin), utc("2026-07-01T22:10:00Z"));
}

TEST(LocalTime, ClocksThatChangeBeforeThen) {
    EXPECT_EQ(next_time_of_day("06:00", utc("2026-10-24T21:00:00Z"), berlin), utc("2026-10-25T05:00:00Z"));
    EXPECT_EQ(next_time_of_day("23:00", utc("2026-10-24T21:30:00Z"), berlin), utc("2026-10-25T22:00:00Z"));
    const auto spring = [](base::WallTime at) {
        return at < utc("2026-03-29T01:00:00Z") ? 60min : std::chrono::minutes(120);
    };
    EXPECT_EQ(next_time_of_day("06:00", utc("2026-03-28T22:00:00Z"), spring), utc("2026-03-29T04:00:00Z"));
    for (const char* now : {"2026-03-28T22:00:00Z", "2026-03-29T00:15:00Z", "2026-03-29T00:45:00Z"})
        EXPECT_EQ(next_time_of_day("02:30", utc(now), spring), utc("2026-03-29T01:30:00Z")) << now;
    EXPECT_EQ(next_time_of_day("02:30", utc("2026-03-29T01:30:00Z"), spring), utc("2026-03-30T00:30:00Z"));
}

}  // namespace
}  // namespace gatehouse::decide
