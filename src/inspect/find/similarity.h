// A digest of bytes by which similar files have similar digests: TLSH (Oliver, Cheng, Chen: "TLSH - A
// Locality Sensitive Hash", 2013; 128 buckets, 1 byte of checksum), in the form that other programs exchange.
// Pure, thread-safe, linear, at most kMaxSimilarityBytes read.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gatehouse::inspect::find {

inline constexpr std::size_t kMinSimilarityBytes = 50;
inline constexpr std::size_t kMaxSimilarityBytes = 1U << 20;

/// "T1" and 70 hexadecimal digits; of more than kMaxSimilarityBytes "P1" and the digest of the first and the
/// last half of so many, comparable among each other. Empty for what is too short or has too little variety.
std::string similarity_digest(std::string_view bytes);

/// 0 = alike; below 30 hardly by chance, above 100 nothing in common. Nothing for what are no two digests of
/// one form.
int similarity_distance(std::string_view a, std::string_view b);

}  // namespace gatehouse::inspect::find
