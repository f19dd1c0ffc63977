#include "inspect/worker/capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace gatehouse::inspect::worker {

using base::Fault;
using base::Result;

Result<void> drop_bounding_set() {
    // The kernel answers EINVAL for the first number it does not know.
    for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
        if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
        return base::fail_errno(Fault::refused, "the bounding set could not be dropped", errno);
    }
    return {};
}

Result<void> drop_capabilities() {
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    const std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
    if (::syscall(SYS_capset, &header, none.data()) == 0) return {};
    return base::fail_errno(Fault::refused, "the capabilities could not be dropped", errno);
}

}  // namespace gatehouse::inspect::worker
