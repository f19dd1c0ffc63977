// What a frame from an inspector will cost in memory, before it is unpacked: two bytes on the wire can become
// an object of hundreds. Used by Exchange. Pure: one pass over the bytes, no allocation, bounded depth.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace gatehouse::inspect::pool {

/// All frames of one answer together. The largest honest one is a third of it.
inline constexpr std::uint64_t kMaxAnswerCost = 64ULL << 20;

/// An upper bound, in bytes, for the unpacked frame and the values made of it. Fault::limit above
/// kMaxAnswerCost; malformed = not an InspectorAnswer, or with fields that this version does not know (both
/// ends are always of one version).
base::Result<std::uint64_t> answer_cost(std::string_view frame);

}  // namespace gatehouse::inspect::pool
