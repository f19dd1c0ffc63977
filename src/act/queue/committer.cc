#include "act/queue/committer.h"

#include <utility>

#include "base/fault_point.h"

namespace gatehouse::act::queue {
namespace {

using base::FaultPoint;
using base::FaultPoints;
using base::Result;

constexpr std::size_t kMostBatches = 256;
constexpr std::size_t kMostBytes = 8U << 20;

std::size_t size_of(const std::vector<store::Change>& changes) {
    std::size_t size = 0;
    for (const auto& change : changes) size += change.key.size() + (change.value ? change.value->size() : 0);
    return size;
}

Result<void> apply(store::KeyValueStore& store, const std::vector<store::Change>& changes, bool durable) {
    GATEHOUSE_CHECK(FaultPoints::pass(FaultPoint::queue_before_commit));
    GATEHOUSE_CHECK(store.apply(changes, durable));
    return FaultPoints::pass(FaultPoint::queue_after_commit);
}

}  // namespace

Committer::Committer(store::KeyValueStore& store) : store_(store), thread_([this] { run(); }) {}

Committer::~Committer() {
    {
        const std::lock_guard lock(mutex_);
        is_ending_ = true;
    }
    wake_.notify_all();
    thread_.join();
}

void Committer::submit(const std::shared_ptr<Batch>& batch, Batch::Done done) {
    batch->done_ = std::move(done);
    {
        const std::lock_guard lock(mutex_);
        waiting_.push_back(batch);
    }
    wake_.notify_one();
}

CommitCounters Committer::counters() const {
    const std::lock_guard lock(mutex_);
    return counters_;
}

Committer::Group Committer::next_group() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return is_ending_ || !waiting_.empty(); });
    Group group;
    std::size_t bytes = 0;
    while (!waiting_.empty() && group.size() < kMostBatches && bytes < kMostBytes) {
        auto batch = std::move(waiting_.front());
        waiting_.pop_front();
        auto expected = Batch::State::waiting;
        if (!batch->state_.compare_exchange_strong(expected, Batch::State::writing)) {
            batch->done_ = nullptr;  // it holds what holds the batch
            continue;
        }
        bytes += size_of(batch->changes_);
        group.push_back(std::move(batch));
    }
    return group;
}

void Committer::run() {
    while (true) {
        auto group = next_group();
        if (!group.empty()) {
            write(group);
            continue;
        }
        const std::lock_guard lock(mutex_);
        if (is_ending_ && waiting_.empty()) return;
    }
}

void Committer::write(Group& group) {
    std::vector<store::Change> all;
    bool durable = false;
    for (auto& batch : group) {
        durable = durable || batch->durable_;
        std::move(batch->changes_.begin(), batch->changes_.end(), std::back_inserter(all));
        batch->changes_ = {};
    }
    const auto result = apply(store_, all, durable);
    {
        const std::lock_guard lock(mutex_);
        counters_.batches += group.size();
        ++counters_.writes;
        counters_.failures += result ? 0 : group.size();
    }
    for (const auto& batch : group) std::exchange(batch->done_, nullptr)(result);
}

}  // namespace gatehouse::act::queue
