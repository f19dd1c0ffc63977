// Group commit: one thread writes what waits, many batches with one fsync, and tells each waiter. Whoever
// hears success has his changes on stable storage (durable) or safe from any kill of ours. Thread-safe.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/result.h"
#include "store/key_value.h"

namespace gatehouse::act::queue {

/// One batch; shared by its waiter and the thread.
class Batch {
  public:
    using Done = std::function<void(const base::Result<void>&)>;
    Batch(std::vector<store::Change> changes, bool durable)
        : changes_(std::move(changes)), durable_(durable) {}

    /// The waiter has gone away: a batch that is not written yet never will be. True then.
    bool withdraw() {
        auto expected = State::waiting;
        if (!state_.compare_exchange_strong(expected, State::withdrawn)) return false;
        changes_ = {};
        return true;
    }

  private:
    friend class Committer;
    enum class State : std::uint8_t { waiting, writing, withdrawn };
    std::vector<store::Change> changes_;
    const bool durable_;
    std::atomic<State> state_{State::waiting};
    Done done_;
};

struct CommitCounters {
    std::uint64_t batches = 0;
    std::uint64_t writes = 0;  ///< groups of them
    std::uint64_t failures = 0;
};

class Committer {
  public:
    explicit Committer(store::KeyValueStore& store);
    /// Writes what waits, and ends.
    ~Committer();
    Committer(const Committer&) = delete;
    Committer& operator=(const Committer&) = delete;

    /// `done` is called on the committer's thread, unless the batch is withdrawn; it must not throw or block.
    void submit(const std::shared_ptr<Batch>& batch, Batch::Done done);
    CommitCounters counters() const;

  private:
    using Group = std::vector<std::shared_ptr<Batch>>;  // shared with their waiters
    void run();
    Group next_group();
    void write(Group& group);

    store::KeyValueStore& store_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::shared_ptr<Batch>> waiting_;
    bool is_ending_ = false;
    CommitCounters counters_;
    std::jthread thread_;  // last
};

}  // namespace gatehouse::act::queue
