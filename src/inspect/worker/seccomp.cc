#include "inspect/worker/seccomp.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <span>

#include "base/fd.h"

namespace gatehouse::inspect::worker {

using base::Fault;
using base::Result;

namespace {

// What the frame loop, the allocator and the libraries really use; found by running everything under both
// builds.
constexpr std::array kAllowed = std::to_array<const char*>({
    "read",           "write",        "writev",
    "close",          "recvmsg",      "sendmsg",
    "poll",           "ppoll",        "fstat",
    "lseek",          "memfd_create", "brk",
    "munmap",         "mremap",       "madvise",
    "futex",          "getrandom",    "clock_gettime",
    "getpid",         "gettid",       "sched_yield",
    "rt_sigprocmask", "rt_sigreturn", "restart_syscall",
    "exit",           "exit_group",   "sched_getaffinity",
    "pread64",
});

// Paths: refused with EPERM and counted.
constexpr std::array kDenied = std::to_array<const char*>({
    "open",
    "openat",
    "openat2",
    "creat",
    "open_by_handle_at",
    "stat",
    "lstat",
    "newfstatat",
    "statx",
    "statfs",
    "access",
    "faccessat",
    "faccessat2",
    "readlink",
    "readlinkat",
});

struct Condition {
    const char* call;
    const char* shown;
    scmp_arg_cmp argument;
};

scmp_arg_cmp argument(unsigned index, scmp_compare how, scmp_datum_t a, scmp_datum_t b = 0) {
    return scmp_arg_cmp{index, how, a, b};
}

// Allowed for some arguments only: memory never becomes executable, and a descriptor only gives up its seals.
std::span<const Condition> conditional() {
    static const std::array conditions = std::to_array<Condition>({
        {"mmap", "mmap(not PROT_EXEC)", argument(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
        {"mprotect", "mprotect(not PROT_EXEC)", argument(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
        {"fcntl", "fcntl(F_ADD_SEALS)", argument(1, SCMP_CMP_EQ, F_ADD_SEALS)},
        {"fcntl", "fcntl(F_GET_SEALS)", argument(1, SCMP_CMP_EQ, F_GET_SEALS)},
        {"fcntl", "fcntl(F_GETFL)", argument(1, SCMP_CMP_EQ, F_GETFL)},
    });
    return conditions;
}

#ifdef GATEHOUSE_SANITIZED
// The named allowance of sanitizer builds: what the runtimes do of their own accord.
constexpr std::array kSanitizer = std::to_array<const char*>({
    "sigaltstack",
    "rt_sigaction",
    "getrlimit",
    "prlimit64",
    "prctl",
    "nanosleep",
    "clock_nanosleep",
    "tgkill",
    "pipe2",
});
#else
constexpr std::array<const char*, 0> kSanitizer{};
#endif

class Builder {
  public:
    Builder() : context_(seccomp_init(SCMP_ACT_KILL_PROCESS)) {
        if (context_ == nullptr) {
            error_ = ENOMEM;
            return;
        }
        check(seccomp_attr_set(context_, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS));
    }
    Builder(const Builder&) = delete;
    Builder& operator=(const Builder&) = delete;
    ~Builder() { seccomp_release(context_); }

    void rule(std::uint32_t action, const char* call) {
        if (const int number = resolve(call); number >= 0) {
            check(seccomp_rule_add_array(context_, action, number, 0, nullptr));
        }
    }
    void rule(const Condition& condition) {
        if (const int number = resolve(condition.call); number >= 0) {
            check(seccomp_rule_add_array(context_, SCMP_ACT_ALLOW, number, 1, &condition.argument));
        }
    }
    void write_to(int fd) { check(seccomp_export_bpf(context_, fd)); }
    int error() const { return error_; }

  private:
    // Negative when this architecture has no such call (arm64 has no open): the default action covers it.
    int resolve(const char* call) {
        if (context_ == nullptr) return -1;
        const int number = seccomp_syscall_resolve_name(call);
        if (number == __NR_SCMP_ERROR) check(-ENOSYS);
        return number;
    }
    void check(int result) {
        if (result < 0 && error_ == 0) error_ = -result;
    }

    scmp_filter_ctx context_;
    int error_ = 0;
};

Result<std::vector<sock_filter>> read_program(int fd) {
    struct stat status{};
    if (::fstat(fd, &status) != 0) return base::fail_errno(Fault::internal, "no filter program", errno);
    std::vector<sock_filter> program(static_cast<std::size_t>(status.st_size) / sizeof(sock_filter));
    const auto bytes = program.size() * sizeof(sock_filter);
    if (::pread(fd, program.data(), bytes, 0) != static_cast<ssize_t>(bytes)) {
        return base::fail_errno(Fault::internal, "the filter program could not be read", errno);
    }
    return program;
}

}  // namespace

bool SyscallFilter::is_supported() {
    const std::uint32_t kill = SECCOMP_RET_KILL_PROCESS;
    return ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &kill) == 0;
}

Result<SyscallFilter> SyscallFilter::make() {
    Builder builder;
    for (const char* call : kAllowed) builder.rule(SCMP_ACT_ALLOW, call);
    for (const auto& condition : conditional()) builder.rule(condition);
    for (const char* call : kSanitizer) builder.rule(SCMP_ACT_ALLOW, call);
    for (const char* call : kDenied) builder.rule(SCMP_ACT_TRAP, call);
    if (builder.error() != 0) {
        return base::fail_errno(Fault::internal, "the system-call filter could not be built",
                                builder.error());
    }
    const base::Fd file(::memfd_create("seccomp", MFD_CLOEXEC));
    if (!file) return base::fail_errno(Fault::limit, "no memory file could be made", errno);
    builder.write_to(file.get());
    if (builder.error() != 0) {
        return base::fail_errno(Fault::internal, "the system-call filter could not be written",
                                builder.error());
    }
    GATEHOUSE_TRY(auto program, read_program(file.get()));
    return SyscallFilter(std::move(program));
}

Result<void> SyscallFilter::install() const {
    const sock_fprog program{static_cast<unsigned short>(program_.size()),
                             const_cast<sock_filter*>(program_.data())};
    if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0) return {};
    return base::fail_errno(Fault::unavailable, "the system-call filter could not be installed", errno);
}

std::vector<std::string_view> SyscallFilter::allowed() {
    std::vector<std::string_view> out(kAllowed.begin(), kAllowed.end());
    for (const auto& condition : conditional()) out.emplace_back(condition.shown);
    out.insert(out.end(), kSanitizer.begin(), kSanitizer.end());
    return out;
}

std::vector<std::string_view> SyscallFilter::denied() {
    return {kDenied.begin(), kDenied.end()};
}

}  // namespace gatehouse::inspect::worker
