// Asks clamd to scan descriptors, from coroutines of one event loop. Pooled connections, each an IDSESSION
// with one scan in flight (a fresh connection per scan costs 60 us more); at most Options::slots scans at
// once and Options::waiting questions behind them, so that nothing grows when the engine is slow.
//
// The engine opens hostile content, so its answers are bounded and checked: another scan's number, an
// over-long or unasked reply ends the connection and counts as "unavailable". Belongs to one loop, must
// outlive its scans.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "consult/engines/clamd_engine.h"
#include "consult/engines/clamd_reply.h"
#include "net/asio.h"

namespace gatehouse::consult::engines {

struct ScanOutcome {
    Judgement judgement;
    bool failed_on_it =
        false;  ///< the engine had this content when it died, fell silent or ran out of something
};

class ClamdClient {
  public:
    ClamdClient(net::Io& io, const base::Clock& clock, ClamdEngine& engine);
    ~ClamdClient();
    ClamdClient(const ClamdClient&) = delete;
    ClamdClient& operator=(const ClamdClient&) = delete;

    /// Never fails: what could not be scanned in time is AnswerState::unavailable with the reason as its
    /// name. `fd` must be a readable regular (memory) file and stay open until the answer; its offset does
    /// not matter.
    net::Task<ScanOutcome> scan(int fd, base::SteadyTime deadline);

    std::size_t scans_in_flight() const { return engine_.options.slots - free_slots_; }
    std::size_t waiting() const { return waiters_.size(); }
    std::size_t idle_connections() const { return idle_.size(); }

  private:
    struct Connection;
    struct Waiter;
    using ConnectionPtr = std::unique_ptr<Connection>;

    net::Task<bool> acquire_slot(base::SteadyTime deadline);
    void release_slot();
    ConnectionPtr take_idle();
    base::Result<ConnectionPtr> connect();
    net::Task<ScanOutcome> scan_in_slot(int fd, base::SteadyTime deadline);
    net::Task<base::Result<Reply>> exchange(Connection& connection, int fd, base::SteadyTime deadline);
    net::Task<base::Result<Reply>> read_reply(Connection& connection, base::SteadyTime deadline);
    ScanOutcome finish(const Reply& reply, std::uint64_t shortages_before);

    net::Io& io_;
    const base::Clock& clock_;
    ClamdEngine& engine_;
    std::size_t free_slots_;
    std::deque<Waiter*> waiters_;
    std::vector<ConnectionPtr> idle_;
};

}  // namespace gatehouse::consult::engines
