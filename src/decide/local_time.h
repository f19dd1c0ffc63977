// Times of day as policy writes them. Pure.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string_view>

#include "base/time.h"

namespace gatehouse::decide {

/// "22:00", in minutes since midnight; nullopt for anything else.
std::optional<std::chrono::minutes> parse_time_of_day(std::string_view text);

/// How far the clocks of a place are ahead of UTC at that moment.
using OffsetAt = std::function<std::chrono::minutes(base::WallTime)>;

/// The next moment behind `now` at which the clocks there show that time, changed to or from summer time in
/// between or not; `now` where it is none. A time that a change of the clocks leaves out comes an hour later.
base::WallTime next_time_of_day(std::string_view text, base::WallTime now, const OffsetAt& offset_at);

}  // namespace gatehouse::decide
