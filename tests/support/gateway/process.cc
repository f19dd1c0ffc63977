#include "support/gateway/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>

namespace gatehouse::testing {
namespace {

using Steady = std::chrono::steady_clock;

struct Pipe {
    int read = -1;
    int write = -1;
    Pipe() {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) == 0) {
            read = ends[0];
            write = ends[1];
        }
    }
};

/// Feeds and drains until both outputs end or the time is up; false = time is up.
bool exchange(Pipe& in, Pipe& out, Pipe& err, const std::string& input, Finished& result,
              Steady::time_point by) {
    std::size_t fed = 0;
    std::array<char, 65536> block{};
    bool out_open = true;
    bool err_open = true;
    while (out_open || err_open) {
        if (fed == input.size() && in.write >= 0) {
            ::close(in.write);
            in.write = -1;
        }
        std::array<pollfd, 3> watched{pollfd{out_open ? out.read : -1, POLLIN, 0},
                                      pollfd{err_open ? err.read : -1, POLLIN, 0},
                                      pollfd{in.write, POLLOUT, 0}};
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(by - Steady::now()).count();
        if (left <= 0 || ::poll(watched.data(), watched.size(), static_cast<int>(left)) <= 0) return false;
        const auto drain = [&](const pollfd& one, std::string& into, bool& open) {
            if (one.revents == 0) return;
            const ssize_t got = ::read(one.fd, block.data(), block.size());
            if (got <= 0) open = false;
            if (got > 0) into.append(block.data(), static_cast<std::size_t>(got));
        };
        drain(watched[0], result.out, out_open);
        drain(watched[1], result.err, err_open);
        if (watched[2].revents != 0) {
            const ssize_t wrote = ::write(in.write, input.data() + fed, input.size() - fed);
            fed = wrote < 0 ? input.size() : fed + static_cast<std::size_t>(wrote);
        }
    }
    return true;
}

}  // namespace

Finished run_program(const std::vector<std::string>& words, const std::string& input, int seconds) {
    ::signal(SIGPIPE, SIG_IGN);
    Pipe in;
    Pipe out;
    Pipe err;
    std::vector<char*> arguments;
    for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::dup2(in.read, 0);
        ::dup2(out.write, 1);
        ::dup2(err.write, 2);
        ::signal(SIGPIPE, SIG_DFL);
        ::execvp(arguments[0], arguments.data());
        ::_exit(127);
    }
    for (const int fd : {in.read, out.write, err.write}) ::close(fd);
    Finished result;
    const auto by = Steady::now() + std::chrono::seconds(seconds);
    const bool in_time = exchange(in, out, err, input, result, by);
    if (!in_time) ::kill(pid, SIGKILL);
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (in.write >= 0) ::close(in.write);
    ::close(out.read);
    ::close(err.read);
    if (in_time) result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return result;
}

TemporaryFolder::TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "gatehouse-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
    ::chmod(path_.c_str(), 0755);  // roles with a uid of their own must be able to pass
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code error;
    if (!path_.empty()) std::filesystem::remove_all(path_, error);
}

std::string program_folder() {
    const char* named = std::getenv("GATEHOUSE_BIN");
    return named != nullptr ? named : GATEHOUSE_BUILD_ROOT "/bin";
}

}  // namespace gatehouse::testing
