#include "act/queue/queue.h"

#include <algorithm>
#include <utility>

#include "act/queue/parts.h"
#include "base/fd.h"
#include "base/log.h"

namespace gatehouse::act::queue {

using base::fail;
using base::Fault;
using base::ItemId;
using base::Result;

namespace {

constexpr unsigned kFolderMode = 02770;
store::KeyValueOptions store_options() {
    store::KeyValueOptions options;
    options.format = 1;  // to be raised with message::kRecordFormat, too: its records lie in here
    options.write_buffer_bytes = 16U << 20;
    options.blob_bytes = 1024;
    options.compress = false;  // blobs: mail is hardly ever worth the time while it is passing through
    return options;
}

}  // namespace

Queue::Queue(QueueOptions options, const base::Clock& clock, store::Hold hold, store::KeyValueStore store)
    : options_(std::move(options)),
      clock_(clock),
      hold_(std::move(hold)),
      store_(std::move(store)),
      schedule_(static_cast<std::size_t>(options_.settings.concurrency), options_.longest_wait) {}

/// What was put for somebody who never came to say that he has it (a stop cut him short) is taken out again.
Queue::~Queue() {
    const std::lock_guard lock(mutex_);
    const auto ids = schedule_.unclaimed();
    if (committer_ && !ids.empty()) take_back_locked(ids);
}

Result<std::unique_ptr<Queue>> Queue::open(const QueueOptions& options, const base::Clock& clock) {
    GATEHOUSE_CHECK(base::make_folders(options.folder, kFolderMode));
    GATEHOUSE_TRY(auto hold, store::Hold::take(options.folder + "/lock", options.who));
    GATEHOUSE_TRY(auto store, store::KeyValueStore::open(options.folder + "/store", store_options()));
    std::unique_ptr<Queue> queue(new Queue(options, clock, std::move(hold), std::move(store)));
    GATEHOUSE_CHECK(queue->drop_half_written());
    GATEHOUSE_CHECK(queue->survey());
    queue->committer_ = std::make_unique<Committer>(queue->store_);
    queue->in_flight_ = std::make_shared<std::atomic<std::uint64_t>>(0);
    return queue;
}

/// Content whose item never came: its put was interrupted, and its client heard no 250.
Result<void> Queue::drop_half_written() {
    std::vector<ItemId> ids;
    GATEHOUSE_CHECK(store_.visit_prefix("p", [&](std::string_view key, std::string_view) {
        if (const auto id = id_from(key.substr(1))) ids.push_back(*id);
        return true;
    }));
    for (const auto& id : ids) GATEHOUSE_CHECK(erase_content(id));
    return {};
}

/// Unread, so that it may be damaged; with the mark that there is some without an item.
Result<void> Queue::erase_content(const ItemId& id) {
    GATEHOUSE_CHECK(store_.remove_range(content_key(id, 0), content_key(id, ~std::uint32_t{0}) + '\0'));
    return store_.remove(pending_key(id));
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

/// Under the mutex.
TurnKey Queue::key_of(const QueueItem& item) {
    bool is_new = false;
    return {schedule_.lane_number(item.lane, is_new), age_of(item), turn_of(item)};
}

Result<QueueItem> Queue::load(const ItemId& id) const {
    const auto bytes = store_.get(item_key(id));
    if (!bytes && is_damage(bytes.error())) {
        return fail(Fault::malformed, "item {} of the queue cannot be read; an operator can delete it ({})",
                    id.to_string(), bytes.error().sentence);
    }
    if (!bytes) return std::unexpected(bytes.error());
    if (!*bytes) return unknown(id.to_string());
    return decode(id, **bytes);
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

/// Whose turn is next. The store is read while nobody holds the schedule, unless others are quicker time and
/// again.
std::optional<TurnKey> Queue::next_turn(base::WallTime now) {
    constexpr int kTries = 3;
    for (int i = 0;; ++i) {
        std::optional<Schedule::Wanted> wanted;
        const Schedule::Load load_more = [&](auto lane, auto age, const auto& from,
                                             auto most) -> std::optional<std::vector<Turn>> {
            if (i >= kTries) return load_turns(lane, age, from, most);
            if (!wanted) wanted = Schedule::Wanted{lane, age, from, most, schedule_.lanes().at(lane).inserts};
            return std::nullopt;
        };
        std::optional<TurnKey> turn;
        {
            const std::lock_guard lock(mutex_);
            turn = schedule_.take(now, clock_.steady(), load_more);
        }
        if (!wanted) return turn;
        const auto more = load_turns(wanted->lane, wanted->age, wanted->from, wanted->most);
        if (turn || !more) {
            if (more) add_turns(*wanted, *more);
            return turn;
        }
        if (add_turns(*wanted, *more)) i = -1;
    }
}

bool Queue::add_turns(const Schedule::Wanted& wanted, const std::vector<Turn>& more) {
    const std::lock_guard lock(mutex_);
    return schedule_.load(wanted, more);
}

/// Without memory for it now, that turn comes again.
Result<QueueItem> Queue::try_load(const ItemId& id) const {
    try {
        return load(id);
    } catch (const std::exception& thrown) {
        return std::unexpected(base::Error{Fault::unavailable, thrown.what()});
    }
}

std::optional<QueueItem> Queue::take(base::WallTime now) {
    while (const auto turn = next_turn(now)) {
        auto item = try_load(turn->turn.id);
        const std::lock_guard lock(mutex_);
        if (item && !item->is_held && turn_of(*item) == turn->turn && age_of(*item) == turn->age) {
            schedule_.find(item->id)->size = item->size;
            return std::move(*item);
        }
        if (!turn_failed(*turn, item)) return std::nullopt;
    }
    return std::nullopt;
}

/// A turn that gave no item. False: the store cannot be read now.
bool Queue::turn_failed(const TurnKey& turn, const Result<QueueItem>& item) {
    const auto& id = turn.turn.id;
    if (item || item.error().fault == Fault::not_found) {
        schedule_.forget_turn(id, item && !item->is_held ? std::optional(key_of(*item)) : std::nullopt);
        return true;
    }
    base::log(base::LogLevel::error, "queue: {}", item.error().sentence);
    if (is_damage(item.error())) {
        schedule_.set_aside(id);  // it stays in the store, where an operator finds it
        return true;
    }
    auto& paused_until = schedule_.lanes()[turn.lane].paused_until;
    paused_until = std::max(paused_until, clock_.steady() + std::chrono::seconds(1));
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

Result<std::string> Queue::beginning(const ItemId& id) const {
    GATEHOUSE_TRY(auto chunk, store_.get(content_key(id, 0)));
    if (!chunk) return unknown(id.to_string());
    return std::move(*chunk);
}

void Queue::give_back(const QueueItem& item, std::chrono::milliseconds pause) {
    const std::lock_guard lock(mutex_);
    const auto* at = schedule_.find(item.id);
    if (at == nullptr) return;
    auto& paused_until = schedule_.lanes()[at->key.lane].paused_until;
    paused_until = std::max(paused_until, clock_.steady() + pause);
    schedule_.give_back(item.id);
}

void Queue::rest(const QueueItem& item, std::chrono::milliseconds time) {
    const std::lock_guard lock(mutex_);
    schedule_.rest(item.id, clock_.steady() + time);
}

void Queue::lane_down(const QueueItem& item, base::SteadyTime until) {
    const std::lock_guard lock(mutex_);
    const auto* at = schedule_.find(item.id);
    if (at != nullptr) schedule_.lane_down(at->key.lane, until);
}

void Queue::lane_up(const QueueItem& item) {
    std::function<void()> wake;
    {
        const std::lock_guard lock(mutex_);
        const auto* at = schedule_.find(item.id);
        if (at == nullptr || !schedule_.lane_up(at->key.lane)) return;
        wake = wake_;
    }
    if (wake) wake();
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
        out.push_back({lane.name, lane.waiting, lane.held, lane.under_way, lane.damaged});
    return out;
}

}  // namespace gatehouse::act::queue
