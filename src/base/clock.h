// Time, made once in apps and passed by reference. Pure code is given a WallTime or a SteadyTime instead.
// The wall clock can be fixed for tests (`testing.fixed_clock`: wall time at start, then it runs) and
// advanced; timers always use the steady clock. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>

#include "base/reference.h"
#include "base/result.h"

namespace gatehouse::base {

using SteadyTime = std::chrono::steady_clock::time_point;

class Clock {
  public:
    Clock() = default;
    /// Wall time starts at `fixed` and runs from there.
    explicit Clock(WallTime fixed);

    WallTime wall() const;
    SteadyTime steady() const;
    /// Tests only: moves the wall clock forward.
    void advance(std::chrono::seconds step);

  private:
    std::atomic<std::int64_t> offset_us_{0};
};

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
