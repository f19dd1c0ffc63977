// What happens in the engine's child between fork and exec: namespaces, scratch memory, limits, another user,
// no privileges. Everything is prepared before the fork; here only system calls that are safe in the child of
// a threaded process, no allocation, no lock.
//
// As root: private mount, network and IPC namespaces, then the engine's user. Without: the same by a user
// namespace, where the kernel allows it. What could not be applied is reported, one record each, through
// `report_fd`, which exec closes; the parent decides whether that is good enough.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace gatehouse::consult::engines {

enum class SetupStep : std::uint8_t {
    network,  ///< optional: no network of any kind
    scratch,  ///< optional: size-limited memory file system on the scratch folder
    rights,   ///< optional: no capability can be regained
    limits,   ///< optional: resource limits
    folder,   ///< fatal: entering the engine's folder
    user,     ///< fatal: becoming the engine's user
    exec,     ///< fatal
};

struct SetupRecord {
    SetupStep step = SetupStep::exec;
    std::int32_t error_number = 0;
};

struct ChildSetup {
    const char* program = nullptr;
    char* const* words = nullptr;
    char* const* environment = nullptr;
    const char* folder = nullptr;           ///< becomes the working directory
    const char* scratch = nullptr;          ///< absolute path of the mount point
    const char* scratch_options = nullptr;  ///< "size=...,mode=0700,uid=...,gid=..."
    const char* uid_map = nullptr;          ///< "1000 1000 1" for the user namespace; likewise gid_map
    const char* gid_map = nullptr;
    bool change_user = false;
    uid_t uid = 0;
    gid_t gid = 0;
    std::uint64_t max_files = 0;
    std::uint64_t max_file_bytes = 0;
    int null_fd = -1;
    int log_fd = -1;   ///< becomes stdout and stderr
    int lock_fd = -1;  ///< inherited as 3: held as long as the engine lives
    int report_fd = -1;
    pid_t parent = 0;
};

[[noreturn]] void become_engine(const ChildSetup& setup) noexcept;

}  // namespace gatehouse::consult::engines
