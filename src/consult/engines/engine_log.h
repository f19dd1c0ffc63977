// The engine's stderr: its lines into our log, and the moments it ran out of something into a counter.
//
// Why a client looks here before it believes "OK": when the engine's scratch folder is full, clamd 1.4 drops
// the decoded part it could not write, scans what is left and answers OK. The complaint on stderr is the only
// trace, and it is written before the answer; so whoever reads the pipe after the answer sees it.
//
// Thread-safe. Lines are cleaned and cut (they repeat file names from mail), and at most kLinesPerSecond of
// them are logged.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/log.h"
#include "base/time.h"

namespace gatehouse::consult::engines {

struct EngineLine {
    base::LogLevel level = base::LogLevel::info;
    bool shortage = false;  ///< no space, no memory, no file: answers of this moment are not to be believed
};
/// Pure.
EngineLine judge_engine_line(std::string_view line);

class EngineLog {
  public:
    static constexpr std::uint32_t kLinesPerSecond = 20;

    /// `pipe` is the reading end, non-blocking; a closed Fd = nothing to read, ever.
    explicit EngineLog(base::Fd pipe) : pipe_(std::move(pipe)) {}

    /// Reads what is there, without waiting, and returns shortages().
    std::uint64_t drain(base::SteadyTime now);
    /// Lines so far that told of a shortage.
    std::uint64_t shortages() const { return shortages_.load(std::memory_order_acquire); }
    /// The last line at warning or above: what an engine that just died complained about.
    std::string last_complaint() const;
    /// After a restart of the engine; the counter goes on.
    void replace_pipe(base::Fd pipe);

  private:
    void take(std::string_view bytes, base::SteadyTime now);
    void end_line(base::SteadyTime now);

    mutable std::mutex lock_;
    base::Fd pipe_;
    std::string line_;
    std::string complaint_;
    std::atomic<std::uint64_t> shortages_{0};
    base::SteadyTime second_{};
    std::uint32_t lines_ = 0;
    std::uint64_t left_out_ = 0;
};

}  // namespace gatehouse::consult::engines
