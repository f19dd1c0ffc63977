#include "base/clock.h"

#include <ctime>

namespace gatehouse::base {
namespace {

std::int64_t system_micros() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

}  // namespace

Clock::Clock(WallTime fixed) : offset_us_(fixed.time_since_epoch().count() - system_micros()) {}

WallTime Clock::wall() const {
    return WallTime(std::chrono::microseconds(system_micros() + offset_us_.load()));
}

std::chrono::minutes Clock::utc_offset(WallTime time) const {
    const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
    std::tm local{};
    if (::localtime_r(&seconds, &local) == nullptr) return std::chrono::minutes(0);
    return std::chrono::floor<std::chrono::minutes>(std::chrono::seconds(local.tm_gmtoff));
}

SteadyTime Clock::steady() const {
    return std::chrono::steady_clock::now();
}

void Clock::advance(std::chrono::seconds step) {
    offset_us_ += std::chrono::duration_cast<std::chrono::microseconds>(step).count();
}

}  // namespace gatehouse::base
