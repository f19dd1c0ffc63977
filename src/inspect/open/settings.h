// How far archives are opened. Beyond each limit stands a gap, for which policy has an exception of its own.
#pragma once

#include <array>
#include <cstdint>

#include "base/field_table.h"

namespace gatehouse::inspect::open {

struct Settings {
    std::int64_t max_files = 353;
    std::int64_t max_file_size = 60LL << 20;
    std::int64_t max_ratio = 100;
};

/// Office documents and the like are archives of up to thousands of small files, and are packed tightly.
inline constexpr std::int64_t kMaxFilesOfDocument = 10'000;
inline constexpr std::int64_t kMaxRatioOfDocument = 1'000;
/// Small files that unpack to little are no bombs, whatever their ratio.
inline constexpr std::int64_t kNoBomb = 1LL << 20;

inline constexpr std::array kFields = {
    base::field<&Settings::max_files>(
        "max_files",
        "files of one archive; Office and other documents that are archives may "
        "have 10,000",
        {.min = 1, .max = 10'000, .reload = base::Reload::live}),
    base::field<&Settings::max_file_size>(
        "max_file_size", "size of one unpacked file",
        {.min = 1 << 10, .max = 1 << 30, .unit = "bytes", .reload = base::Reload::live}),
    base::field<&Settings::max_ratio>(
        "max_ratio",
        "what an archive unpacks to, in multiples of its size; counted beyond 1 MiB, "
        "and at most 1,000 for documents",
        {.min = 1, .max = 100'000, .reload = base::Reload::live}),
};
inline constexpr base::FieldTable kTable =
    base::make_table<Settings>("antivirus.limits", "how far archives are opened", kFields);

}  // namespace gatehouse::inspect::open
