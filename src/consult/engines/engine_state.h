// Whether the engine can be asked: written by the monitor of one thread and by clients that cannot reach it,
// read by every thread before each question. Loading and down both mean "unavailable" to a message, never
// clean. Thread-safe; the hot reads are atomic loads.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "base/time.h"

namespace gatehouse::consult::engines {

enum class EngineCondition : std::uint8_t {
    loading,  ///< started, has not answered yet
    up,
    down,  ///< answered once, or should have; does not now
};
std::string_view to_string(EngineCondition condition);

struct EngineStatus {
    EngineCondition condition = EngineCondition::loading;
    base::SteadyTime since{};      ///< of this condition
    std::uint64_t generation = 0;  ///< of the databases it has loaded; 0 = not known
    std::string version;           ///< as it says itself: "ClamAV 1.4.6/27500/Mon Jan  5 09:00:00 2026"
    std::string reason;            ///< why it is down
};

class EngineState {
  public:
    explicit EngineState(base::SteadyTime now) : since_(now), out_since_(now) {}

    void note_up(std::uint64_t generation, std::string_view version, base::SteadyTime now);
    void note_down(std::string_view reason, base::SteadyTime now);
    /// It was started, or started again.
    void note_loading(base::SteadyTime now);

    bool is_up() const { return condition_.load(std::memory_order_acquire) == EngineCondition::up; }
    /// Of the loaded databases; 0 = not known.
    std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
    /// True while it is up, and for `grace` after it stopped answering (a restart does not begin a new
    /// grace): messages are deferred so long, then policy's scan-exception action applies.
    bool is_expected_back(std::chrono::seconds grace, base::SteadyTime now) const;
    EngineStatus status() const;

  private:
    void change(EngineCondition to, base::SteadyTime now);  // under lock_

    std::atomic<EngineCondition> condition_{EngineCondition::loading};
    std::atomic<std::uint64_t> generation_{0};
    mutable std::mutex lock_;
    base::SteadyTime since_;
    base::SteadyTime out_since_;  // of the last moment it was up
    std::string version_;
    std::string reason_;
};

}  // namespace gatehouse::consult::engines
