// Deflate (RFC 1951), bare or in a zlib (RFC 1950) or gzip (RFC 1952) wrapper, of hostile data: the output
// never exceeds `max_output`, and what was decoded before an error or the end of the data is given, because
// readers show it, too. Used by readers of zip, PDF and others. The adapter of zlib. Pure, thread-safe,
// linear.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gatehouse::inspect::format {

enum class Wrapper : std::uint8_t { none, zlib, gzip };

enum class InflateEnd : std::uint8_t {
    complete,   ///< the end of the stream was reached; checksums of the wrapper included
    truncated,  ///< the data ended before the stream did
    broken,     ///< what followed is no deflate, or a checksum is wrong
    limit,      ///< there is more than max_output
};

struct Inflated {
    std::string bytes;
    InflateEnd end = InflateEnd::broken;
    std::size_t consumed = 0;  ///< of the data; exact at `complete`
};

/// Decodes one stream (of gzip: one member).
Inflated inflate(std::string_view data, Wrapper wrapper, std::size_t max_output);

/// CRC-32 (RFC 1952 8), as zip, gzip and PNG have it.
std::uint32_t crc32(std::string_view bytes);

}  // namespace gatehouse::inspect::format
