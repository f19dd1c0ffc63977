// One copy of a message on its way to one next hop, with everything that its delivery, its tracking row and a
// notice about it need. A plain value; its bytes lie beside it in the queue.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
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
    bool is_returned = false;   ///< the sender has had its content back (RET=FULL)
    /// So many recipients at the front of the list have not been asked for in this round of transactions; 0 =
    /// a new round begins with the next attempt.
    std::uint32_t unasked = 0;
    bool is_telling = false;     ///< this round tells everybody who is in it that it is late
    base::WallTime first_due{};  ///< of a postponed item; 0 = as soon as it was queued
    base::WallTime held_since{};
    /// In memory only: what the store has of it cannot be read, and only its id is known for sure.
    bool is_damaged = false;
    bool operator==(const QueueItem&) const = default;
};

/// Since when it could have been delivered.
inline base::WallTime waits_since(const QueueItem& item) {
    return std::max(item.queued, item.first_due);
}
/// Its sender has to hear of it now: it has expired, or is late (`warn` = 0: nobody is warned).
inline bool is_overdue(const QueueItem& item, base::WallTime now, std::chrono::hours warn) {
    const bool is_late = !item.is_warned && warn.count() > 0 && now - waits_since(item) >= warn;
    return now >= item.expires || is_late;
}

std::string encode(const QueueItem& item);
/// Of what the store holds under that id; hostile or damaged bytes are Fault::malformed.
base::Result<QueueItem> decode(const base::ItemId& id, std::string_view bytes);
/// The same without the story, many times quicker; nullopt: damaged.
std::optional<QueueItem> decode_times(const base::ItemId& id, std::string_view bytes);

}  // namespace gatehouse::act::queue
