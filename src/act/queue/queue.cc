#include "act/queue/queue.h"

#include <algorithm>
#include <future>
#include <utility>

#include "act/queue/parts.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/text.h"

namespace gatehouse::act::queue {

using base::fail;
using base::Fault;
using base::ItemId;
using base::Result;

namespace {

constexpr unsigned kFolderMode = 02770;
constexpr std::size_t kPage = 1000;

store::KeyValueOptions store_options() {
    store::KeyValueOptions options;
    options.format = 1;
    options.write_buffer_bytes = 16U << 20;
    options.blob_bytes = 1024;
    options.compress = false;  // blobs: mail is hardly ever worth the time while it is passing through
    return options;
}

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

std::unexpected<base::Error> unknown(std::string_view id) {
    return fail(Fault::not_found, "there is no item {} in the queue", base::printable(id, 40));
}

}  // namespace

Queue::Queue(QueueOptions options, const base::Clock& clock, store::Hold hold, store::KeyValueStore store)
    : options_(std::move(options)),
      clock_(clock),
      hold_(std::move(hold)),
      store_(std::move(store)),
      schedule_(static_cast<std::size_t>(options_.settings.concurrency), options_.longest_wait) {}

Queue::~Queue() = default;

Result<std::unique_ptr<Queue>> Queue::open(const QueueOptions& options, const base::Clock& clock) {
    GATEHOUSE_CHECK(base::make_folders(options.folder, kFolderMode));
    GATEHOUSE_TRY(auto hold, store::Hold::take(options.folder + "/lock", options.who));
    GATEHOUSE_TRY(auto store, store::KeyValueStore::open(options.folder + "/store", store_options()));
    std::unique_ptr<Queue> queue(new Queue(options, clock, std::move(hold), std::move(store)));
    GATEHOUSE_CHECK(queue->drop_half_written());
    GATEHOUSE_CHECK(queue->survey());
    queue->committer_ = std::make_unique<Committer>(queue->store_);
    return queue;
}

/// Content whose item never came: its put was interrupted, and its client heard no 250.
Result<void> Queue::drop_half_written() {
    std::vector<ItemId> ids;
    GATEHOUSE_CHECK(store_.visit_prefix("p", [&](std::string_view key, std::string_view) {
        if (const auto id = id_from(key.substr(1))) ids.push_back(*id);
        return true;
    }));
    for (const auto& id : ids) {
        std::vector<store::Change> changes{{pending_key(id), std::nullopt}};
        GATEHOUSE_CHECK(store_.visit_prefix(content_prefix(id), [&](std::string_view key, std::string_view) {
            changes.push_back({std::string(key), std::nullopt});
            return true;
        }));
        GATEHOUSE_CHECK(store_.apply(changes, false));
    }
    return {};
}

/// How many wait where; the items themselves are not read.
Result<void> Queue::survey() {
    GATEHOUSE_CHECK(store_.visit_prefix("l", [&](std::string_view key, std::string_view name) {
        if (const auto lane = lane_of(key)) schedule_.add_lane(*lane, std::string(name));
        return true;
    }));
    GATEHOUSE_CHECK(store_.visit_prefix("s", [&](std::string_view key, std::string_view) {
        if (const auto turn = turn_from(key)) schedule_.count(*turn);
        return true;
    }));
    return store_.visit_prefix("h", [&](std::string_view key, std::string_view) {
        if (const auto lane = lane_of(key)) schedule_.count_held(*lane);
        return true;
    });
}

Result<QueueItem> Queue::load(const ItemId& id) const {
    GATEHOUSE_TRY(const auto bytes, store_.get(item_key(id)));
    if (!bytes) return unknown(id.to_string());
    return decode(id, *bytes);
}

std::optional<std::vector<Turn>> Queue::load_turns(std::uint32_t lane, Age age,
                                                   const std::optional<Turn>& from, std::size_t most) const {
    std::vector<Turn> out;
    const auto prefix = turn_prefix(lane, age);
    // Behind a key comes that key with a byte more.
    const auto first = from ? turn_key({lane, age, *from}) + '\0' : prefix;
    const auto read =
        store_.visit(first, prefix + std::string(9, '\xff'), [&](std::string_view key, std::string_view) {
            if (const auto turn = turn_from(key)) out.push_back(turn->turn);
            return out.size() < most;
        });
    if (read) return out;
    base::log(base::LogLevel::error, "queue: {}", read.error().sentence);
    return std::nullopt;
}

// --- handing out

std::optional<QueueItem> Queue::take(base::WallTime now) {
    const Schedule::Load load_more = [this](auto lane, auto age, const auto& from, auto most) {
        return load_turns(lane, age, from, most);
    };
    while (true) {
        std::optional<TurnKey> turn;
        {
            const std::lock_guard lock(mutex_);
            turn = schedule_.take(now, clock_.steady(), load_more);
        }
        if (!turn) return std::nullopt;
        auto item = load(turn->turn.id);
        const std::lock_guard lock(mutex_);
        if (item && !item->is_held && turn_of(*item) == turn->turn && age_of(*item) == turn->age) {
            schedule_.find(item->id)->size = item->size;
            return std::move(*item);
        }
        if (!turn_failed(*turn, item)) return std::nullopt;
    }
}

/// A turn that gave no item. False: the store cannot be read now.
bool Queue::turn_failed(const TurnKey& turn, const Result<QueueItem>& item) {
    const auto& id = turn.turn.id;
    if (item || item.error().fault == Fault::not_found) {
        schedule_.forget_turn(id);
        return true;
    }
    base::log(base::LogLevel::error, "queue: {}", item.error().sentence);
    if (item.error().fault == Fault::malformed) {
        schedule_.set_aside(id);  // it stays in the store, where somebody may look at it
        return true;
    }
    schedule_.lanes()[turn.lane].paused_until = clock_.steady() + std::chrono::seconds(1);
    schedule_.give_back(id);
    return false;
}

Result<std::string> Queue::content(const ItemId& id) const {
    std::string out;
    GATEHOUSE_CHECK(store_.visit_prefix(content_prefix(id), [&](std::string_view, std::string_view chunk) {
        out += chunk;
        return true;
    }));
    if (out.empty()) return unknown(id.to_string());
    return out;
}

void Queue::give_back(const QueueItem& item, std::chrono::milliseconds pause) {
    const std::lock_guard lock(mutex_);
    const auto* at = schedule_.find(item.id);
    if (at == nullptr) return;
    schedule_.lanes()[at->key.lane].paused_until = clock_.steady() + pause;
    schedule_.give_back(item.id);
}

void Queue::set_aside(const QueueItem& item) {
    const std::lock_guard lock(mutex_);
    if (schedule_.find(item.id) != nullptr) schedule_.set_aside(item.id);
}

void Queue::set_wake(std::function<void()> wake) {
    const std::lock_guard lock(mutex_);
    wake_ = std::move(wake);
}

std::vector<LaneCount> Queue::counts() const {
    const std::lock_guard lock(mutex_);
    std::vector<LaneCount> out;
    for (const auto& [number, lane] : schedule_.lanes())
        out.push_back({lane.name, lane.waiting, lane.held, lane.under_way});
    return out;
}

Result<void> Queue::scrub() {
    {
        const std::lock_guard lock(mutex_);
        if (!std::exchange(has_garbage_, false)) return {};
    }
    auto done = store_.scrub(scrub_stop_);
    const std::lock_guard lock(mutex_);
    has_garbage_ = has_garbage_ || !done;
    return done;
}

// --- for operators

Result<void> Queue::visit(const QueueFilter& filter,
                          const std::function<bool(QueueItem item)>& visitor) const {
    const std::string first = filter.after ? item_key(*filter.after) + '\0' : "i";
    return store_.visit(first, "j", [&](std::string_view key, std::string_view value) {
        const auto id = id_from(key.substr(1));
        auto item = id ? decode(*id, value) : fail(Fault::malformed, "the queue has a strange key");
        if (!item) {
            base::log(base::LogLevel::error, "queue: {}", item.error().sentence);
            return true;
        }
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
    return load(found.front());
}

/// So that nobody delivers it meanwhile.
Result<QueueItem> Queue::claim(const ItemId& id) {
    GATEHOUSE_TRY(auto item, load(id));
    const auto busy =
        fail(Fault::unavailable, "{} is on its way right now; try again in a moment", id.to_string());
    const std::lock_guard lock(mutex_);
    bool is_new = false;
    const auto lane = schedule_.lane_number(item.lane, is_new);
    const Schedule::UnderWay mine{
        {lane, age_of(item), turn_of(item)}, item.is_held, Schedule::Hands::operators, item.size};
    if (!schedule_.claim(mine)) return busy;
    // It may have been delivered or put back between the look and the claim.
    const auto again = load(id);
    if (again && *again == item) return item;
    if (again || again.error().fault == Fault::not_found) {
        schedule_.disclaim(id);
    } else {
        schedule_.give_back(id);
    }
    return busy;
}

Result<void> Queue::commit_now(Work work) {
    auto chunks = measure(work);
    auto prepared = prepare(work, chunks);
    Result<void> done;
    if (prepared) {
        std::promise<Result<void>> promise;
        committer_->submit((*prepared)->batch, [&](const Result<void>& result) {
            stored(**prepared, result);
            promise.set_value(result);
        });
        done = promise.get_future().get();
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
    item.is_held = true;
    return commit_now({.changed = {std::move(item)}});
}

Result<void> Queue::release(const ItemId& id) {
    GATEHOUSE_TRY(auto item, claim(id));
    item.is_held = false;
    item.is_postponed = false;
    item.due = clock_.wall();
    return commit_now({.changed = {std::move(item)}});
}

Result<void> Queue::remove(const QueueItem& seen, std::vector<NewItem> instead) {
    GATEHOUSE_TRY(const auto item, claim(seen.id));
    if (!(item == seen)) {
        const std::lock_guard lock(mutex_);
        schedule_.give_back(seen.id);
        return fail(Fault::unavailable, "{} has changed meanwhile; look at it again", seen.id.to_string());
    }
    Work work;
    work.added = std::move(instead);
    work.removed = {item.id};
    return commit_now(std::move(work));
}

Result<std::size_t> Queue::flush(const QueueFilter& filter) {
    const auto now = clock_.wall();
    std::vector<ItemId> ids;
    auto waiting = filter;
    waiting.held = false;
    GATEHOUSE_CHECK(visit(waiting, [&](const QueueItem& item) {
        if (item.due > now && !item.is_postponed) ids.push_back(item.id);
        return ids.size() < filter.limit;
    }));
    std::size_t flushed = 0;
    for (std::size_t at = 0; at < ids.size(); at += kPage) {
        Work work;
        for (std::size_t i = at; i < std::min(ids.size(), at + kPage); ++i) {
            auto item = claim(ids[i]);
            if (!item) continue;  // on its way already
            item->due = now;
            work.changed.push_back(std::move(*item));
        }
        flushed += work.changed.size();
        GATEHOUSE_CHECK(commit_now(std::move(work)));
    }
    return flushed;
}

}  // namespace gatehouse::act::queue
