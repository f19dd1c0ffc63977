#include "base/clock.h"

#include <gtest/gtest.h>

namespace gatehouse::base {
namespace {

TEST(Clock, RoundTripsRfc3339) {
    const auto time = parse_rfc3339("2026-06-01T10:20:30Z");
    ASSERT_TRUE(time);
    EXPECT_EQ(to_rfc3339(*time), "2026-06-01T10:20:30Z");
    EXPECT_FALSE(parse_rfc3339("2026-13-01T10:20:30Z"));
    EXPECT_FALSE(parse_rfc3339("yesterday"));
}

TEST(Clock, WritesMailDates) {
    const auto time = parse_rfc3339("2026-06-01T10:20:30Z");
    EXPECT_EQ(to_rfc5322(*time, std::chrono::minutes(0)), "Mon, 01 Jun 2026 10:20:30 +0000");
    EXPECT_EQ(to_rfc5322(*time, std::chrono::minutes(-210)), "Mon, 01 Jun 2026 06:50:30 -0330");
}

TEST(Clock, FixedTimeRunsAndAdvances) {
    const auto start = parse_rfc3339("2026-01-01T00:00:00Z").value();
    Clock clock(start);
    EXPECT_GE(clock.wall(), start);
    EXPECT_LT(clock.wall(), start + std::chrono::seconds(5));
    clock.advance(std::chrono::seconds(3600));
    EXPECT_GE(clock.wall(), start + std::chrono::hours(1));
}

}  // namespace
}  // namespace gatehouse::base
