// Keeps the malware engine running for the supervisor: starts clamd, starts it again with back-off when it
// dies or hangs, looks for new databases once a minute, and says how it is. Nothing to do where
// antivirus.clamd is off or somebody else's.
#pragma once

#include <sys/types.h>

#include <boost/json.hpp>
#include <chrono>
#include <optional>

#include "apps/common/config.h"
#include "base/fd.h"
#include "consult/engines/clamd_process.h"
#include "consult/engines/engine_watch.h"

namespace gatehouse::apps {

base::Result<consult::engines::ClamdPlan> engine_plan(const Config& config, const std::string& folder);

class EngineKeeper {
  public:
    explicit EngineKeeper(const Config& config);

    void start_when_due();
    /// True when that child was the engine.
    bool on_exit(pid_t pid, int status);
    /// Called at least once a second.
    void check();
    void restart(const Config& config);
    const std::string& mode() const { return mode_; }  ///< antivirus.clamd as it is run
    void stop();
    /// The engine's stderr for the front, once per start of the engine; a copy stays here for a new front.
    std::optional<base::Fd> take_fresh_log();
    /// For a front that was started anew.
    std::optional<base::Fd> copy_of_log() const;
    boost::json::object status() const;

  private:
    using Steady = std::chrono::steady_clock;

    void plan(const Config& config);

    std::string mode_;
    std::optional<consult::engines::ClamdPlan> plan_;
    std::optional<consult::engines::ManagedClamd> engine_;
    std::optional<consult::engines::EngineWatch> watch_;
    base::Fd log_;
    bool log_is_fresh_ = false;
    std::string problem_;
    unsigned restarts_ = 0;
    std::chrono::milliseconds back_off_{0};
    Steady::time_point start_at_{};
    Steady::time_point started_{};
    Steady::time_point look_at_{};
};

}  // namespace gatehouse::apps
