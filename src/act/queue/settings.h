// The [queue] table: how mail that waits here is kept and sent. Retry times and lifetime stand in [delivery].
#pragma once

#include <array>
#include <cstdint>

#include "base/field_table.h"

namespace gatehouse::act::queue {

struct QueueSettings {
    std::int64_t concurrency = 20;
    std::int64_t scrub_minutes = 10;
    std::int64_t reserve = 256LL << 20;
};

inline constexpr std::array kQueueFields = {
    base::field<&QueueSettings::concurrency>("concurrency", "messages on their way to one next hop at a time",
                                             {.min = 1, .max = 1000}),
    base::field<&QueueSettings::scrub_minutes>(
        "scrub_minutes", "at the latest then nothing of a delivered message is in the queue's files any more",
        {.min = 1, .max = 1440, .unit = "min"}),
    base::field<&QueueSettings::reserve>("reserve",
                                         "free space of the disk below which nothing more is queued (452)",
                                         {.min = 0, .max = 1LL << 40, .unit = "bytes"}),
};
inline constexpr base::FieldTable kQueueTable =
    base::make_table<QueueSettings>("queue", "mail that waits here", kQueueFields);

}  // namespace gatehouse::act::queue
