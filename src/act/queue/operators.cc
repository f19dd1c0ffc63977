// What operators do to the queue. All of it blocks on the store; the schedule is held only for
// moments, so that event loops never wait for an operator.
#include <algorithm>
#include <future>
#include <utility>

#include "act/queue/parts.h"
#include "base/log.h"

namespace gatehouse::act::queue {

using base::fail;
using base::Fault;
using base::ItemId;
using base::Result;

namespace {

constexpr std::size_t kPage = 100;  // changed at a time

}  // namespace

/// So that nobody delivers it meanwhile.
Result<QueueItem> Queue::claim(const ItemId& id) {
    GATEHOUSE_TRY(const auto seen, load(id));
    {
        const std::lock_guard lock(mutex_);
        if (!schedule_.claim({key_of(seen), seen.is_held, Schedule::Hands::operators, seen.size})) {
            return fail(Fault::unavailable, "{} is on its way right now; try again in a moment",
                        id.to_string());
        }
    }
    // Somebody may have changed it between the look and the claim; from here on nobody does.
    auto now = load(id);
    const std::lock_guard lock(mutex_);
    if (now) {
        schedule_.correct(key_of(*now), now->is_held, now->size);
    } else if (now.error().fault == Fault::not_found) {
        schedule_.disclaim(id);
    } else {
        schedule_.give_back(id);
    }
    return now;
}

Result<void> Queue::write_now(const std::shared_ptr<Batch>& batch, const Batch::Done& then) {
    // Shared: the waiter may be gone before set_value() has returned.
    const auto promise = std::make_shared<std::promise<Result<void>>>();
    committer_->submit(batch, [promise, &then](const Result<void>& result) {
        then(result);
        promise->set_value(result);
    });
    return promise->get_future().get();
}

Result<void> Queue::commit_now(Work work) {
    auto chunks = measure(work);
    auto prepared = prepare(work, chunks);
    Result<void> done;
    if (prepared) {
        done = write_now((*prepared)->batch, [&](const Result<void>& result) { stored(**prepared, result); });
    } else {
        done = std::unexpected(prepared.error());
    }
    if (done) return done;
    const std::lock_guard lock(mutex_);
    for (const auto& one : work.changed) schedule_.give_back(one.id);
    for (const auto& id : work.removed) schedule_.give_back(id);
    return done;
}

Result<void> Queue::add_step(const ItemId& id, message::Step step) {
    constexpr std::size_t kMost = 48;
    GATEHOUSE_TRY(auto item, claim(id));
    auto& steps = item.story.steps;
    if (steps.size() >= kMost) steps.erase(steps.begin() + kMost / 2);
    steps.push_back(std::move(step));
    return commit_now({.changed = {std::move(item)}});
}

Result<void> Queue::hold(const ItemId& id) {
    GATEHOUSE_TRY(auto item, claim(id));
    if (!item.is_held) item.held_since = clock_.wall();
    item.is_held = true;
    return commit_now({.changed = {std::move(item)}});
}

Result<void> Queue::release(const ItemId& id) {
    GATEHOUSE_TRY(auto item, claim(id));
    const auto now = clock_.wall();
    // The time in which nobody could deliver it, or was meant to, does not make it older.
    if (item.is_postponed) item.first_due = std::max(item.first_due, now);
    if (item.is_held && item.held_since.time_since_epoch().count() != 0 && item.held_since < now) {
        item.first_due = waits_since(item) + (now - item.held_since);
        item.expires += now - item.held_since;
    }
    item.held_since = {};
    item.is_held = false;
    item.is_postponed = false;
    item.due = now;
    const auto lane = item.lane;
    GATEHOUSE_CHECK(commit_now({.changed = {std::move(item)}}));
    end_pauses({lane});
    return {};
}

Result<void> Queue::remove(const QueueItem& seen, std::vector<NewItem> instead) {
    const auto item = claim(seen.id);
    if (!item && is_damage(item.error())) return remove_damaged(seen.id);
    if (!item) return std::unexpected(item.error());
    auto now = *item;
    now.is_damaged = seen.is_damaged;
    if (!(now == seen)) {
        const std::lock_guard lock(mutex_);
        schedule_.give_back(seen.id);
        return fail(Fault::unavailable, "{} has changed meanwhile; look at it again", seen.id.to_string());
    }
    Work work;
    work.added = std::move(instead);
    work.removed = {item->id};
    return commit_now(std::move(work));
}

/// The keys that give an item its place; where the item cannot be read all of them are looked through.
Result<std::vector<std::string>> Queue::places_of(const ItemId& id) const {
    const auto tail = id_bytes(id);
    std::vector<std::string> out;
    for (const char* kind : {"s", "h"}) {
        GATEHOUSE_CHECK(store_.visit_prefix(kind, [&](std::string_view key, std::string_view) {
            if (key.ends_with(tail)) out.emplace_back(key);
            return true;
        }));
    }
    return out;
}

/// Claims what cannot be read, by the place that it has in the line. False: it has none.
Result<bool> Queue::claim_damaged(const ItemId& id, const std::vector<std::string>& places) {
    if (places.empty()) return false;
    const auto turn = turn_from(places.front());
    const auto lane = lane_of(places.front()).value_or(0);
    const Schedule::UnderWay mine{turn.value_or(TurnKey{lane, Age::fresh, {{}, id}}), !turn,
                                  Schedule::Hands::operators};
    const std::lock_guard lock(mutex_);
    if (schedule_.claim(mine)) return true;
    return fail(Fault::unavailable, "{} is on its way right now; try again in a moment", id.to_string());
}

Result<void> Queue::remove_damaged(const ItemId& id) {
    GATEHOUSE_TRY(const auto places, places_of(id));
    GATEHOUSE_TRY(const bool is_claimed, claim_damaged(id, places));
    std::vector<store::Change> changes{{item_key(id), std::nullopt}};
    for (const auto& key : places) changes.push_back({key, std::nullopt});
    // Its content goes unread, behind it; until then a mark says that there is some.
    changes.push_back({pending_key(id), ""});
    auto done = write_now(std::make_shared<Batch>(std::move(changes), true), [](const auto&) {});
    if (const auto erased = done ? erase_content(id) : base::Result<void>(); !erased)
        base::log(base::LogLevel::warning, "queue: content of {} goes at the next start: {}", id.to_string(),
                  erased.error().sentence);
    const std::lock_guard lock(mutex_);
    has_garbage_ = has_garbage_ || done;
    if (is_claimed && done) schedule_.leave(id);
    if (is_claimed && !done) schedule_.give_back(id);
    return done;
}

Result<std::size_t> Queue::flush(const QueueFilter& filter, const std::function<void()>& working) {
    const auto now = clock_.wall();
    std::vector<ItemId> ids;
    std::set<std::string> lanes;
    std::map<std::string, std::size_t> due;  // already, by lane
    auto waiting = filter;
    waiting.held = false;
    const auto look = [&](const QueueItem& item) {
        if (item.is_postponed || item.is_damaged) return true;
        lanes.insert(item.lane);
        if (item.due > now) {
            ids.push_back(item.id);
        } else {
            ++due[item.lane];
        }
        return ids.size() < filter.limit;
    };
    GATEHOUSE_CHECK(each(waiting, look, working));
    std::size_t flushed = 0;
    const auto done = try_now(ids, working, flushed);
    for (const auto& lane : end_pauses(lanes)) flushed += due[lane];
    if (!done) {
        return fail(done.error().fault, "{} of {} items are tried now; the others wait on: {}", flushed,
                    ids.size(), done.error().sentence);
    }
    return flushed;
}

/// In small steps: others want the schedule, too. `moved` counts, also when the rest fails.
Result<void> Queue::try_now(const std::vector<ItemId>& ids, const std::function<void()>& working,
                            std::size_t& moved) {
    const auto now = clock_.wall();
    for (std::size_t at = 0; at < ids.size(); at += kPage) {
        if (is_stopping_) return fail(Fault::unavailable, "Gatehouse is stopping");
        Work work;
        work.durable = false;  // it only brings forward what comes anyway
        for (std::size_t i = at; i < std::min(ids.size(), at + kPage); ++i) {
            auto item = claim(ids[i]);
            if (!item) continue;  // on its way already
            item->due = now;
            work.changed.push_back(std::move(*item));
        }
        const std::size_t count = work.changed.size();
        if (count > 0) GATEHOUSE_CHECK(commit_now(std::move(work)));
        moved += count;
        if (working) working();
    }
    return {};
}

/// Those of them that were down or paused.
std::vector<std::string> Queue::end_pauses(const std::set<std::string>& lanes) {
    std::vector<std::string> out;
    std::function<void()> wake;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [number, lane] : schedule_.lanes()) {
            if (lanes.contains(lane.name) && schedule_.lane_up(number)) out.push_back(lane.name);
        }
        wake = wake_;
    }
    if (wake) wake();
    return out;
}

}  // namespace gatehouse::act::queue
