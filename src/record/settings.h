// How long what this module keeps is kept. Defaults are what the manual promises; read by the loader's
// thread.
#pragma once

#include <array>
#include <cstdint>

#include "base/field_table.h"

namespace gatehouse::record {

struct RetentionSettings {
    std::int64_t records_days = 30;
    std::int64_t tracking_days = 90;
};

inline constexpr std::array kRetentionFields = {
    base::field<&RetentionSettings::records_days>(
        "records_days", "how long the full record of a message is kept, for explain, verify and what-if",
        {.min = 1, .max = 3650, .unit = "days"}),
    base::field<&RetentionSettings::tracking_days>("tracking_days",
                                                   "how long the tracking lines are kept, for track",
                                                   {.min = 1, .max = 3650, .unit = "days"}),
};
inline constexpr base::FieldTable kRetentionTable =
    base::make_table<RetentionSettings>("privacy", "how long each class of data is kept", kRetentionFields);

}  // namespace gatehouse::record
