// Mail that waits here: durable, in RocksDB under `<state>/queue`. One per front; the CLI opens one too while
// no gateway runs (a second process is told who has it). Thread-safe; memory stays small however many items
// wait.
//
// An item whose put() succeeded is on stable storage and is delivered, returned to its sender or taken out by
// an operator, whatever kills this process meanwhile. Content is never changed. Faults: unavailable = disk
// full or I/O; timed_out = not stored in the time given, and then never; not_found = no such item; usage = an
// id that is none or stands for several.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "act/queue/committer.h"
#include "act/queue/item.h"
#include "act/queue/schedule.h"
#include "act/queue/settings.h"
#include "base/clock.h"
#include "net/asio.h"
#include "store/hold.h"
#include "store/key_value.h"

namespace gatehouse::act::queue {

struct QueueOptions {
    std::string folder = {};  ///< `<state>/queue`
    QueueSettings settings = {};
    /// The longest that any item waits for its next attempt, postponed ones included.
    std::chrono::microseconds longest_wait = std::chrono::hours(30);
    /// The longest between two attempts.
    std::chrono::microseconds longest_pause = std::chrono::hours(5);
    std::string who = "gatehouse-front";
};

/// Content that commit() adds in one piece; put() takes more.
inline constexpr std::size_t kMaxAdded = 1U << 20;

struct NewItem {
    QueueItem item;
    std::vector<std::string_view> content;  ///< pieces, in order; they live until the put is over
};

/// Changes that count together or not at all.
struct Work {
    std::vector<NewItem> added = {};
    std::vector<QueueItem> changed = {};  ///< under way or claimed before
    std::vector<base::ItemId> removed = {};
    bool durable = true;  ///< false: safe from any kill of ours, and from power cuts a moment later
};

struct QueueFilter {
    static constexpr std::size_t kMaxLimit = 1'000'000;

    std::string lane = {};       ///< empty = any
    std::string sender = {};     ///< part of it, ASCII case ignored
    std::string recipient = {};  ///< part of one
    std::optional<bool> held = {};
    std::optional<base::ItemId> after = {};  ///< behind that one
    std::size_t limit = 100;
};

/// For status, metrics and the head of a list.
struct LaneCount {
    std::string lane;
    std::uint64_t waiting = 0;
    std::uint64_t held = 0;
    std::uint64_t under_way = 0;
    std::uint64_t damaged = 0;  ///< cannot be read; they stay until an operator deletes them
};

class Queue;

/// Items that are stored and wait unseen. publish(), and they are in the line; when it goes without that, or
/// is taken back, they are gone: nobody has told their client yes.
class Stored {
  public:
    Stored() = default;
    Stored(Queue& queue, std::vector<base::ItemId> ids) : queue_(&queue), ids_(std::move(ids)) {}
    Stored(Stored&& other) noexcept
        : queue_(std::exchange(other.queue_, nullptr)), ids_(std::move(other.ids_)) {}
    Stored& operator=(Stored&& other) noexcept {
        take_back();
        queue_ = std::exchange(other.queue_, nullptr);
        ids_ = std::move(other.ids_);
        return *this;
    }
    ~Stored() { take_back(); }
    void publish();
    void take_back();

  private:
    Queue* queue_ = nullptr;
    std::vector<base::ItemId> ids_;
};

class Queue {
  public:
    static base::Result<std::unique_ptr<Queue>> open(const QueueOptions& options, const base::Clock& clock);
    ~Queue();

    // --- for the walk

    /// Room on the disk for that much more, with the reserve kept, beside what is being written.
    bool has_room(std::uint64_t bytes) const;
    /// Stores new items; by `give_up` they are durable, or the client must be told no: then they are never
    /// delivered, unless the process dies while they are being written. They wait unseen until the Stored is
    /// published. Fault::limit: the disk has no room; what is put is counted before it is written, and
    /// notices may use half of the reserve.
    net::Task<base::Result<Stored>> put(net::Io& io, std::vector<NewItem> items, base::SteadyTime give_up);

    // --- for whoever delivers

    /// The next item that is due; it is under way until commit() changes or removes it, or give_back().
    std::optional<QueueItem> take(base::WallTime now);
    /// Its bytes, all of them. Blocks on the disk. Fault::malformed, not_found: they are damaged.
    base::Result<std::string> content(const base::ItemId& id) const;
    /// Its first bytes, a MiB at most.
    base::Result<std::string> beginning(const base::ItemId& id) const;
    /// What an attempt came to, with the notices that follow from it.
    net::Task<base::Result<void>> commit(net::Io& io, Work work);
    /// Nothing came of it: it is due again, and its lane waits for `pause`. In memory only.
    void give_back(const QueueItem& item, std::chrono::milliseconds pause);
    /// Nothing came of it, and the reason is its own: it waits for that long, and its lane goes on.
    void rest(const QueueItem& item, std::chrono::milliseconds time);
    /// The hop of its lane is not there before that: the lane pauses, but for items whose senders must hear
    /// of it (tidy), and then one item at a time finds out, until lane_up().
    void lane_down(const QueueItem& item, base::SteadyTime until);
    void lane_up(const QueueItem& item);
    /// It is damaged: it stays where it is, and nobody takes it again before the next start.
    void set_aside(const QueueItem& item);
    /// Called from any thread when something may be due earlier than known.
    void set_wake(std::function<void()> wake);

    // --- for operators; these block

    /// Adds to the item's story, for as long as it waits; of many steps the first and the newest are kept.
    base::Result<void> add_step(const base::ItemId& id, message::Step step);

    using Visitor = std::function<bool(QueueItem item)>;
    /// Oldest first, until the visitor says false; it may take its time, the store is not kept waiting.
    /// `limit` is the visitor's business. By lane, or of those that are held, only their places are looked
    /// through, by addresses every item. `working` is called now and then.
    base::Result<void> each(const QueueFilter& filter, const Visitor& visitor,
                            const std::function<void()>& working = {}) const;
    /// The first `limit` of them.
    base::Result<std::vector<QueueItem>> list(const QueueFilter& filter) const;
    /// "REF/n", or a prefix of REF (8 symbols or more) with or without "/n", when only one item has it.
    base::Result<QueueItem> find(std::string_view id) const;
    /// All that match are due at once, also in a lane that is down; postponed ones wait on. How many there
    /// were. `working` is called now and then.
    base::Result<std::size_t> flush(const QueueFilter& filter, const std::function<void()>& working = {});
    base::Result<void> hold(const base::ItemId& id);
    /// Back into the line, and due at once; a postponed one, too. It expires later by the time it was held.
    base::Result<void> release(const base::ItemId& id);
    /// With what is put into the queue instead, such as a notice to the sender. Fault::unavailable when it is
    /// not as it was `seen` any more. A damaged one goes, too, but whoever sent it cannot be told.
    base::Result<void> remove(const QueueItem& seen, std::vector<NewItem> instead);

    std::vector<LaneCount> counts() const;
    CommitCounters commits() const { return committer_->counters(); }
    /// Every few seconds, on a thread that may wait: sees to a wall clock that went back, to what could not
    /// be taken back, and to senders who must hear of mail whose hop is down (`warn`: late from then on, 0 =
    /// never).
    base::Result<void> tidy(std::chrono::hours warn);
    /// For a calm moment, at least every scrub_minutes: see KeyValueStore::scrub. Does nothing when nothing
    /// was removed since the last time.
    base::Result<void> scrub();
    /// What takes long (scrub, tidy, each, flush) ends, and none of it begins any more.
    void stop_long_work() { is_stopping_ = true; }
    const QueueSettings& settings() const { return options_.settings; }

  private:
    friend class Stored;
    enum class Change : std::uint8_t { added, changed, removed };
    // parts.h
    struct Effect;
    struct Pending;
    class Chunks;

    Queue(QueueOptions options, const base::Clock& clock, store::Hold hold, store::KeyValueStore store);
    base::Result<void> survey();
    base::Result<void> drop_half_written();
    base::Result<void> erase_content(const base::ItemId& id);
    TurnKey key_of(const QueueItem& item);
    base::Result<QueueItem> load(const base::ItemId& id) const;
    base::Result<QueueItem> try_load(const base::ItemId& id) const;
    std::optional<std::vector<Turn>> load_turns(std::uint32_t lane, Age age, const std::optional<Turn>& from,
                                                std::size_t most) const;
    std::optional<TurnKey> next_turn(base::WallTime now);
    bool add_turns(const Schedule::Wanted& wanted, const std::vector<Turn>& more);
    bool turn_failed(const TurnKey& turn, const base::Result<QueueItem>& item);

    // listing.cc
    using ItemVisitor = std::function<bool(const base::ItemId& id, std::optional<std::string_view> bytes)>;
    base::Result<std::vector<base::ItemId>> ids_behind(std::string_view key) const;
    base::Result<void> visit_items(std::string first, std::string_view last,
                                   const ItemVisitor& visitor) const;
    base::Result<std::vector<base::ItemId>> ids_of(const QueueFilter& filter) const;
    base::Result<void> each_by_place(const QueueFilter& filter, const Visitor& visitor,
                                     const std::function<void()>& working) const;
    base::Result<void> each_in_pages(QueueFilter filter, const Visitor& visitor,
                                     const std::function<void()>& working) const;

    // operators.cc
    base::Result<QueueItem> claim(const base::ItemId& id);
    base::Result<void> write_now(const std::shared_ptr<Batch>& batch, const Batch::Done& then);
    base::Result<void> commit_now(Work work);
    base::Result<std::vector<std::string>> places_of(const base::ItemId& id) const;
    base::Result<bool> claim_damaged(const base::ItemId& id, const std::vector<std::string>& places);
    base::Result<void> remove_damaged(const base::ItemId& id);
    base::Result<void> try_now(const std::vector<base::ItemId>& ids, const std::function<void()>& working,
                               std::size_t& moved);
    std::vector<std::string> end_pauses(const std::set<std::string>& lanes);

    // housekeeping.cc
    void erase_leftovers();
    base::Result<void> watch_clock();
    base::Result<void> look_for_overdue(std::chrono::hours warn);

    // intake.cc
    std::uint32_t lane_number(const std::string& name, Pending& pending);
    base::Result<void> place(const QueueItem& item, Change kind, Pending& pending);
    base::Result<void> add(const NewItem& item, Chunks& chunks, Pending& pending);
    base::Result<const Schedule::UnderWay*> clear_place(const base::ItemId& id, Pending& pending);
    base::Result<void> drop(const base::ItemId& id, Pending& pending);
    static std::vector<Chunks> measure(Work& work);
    base::Result<std::shared_ptr<Pending>> prepare(const Work& work, std::vector<Chunks>& chunks);
    static bool is_all_new(const std::vector<Effect>& effects);
    void stored(Pending& pending, const base::Result<void>& result);
    base::Result<void> collect(const Work& work, std::vector<Chunks>& chunks, Pending& pending);
    void leave_added(const Pending& pending);
    static std::vector<base::ItemId> added_ids(const Pending& pending);
    void put_in_line(const Effect& effect, bool is_for_later);
    void publish(const std::vector<base::ItemId>& ids);
    void take_back(const std::vector<base::ItemId>& ids);
    void take_back_locked(const std::vector<base::ItemId>& ids);
    bool give_up_on(Pending& pending);
    net::Task<base::Result<void>> wait_for(net::Io& io, std::shared_ptr<Pending> pending,
                                           base::SteadyTime give_up);
    net::Task<base::Result<void>> upload(net::Io& io, const base::ItemId& id, Chunks& chunks,
                                         base::SteadyTime give_up);
    class Room;
    base::Result<Room> take_room(const Work& work) const;
    bool is_free(std::uint64_t bytes) const;
    static std::uint64_t bytes_of(const Work& work);
    void mark_for_later(const Pending& pending);
    net::Task<base::Result<Stored>> store_items(net::Io& io, Work work, std::vector<Chunks> chunks,
                                                base::SteadyTime give_up);
    void forget_uploads(const std::vector<NewItem>& items);

    const QueueOptions options_;
    const base::Clock& clock_;
    store::Hold hold_;
    store::KeyValueStore store_;
    mutable std::mutex mutex_;  // of what follows
    Schedule schedule_;
    std::function<void()> wake_;
    bool has_garbage_ = true;
    std::set<base::ItemId> to_erase_;        // taken back, and still in the store
    std::set<std::uint32_t> unnamed_lanes_;  // their names are not known to be stored
    std::atomic<bool> is_stopping_{false};
    std::optional<std::chrono::microseconds> clock_offset_;  // tidy()'s own, as is the next
    base::SteadyTime looked_at_{};
    // Bytes on their way to the disk; shared with puts that a stop cuts short, which outlive this.
    std::shared_ptr<std::atomic<std::uint64_t>> in_flight_;
    std::unique_ptr<Committer> committer_;  // last: its thread uses the rest
};

}  // namespace gatehouse::act::queue
