// The smallest changes of the findings that would have led a group of recipients elsewhere. For each way to
// stop the deciding rule (all of its `any`, or one of its `all`) the findings are taken away, what then stops
// the message is taken away too, until the outcome is another; the shortest come first. Greedy, so "smallest"
// is per way, not over all subsets. Private to decide.
// Bounded: at most kMaxFlips per group and kMaxViews evaluations per message, whatever the policy.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "decide/chain.h"

namespace gatehouse::decide {

inline constexpr std::size_t kMaxFlips = 4;

class Flips {
  public:
    Flips(const Policy& policy, const Index& index) : policy_(policy), index_(index) {}

    /// `decision` is what walk() gave with `rulings`.
    std::vector<std::string> of(const message::GroupDecision& decision, const Rulings& rulings,
                                const OnRoute& is_on_route);

  private:
    static constexpr std::size_t kMaxViews = 32;
    static constexpr std::size_t kMaxSteps = 6;

    const Rulings* rulings_without(const Removed& removed);
    std::vector<Removed> ways_to_stop(const message::GroupDecision& decision, const View& view) const;
    std::vector<Removed> ways_to_stop(const Rule& rule, const View& view) const;
    std::string words(const Removed& removed, const View& view, const message::GroupDecision& other) const;

    const Policy& policy_;
    const Index& index_;
    std::map<Removed, Rulings> cache_;
};

}  // namespace gatehouse::decide
