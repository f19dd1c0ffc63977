// The next turns of one lane and age in memory, so that a queue of a million items needs little of it: the
// earliest kMost of what waits, and a mark behind which the store has more. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <set>

#include "act/queue/keys.h"

namespace gatehouse::act::queue {

class Window {
  public:
    static constexpr std::size_t kMost = 512;

    /// A turn that now waits in the store.
    void insert(const Turn& turn) {
        if (!is_whole_ && (!loaded_to_ || turn > *loaded_to_)) return;  // comes with a later load
        turns_.insert(turn);
        if (turns_.size() <= kMost) return;
        turns_.erase(std::prev(turns_.end()));
        loaded_to_ = *turns_.rbegin();
        is_whole_ = false;
    }
    /// One that waits no more.
    void erase(const Turn& turn) { turns_.erase(turn); }

    const Turn* first() const { return turns_.empty() ? nullptr : &*turns_.begin(); }
    void pop() { turns_.erase(turns_.begin()); }

    /// Nothing is known, and the store has more.
    bool wants_load() const { return turns_.empty() && !is_whole_; }
    /// Where to go on reading: behind this turn, or from the beginning.
    const std::optional<Turn>& loaded_to() const { return loaded_to_; }
    /// What load() read behind loaded_to(), in order; `is_all`: the store had no more.
    template <typename Turns>
    void load(const Turns& more, bool is_all) {
        turns_.insert(more.begin(), more.end());
        if (!more.empty()) loaded_to_ = more.back();
        is_whole_ = is_all;
    }

  private:
    std::set<Turn> turns_;
    std::optional<Turn> loaded_to_;
    bool is_whole_ = false;
};

}  // namespace gatehouse::act::queue
