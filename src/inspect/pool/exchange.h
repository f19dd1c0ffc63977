// One request to a worker and the frames of its answer, read as hostile input: wrong ids, unknown kinds,
// sizes above what can be, files without seals and descriptors nobody named are errors. Used by Pool only.
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

struct Pool::Worker {
    Worker(std::uint64_t i, std::uint64_t g, net::FrameChannel c)
        : id(i), generation(g), channel(std::move(c)) {}
    /// Nothing came from it and it has not closed its end: whoever died while idle must not cost a message a
    /// try.
    bool is_alive() const;

    std::uint64_t id;
    std::uint64_t generation;  ///< of the zygote it was forked from
    net::FrameChannel channel;
    bool is_retired = false;
};

struct Pool::Exchange {
    enum class Kind { inspect, rewrite, view };

    Exchange(Kind k, int fd, const PoolOptions& options);
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
    Inspection inspection;
    base::Fd rewritten;
    Viewed viewed;
    std::optional<base::Error> failure;  ///< the worker's own word
    bool is_done = false;
    bool retire = false;
    bool risky = false;
    bool is_hopeless = false;  ///< another worker would not help: none was free, or there is no memory

  private:
    base::Result<void> take_parts(Worker& worker, const pb::InspectorAnswer& answer);
    base::Result<void> take_last(Worker& worker, const pb::InspectorAnswer& answer);

    std::uint64_t id_ = 0;
    std::uint64_t handed_bytes_ = 0;
    std::unique_ptr<pb::InspectorRequest> request_;
};

/// What a message is when two inspectors failed on it.
Inspection not_inspected(const message::Envelope& envelope, const base::Error& why);

}  // namespace gatehouse::inspect::pool

/// As GATEHOUSE_CHECK, inside a coroutine.
#define GATEHOUSE_CO_CHECK(expression)                                      \
    do {                                                                    \
        if (auto gatehouse_check_ = (expression); !gatehouse_check_)        \
            co_return std::unexpected(std::move(gatehouse_check_).error()); \
    } while (false)
