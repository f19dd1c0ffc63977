// One message's way to one next hop with some of its recipients: what release and the queue's deliverers
// share.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "act/delivery/hop_pool.h"
#include "act/delivery/next_hop.h"
#include "message/record.h"
#include "net/asio.h"

namespace gatehouse::pipeline {

struct TripMessage {
    const message::Envelope& envelope;
    std::span<const message::Recipient> recipients;
    std::string_view head;     ///< the lines that we put in front
    std::string_view content;  ///< what follows them
    bool header_is_8bit = true;
    /// For the answer to the final dot, where no client waits for it; nothing = delivery.final_timeout.
    std::optional<std::chrono::seconds> patience = {};
};

using Outcomes = std::vector<message::RecipientOutcome>;

/// Called when the hop has taken some recipients, with what stands so far (delivered = taken); an error ends
/// the trip with everybody deferred.
using BeforeData = std::function<base::Result<void>(const Outcomes&)>;

struct Trip {
    Outcomes outcomes;             ///< one each: delivered, deferred, rejected or in_doubt
    std::vector<bool> are_ours;    ///< one each: the reply is our own refusal, the hop was not asked
    bool is_reached = false;       ///< there was a connection to the hop
    bool is_busy = false;          ///< all connections to it were in use: nobody was asked
    bool reports_success = false;  ///< the hop offers DSN, so what becomes of NOTIFY=SUCCESS is its business
};

/// Did the hop say no only because a transaction takes no more recipients? RFC 5321 4.5.3.1.10: 452, or 552
/// of old software.
bool is_too_many(std::string_view reply);

struct TripTerms {
    base::SteadyTime now;
    base::SteadyTime give_up;  ///< nothing is asked of the hop behind it
    BeforeData before_data;
};

/// What happens to it behind the final dot, memory that runs out included, comes back as an outcome; it
/// throws only where the hop cannot have the message.
net::Task<Trip> travel(act::delivery::HopPool& hops, const act::delivery::NextHop& hop, TripMessage message,
                       TripTerms terms);

}  // namespace gatehouse::pipeline
