// Which item's turn is next: per lane and age a window onto the store, who is on the way, and how many wait.
// In memory; the store holds the truth. Not thread-safe: Queue guards it.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "act/queue/keys.h"
#include "act/queue/window.h"
#include "base/time.h"

namespace gatehouse::act::queue {

class Schedule {
  public:
    /// Reads at most `most` turns behind `from` (or from the first) of that lane and age, in order; nullopt =
    /// they cannot be read now.
    using Load = std::function<std::optional<std::vector<Turn>>(
        std::uint32_t lane, Age age, const std::optional<Turn>& from, std::size_t most)>;
    struct Lane {
        std::string name;
        std::array<Window, 2> windows;  // by Age
        std::uint64_t waiting = 0;      ///< under way not counted
        std::uint64_t held = 0;
        std::size_t under_way = 0;
        std::uint32_t served = 0;         ///< turns given, to give the old their share
        base::SteadyTime paused_until{};  ///< nothing of it can be sent before
        bool is_down = false;             ///< its hop was not there: one item at a time finds out
        std::uint64_t damaged = 0;        ///< set aside
        std::uint64_t inserts = 0;        ///< so far; what was read of the store before one is not all
        std::deque<TurnKey> overdue;      ///< of a lane that is down: whose senders must hear of it
    };
    /// `nobody`: an item that is damaged, or rests for a while; an operator may claim it.
    enum class Hands : std::uint8_t { intake, deliverer, operators, nobody };
    /// An item that somebody works on; whatever a load reads of it meanwhile is not its turn.
    struct UnderWay {
        TurnKey key;  ///< under which the store has it, unless it is held
        bool is_held = false;
        Hands hands = Hands::deliverer;
        std::uint64_t size = 0;
        bool is_damaged = false;
        bool is_for_later =
            false;  ///< stored or being stored for somebody who has not said yet that he has it
        base::SteadyTime rests_until{};
    };
    static constexpr std::size_t kMostOverdue = 1000;  // of a lane, known at a time

    Schedule(std::size_t concurrency, std::chrono::microseconds longest_wait)
        : concurrency_(concurrency), longest_wait_(longest_wait) {}

    void add_lane(std::uint32_t number, std::string name);
    /// The lane of that name; a new one has the next number. The store must know it before an item of it.
    std::uint32_t lane_number(std::string_view name, bool& is_new);
    std::map<std::uint32_t, Lane>& lanes() { return lanes_; }
    const std::map<std::uint32_t, Lane>& lanes() const { return lanes_; }

    /// What a start finds; not read into memory.
    void count(const TurnKey& key) { ++lanes_[key.lane].waiting; }
    void count_held(std::uint32_t lane) { ++lanes_[lane].held; }

    /// An item that is stored now: into the line, or among those that are held.
    void insert(const TurnKey& key, bool is_held);

    /// The next one, which is under way from here on. Lanes take turns, fresh items go first, every fourth
    /// turn is an old one's. An item that is due later than anybody may be (the clock went back) is due now.
    std::optional<TurnKey> take(base::WallTime now, base::SteadyTime steady, const Load& load);
    /// A load that is still to be done; `inserts`: those of the lane when it was wanted.
    struct Wanted {
        std::uint32_t lane = 0;
        Age age = Age::fresh;
        std::optional<Turn> from;
        std::size_t most = 0;
        std::uint64_t inserts = 0;
    };
    /// What was read for it while nobody held the schedule. It counts only when nothing was inserted
    /// meanwhile; false: it is to be read again.
    bool load(const Wanted& wanted, const std::vector<Turn>& more);
    /// For an operator or the intake; false: somebody works on it.
    bool claim(const UnderWay& item);
    /// Null: nobody works on it.
    UnderWay* find(const base::ItemId& id);
    const UnderWay* find(const base::ItemId& id) const;
    /// What was done to it is stored: its old place is gone.
    void leave(const base::ItemId& id);
    /// Nothing was done to it: it goes back to its old place.
    void give_back(const base::ItemId& id);
    /// Taken, and damaged: nobody takes it again but an operator, and its lane goes on.
    void set_aside(const base::ItemId& id);
    std::set<base::ItemId> damaged() const;
    /// Those that are for later.
    std::vector<base::ItemId> unclaimed() const;
    /// Taken, and it alone cannot go now: it is back in its place then. False: somebody else has it.
    bool rest(const base::ItemId& id, base::SteadyTime until);
    /// The hop of that lane is not there before that; then one item tries it.
    void lane_down(std::uint32_t lane, base::SteadyTime until);
    /// It is there, or an operator says so. True: it was down.
    bool lane_up(std::uint32_t lane);
    bool is_down(std::uint32_t lane) const;
    /// A due item of a lane that is down, which is taken all the same. False: there are enough of them.
    bool hurry(const TurnKey& key);
    /// Claimed by an operator, and it is not there any more: whoever removed it has counted it.
    void disclaim(const base::ItemId& id) { under_way_.erase(id); }
    /// Claimed by an operator, and it had been changed until then: this is how it stands now. Its turn may
    /// have been popped since, so whoever claimed it has to place it again.
    void correct(const TurnKey& key, bool is_held, std::uint64_t size);
    /// Taken, and it has no such turn; `truth` is its real one, if it waits at all. That one may have been
    /// popped in vain meanwhile, so it is put into the line again.
    void forget_turn(const base::ItemId& id, const std::optional<TurnKey>& truth);

  private:
    void end_rests(base::SteadyTime steady);
    std::optional<TurnKey> take_overdue(Lane& lane);
    std::optional<TurnKey> take_from(std::uint32_t number, Lane& lane, base::WallTime now, const Load& load);
    std::optional<Turn> take_due(std::uint32_t number, Lane& lane, Age age, base::WallTime now,
                                 const Load& load);

    const std::size_t concurrency_;
    const std::chrono::microseconds longest_wait_;
    std::map<std::uint32_t, Lane> lanes_;
    std::uint32_t last_lane_ = 0;  // that was served
    std::map<base::ItemId, UnderWay> under_way_;
    std::set<std::pair<base::SteadyTime, base::ItemId>> resting_;
};

}  // namespace gatehouse::act::queue
