// Gives up everything an inspector does not need, for good. The zygote calls confine_process once, after it
// has loaded what it will ever load and before it forks; its workers inherit the result and add the last two
// steps, drop_descriptors and the system-call filter (seccomp.h), which would stop the zygote itself.
//
// Nothing here fails silently: every step says whether it was applied and, if not, why. What to do about a
// missing step is the caller's decision (`inspect.require_sandbox`). Linux only. Not thread-safe: called
// while there is one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gatehouse::inspect::worker {

struct SandboxStep {
    std::string name;  ///< "seccomp", "landlock", "namespace.net" ...
    bool applied = false;
    std::string note;  ///< how far, or why not
};

struct SandboxReport {
    std::vector<SandboxStep> steps;

    void applied(std::string_view name, std::string note = {});
    void missing(std::string_view name, std::string note);
    bool is_complete() const;
    /// "landlock (why), ..." of what could not be applied; empty when complete.
    std::string missing_steps() const;
};

struct RoleIds {
    unsigned uid = 0;
    unsigned gid = 0;
};

/// "gatehouse-inspector" (looked up now), "1234" or "1234:567".
base::Result<RoleIds> parse_role_ids(std::string_view text);

struct SandboxPlan {
    std::optional<RoleIds> ids;           ///< become this user; only root can
    std::uint64_t max_data = 1ULL << 30;  ///< RLIMIT_DATA: heap and private mappings
    std::uint64_t max_file = 1ULL << 28;  ///< RLIMIT_FSIZE: one memory file, twice the largest message
    std::uint64_t max_fds = 64;           ///< RLIMIT_NOFILE
};

/// Namespaces, ids, capabilities, no_new_privs, Landlock, resource limits, in the order that lets each
/// succeed.
SandboxReport confine_process(const SandboxPlan& plan);

/// Closes every descriptor from `first` up.
base::Result<void> drop_descriptors(unsigned first);

}  // namespace gatehouse::inspect::worker
