#include "inspect/worker/landlock.h"

#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "base/fd.h"

namespace gatehouse::inspect::worker {

using base::Fault;
using base::Result;

namespace {

// struct landlock_ruleset_attr of ABI 6; an older kernel is handed the prefix it knows.
struct RulesetAttributes {
    std::uint64_t handled_access_fs = 0;
    std::uint64_t handled_access_net = 0;
    std::uint64_t scoped = 0;
};

constexpr std::uint64_t all_bits(unsigned count) {
    return (1ULL << count) - 1;
}

RulesetAttributes everything(int abi) {
    RulesetAttributes out;
    unsigned fs_bits = 13;       // EXECUTE .. MAKE_SYM
    if (abi >= 2) fs_bits = 14;  // REFER
    if (abi >= 3) fs_bits = 15;  // TRUNCATE
    if (abi >= 5) fs_bits = 16;  // IOCTL_DEV
    out.handled_access_fs = all_bits(fs_bits);
    if (abi >= 4) out.handled_access_net = all_bits(2);  // BIND_TCP, CONNECT_TCP
    if (abi >= 6) out.scoped = all_bits(2);              // ABSTRACT_UNIX_SOCKET, SIGNAL
    return out;
}

std::size_t attribute_size(int abi) {
    if (abi >= 6) return sizeof(RulesetAttributes);
    return abi >= 4 ? 2 * sizeof(std::uint64_t) : sizeof(std::uint64_t);
}

}  // namespace

Result<int> landlock_deny_all() {
    const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1) return base::fail_errno(Fault::unavailable, "this kernel has no Landlock", errno);
    const int version = static_cast<int>(abi);
    const RulesetAttributes attributes = everything(version);
    const base::Fd rules(
        static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, attribute_size(version), 0)));
    if (!rules) return base::fail_errno(Fault::unavailable, "no Landlock rules could be made", errno);
    if (::syscall(SYS_landlock_restrict_self, rules.get(), 0) != 0) {
        return base::fail_errno(Fault::unavailable, "Landlock could not be entered", errno);
    }
    return version;
}

}  // namespace gatehouse::inspect::worker
