// The `inspect` table of gatehouse.toml: how many inspectors there are and how long they may take.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/field_table.h"

namespace gatehouse::inspect::pool {

struct InspectSettings {
    std::int64_t workers = 0;
    std::int64_t extra_workers = 4;
    bool require_sandbox = false;
    std::string isolate = "normal";
    std::int64_t deadline = 30;
    std::int64_t wait = 30;
};

inline constexpr std::array<std::string_view, 2> kIsolations{"normal", "strict"};
inline constexpr std::array kInspectFields = {
    base::field<&InspectSettings::workers>("workers", "inspectors kept ready in all; 0 = one per core",
                                           {.min = 0, .max = 256}),
    base::field<&InspectSettings::extra_workers>(
        "extra_workers",
        "further inspectors that each event loop may start while a message keeps one busy for long",
        {.min = 0, .max = 64}),
    base::field<&InspectSettings::require_sandbox>(
        "require_sandbox", "refuse to run where any part of the sandbox cannot be applied"),
    base::field<&InspectSettings::isolate>(
        "isolate", "strict = a new inspector after every message in which a risky opener ran",
        {.choices = kIsolations}),
    base::field<&InspectSettings::deadline>(
        "deadline", "longest inspection of one message; beyond: one more try, then unscannable",
        {.min = 1, .max = 110, .unit = "s"}),
    base::field<&InspectSettings::wait>("wait", "longest wait for a free inspector; beyond: 451 4.3.2",
                                        {.min = 1, .max = 120, .unit = "s"}),
};
inline constexpr base::FieldTable kInspectTable =
    base::make_table<InspectSettings>("inspect", "the sandboxed inspectors", kInspectFields);

}  // namespace gatehouse::inspect::pool
