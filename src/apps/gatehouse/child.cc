#include "apps/gatehouse/child.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace gatehouse::apps {

using base::Fault;
using base::Result;

namespace {

constexpr int kFirstFd = 3;

/// Between fork and exec: only calls that are safe there.
[[noreturn]] void become(const ChildPlan& plan, char* const* words, pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);  // the parent died in between
    ::setpgid(0, 0);                          // the terminal's Ctrl-C reaches the supervisor alone
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    const int null = ::open("/dev/null", O_RDWR);
    ::dup2(null, STDIN_FILENO);
    // First far above the target range, so that no target number is a source that is still needed.
    const int count = static_cast<int>(plan.fds.size());
    const int high = 1000;
    for (int i = 0; i < count; ++i) ::dup3(plan.fds[static_cast<std::size_t>(i)], high + i, O_CLOEXEC);
    for (int i = 0; i < count; ++i) ::dup2(high + i, kFirstFd + i);
    ::syscall(SYS_close_range, kFirstFd + count, ~0U, 0U);
    ::execv(plan.program.c_str(), words);
    ::_exit(127);
}

}  // namespace

Result<pid_t> start_child(const ChildPlan& plan) {
    std::vector<char*> words;
    for (const auto& word : plan.words) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) return base::fail_errno(Fault::limit, "no process could be started", errno);
    if (pid == 0) become(plan, words.data(), parent);
    return pid;
}

Result<std::string> program_beside(const std::string& name) {
    std::error_code error;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    const auto beside = self.parent_path() / name;
    if (error || !std::filesystem::exists(beside, error)) {
        return base::fail(Fault::not_found, "the program {} was not found beside {}", name, self.string());
    }
    return beside.string();
}

}  // namespace gatehouse::apps
