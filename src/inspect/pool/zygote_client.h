// The front's end of the one zygote: asks it for workers, for their death, and hears of their exits. Lives on
// one event loop (its home) and may be asked from every loop. When a zygote ends, what was asked of it fails,
// and requests fail at once until the next channel is installed; the pools wait and try again.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "net/asio.h"
#include "net/frame_channel.h"

namespace gatehouse::pb {
class ZygoteReport;
class ZygoteReady;
}  // namespace gatehouse::pb

namespace gatehouse::inspect::pool {

/// A worker's socket, before its hello was read.
struct NewWorker {
    std::uint64_t id = 0;
    int pid = 0;
    base::Fd socket;
};

struct SandboxNote {
    std::string name;
    bool applied = false;
    std::string note;
};

struct ZygoteStatus {
    bool is_ready = false;
    std::uint64_t generation = 0;  ///< zygotes installed so far
    std::uint64_t spawned = 0;
    std::uint64_t ended_orderly = 0;    ///< workers that exited with 0
    std::uint64_t ended_by_signal = 0;  ///< crashed, killed for a limit or by the sandbox
    std::string refused;                ///< the zygote's own word for why it ended
    std::vector<SandboxNote> sandbox;
    std::vector<std::string> allowed_calls;
};

class ZygoteClient {
  public:
    using OnSpawned = std::function<void(base::Result<NewWorker>)>;

    /// `settings`: the inspectors' settings as inspect/engine encodes them; sent to each zygote first.
    ZygoteClient(net::Io& home, std::string settings);
    ZygoteClient(const ZygoteClient&) = delete;
    ZygoteClient& operator=(const ZygoteClient&) = delete;
    ~ZygoteClient();

    /// Home loop only: from now on this zygote is asked.
    void install(base::Fd channel);
    void set_settings(std::string settings);
    /// Home loop only, at the end: closes the channel, so the zygote and its workers end.
    void close();

    /// Any thread: `done` is posted to `loop` exactly once.
    void spawn(net::Io& loop, OnSpawned done);
    /// Any thread: the worker is to die now. Ids of an older zygote are ignored.
    void kill(std::uint64_t worker);

    ZygoteStatus status() const;
    /// Why the zygote refuses to run; empty while it does not.
    std::string refusal() const;
    std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

  private:
    struct Asked {
        net::Io* loop;
        OnSpawned done;
    };
    struct Link;

    net::Task<void> listen(std::shared_ptr<Link> link);
    net::Task<void> talk(std::shared_ptr<Link> link);
    void say(std::string frame);
    void spawn_at_home(net::Io& loop, OnSpawned done);
    void on_report(Link& link, const pb::ZygoteReport& report);
    void on_ready(const pb::ZygoteReady& ready);
    void on_spawned(Link& link, std::uint64_t worker, int pid);
    void on_exited(int status);
    void fail_all(const std::string& sentence);

    net::Io& home_;
    std::string settings_;
    std::shared_ptr<Link> link_;  // shared with its two coroutines, which may outlive the exchange
    std::map<std::uint64_t, Asked> asked_;
    std::uint64_t next_id_ = 1;
    std::atomic<std::uint64_t> generation_{0};
    mutable std::mutex mutex_;  // of status_
    ZygoteStatus status_;
};

}  // namespace gatehouse::inspect::pool
