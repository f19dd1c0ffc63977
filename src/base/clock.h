// Time, made once in apps and passed by reference. Pure code is given a WallTime or a SteadyTime instead.
// The wall clock can be fixed for tests (`testing.fixed_clock`: wall time at start, then it runs) and
// advanced; timers always use the steady clock. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>

#include "base/time.h"

namespace gatehouse::base {

class Clock {
  public:
    Clock() = default;
    /// Wall time starts at `fixed` and runs from there.
    explicit Clock(WallTime fixed);

    WallTime wall() const;
    SteadyTime steady() const;
    /// What this process's time zone (TZ) is ahead of UTC at that time.
    std::chrono::minutes utc_offset(WallTime time) const;
    /// Tests only: moves the wall clock forward.
    void advance(std::chrono::seconds step);

  private:
    std::atomic<std::int64_t> offset_us_{0};
};

}  // namespace gatehouse::base
