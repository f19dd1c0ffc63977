// Values that may be compressed: one byte says how (0 plain, 1 zstd), then the bytes. The one adapter of zstd
// in this module. Pure and thread-safe; unpacking bounds what it makes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gatehouse::record {

/// Compresses when there are at least `threshold` bytes and it saves something.
std::string pack(std::string_view bytes, std::size_t threshold);
/// Fault::malformed = damaged, limit = more than `limit` bytes would come out.
base::Result<std::string> unpack(std::string_view packed, std::size_t limit);

}  // namespace gatehouse::record
