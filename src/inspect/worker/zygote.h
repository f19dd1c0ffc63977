// The process from which inspectors are forked. It loads everything they will ever need, gives up what it
// can, and then only forks, kills and reaps workers as the front asks over its channel (ipc/zygote.proto). It
// never sees a message. It ends when the channel closes, and its workers with it (PR_SET_PDEATHSIG).
// Single-threaded, because only then is fork() safe and a user namespace possible.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/fd.h"
#include "inspect/engine/catalogue.h"
#include "inspect/worker/sandbox.h"

namespace gatehouse::inspect::worker {

struct ZygoteOptions {
    base::Fd channel;
    base::Fd expressions;  ///< a sealed generation (lists/generation.h); none = the policy has no lists
    std::optional<RoleIds> ids;
    std::span<const engine::Detector> detectors;
    /// Test composition only: workers run without the system-call filter, so that Landlock shows.
    bool leave_out_filter = false;
};

/// Returns the exit status of interfaces.md: 0 when the channel was closed, 2 for settings that are wrong, 3
/// when it could not do its work.
int run_zygote(ZygoteOptions options);

}  // namespace gatehouse::inspect::worker
