// A process of the bench: work of our own that shall not count as the measured system's, or that system's own
// program. It is in a session of its own, so that the terminal's Ctrl-C reaches the bench alone, and dies
// with the bench, whatever ends it.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace gatehouse::apps {

class Process {
  public:
    Process() = default;
    Process(Process&& other) noexcept;
    Process& operator=(Process&& other) noexcept;
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process();  ///< SIGTERM, and SIGKILL when that takes longer than 20 s

    /// `work` in a fork of this (single-threaded) process; its result is the exit code.
    static base::Result<Process> fork(const std::function<int()>& work);
    /// A program with what it writes in a file.
    static base::Result<Process> start(const std::vector<std::string>& words, const std::string& log);

    pid_t pid() const { return pid_; }
    bool is_running();
    /// The exit code once it has ended; 128 + signal.
    std::optional<int> exit_code() const { return exit_code_; }
    /// User and system time of a process that has ended, reaped children included.
    std::uint64_t cpu_us() const { return cpu_us_; }
    void end();

  private:
    explicit Process(pid_t pid) : pid_(pid) {}

    pid_t pid_ = -1;
    std::optional<int> exit_code_;
    std::uint64_t cpu_us_ = 0;
};

}  // namespace gatehouse::apps
