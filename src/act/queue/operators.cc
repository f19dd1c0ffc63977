// What operators see of the queue and do to it. All of it blocks on the store; the schedule is held only for
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

bool matches(const QueueItem& item, const QueueFilter& filter) {
    const auto contains = [](std::string_view text, std::string_view part) {
        return base::lower(text).contains(base::lower(part));
    };
    const auto& envelope = item.story.envelope;
    if (!filter.lane.empty() && item.lane != filter.lane) return false;
    if (filter.held && item.is_held != *filter.held) return false;
    if (!filter.sender.empty() && !contains(envelope.sender, filter.sender)) return false;
    return filter.recipient.empty() ||
           std::any_of(envelope.recipients.begin(), envelope.recipients.end(),
                       [&](const auto& one) { return contains(one.address, filter.recipient); });
}

QueueItem damaged(const ItemId& id) {
    QueueItem item;
    item.id = id;
    item.story.envelope.reference = id.reference;
    item.is_damaged = true;
    return item;
}

}  // namespace

Result<void> Queue::visit(const QueueFilter& filter,
                          const std::function<bool(QueueItem item)>& visitor) const {
    const auto set_aside = [this] {
        const std::lock_guard lock(mutex_);
        return schedule_.damaged();
    }();
    const std::string first = filter.after ? item_key(*filter.after) + '\0' : "i";
    return store_.visit(first, "j", [&](std::string_view key, std::string_view value) {
        const auto id = id_from(key.substr(1));
        if (!id) return true;
        auto item = decode(*id, value);
        if (!item) item = damaged(*id);
        item->is_damaged = item->is_damaged || set_aside.contains(*id);
        return !matches(*item, filter) || visitor(std::move(*item));
    });
}

Result<std::vector<QueueItem>> Queue::list(const QueueFilter& filter) const {
    std::vector<QueueItem> out;
    if (filter.limit == 0) return out;
    GATEHOUSE_CHECK(visit(filter, [&](QueueItem item) {
        out.push_back(std::move(item));
        return out.size() < filter.limit;
    }));
    return out;
}

Result<QueueItem> Queue::find(std::string_view id) const {
    const auto slash = id.find('/');
    GATEHOUSE_TRY(const auto range, base::parse_reference_prefix(id.substr(0, slash)));
    std::optional<std::uint64_t> group;
    if (slash != std::string_view::npos) {
        group = base::parse_unsigned(id.substr(slash + 1));
        if (!group)
            return fail(Fault::usage, "\"{}\" is no id such as 7Q3K-M8TD-0VZ2-6XNB/1",
                        base::printable(id, 40));
    }
    std::vector<ItemId> found;
    const auto first = item_key({range.first, 0});
    const auto last = item_key({range.last, 0xFFFF'FFFF});
    GATEHOUSE_CHECK(store_.visit(first, last, [&](std::string_view key, std::string_view) {
        const auto one = id_from(key.substr(1));
        if (one && (!group || *group == one->group)) found.push_back(*one);
        return found.size() < 2;
    }));
    if (found.empty()) return unknown(id);
    if (found.size() > 1) {
        return fail(Fault::usage, "{} stands for several items of the queue, such as {} and {}",
                    base::printable(id, 40), found[0].to_string(), found[1].to_string());
    }
    auto item = load(found.front());
    if (!item && is_damage(item.error())) return damaged(found.front());
    const std::lock_guard lock(mutex_);
    const auto* at = schedule_.find(found.front());
    if (item && at != nullptr) item->is_damaged = at->is_damaged;
    return item;
}

/// So that nobody delivers it meanwhile.
Result<QueueItem> Queue::claim(const ItemId& id) {
    GATEHOUSE_TRY(auto item, load(id));
    const auto busy =
        fail(Fault::unavailable, "{} is on its way right now; try again in a moment", id.to_string());
    {
        const std::lock_guard lock(mutex_);
        bool is_new = false;
        const auto lane = schedule_.lane_number(item.lane, is_new);
        const Schedule::UnderWay mine{
            {lane, age_of(item), turn_of(item)}, item.is_held, Schedule::Hands::operators, item.size};
        if (!schedule_.claim(mine)) return busy;
    }
    // It may have been delivered or put back between the look and the claim; from here on nobody does.
    const auto again = load(id);
    if (again && *again == item) return item;
    const std::lock_guard lock(mutex_);
    if (again || again.error().fault == Fault::not_found) {
        schedule_.disclaim(id);
    } else {
        schedule_.give_back(id);
    }
    return busy;
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
    // The time in which nobody could deliver it does not make it older.
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
    std::vector<store::Change> changes{{item_key(id), std::nullopt}, {pending_key(id), std::nullopt}};
    for (const auto& key : places) changes.push_back({key, std::nullopt});
    auto done = store_.visit_prefix(content_prefix(id), [&](std::string_view key, std::string_view) {
        changes.push_back({std::string(key), std::nullopt});
        return true;
    });
    if (done) done = write_now(std::make_shared<Batch>(std::move(changes), true), [](const auto&) {});
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
    GATEHOUSE_CHECK(visit(waiting, [&](const QueueItem& item) {
        if (item.is_postponed || item.is_damaged) return true;
        lanes.insert(item.lane);
        if (item.due > now) {
            ids.push_back(item.id);
        } else {
            ++due[item.lane];
        }
        if (working && ids.size() % kPage == 0) working();
        return ids.size() < filter.limit;
    }));
    GATEHOUSE_TRY(std::size_t flushed, try_now(ids, working));
    for (const auto& lane : end_pauses(lanes)) flushed += due[lane];
    return flushed;
}

/// In small steps: others want the schedule, too.
Result<std::size_t> Queue::try_now(const std::vector<ItemId>& ids, const std::function<void()>& working) {
    const auto now = clock_.wall();
    std::size_t moved = 0;
    for (std::size_t at = 0; at < ids.size() && !scrub_stop_; at += kPage) {
        Work work;
        work.durable = false;  // it only brings forward what comes anyway
        for (std::size_t i = at; i < std::min(ids.size(), at + kPage); ++i) {
            auto item = claim(ids[i]);
            if (!item) continue;  // on its way already
            item->due = now;
            work.changed.push_back(std::move(*item));
        }
        moved += work.changed.size();
        if (!work.changed.empty()) GATEHOUSE_CHECK(commit_now(std::move(work)));
        if (working) working();
    }
    return moved;
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
