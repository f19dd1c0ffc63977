// Named places where tests make a role die, fail or stall. The points are literals declared once, here;
// `status --json` lists them. Nothing can be armed unless the role was started under GATEHOUSE_TESTING=1;
// unarmed, passing a point costs one relaxed load. Thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace gatehouse::base {

enum class FaultPoint : std::uint8_t {
    front_before_hop_data,   ///< decided, next hop not yet asked for DATA
    front_after_hop_answer,  ///< the next hop answered our dot, nothing noted yet
    front_before_journal,    ///< outcome known, not in the journal
    front_after_journal,     ///< in the journal, client not yet answered
    front_before_item,       ///< about to write a quarantine item
    front_after_item_file,   ///< item file written and synced, index not
    front_after_item_index,  ///< item committed, client not yet answered
    queue_before_commit,     ///< a batch of the queue is about to be written
    queue_after_commit,      ///< written and synced, nobody told yet
    queue_before_attempt,    ///< an item of the queue taken, next hop not asked yet
    queue_after_hop_answer,  ///< the next hop answered its dot, nothing noted yet
    queue_after_note,        ///< in the journal, not yet out of the queue
    loader_before_commit,    ///< tracking rows written, transaction open
    loader_after_commit,     ///< committed, journal position not yet cleaned up
};

inline constexpr std::array<std::string_view, 14> kFaultPointNames{
    "front.before_hop_data", "front.after_hop_answer", "front.before_journal",   "front.after_journal",
    "front.before_item",     "front.after_item_file",  "front.after_item_index", "queue.before_commit",
    "queue.after_commit",    "queue.before_attempt",   "queue.after_hop_answer", "queue.after_note",
    "loader.before_commit",  "loader.after_commit",
};

enum class FaultAction : std::uint8_t { kill, error, stall, memory };

class FaultPoints {
  public:
    /// Called once at start; without it arm() refuses.
    static void allow();
    /// The `after`-th passing from now (1 = the next) does `action`: kill, error, stall (60 s),
    /// stall:SECONDS, or memory (there is none: std::bad_alloc).
    static Result<void> arm(std::string_view name, std::uint64_t after, std::string_view action);

    /// Fault::unavailable when the point is armed with `error` and due; never returns when with `kill`, and
    /// throws when with `memory`.
    static Result<void> pass(FaultPoint point) {
        if (!armed_.load(std::memory_order_relaxed)) return {};
        return pass_armed(point);
    }

  private:
    static Result<void> pass_armed(FaultPoint point);
    static inline std::atomic<bool> armed_{false};
};

}  // namespace gatehouse::base
