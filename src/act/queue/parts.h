// Inner parts of Queue that its source files share.
#pragma once

#include <algorithm>

#include "act/queue/queue.h"
#include "base/text.h"

namespace gatehouse::act::queue {

inline constexpr std::size_t kChunk = kMaxAdded;  // of content, in one value

inline std::uint32_t chunks_of(std::uint64_t size) {
    return static_cast<std::uint32_t>(std::max<std::uint64_t>(1, (size + kChunk - 1) / kChunk));
}

inline Turn turn_of(const QueueItem& item) {
    return {item.due, item.id};
}

inline Age age_of(const QueueItem& item) {
    return item.attempts == 0 ? Age::fresh : Age::tried;
}

inline std::unexpected<base::Error> unknown(std::string_view id) {
    return base::fail(base::Fault::not_found, "there is no item {} in the queue", base::printable(id, 40));
}

/// Not readable by this version, today or ever: also what a newer one has written.
inline bool is_damage(const base::Error& error) {
    return error.fault == base::Fault::malformed || error.fault == base::Fault::refused;
}

/// Where an item stands once the batch is stored.
struct Queue::Effect {
    Change kind = Change::added;
    TurnKey key;
    bool is_held = false;
    std::uint64_t size = 0;
};

struct Queue::Pending {
    std::vector<store::Change> changes;
    std::vector<Effect> effects;
    std::vector<std::uint32_t> lanes;  // whose names are among the changes
    bool is_for_later = false;         // added items stay unseen when they are stored
    bool durable = true;
    std::shared_ptr<Batch> batch;  // shared with the committer
    bool is_stored = false;        // guarded by the queue's mutex
    bool is_abandoned = false;     // likewise
};

/// Hands out the content of a new item chunk by chunk.
class Queue::Chunks {
  public:
    explicit Chunks(const NewItem& item) : pieces_(item.content), left_(chunks_of(item.item.size)) {}
    bool is_last() const { return left_ == 1; }
    std::string next() {
        --left_;
        std::string out;
        while (out.size() < kChunk && !pieces_.empty()) {
            auto& piece = pieces_.front();
            const auto part = piece.substr(0, kChunk - out.size());
            out += part;
            piece.remove_prefix(part.size());
            if (piece.empty()) pieces_.erase(pieces_.begin());
        }
        return out;
    }

  private:
    std::vector<std::string_view> pieces_;
    std::uint32_t left_;
};

}  // namespace gatehouse::act::queue
