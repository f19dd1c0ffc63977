// Dates of header fields (RFC 5322 3.3 and 4.3): with and without weekday and seconds, years of two and three
// digits, comments, names of zones. The weekday is not compared. Pure, linear, never fails for what it is
// given.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace gatehouse::inspect::mime {

/// Seconds since 1970; a leap second is the first one of the next minute. Nothing for what is no date.
std::optional<std::int64_t> parse_date(std::string_view value);

}  // namespace gatehouse::inspect::mime
