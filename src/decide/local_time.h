// Times of day as policy writes them. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/time.h"

namespace gatehouse::decide {

/// "22:00", in minutes since midnight; nullopt for anything else.
std::optional<std::chrono::minutes> parse_time_of_day(std::string_view text);

/// The next moment behind `now` at which a clock `utc_offset` ahead of UTC shows that time; `now` where it is
/// none.
base::WallTime next_time_of_day(std::string_view text, base::WallTime now, std::chrono::minutes utc_offset);

}  // namespace gatehouse::decide
