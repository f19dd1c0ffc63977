// What the queue does by itself, now and then: see Queue::tidy() and scrub(). On a thread that may wait.
#include <utility>

#include "act/queue/parts.h"
#include "base/log.h"

namespace gatehouse::act::queue {

using base::ItemId;
using base::LogLevel;
using base::Result;
using namespace std::chrono_literals;

namespace {

constexpr auto kLookEvery = 1min;   // for senders who must hear of what waits for a hop that is down
constexpr auto kClockSlack = 1min;  // less is none of our business

}  // namespace

Result<void> Queue::tidy(std::chrono::hours warn) {
    erase_leftovers();
    GATEHOUSE_CHECK(watch_clock());
    const auto now = clock_.steady();
    if (now < looked_at_ + kLookEvery) return {};
    looked_at_ = now;
    return look_for_overdue(warn);
}

/// What was taken back, and could not be removed then.
void Queue::erase_leftovers() {
    const std::lock_guard lock(mutex_);
    const auto ids = std::exchange(to_erase_, {});
    if (!ids.empty()) take_back_locked({ids.begin(), ids.end()});
}

/// The wall clock went back, while this ran or before: what was put off until a time that is far away now is
/// due. One attempt too early harms nobody.
Result<void> Queue::watch_clock() {
    const auto now = clock_.wall();
    const auto offset = now.time_since_epoch() -
                        std::chrono::floor<std::chrono::microseconds>(clock_.steady().time_since_epoch());
    const bool is_start = !clock_offset_.has_value();
    const bool fell = !is_start && offset < *clock_offset_ - kClockSlack;
    if (!is_start && !fell) {
        clock_offset_ = std::max(*clock_offset_, offset);
        return {};
    }
    std::vector<ItemId> ids;
    GATEHOUSE_CHECK(store_.visit_prefix("s", [&](std::string_view key, std::string_view) {
        const auto turn = turn_from(key);
        if (turn && turn->turn.due > (fell ? now : now + options_.longest_pause))
            ids.push_back(turn->turn.id);
        return !is_stopping_;
    }));
    std::erase_if(ids, [&](const ItemId& id) {
        const auto item = load(id);
        return !item || (item->is_postponed && item->due <= now + options_.longest_wait);
    });
    std::size_t moved = 0;
    GATEHOUSE_CHECK(try_now(ids, {}, moved));
    clock_offset_ = offset;
    if (moved > 0) base::log(LogLevel::warning, "queue: the clock went back; {} items are due now", moved);
    return {};
}

/// In a lane that is down nobody looks at what waits, but its senders are told in time.
Result<void> Queue::look_for_overdue(std::chrono::hours warn) {
    const auto down = [this] {
        std::map<std::string, std::uint32_t> out;
        const std::lock_guard lock(mutex_);
        for (const auto& [number, lane] : schedule_.lanes()) {
            if (lane.is_down) out.emplace(lane.name, number);
        }
        return out;
    }();
    if (down.empty()) return {};
    const auto now = clock_.wall();
    bool any = false;
    GATEHOUSE_CHECK(visit_items("i", "j", [&](const ItemId& id, std::optional<std::string_view> value) {
        const auto item = value ? decode_times(id, *value) : std::nullopt;
        if (!item || item->is_held || item->due > now || !is_overdue(*item, now, warn)) return !is_stopping_;
        const auto lane = down.find(item->lane);
        if (lane == down.end()) return !is_stopping_;
        const std::lock_guard lock(mutex_);
        if (schedule_.is_down(lane->second))
            any = schedule_.hurry({lane->second, age_of(*item), turn_of(*item)}) || any;
        return !is_stopping_;
    }));
    const auto wake = [this] {
        const std::lock_guard lock(mutex_);
        return wake_;
    }();
    if (any && wake) wake();
    return {};
}

Result<void> Queue::scrub() {
    {
        const std::lock_guard lock(mutex_);
        if (!std::exchange(has_garbage_, false)) return {};
    }
    auto done = store_.scrub(is_stopping_);
    const std::lock_guard lock(mutex_);
    has_garbage_ = has_garbage_ || !done;
    return done;
}

}  // namespace gatehouse::act::queue
