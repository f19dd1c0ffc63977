// How changes get into the store: prepared as one batch, written by the committer, then seen by the schedule.
#include <sys/statvfs.h>

#include <boost/asio/executor_work_guard.hpp>

#include "act/queue/parts.h"
#include "base/log.h"

namespace gatehouse::act::queue {

using base::fail;
using base::Fault;
using base::ItemId;
using base::Result;

void Stored::publish() {
    if (auto* queue = std::exchange(queue_, nullptr)) queue->publish(ids_);
}

void Stored::take_back() {
    if (auto* queue = std::exchange(queue_, nullptr)) queue->take_back(ids_);
}

namespace {

/// Somebody who waits on a loop for the committer.
struct Waiter {
    explicit Waiter(net::Io& loop) : io(loop), wake(loop), keep_running(net::asio::make_work_guard(loop)) {}
    net::Io& io;
    net::Timer wake;
    net::asio::executor_work_guard<net::Executor> keep_running;
    std::optional<Result<void>> result;
};

void remove_content(const ItemId& id, std::uint64_t size, std::vector<store::Change>& changes) {
    for (std::uint32_t i = 0; i < chunks_of(size); ++i) changes.push_back({content_key(id, i), std::nullopt});
}

}  // namespace

/// Bytes that are counted until they are on the disk, or never will be.
class Queue::Room {
  public:
    Room(std::shared_ptr<std::atomic<std::uint64_t>> count, std::uint64_t bytes)
        : count_(std::move(count)), bytes_(bytes) {
        *count_ += bytes_;
    }
    Room(Room&& other) noexcept : count_(std::move(other.count_)), bytes_(other.bytes_) {}
    Room& operator=(Room&&) = delete;
    ~Room() {
        if (count_) *count_ -= bytes_;
    }

  private:
    std::shared_ptr<std::atomic<std::uint64_t>> count_;
    std::uint64_t bytes_;
};

bool Queue::has_room(std::uint64_t bytes) const {
    return is_free(*in_flight_ + bytes + static_cast<std::uint64_t>(options_.settings.reserve));
}

bool Queue::is_free(std::uint64_t bytes) const {
    struct statvfs disk{};
    if (::statvfs(options_.folder.c_str(), &disk) != 0) return true;  // then writing will tell
    return static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize >= bytes;
}

std::uint64_t Queue::bytes_of(const Work& work) {
    std::uint64_t bytes = 0;
    for (const auto& one : work.added) bytes += one.item.size;
    return bytes;
}

/// Counted first, so that many at once do not see the same free space.
Result<Queue::Room> Queue::take_room(const Work& work) const {
    const auto bytes = bytes_of(work);
    Room room(in_flight_, bytes);
    const bool is_notice = std::all_of(work.added.begin(), work.added.end(),
                                       [](const NewItem& one) { return one.item.is_notice; });
    const auto reserve = static_cast<std::uint64_t>(options_.settings.reserve) / (is_notice ? 2 : 1);
    if (is_free(*in_flight_ + reserve)) return room;
    return fail(Fault::limit, "the disk of the queue has no room for {} bytes more", bytes);
}

/// Its name goes with the first batch that is stored.
std::uint32_t Queue::lane_number(const std::string& name, Pending& pending) {
    bool is_new = false;
    const auto number = schedule_.lane_number(name, is_new);
    if (is_new) unnamed_lanes_.insert(number);
    if (unnamed_lanes_.contains(number)) {
        pending.changes.push_back({lane_key(number), name});
        pending.lanes.push_back(number);
    }
    return number;
}

/// Everything but the content. A new item is somebody's until it is in line: the store shows it before.
Result<void> Queue::place(const QueueItem& item, Change kind, Pending& pending) {
    const auto lane = lane_number(item.lane, pending);
    const TurnKey key{lane, age_of(item), turn_of(item)};
    const Schedule::UnderWay ours{key, item.is_held, Schedule::Hands::intake, item.size};
    if (kind == Change::added && !schedule_.claim(ours))
        return fail(Fault::refused, "item {} is in the queue already", item.id.to_string());
    pending.changes.push_back({item_key(item.id), encode(item)});
    pending.changes.push_back({item.is_held ? held_key(lane, item.id) : turn_key(key), ""});
    pending.effects.push_back({kind, key, item.is_held, item.size});
    return {};
}

/// With the last chunk of its content; the others are stored.
Result<void> Queue::add(const NewItem& item, Chunks& chunks, Pending& pending) {
    const auto& id = item.item.id;
    const auto last = chunks_of(item.item.size) - 1;
    pending.changes.push_back({content_key(id, last), chunks.next()});
    if (last > 0) pending.changes.push_back({pending_key(id), std::nullopt});
    return place(item.item, Change::added, pending);
}

/// The old place of an item that somebody works on.
Result<const Schedule::UnderWay*> Queue::clear_place(const ItemId& id, Pending& pending) {
    const auto* at = schedule_.find(id);
    if (at == nullptr) return fail(Fault::internal, "item {} was not taken", id.to_string());
    pending.changes.push_back({at->is_held ? held_key(at->key.lane, id) : turn_key(at->key), std::nullopt});
    return at;
}

Result<void> Queue::drop(const ItemId& id, Pending& pending) {
    GATEHOUSE_TRY(const auto* at, clear_place(id, pending));
    pending.changes.push_back({item_key(id), std::nullopt});
    remove_content(id, at->size, pending.changes);
    pending.effects.push_back({Change::removed, at->key, at->is_held, at->size});
    return {};
}

Result<std::shared_ptr<Queue::Pending>> Queue::prepare(const Work& work, std::vector<Chunks>& chunks) {
    auto pending = std::make_shared<Pending>();  // shared by the waiter and the committer
    const std::lock_guard lock(mutex_);
    if (auto done = collect(work, chunks, *pending); !done) {
        leave_added(*pending);
        return std::unexpected(std::move(done).error());
    }
    pending->batch = std::make_shared<Batch>(std::move(pending->changes), work.durable);
    return pending;
}

Result<void> Queue::collect(const Work& work, std::vector<Chunks>& chunks, Pending& pending) {
    for (std::size_t i = 0; i < work.added.size(); ++i) {
        if (!chunks[i].is_last()) return fail(Fault::internal, "large content was not stored beforehand");
        GATEHOUSE_CHECK(add(work.added[i], chunks[i], pending));
    }
    for (const auto& one : work.changed) {
        GATEHOUSE_CHECK(clear_place(one.id, pending));
        GATEHOUSE_CHECK(place(one, Change::changed, pending));
    }
    for (const auto& id : work.removed) GATEHOUSE_CHECK(drop(id, pending));
    return {};
}

bool Queue::is_all_new(const std::vector<Effect>& effects) {
    return !effects.empty() && std::all_of(effects.begin(), effects.end(),
                                           [](const Effect& effect) { return effect.kind == Change::added; });
}

/// New items that did not come.
void Queue::leave_added(const Pending& pending) {
    for (const auto& effect : pending.effects) {
        if (effect.kind == Change::added) schedule_.leave(effect.key.turn.id);
    }
}

/// On the committer's thread.
void Queue::stored(Pending& pending, const Result<void>& result) {
    std::function<void()> wake;
    {
        const std::lock_guard lock(mutex_);
        pending.is_stored = true;
        // A write that failed may be on the disk all the same, and would come back with the next start.
        if (!result && is_all_new(pending.effects)) return take_back_locked(added_ids(pending));
        if (!result) return leave_added(pending);
        for (const auto lane : pending.lanes) unnamed_lanes_.erase(lane);
        if (pending.is_abandoned) return take_back_locked(added_ids(pending));
        for (const auto& effect : pending.effects) put_in_line(effect, pending.is_for_later);
        wake = wake_;
    }
    if (wake) wake();
}

void Queue::put_in_line(const Effect& effect, bool is_for_later) {
    if (effect.kind == Change::added && is_for_later) return;  // until it is published
    schedule_.leave(effect.key.turn.id);
    if (effect.kind != Change::removed) schedule_.insert(effect.key, effect.is_held);
    has_garbage_ = has_garbage_ || effect.kind == Change::removed;
}

std::vector<ItemId> Queue::added_ids(const Pending& pending) {
    std::vector<ItemId> ids;
    for (const auto& effect : pending.effects) {
        if (effect.kind == Change::added) ids.push_back(effect.key.turn.id);
    }
    return ids;
}

void Queue::mark_for_later(const Pending& pending) {
    const std::lock_guard lock(mutex_);
    for (const auto& effect : pending.effects) {
        if (auto* at = schedule_.find(effect.key.turn.id)) at->is_for_later = true;
    }
}

void Queue::publish(const std::vector<ItemId>& ids) {
    std::function<void()> wake;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& id : ids) {
            const auto* at = schedule_.find(id);
            if (at != nullptr) put_in_line({Change::added, at->key, at->is_held, at->size}, false);
        }
        wake = wake_;
    }
    if (wake) wake();
}

void Queue::take_back(const std::vector<ItemId>& ids) {
    const std::lock_guard lock(mutex_);
    take_back_locked(ids);
}

/// Whoever brought them was told no. They stay somebody's until nothing of them is in the store.
void Queue::take_back_locked(const std::vector<ItemId>& ids) {
    std::vector<store::Change> changes;
    for (const auto& id : ids) {
        const auto* at = schedule_.find(id);
        if (at == nullptr) continue;
        changes.push_back({item_key(id), std::nullopt});
        changes.push_back({pending_key(id), std::nullopt});
        changes.push_back({at->is_held ? held_key(at->key.lane, id) : turn_key(at->key), std::nullopt});
        remove_content(id, at->size, changes);
    }
    has_garbage_ = true;
    committer_->submit(std::make_shared<Batch>(std::move(changes), true),
                       [this, ids](const Result<void>& done) {
                           const std::lock_guard again(mutex_);
                           if (done) {
                               for (const auto& id : ids) schedule_.leave(id);
                               return;
                           }
                           base::log(base::LogLevel::error, "queue: {}", done.error().sentence);
                           to_erase_.insert(ids.begin(), ids.end());  // tidy() tries again
                       });
}

net::Task<Result<void>> Queue::wait_for(net::Io& io, std::shared_ptr<Pending> pending,
                                        base::SteadyTime give_up) {
    const auto waiter = std::make_shared<Waiter>(io);  // shared with the committer's thread
    committer_->submit(pending->batch, [this, pending, waiter](const Result<void>& result) {
        stored(*pending, result);
        net::asio::post(waiter->io, [waiter, result] {
            waiter->result = result;
            waiter->wake.cancel();
        });
    });
    while (!waiter->result) {
        if (clock_.steady() >= give_up) {
            if (give_up_on(*pending))
                co_return fail(Fault::timed_out, "the disk of the queue did not take it in time");
            give_up = base::SteadyTime::max();  // its result is on the way
        }
        waiter->wake.expires_at(give_up);
        co_await waiter->wake.async_wait(net::kTuple);
    }
    co_return *waiter->result;
}

/// False: it is stored already.
bool Queue::give_up_on(Pending& pending) {
    const bool is_withdrawn = pending.batch->withdraw();
    const std::lock_guard lock(mutex_);
    if (is_withdrawn) leave_added(pending);
    if (!is_withdrawn) pending.is_abandoned = !pending.is_stored;
    return is_withdrawn || pending.is_abandoned;
}

/// The chunks of a large item but the last, one at a time.
net::Task<Result<void>> Queue::upload(net::Io& io, const ItemId& id, Chunks& chunks,
                                      base::SteadyTime give_up) {
    for (std::uint32_t number = 0; !chunks.is_last(); ++number) {
        auto pending = std::make_shared<Pending>();  // shared with the committer
        std::vector<store::Change> changes;
        changes.push_back({content_key(id, number), chunks.next()});
        if (number == 0) changes.push_back({pending_key(id), ""});
        pending->batch = std::make_shared<Batch>(std::move(changes), false);
        const auto done = co_await wait_for(io, pending, give_up);
        GATEHOUSE_CO_CHECK(done);
    }
    co_return Result<void>();
}

/// What upload() left of items that did not come.
void Queue::forget_uploads(const std::vector<NewItem>& items) {
    {
        const std::lock_guard lock(mutex_);
        has_garbage_ = true;
    }
    for (const auto& one : items) {
        if (chunks_of(one.item.size) == 1) continue;
        std::vector<store::Change> changes{{pending_key(one.item.id), std::nullopt}};
        remove_content(one.item.id, one.item.size, changes);
        committer_->submit(std::make_shared<Batch>(std::move(changes), false), [](const Result<void>&) {});
    }
}

/// Sets the sizes of new items.
std::vector<Queue::Chunks> Queue::measure(Work& work) {
    std::vector<Chunks> chunks;
    for (auto& one : work.added) {
        one.item.size = 0;
        for (const auto piece : one.content) one.item.size += piece.size();
        chunks.emplace_back(one);
    }
    return chunks;
}

net::Task<Result<Stored>> Queue::put(net::Io& io, std::vector<NewItem> items, base::SteadyTime give_up) {
    Work work;
    work.added = std::move(items);
    auto chunks = measure(work);
    const auto room = take_room(work);
    if (!room) co_return std::unexpected(room.error());
    auto stored = co_await store_items(io, std::move(work), std::move(chunks), give_up);
    co_return stored;
}

net::Task<Result<Stored>> Queue::store_items(net::Io& io, Work work, std::vector<Chunks> chunks,
                                             base::SteadyTime give_up) {
    Result<void> done;
    for (std::size_t i = 0; done && i < chunks.size(); ++i) {
        done = co_await upload(io, work.added[i].item.id, chunks[i], give_up);
    }
    if (!done) {
        forget_uploads(work.added);
        co_return std::unexpected(done.error());
    }
    auto pending = prepare(work, chunks);
    if (!pending) {
        forget_uploads(work.added);
        co_return std::unexpected(pending.error());
    }
    const auto shared = *pending;  // with the committer
    shared->is_for_later = true;
    mark_for_later(*shared);
    done = co_await wait_for(io, shared, give_up);
    // What is still being written is taken back when it is there, content and all.
    if (!done && !shared->is_abandoned) forget_uploads(work.added);
    if (!done) co_return std::unexpected(done.error());
    co_return Stored(*this, added_ids(*shared));
}

net::Task<Result<void>> Queue::commit(net::Io& io, Work work) {
    auto chunks = measure(work);
    const Room room(in_flight_, bytes_of(work));  // counted, and never refused: what happened must be noted
    auto pending = prepare(work, chunks);
    if (!pending) co_return std::unexpected(pending.error());
    const auto done = co_await wait_for(io, std::move(*pending), base::SteadyTime::max());
    co_return done;
}

}  // namespace gatehouse::act::queue
