#include "consult/engines/child_setup.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace gatehouse::consult::engines {
namespace {

constexpr int kLockFd = 3;
constexpr int kReportFd = 4;
constexpr int kHighFd = 500;  // above every target number
constexpr int kNamespaces = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC;

void report(const ChildSetup& setup, SetupStep step, int error_number) {
    const SetupRecord record{step, error_number};
    // Below PIPE_BUF, so whole or not at all; nobody is left to tell if it fails.
    [[maybe_unused]] const ssize_t told = ::write(setup.report_fd, &record, sizeof record);
}

[[noreturn]] void give_up(const ChildSetup& setup, SetupStep step, int error_number) {
    report(setup, step, error_number);
    ::_exit(127);
}

bool write_file(const char* path, const char* text) {
    const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return false;
    const auto length = std::strlen(text);
    const bool written = ::write(fd, text, length) == static_cast<ssize_t>(length);
    ::close(fd);
    return written;
}

/// The kernel kills us with our parent. Forgotten at every change of user, hence called again.
void die_with_parent(const ChildSetup& setup) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != setup.parent) ::_exit(127);  // it died in between
}

void detach_from_terminal_and_signals() {
    ::setpgid(0, 0);  // the terminal's Ctrl-C reaches the supervisor alone
    sigset_t none;
    ::sigemptyset(&none);
    ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
    struct sigaction action{};
    action.sa_handler = SIG_DFL;
    ::sigaction(SIGPIPE, &action, nullptr);
    action.sa_handler = SIG_IGN;  // over RLIMIT_FSIZE: an error that it logs, not its death
    ::sigaction(SIGXFSZ, &action, nullptr);
}

void place_descriptors(ChildSetup& setup) {
    const int report_copy = ::fcntl(setup.report_fd, F_DUPFD_CLOEXEC, kHighFd);
    const int lock_copy = ::fcntl(setup.lock_fd, F_DUPFD_CLOEXEC, kHighFd);
    const int log_copy = ::fcntl(setup.log_fd, F_DUPFD_CLOEXEC, kHighFd);
    ::dup2(setup.null_fd, STDIN_FILENO);
    ::dup2(log_copy, STDOUT_FILENO);
    ::dup2(log_copy, STDERR_FILENO);
    ::dup2(lock_copy, kLockFd);
    ::dup3(report_copy, kReportFd, O_CLOEXEC);
    ::syscall(SYS_close_range, kReportFd + 1, ~0U, 0U);
    setup.report_fd = kReportFd;
}

void mount_scratch(const ChildSetup& setup) {
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("gatehouse-scratch", setup.scratch, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
                setup.scratch_options) != 0) {
        report(setup, SetupStep::scratch, errno);
    }
}

void become_user(const ChildSetup& setup) {
    if (!setup.change_user) return;
    if (::setgroups(0, nullptr) != 0 || ::setresgid(setup.gid, setup.gid, setup.gid) != 0 ||
        ::setresuid(setup.uid, setup.uid, setup.uid) != 0) {
        give_up(setup, SetupStep::user, errno);
    }
    die_with_parent(setup);
    ::prctl(PR_SET_DUMPABLE, 1);  // our own /proc/self again, for uid_map; exec sets it anyway
}

/// The namespaces without privileges. Nothing is mounted or mapped when this fails.
bool enter_user_namespace(const ChildSetup& setup) {
    if (::unshare(CLONE_NEWUSER | kNamespaces) != 0) return false;
    return write_file("/proc/self/setgroups", "deny") && write_file("/proc/self/gid_map", setup.gid_map) &&
           write_file("/proc/self/uid_map", setup.uid_map);
}

void enter_namespaces_and_user(const ChildSetup& setup) {
    if (::unshare(kNamespaces) == 0) {
        mount_scratch(setup);
        become_user(setup);
        return;
    }
    become_user(setup);
    if (enter_user_namespace(setup)) {
        mount_scratch(setup);
        return;
    }
    const int error_number = errno;
    report(setup, SetupStep::network, error_number);
    report(setup, SetupStep::scratch, error_number);
}

/// Even root has nothing to regain after this.
void drop_rights(const ChildSetup& setup) {
    for (int capability = 0; capability <= 63; ++capability) {
        if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno != EINVAL) break;
    }
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    const std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
    const bool dropped = ::syscall(SYS_capset, &header, none.data()) == 0;
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !dropped) report(setup, SetupStep::rights, errno);
}

void set_limit(const ChildSetup& setup, __rlimit_resource what, std::uint64_t value) {
    rlimit present{};
    ::getrlimit(what, &present);
    const rlim_t most = value < present.rlim_max ? value : present.rlim_max;
    const rlimit wanted{most, most};
    if (::setrlimit(what, &wanted) != 0) report(setup, SetupStep::limits, errno);
}

}  // namespace

void become_engine(const ChildSetup& given) noexcept {
    ChildSetup setup = given;
    die_with_parent(setup);
    detach_from_terminal_and_signals();
    place_descriptors(setup);
    if (::chdir(setup.folder) != 0) give_up(setup, SetupStep::folder, errno);
    set_limit(setup, RLIMIT_CORE, 0);
    set_limit(setup, RLIMIT_NOFILE, setup.max_files);
    set_limit(setup, RLIMIT_FSIZE, setup.max_file_bytes);
    enter_namespaces_and_user(setup);
    drop_rights(setup);
    // Again, because "tmp" under the old working directory would be the folder below the mount.
    if (::chdir(setup.folder) != 0) give_up(setup, SetupStep::folder, errno);
    ::execve(setup.program, setup.words, setup.environment);
    give_up(setup, SetupStep::exec, errno);
}

}  // namespace gatehouse::consult::engines
