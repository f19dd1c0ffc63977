// Dropping Linux capabilities for good, by the raw system calls (no libcap). Used by sandbox.cc only.
#pragma once

#include "base/result.h"

namespace gatehouse::inspect::worker {

/// Nothing this process ever runs can gain a capability again. Needs CAP_SETPCAP; without it the set must
/// already be unreachable for the result to be a success.
base::Result<void> drop_bounding_set();
/// Effective, permitted, inheritable and ambient sets become empty.
base::Result<void> drop_capabilities();

}  // namespace gatehouse::inspect::worker
