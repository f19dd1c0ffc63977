// The system calls a worker may make. The default action is to kill the process; that covers sockets, exec,
// fork, ptrace, io_uring, bpf, namespaces, other processes' memory and signals. Calls that name a path (open
// and stat families) are answered with EPERM and counted, because libraries try them in good faith (time
// zone, locale) and live without.
//
// How they are counted: SECCOMP_RET_ERRNO leaves no trace, SECCOMP_RET_LOG would let the call through, and a
// user notification needs a second process that answers. So they are SECCOMP_RET_TRAP: the kernel does not
// run the call but sends SIGSYS, whose handler (denied_calls.h) counts and puts -EPERM where the result is
// expected. A worker that was taken over can lie about the count, not about the call. If the handler is
// missing or blocked, SIGSYS ends the process: the failure is on the safe side.
//
// The program is compiled once in the zygote (libseccomp, this module's one adapter) and installed by each
// worker with one system call.
#pragma once

#include <linux/filter.h>

#include <string_view>
#include <vector>

#include "base/result.h"

namespace gatehouse::inspect::worker {

class SyscallFilter {
  public:
    static bool is_supported();
    static base::Result<SyscallFilter> make();

    /// For the calling thread and all it may ever run; needs no_new_privs.
    base::Result<void> install() const;

    /// Names for `status`, in the order of the tables; conditions are written behind the name.
    static std::vector<std::string_view> allowed();
    static std::vector<std::string_view> denied();

  private:
    explicit SyscallFilter(std::vector<sock_filter> program) : program_(std::move(program)) {}
    std::vector<sock_filter> program_;
};

}  // namespace gatehouse::inspect::worker
