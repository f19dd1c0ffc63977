// What the end of a file's name promises. For comparing with what the content is (true_type.h). Pure data,
// thread-safe.
#pragma once

#include <optional>
#include <string_view>

#include "inspect/format/true_type.h"

namespace gatehouse::inspect::format {

/// What follows the last dot, without it; empty where there is none. Blanks and dots at the end do not count,
/// because Windows drops them.
std::string_view extension_of(std::string_view name);

/// Of an extension in any case: what a program would take such a file for. Nothing for what is not known.
std::optional<FileGroup> group_of_extension(std::string_view extension);

}  // namespace gatehouse::inspect::format
