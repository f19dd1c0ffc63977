// Deterministic work limits of one message. Counts bytes, entries and steps, never time, so that what is
// found does not depend on load; wall time is enforced by the front alone (deadline -> kill -> gap
// timed_out). One Budget per message, owned by inspect/engine, used by one thread.
#pragma once

#include <cstdint>

namespace gatehouse::base {

struct BudgetLimits {
    std::uint32_t max_depth = 20;             ///< nesting of parts and containers
    std::uint32_t max_parts = 10'000;         ///< parts and members of one message
    std::uint64_t max_decoded = 1ULL << 30;   ///< bytes produced by decoding and opening, in all
    std::uint64_t max_held = 192ULL << 20;    ///< bytes held at once
    std::uint64_t max_steps = 2'000'000'000;  ///< elementary steps of detectors
};

class Budget {
  public:
    explicit Budget(BudgetLimits limits) : limits_(limits) {}

    const BudgetLimits& limits() const { return limits_; }
    /// Each returns false, and stays false for that resource, once the limit is reached.
    bool take_part() { return take(parts_, 1, limits_.max_parts); }
    bool take_decoded(std::uint64_t bytes) { return take(decoded_, bytes, limits_.max_decoded); }
    bool take_steps(std::uint64_t steps) { return take(steps_, steps, limits_.max_steps); }

    std::uint64_t parts() const { return parts_; }
    std::uint64_t decoded() const { return decoded_; }
    std::uint64_t steps() const { return steps_; }

  private:
    static bool take(std::uint64_t& used, std::uint64_t amount, std::uint64_t limit) {
        if (amount > limit - used) {
            used = limit;
            return false;
        }
        used += amount;
        return true;
    }

    BudgetLimits limits_;
    std::uint64_t parts_ = 0;
    std::uint64_t decoded_ = 0;
    std::uint64_t steps_ = 0;
};

}  // namespace gatehouse::base
