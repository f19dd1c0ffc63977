// Notices an engine that lives but no longer scans (every thread stuck in something): puts the probe to it
// now and then, and never waits for the answer. Used by the supervisor, which kills a stuck engine and starts
// another; one thread. An engine that does not listen is loading or dead, which is not this module's
// business.
#pragma once

#include <chrono>
#include <string>

#include "base/fd.h"
#include "base/time.h"

namespace gatehouse::consult::engines {

class EngineWatch {
  public:
    /// `patience`: longer than the longest scan that may be before the probe.
    EngineWatch(std::string socket, std::chrono::milliseconds interval, std::chrono::milliseconds patience)
        : socket_(std::move(socket)), interval_(interval), patience_(patience) {}

    /// Called about once a second. True = it has listened, taken the probe, and not answered for `patience`.
    bool is_stuck(base::SteadyTime now);

  private:
    void put_probe(base::SteadyTime now);

    std::string socket_;
    std::chrono::milliseconds interval_;
    std::chrono::milliseconds patience_;
    base::Fd probe_;
    base::Fd connection_;  // open while a probe is out
    base::SteadyTime asked_{};
    base::SteadyTime next_{};
};

}  // namespace gatehouse::consult::engines
