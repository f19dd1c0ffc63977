// What the parser noted about a message's form, as Facts: one item of evidence for each part that is odd in
// any way, and a gap for each limit that kept something from being looked at. Whether odd is bad is not said
// here. Pure; used by engine.cc only (the evidence by the catalogue, too).
#pragma once

#include <array>
#include <span>
#include <string>

#include "base/evidence_id.h"
#include "inspect/mime/structure.h"
#include "message/facts.h"

namespace gatehouse::inspect::engine {

inline constexpr base::EvidenceInfo kFormAnomaly{
    "form.anomaly", "form", base::Strength::fact, 0,
    "a part is not written as the standards say; the facts name what is odd and its place"};
inline constexpr std::array kFormEvidence = {kFormAnomaly};

/// Beyond so many odd parts the rest is not described one by one.
inline constexpr std::size_t kMaxOddParts = 100;

/// `paths` by index of structure.parts.
void add_form(const mime::Structure& structure, std::span<const std::string> paths, message::Facts& facts);

}  // namespace gatehouse::inspect::engine
