// Sends a message that was held back to its next hops: one transaction per hop, on the loop that owns the
// pool. A new attempt of the same id; recorded like any other delivery, with what was found and decided when
// it came. What an earlier attempt has sent to somebody is not sent to them again.
//
// In two steps: prepare_release() reads stores and blocks, so it runs on a thread that may wait; release()
// runs on the loop. Two releases of one item at the same time are the caller's business to prevent.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "act/delivery/hop_pool.h"
#include "act/delivery/next_hop.h"
#include "act/quarantine/quarantine.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/memory_budget.h"
#include "inspect/pool/pool.h"
#include "net/asio.h"
#include "record/recorder.h"

namespace gatehouse::pipeline {

/// What is known before anything is sent.
struct ReleaseJob {
    act::quarantine::Item item;
    base::Fd message;                         ///< sealed, as it was received
    std::optional<base::MemoryShare> memory;  ///< of the budget of mail in flight
    message::RewritePlan plan;                ///< what has to be done to it first
    std::vector<message::Recipient> open;     ///< who has not got it yet
    std::vector<std::string> in_doubt;        ///< who may have it since an earlier attempt
    bool was_taken = false;                   ///< somebody has it, or may have, since an earlier attempt
    message::Record record;                   ///< for this attempt, without steps and outcomes
    std::uint16_t attempt = 1;
};

struct ReleaseStores {
    act::quarantine::Quarantine& quarantine;
    record::Recorder& recorder;
    base::MemoryBudget& memory;
    std::string authserv_id;  ///< our own name in Authentication-Results, lower case
};

/// Fault::unavailable: no memory now, or it cannot be known who has it already.
base::Result<ReleaseJob> prepare_release(const ReleaseStores& stores, const act::quarantine::Item& item);

struct ReleaseParts {
    const base::Clock& clock;
    std::string hostname;
    const act::delivery::NextHops& next_hops;
    act::delivery::HopPool& hops;
    inspect::pool::Pool& inspectors;
    record::Recorder& recorder;
    base::SteadyTime give_up = base::SteadyTime::max();  ///< no hop is asked after that
};

struct Released {
    std::string sentence;      ///< what the hops said
    bool to_everybody = true;  ///< false: `sentence` names who was refused for good, or is in doubt
};

/// Success: nobody is left whom a next attempt could reach, and somebody has it. Fault::refused: every
/// recipient was refused for good. Anything else: some were not reached (those that were stay delivered).
net::Task<base::Result<Released>> release(ReleaseParts parts, ReleaseJob job);

}  // namespace gatehouse::pipeline
