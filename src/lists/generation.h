// One generation of a list as a file. Layout, little-endian, 192 bytes before the payload:
//   0 magic "GHLISTS\0"   8 format u32   12 header size u32   16 kind, 16 bytes filled with NUL
//   32 number u64   40 made u64 (seconds since 1970)   48 source digest 32   80 payload size u64
//   88 payload SHA-256 32   120 first 8 bytes of SHA-256 of the public key   128 Ed25519 signature of 0..127
// A header without signature has zeros from 120 on: made and used by one process, never kept. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "lists/signature.h"

namespace gatehouse::lists {

inline constexpr std::uint32_t kGenerationFormat = 1;
inline constexpr std::size_t kGenerationHeader = 192;
inline constexpr std::string_view kExpressions = "expressions";

struct GenerationInfo {
    std::string kind;  ///< 1 to 16 bytes
    std::uint64_t number = 0;
    std::uint64_t made = 0;  ///< seconds since 1970
    std::string source;      ///< 32 bytes: digest of what it was made from
    bool operator==(const GenerationInfo&) const = default;
};

struct Generation {
    GenerationInfo info;
    std::string_view payload;  ///< of the bytes that were read
};

/// `key` null: without signature.
std::string make_generation(const GenerationInfo& info, std::string_view payload, const SigningKey* key);

/// Whole and of that kind; with a public key, signed by it. Fault::malformed otherwise, Fault::refused for a
/// newer format and a foreign signature.
base::Result<Generation> read_generation(std::string_view bytes, std::string_view kind,
                                         std::optional<std::string_view> public_key);

}  // namespace gatehouse::lists
