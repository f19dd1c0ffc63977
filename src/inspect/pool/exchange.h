// One request to a worker and the frames of its answer, read as hostile input: wrong ids, unknown kinds,
// sizes above what can be, files without seals and descriptors nobody named are errors. An answer is at most
// one Early, Parts of at least one part each, and the last frame, so their number is bounded, too. Used by
// Pool only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/frame.h"
#include "base/result.h"
#include "inspect/pool/pool.h"
#include "net/frame_channel.h"

namespace gatehouse::inspect::pool {

/// One of the workers that there are; counted for as long as it lives, even when the pool is gone.
class Pool::Seat {
  public:
    explicit Seat(std::shared_ptr<std::size_t> taken) : taken_(std::move(taken)) { ++*taken_; }
    Seat(Seat&&) noexcept = default;
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;
    Seat& operator=(Seat&&) = delete;
    ~Seat() {
        if (taken_) --*taken_;
    }

  private:
    std::shared_ptr<std::size_t> taken_;  // shared with the pool and all other seats
};

struct Pool::Worker {
    Worker(std::uint64_t i, std::uint64_t g, net::FrameChannel c, Seat s)
        : id(i), generation(g), channel(std::move(c)), seat(std::move(s)) {}
    /// Nothing came from it and it has not closed its end: whoever died while idle must not cost a message a
    /// try.
    bool is_alive() const;

    std::uint64_t id;
    std::uint64_t generation;  ///< of the zygote it was forked from
    net::FrameChannel channel;
    Seat seat;
    bool is_retired = false;
};

struct Pool::Exchange {
    enum class Kind { inspect, rewrite, view };

    Exchange(Kind k, int fd, const PoolOptions& options, base::SteadyTime until);
    ~Exchange();

    void set_envelope(const message::Envelope& envelope);
    void set_plan(const message::RewritePlan& plan);
    void set_view(const std::string& part, std::uint64_t limit);
    /// A new try under this id; what an earlier one left is forgotten.
    void begin(std::uint64_t id);
    std::string request() const;
    base::Result<void> take(Worker& worker, const std::string& frame);

    Kind kind;
    int sealed;
    std::uint64_t max_message;
    base::MemoryBudget& memory;
    base::SteadyTime give_up;  ///< for all tries together
    Inspection inspection;
    base::Fd rewritten;
    base::MemoryShare rewritten_memory;
    Viewed viewed;
    std::uint64_t view_limit = 0;
    std::optional<base::Error> failure;  ///< the worker's own word
    bool is_done = false;
    bool retire = false;
    bool risky = false;
    /// Another worker would not help: none was free, the time is over, or we lack memory or descriptors.
    bool is_hopeless = false;

  private:
    base::Result<void> take_parts(Worker& worker, const pb::InspectorAnswer& answer);
    base::Result<void> take_last(Worker& worker, const pb::InspectorAnswer& answer);
    base::Result<void> take_rewritten(Worker& worker, std::uint64_t said_size);
    base::Result<base::Fd> take_file(Worker& worker);
    base::Result<void> reserve(base::MemoryShare& share, std::uint64_t bytes, const char* what);

    std::uint64_t id_ = 0;
    std::uint64_t handed_bytes_ = 0;
    std::uint64_t cost_ = 0;  // of the frames so far
    bool has_early_ = false;
    std::unique_ptr<pb::InspectorRequest> request_;
};

/// What a message is when two inspectors failed on it.
Inspection not_inspected(const message::Envelope& envelope, const base::Error& why);

}  // namespace gatehouse::inspect::pool
