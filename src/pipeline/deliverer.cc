#include "pipeline/deliverer.h"

#include <memory>

#include "base/fault_point.h"
#include "base/log.h"
#include "net/started.h"
#include "pipeline/attempt.h"

namespace gatehouse::pipeline {

using act::queue::QueueItem;
using base::FaultPoint;
using base::FaultPoints;
using base::LogLevel;
using message::Outcome;
using message::Recipient;
using namespace std::chrono_literals;

namespace {

constexpr auto kLookEvery = 1s;       // what becomes due by the passing of time is seen by then
constexpr auto kNoRoomPause = 100ms;  // of a lane, where memory or the journal have none
constexpr auto kMemoryPause = 500ms;  // of an item that finds no memory
constexpr auto kBusyPause = 1s;       // of an item that finds no connection
constexpr std::chrono::minutes kLongest{10};
constexpr std::uint64_t kSlowest = 32 * 1024;  // bytes in a second: what is larger has more time
constexpr std::size_t kMostRecipients = 100;   // RFC 5321 4.5.3.1.8: so many every hop takes

}  // namespace

Deliverer::Deliverer(DelivererParts parts) : parts_(std::move(parts)), tick_(parts_.io) {}

void Deliverer::wake() {
    if (is_woken_.exchange(true)) return;
    net::asio::post(parts_.io, [this] { tick_.cancel(); });
}

void Deliverer::stop() {
    is_stopping_ = true;
    tick_.cancel();
}

net::Task<void> Deliverer::run() {
    while (!is_stopping_) {
        is_woken_ = false;
        try {
            begin_what_is_due();
        } catch (const std::exception& thrown) {
            room_at_ = parts_.clock.steady() + kLookEvery;
            base::log(LogLevel::error, "the queue pauses for a second: {}", thrown.what());
        }
        const auto now = parts_.clock.steady();
        tick_.expires_at(room_at_ > now ? room_at_ : now + kLookEvery);
        if (!is_woken_ || under_way_ >= parts_.most) co_await tick_.async_wait(net::kTuple);
    }
}

/// Whatever cannot be begun is given back: what is taken is nobody else's.
void Deliverer::begin_what_is_due() {
    while (under_way_ < parts_.most) {
        auto taken = parts_.queue.take(parts_.clock.wall());
        if (!taken) return;
        std::shared_ptr<QueueItem> item;
        try {
            item = std::make_shared<QueueItem>(std::move(*taken));
            net::asio::co_spawn(parts_.io, deliver(item), net::asio::detached);
        } catch (...) {
            give_back(item ? *item : *taken);
            throw;
        }
        ++under_way_;
    }
}

net::Task<void> Deliverer::deliver(std::shared_ptr<QueueItem> item) {
    try {
        co_await attempt(*item);
    } catch (const std::exception& thrown) {
        base::log(LogLevel::error, "{} failed in the queue: {}", item->id.to_string(), thrown.what());
        give_back(*item);
    }
    --under_way_;
    tick_.cancel();
}

/// Its lane pauses, and is looked at when that is over: what others hold now is soon free.
void Deliverer::give_back(const QueueItem& item) {
    constexpr auto kToBeSure = 5ms;
    parts_.queue.give_back(item, kNoRoomPause);
    room_at_ = parts_.clock.steady() + kNoRoomPause + kToBeSure;
}

net::Task<void> Deliverer::attempt(QueueItem& item) {
    Attempt attempt{item};
    attempt.now = parts_.clock.wall();
    choose(attempt);
    if (!may_begin(attempt)) co_return;
    const bool is_there = co_await fetch(attempt);
    if (attempt.is_damaged) {  // never sent as if it were whole
        parts_.queue.set_aside(item);
        co_return;
    }
    if (!is_there) {
        give_back(item);
        co_return;
    }
    co_await ask(attempt);
    if (attempt.trip.is_busy && !attempt.must) {
        parts_.queue.rest(item, kBusyPause);
        co_return;
    }
    // From here on the hop may have it: whatever goes wrong, that is noted, and nothing here throws.
    conclude_or_wait(attempt);
    note_or_log(attempt);
    co_await settle(attempt);
}

/// Who of its recipients goes to which hop, now or with the next transaction.
void Deliverer::choose(Attempt& attempt) const {
    const auto& item = attempt.item;
    const auto& recipients = item.story.envelope.recipients;
    const bool is_handed = item.lane.starts_with(act::queue::kHandOff);
    if (is_handed) attempt.own_hop = handed_off(parts_.next_hops, item.lane);
    const auto hop_of = [&](const Recipient& one) {
        return is_handed ? &attempt.own_hop : parts_.next_hops.pick(message::domain_of(one.address));
    };
    attempt.hop = hop_of(recipients.front());
    const auto in_round = item.unasked == 0 ? recipients.size() : item.unasked;
    for (std::size_t i = 0; i < recipients.size(); ++i) {
        const bool is_now = attempt.asked.size() < kMostRecipients && hop_of(recipients[i]) == attempt.hop;
        if (i >= in_round) {
            attempt.late.push_back(recipients[i]);
        } else {
            (is_now ? attempt.asked : attempt.unasked).push_back(recipients[i]);
        }
    }
}

/// False: it has been given back. An item whose sender has to hear of it is concluded, whatever is missing.
bool Deliverer::may_begin(Attempt& attempt) {
    auto& item = attempt.item;
    auto& queue = parts_.queue;
    const auto warn = std::chrono::hours(parts_.hops.settings().warn_hours);
    const bool must = attempt.must = act::queue::is_overdue(item, attempt.now, warn);
    if (attempt.hop == nullptr) {
        attempt.why_not = "451 4.4.4 no next hop is configured for this recipient";
    } else if (const auto until = parts_.hops.down_until(*attempt.hop)) {
        // A lane that a change of the settings has torn apart does not rest: others of it may have a way.
        const bool is_of_lane = attempt.hop->domain == item.lane;
        if (is_of_lane) queue.lane_down(item, *until);
        if (is_of_lane && !must) {
            queue.give_back(item, 0ms);
            return false;
        }
        const auto* why = parts_.hops.why_down(*attempt.hop);  // null: that time has just passed
        attempt.why_not = "451 4.4.1 the next hop cannot be reached";
        if (why != nullptr) attempt.why_not += ": " + *why;
    }
    if (!parts_.recorder.is_writable() || !FaultPoints::pass(FaultPoint::queue_before_attempt)) {
        give_back(item);
        return false;
    }
    if (!attempt.why_not.empty() || find_memory(attempt)) return true;
    if (must) attempt.why_not = "451 4.3.1 this server has no memory for a message of that size now";
    if (!must) queue.rest(item, kMemoryPause);
    return must;
}

/// What is larger than the whole budget goes when nothing else does.
bool Deliverer::find_memory(Attempt& attempt) {
    const auto size = attempt.item.size;
    attempt.memory.emplace(parts_.memory);
    const bool is_too_large = size > parts_.memory.limit();
    if (is_too_large ? attempt.memory->grow_alone(size) : attempt.memory->grow_to(size)) return true;
    const auto now = parts_.clock.steady();
    if (now < memory_logged_at_ + kLongest) return false;
    memory_logged_at_ = now;
    base::log(LogLevel::warning,
              "{} of {} bytes waits in the queue for memory (limits.memory is {}, {} in use)",
              attempt.item.id.to_string(), size, parts_.memory.limit(), parts_.memory.used());
    return false;
}

/// Its bytes. False: not now.
net::Task<bool> Deliverer::fetch(Attempt& attempt) {
    const auto& item = attempt.item;
    const bool is_whole = attempt.why_not.empty();
    auto& queue = parts_.queue;
    auto read = [&queue, is_whole, id = item.id] {
        return is_whole ? queue.content(id) : queue.beginning(id);
    };
    auto content = co_await net::offload(parts_.io, parts_.storage, std::move(read));
    if (!content || (is_whole && content->size() != item.size)) {
        const bool is_damaged = content || content.error().fault != base::Fault::unavailable;
        base::log(LogLevel::error, "queue: {}: {}", item.id.to_string(),
                  content ? "its content is not whole" : content.error().sentence);
        if (is_damaged) attempt.is_damaged = true;
        co_return false;
    }
    attempt.content = std::move(*content);
    co_return true;
}

net::Task<void> Deliverer::ask(Attempt& attempt) {
    if (attempt.why_not.empty()) {
        co_await go(attempt);
    } else {
        for (const auto& one : attempt.asked)
            attempt.trip.outcomes.push_back({one.address, Outcome::deferred, attempt.why_not, "", ""});
    }
    attempt.now = parts_.clock.wall();
}

net::Task<void> Deliverer::go(Attempt& attempt) {
    const auto& item = attempt.item;
    auto envelope = item.story.envelope;
    envelope.size = item.size;
    const std::string_view content = attempt.content;
    const auto head = content.substr(0, item.head_bytes);
    const TripMessage message{envelope,
                              attempt.asked,
                              head,
                              content.substr(head.size()),
                              item.story.facts.header_is_8bit,
                              std::chrono::seconds(parts_.hops.settings().queued_final_timeout)};
    const auto now = parts_.clock.steady();
    const auto give_up = now + kLongest + std::chrono::seconds(item.size / kSlowest);
    auto& queue = parts_.queue;
    BeforeData is_up = [&queue, &item](const Outcomes&) {
        queue.lane_up(item);
        return base::Result<void>();
    };
    TripTerms terms{now, give_up, std::move(is_up)};
    attempt.trip = co_await travel(parts_.hops, *attempt.hop, message, std::move(terms));
    tell_lane(attempt);
}

void Deliverer::tell_lane(const Attempt& attempt) {
    const auto& item = attempt.item;
    try {
        const auto until = parts_.hops.down_until(*attempt.hop);
        if (attempt.trip.is_reached) {
            parts_.queue.lane_up(item);
        } else if (until && attempt.hop->domain == item.lane) {
            parts_.queue.lane_down(item, *until);
        }
    } catch (const std::exception& thrown) {
        base::log(LogLevel::error, "its lane in the queue hears nothing of an attempt: {}", thrown.what());
    }
}

}  // namespace gatehouse::pipeline
