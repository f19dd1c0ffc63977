// The adapter of libarchive: archives in memory, one format and one filter at a time, chosen by true type, so
// that it never guesses. Used by the openers. libarchive's own files (locale, time zone) have to be open
// before a sandbox is sealed: see warm_archive_library().
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace gatehouse::inspect::open {

struct LibraryMember {
    std::string bytes;
    bool is_cut = false;      ///< there is more than was allowed
    bool is_damaged = false;  ///< bytes hold what stood before the damage
};

/// The first member of a zip.
std::optional<LibraryMember> read_one_by_library(std::string_view zip, std::size_t max_output);

}  // namespace gatehouse::inspect::open
