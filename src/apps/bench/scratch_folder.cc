#include "apps/bench/scratch_folder.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

namespace gatehouse::apps {

base::Result<ScratchFolder> ScratchFolder::make() {
    const char* named = std::getenv("TMPDIR");
    std::string pattern = std::string(named != nullptr ? named : "/var/tmp") + "/gatehouse-bench-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr)
        return base::fail_errno(base::Fault::refused, "no folder for the bench: " + pattern, errno);
    // Roles with a user of their own pass through it.
    constexpr mode_t kPassable = 0755;
    ::chmod(pattern.c_str(), kPassable);
    return ScratchFolder(std::move(pattern));
}

ScratchFolder::~ScratchFolder() {
    std::error_code error;
    if (!path_.empty()) std::filesystem::remove_all(path_, error);
}

}  // namespace gatehouse::apps
