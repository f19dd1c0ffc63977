#include "apps/bench/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

namespace gatehouse::apps {

using base::Fault;
using base::Result;

namespace {

std::uint64_t micros(const timeval& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(time.tv_usec);
}

}  // namespace

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), exit_code_(other.exit_code_), cpu_us_(other.cpu_us_) {}

Process& Process::operator=(Process&& other) noexcept {
    if (this == &other) return *this;
    end();
    pid_ = std::exchange(other.pid_, -1);
    exit_code_ = other.exit_code_;
    cpu_us_ = other.cpu_us_;
    return *this;
}

Process::~Process() {
    end();
}

Result<Process> Process::fork(const std::function<int()>& work) {
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) return base::fail_errno(Fault::limit, "no process could be started", errno);
    if (pid > 0) return Process(pid);
    ::setsid();
    ::signal(SIGTERM, SIG_DFL);
    ::signal(SIGINT, SIG_DFL);
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(127);  // the parent died in between
    ::_exit(work());
}

Result<Process> Process::start(const std::vector<std::string>& words, const std::string& log) {
    return fork([&] {
        std::vector<char*> arguments;
        for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
        arguments.push_back(nullptr);
        const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        ::dup2(null, STDIN_FILENO);
        ::dup2(file, STDOUT_FILENO);
        ::dup2(file, STDERR_FILENO);
        ::execv(arguments.front(), arguments.data());
        return 127;
    });
}

bool Process::is_running() {
    if (pid_ < 0) return false;
    int status = 0;
    rusage used{};
    if (::wait4(pid_, &status, WNOHANG, &used) != pid_) return true;
    exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    cpu_us_ = micros(used.ru_utime) + micros(used.ru_stime);
    pid_ = -1;
    return false;
}

void Process::end() {
    if (pid_ < 0) return;
    constexpr int kTries = 2'000;
    ::kill(pid_, SIGTERM);
    for (int i = 0; i < kTries && is_running(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    if (pid_ > 0) ::kill(pid_, SIGKILL);
    while (is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

}  // namespace gatehouse::apps
