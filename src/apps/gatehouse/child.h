// Starting and ending one child process of the supervisor. The child inherits exactly the descriptors that
// are named, at the numbers 3, 4, 5 ... in that order, and stdin from /dev/null; everything else is closed.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace gatehouse::apps {

struct ChildPlan {
    std::string program;             ///< path of the executable
    std::vector<std::string> words;  ///< argv, program name included
    std::vector<int> fds;            ///< become 3, 4, 5 ...
};

/// The process id. The child is killed when the supervisor dies.
base::Result<pid_t> start_child(const ChildPlan& plan);

/// The program of that name beside the running one.
base::Result<std::string> program_beside(const std::string& name);

}  // namespace gatehouse::apps
