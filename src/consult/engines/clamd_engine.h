// What all threads of the front share about the engine: whether it can be asked, its log, remembered
// verdicts, suspects, counters. Made once by apps, outlives every client, asker and monitor. Every member is
// thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "base/fd.h"
#include "base/time.h"
#include "consult/engines/engine_log.h"
#include "consult/engines/engine_state.h"
#include "consult/engines/suspects.h"
#include "consult/engines/verdict_cache.h"

namespace gatehouse::consult::engines {

/// Index: message::AnswerState.
struct AnswerCounters {
    std::array<std::atomic<std::uint64_t>, 5> by_state{};
    std::atomic<std::uint64_t> scan_micros{0};  ///< of answers that were not remembered ones
};

struct ClamdEngine {
    struct Options {
        std::string socket;
        std::chrono::seconds scan_timeout{60};  ///< clamd's own limit, MaxScanTime
        std::uint64_t max_file_bytes = 0;       ///< larger content is not sent: gap too_large
        std::size_t slots = 4;                  ///< scans at once, per event loop
        std::size_t waiting = 256;              ///< questions waiting for a slot, per event loop
        VerdictCache::Limits cache;
    };

    /// `log` = the reading end of the engine's stderr when this process has it, else a closed Fd; without it
    /// a full scratch folder cannot be told from a clean mail (engine_log.h).
    ClamdEngine(Options given, base::Fd log_pipe, base::SteadyTime now)
        : options(std::move(given)), state(now), log(std::move(log_pipe)), verdicts(options.cache) {}

    const Options options;
    EngineState state;
    EngineLog log;
    VerdictCache verdicts;
    Suspects suspects;
    AnswerCounters counters;
};

/// Options from the settings: slots so that all loops together keep the engine's threads busy and no more
/// wait inside it than its queue holds.
struct AntivirusSettings;
ClamdEngine::Options engine_options(const AntivirusSettings& settings, std::string socket,
                                    std::uint64_t max_file_bytes, unsigned event_loops);

}  // namespace gatehouse::consult::engines
