// Watches the engine for one process: keeps EngineState true and the engine's log flowing. One per process,
// on any of its loops. Asks every 5 s while the engine is up and five times a second while it is not; each
// time for its version and by one real scan, whose result names the loaded databases.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"
#include "consult/engines/clamd_engine.h"
#include "net/asio.h"
#include "net/stream.h"

namespace gatehouse::consult::engines {

class EngineMonitor {
  public:
    static constexpr std::chrono::milliseconds kTick{200};
    static constexpr std::chrono::seconds kInterval{5};

    EngineMonitor(net::Io& io, const base::Clock& clock, ClamdEngine& engine);

    /// Until stop(). Spawned by the owner, who keeps the monitor alive until it has ended.
    net::Task<void> run();
    void stop();
    /// One look at the engine, now; run() calls it.
    net::Task<void> check();

  private:
    net::Task<base::Result<std::uint64_t>> ask_generation(std::string& version);
    net::Task<base::Result<std::string>> ask(std::string_view command, int fd, base::SteadyTime deadline);

    net::Io& io_;
    const base::Clock& clock_;
    ClamdEngine& engine_;
    net::Timer timer_;
    net::Stream* asking_ = nullptr;  // closed by stop()
    base::Fd probe_;
    bool stopped_ = false;
};

}  // namespace gatehouse::consult::engines
