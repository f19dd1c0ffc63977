// Counts the system calls that the filter answers with EPERM (see seccomp.h), from inside the worker that
// makes them. One process, one thread.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace gatehouse::inspect::worker {

/// Installs the SIGSYS handler; before the filter, which may forbid it.
base::Result<void> count_denied_calls();
/// Since the process began.
std::uint32_t denied_calls();

}  // namespace gatehouse::inspect::worker
