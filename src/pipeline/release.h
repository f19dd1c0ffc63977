// Sends a message that was held back to its next hops: one transaction per hop, on the loop that owns the
// pool. A new attempt of the same id; recorded like any other delivery.
#pragma once

#include <string>

#include "act/delivery/hop_pool.h"
#include "act/delivery/next_hop.h"
#include "act/quarantine/item.h"
#include "base/clock.h"
#include "base/fd.h"
#include "net/asio.h"
#include "record/recorder.h"

namespace gatehouse::pipeline {

struct ReleaseParts {
    const base::Clock& clock;
    std::string hostname;
    const act::delivery::NextHops& next_hops;
    act::delivery::HopPool& hops;
    record::Recorder& recorder;
};

struct ReleaseJob {
    act::quarantine::Item item;
    base::Fd message;  ///< sealed
};

/// The hops' answers in one sentence; an error when any recipient was not taken (those that were stay
/// delivered).
net::Task<base::Result<std::string>> release(ReleaseParts parts, ReleaseJob job);

}  // namespace gatehouse::pipeline
