// Numbers in files, least significant byte first, read at any offset of hostile bytes: what lies beyond the
// end is zero. Pure, thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gatehouse::inspect::format {

/// `count` bytes (at most 8) at `offset`; what is behind the end counts as 0.
inline std::uint64_t little_endian(std::string_view bytes, std::size_t offset, std::size_t count) {
    std::uint64_t out = 0;
    for (std::size_t i = count; i > 0; --i) {
        const auto at = offset + i - 1;
        out = out << 8 | (at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0U);
    }
    return out;
}

/// What follows `offset`, and nothing where that is behind the end.
inline std::string_view behind(std::string_view bytes, std::size_t offset) {
    return bytes.substr(offset < bytes.size() ? offset : bytes.size());
}

}  // namespace gatehouse::inspect::format
