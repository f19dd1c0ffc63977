// One copy of a message on its way to one next hop, with everything that its delivery, its tracking row and a
// notice about it need. A plain value; its bytes lie beside it in the queue.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/reference.h"
#include "base/result.h"
#include "message/record.h"

namespace gatehouse::act::queue {

/// What a lane's name begins with when policy named the host itself; the endpoint follows.
inline constexpr std::string_view kHandOff = "handoff ";

struct QueueItem {
    base::ItemId id;
    /// Items of one lane share the connections to one next hop: the `domain` of its [[next_hop]], or kHandOff
    /// and an endpoint.
    std::string lane;
    /// Light: envelope (recipients: who has not got it yet), the header's summary, verdict, one group with
    /// the rule, and the steps so far. No evidence: that stands in the record of the message.
    message::Record story;
    std::uint64_t size = 0;        ///< of the content, our own lines included
    std::uint64_t head_bytes = 0;  ///< of our own lines
    bool is_notice = false;        ///< a report of our own
    base::WallTime queued{};
    base::WallTime due{};      ///< of the next attempt
    base::WallTime expires{};  ///< behind an attempt at or after that nobody tries again
    std::uint32_t attempts = 0;
    bool is_warned = false;     ///< the sender knows that it is late
    bool is_postponed = false;  ///< policy set the time of the first attempt
    bool is_held = false;       ///< by an operator; never due
    std::string last;           ///< what the last attempt came to
    bool operator==(const QueueItem&) const = default;
};

std::string encode(const QueueItem& item);
/// Of what the store holds under that id; hostile or damaged bytes are Fault::malformed.
base::Result<QueueItem> decode(const base::ItemId& id, std::string_view bytes);

}  // namespace gatehouse::act::queue
