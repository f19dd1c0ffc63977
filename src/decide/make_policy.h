// [[rule]] tables to the model: the only place that checks them. Used by the front and the inspector's host
// when a revision arrives, by `config check` and `policy check`, and by replay. Pure.
// An error names file, line, key, what is allowed, and the nearest known name.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "base/evidence_id.h"
#include "base/field_table.h"
#include "decide/policy.h"

namespace gatehouse::decide {

inline constexpr std::size_t kMaxRules = 1000;

/// `known`: every evidence id that this program's detectors may give; an id that none of them gives is then
/// an error with the nearest one. Empty (revisions of other versions, replay): any well-formed id is taken.
base::Result<Policy> make_policy(const message::Revision& revision,
                                 std::span<const base::EvidenceInfo> known = {});

}  // namespace gatehouse::decide
