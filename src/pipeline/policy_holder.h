// The policy in force, as one immutable snapshot: a message takes it at MAIL and keeps it, whatever is
// applied meanwhile. Thread-safe; exchanging it is one pointer under a lock.
#pragma once

#include <memory>
#include <mutex>

#include "decide/policy.h"
#include "message/revision.h"

namespace gatehouse::pipeline {

struct PolicySnapshot {
    message::Revision revision;
    decide::Policy policy;
};

class PolicyHolder {
  public:
    explicit PolicyHolder(std::shared_ptr<const PolicySnapshot> first) : current_(std::move(first)) {}

    /// Shared on purpose: messages of the old revision keep it alive until they are done.
    std::shared_ptr<const PolicySnapshot> current() const {
        const std::lock_guard lock(mutex_);
        return current_;
    }
    void exchange(std::shared_ptr<const PolicySnapshot> fresh) {
        const std::lock_guard lock(mutex_);
        current_.swap(fresh);
    }

  private:
    mutable std::mutex mutex_;
    std::shared_ptr<const PolicySnapshot> current_;
};

}  // namespace gatehouse::pipeline
