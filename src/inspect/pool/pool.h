// The front's face of the inspectors: one Pool per event loop. Hands a sealed message to a worker and gives
// back what it found, checked as hostile input. A worker that crashes, stalls, breaks the protocol or lies
// about sizes is killed; its message gets one more try in a fresh worker and then comes back as not
// inspected, with a gap: never as clean.
//
// What it brings back is memory, too: parts and rewrites are reserved from the budget of mail in flight
// before they are kept, and a message there is no room for is not judged (Fault::unavailable: the client
// keeps it).
//
// Bounds: waiting for a worker (`inspect.wait`), one try (`inspect.deadline`), all of it together (the
// caller's `give_up`), workers (`inspect.workers` shared out among the loops, and up to
// `inspect.extra_workers` more while the others are busy for long), frames and parts, and what unpacking them
// costs.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/memory_budget.h"
#include "base/result.h"
#include "inspect/pool/settings.h"
#include "inspect/pool/zygote_client.h"
#include "message/decision.h"
#include "message/envelope.h"
#include "message/facts.h"
#include "net/asio.h"

namespace gatehouse::pb {
class InspectorRequest;
class InspectorAnswer;
}  // namespace gatehouse::pb

namespace gatehouse::inspect::pool {

/// A part for a third-party engine, sealed; its size and seals were checked.
struct HandedPart {
    std::string path;
    std::uint64_t size = 0;
    base::Fd file;
};

struct Inspection {
    message::Facts facts;
    std::vector<HandedPart> parts;
    std::optional<base::MemoryShare> memory;  ///< what the parts hold of the budget; lives as long as they
    std::optional<base::MemoryShare> facts_memory;  ///< what facts and words hold of it, likewise
    std::vector<std::string> domains;               ///< Early
    std::vector<std::string> dkim_keys;             ///< Early
    bool was_inspected = false;                     ///< false: both tries failed, and facts hold only the gap
};

struct Rewritten {
    base::Fd file;  ///< sealed
    base::MemoryShare memory;
};

struct Viewed {
    std::string text;
    bool cut = false;
};

struct PoolOptions {
    InspectSettings settings;
    std::size_t base_workers = 1;  ///< of this loop
    std::uint64_t max_message = 100ULL << 20;
    base::MemoryBudget& memory;
};

/// Since the pool was made, but for `live`, `busy` and `waiting`; for status and metrics; on its loop only.
struct PoolCounts {
    std::uint64_t inspected = 0;
    std::uint64_t retried = 0;
    std::uint64_t given_up = 0;
    std::uint64_t waited_in_vain = 0;
    std::size_t live = 0;
    std::size_t busy = 0;
    std::size_t waiting = 0;
};

class Pool {
  public:
    Pool(net::Io& io, const base::Clock& clock, ZygoteClient& zygote, PoolOptions options);
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;
    ~Pool();

    /// Fault::timed_out: no worker was free in time, or `give_up` came before the end of a try; unavailable:
    /// no memory for its parts; limit: too many files are open. Nothing can be said of the message then.
    /// Every other outcome is an Inspection.
    net::Task<base::Result<Inspection>> inspect(const message::Envelope& envelope, int sealed,
                                                base::SteadyTime give_up);
    /// Fault as the worker says, timed_out, unavailable (no memory) or limit (too many files are open).
    net::Task<base::Result<Rewritten>> rewrite(int sealed, const message::RewritePlan& plan,
                                               base::SteadyTime give_up);
    net::Task<base::Result<Viewed>> view(int sealed, const std::string& part, std::uint64_t limit);

    PoolCounts counts() const;
    /// Lets go of idle workers; called before the loop ends.
    void close();

  private:
    struct Worker;
    struct Exchange;
    struct Waiter;
    class Seat;

    /// `fresh`: one that has served nobody yet, for a second try.
    net::Task<base::Result<std::unique_ptr<Worker>>> acquire(bool fresh, base::SteadyTime give_up);
    net::Task<std::unique_ptr<Worker>> wait_for_worker(std::shared_ptr<Waiter> self, bool fresh,
                                                       base::SteadyTime give_up);
    net::Task<base::Result<std::unique_ptr<Worker>>> start_worker(base::SteadyTime give_up);
    net::Task<base::Result<NewWorker>> spawn(base::SteadyTime give_up);
    std::unique_ptr<Worker> take_idle();
    bool may_grow(bool fresh) const;
    void give_back(std::unique_ptr<Worker> worker, bool is_good);
    void wake_one();

    /// One request on one worker; the frames of its answer are collected in `exchange`.
    net::Task<base::Result<void>> run(Worker& worker, Exchange& exchange);
    net::Task<base::Result<void>> try_once(Exchange& exchange, bool fresh);

    net::Io& io_;
    const base::Clock& clock_;
    ZygoteClient& zygote_;
    PoolOptions options_;
    std::vector<std::unique_ptr<Worker>> idle_;
    std::deque<std::shared_ptr<Waiter>> waiters_;
    std::vector<base::SteadyTime> busy_since_;
    std::shared_ptr<std::size_t> live_ =
        std::make_shared<std::size_t>(0);  // idle, busy, being started; shared with their seats
    std::uint64_t next_request_ = 1;
    PoolCounts counts_;
};

}  // namespace gatehouse::inspect::pool
