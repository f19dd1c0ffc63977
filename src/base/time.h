// Times as values: formatting, parsing, and the stopwatch that pure steps are measured with. Pure; the clock
// that makes time values is base/clock.h, which pure modules may not include.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/reference.h"
#include "base/result.h"

namespace gatehouse::base {

using SteadyTime = std::chrono::steady_clock::time_point;

/// "2026-01-01T00:00:00Z"; seconds precision, UTC.
std::string to_rfc3339(WallTime time);
Result<WallTime> parse_rfc3339(std::string_view text);

/// RFC 5322 section 3.3 date-time in UTC, e.g. "Mon, 01 Jun 2026 10:00:00 +0000".
std::string to_rfc5322(WallTime time, std::chrono::minutes utc_offset);

/// Measures the microseconds of a pure step; null in tests and replay, so results never hold time.
class Stopwatch {
  public:
    virtual ~Stopwatch() = default;
    virtual std::uint64_t micros() = 0;
};

}  // namespace gatehouse::base
