// Landlock (Linux 5.13 and later) as the net beneath the system-call filter: should the filter ever let an
// open through, the path is refused with EACCES. Raw system calls, the ABI asked for at run time; bits newer
// than Debian 12's headers (ABI 2) are defined here. Used by sandbox.cc only.
#pragma once

#include "base/result.h"

namespace gatehouse::inspect::worker {

/// No path may be opened, made or removed, no TCP port bound or connected to, no abstract socket or process
/// outside reached, by this process and all it forks. Gives the ABI that was applied.
base::Result<int> landlock_deny_all();

}  // namespace gatehouse::inspect::worker
