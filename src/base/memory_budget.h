// Memory of the mail in flight, counted before it is used: the session reserves for what it receives, the
// walk for parts and rewrites. When nothing is left, the client keeps its message (452) instead of the
// gateway swapping or dying. One budget per process, shared by all threads; a share belongs to one owner. Not
// for pure code.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace gatehouse::base {

class MemoryBudget {
  public:
    explicit MemoryBudget(std::uint64_t limit) : limit_(limit) {}

    std::uint64_t limit() const { return limit_.load(std::memory_order_relaxed); }
    std::uint64_t used() const { return used_.load(std::memory_order_relaxed); }
    /// A lower limit takes nothing back; it counts for what is asked for from now on.
    void set_limit(std::uint64_t limit) { limit_.store(limit, std::memory_order_relaxed); }

  private:
    friend class MemoryShare;
    bool take(std::uint64_t bytes);
    bool take_alone(std::uint64_t bytes);
    void give_back(std::uint64_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }

    std::atomic<std::uint64_t> limit_;
    std::atomic<std::uint64_t> used_{0};
};

/// What one message holds of the budget; gives it back at the end of its life.
class MemoryShare {
  public:
    explicit MemoryShare(MemoryBudget& budget) : budget_(&budget) {}
    MemoryShare(MemoryShare&& other) noexcept
        : budget_(other.budget_), held_(std::exchange(other.held_, 0)) {}
    MemoryShare& operator=(MemoryShare&& other) noexcept;
    ~MemoryShare() { release(); }

    /// Holds at least `bytes` afterwards; false = the budget has no room, and nothing has changed. Grows in
    /// steps, so that a message that arrives in small pieces asks seldom.
    [[nodiscard]] bool grow_to(std::uint64_t bytes);
    /// For what is larger than the whole budget and has to go all the same: when nobody else holds anything.
    [[nodiscard]] bool grow_alone(std::uint64_t bytes);
    void release();
    std::uint64_t held() const { return held_; }

  private:
    MemoryBudget* budget_;
    std::uint64_t held_ = 0;
};

/// A quarter of the machine's memory, or of the lowest limit of the control groups this process is in.
std::uint64_t default_memory_limit();

/// The lowest memory limit along a control group's path ("/system.slice/gatehouse.service") below the mount
/// point `root`; nullopt when there is none.
std::optional<std::uint64_t> cgroup_memory_limit(const std::string& root, std::string path);

}  // namespace gatehouse::base
