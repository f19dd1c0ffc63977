#include "consult/engines/suspects.h"

namespace gatehouse::consult::engines {

void Suspects::note_failure(std::string_view sha256, base::SteadyTime now) {
    if (sha256.empty()) return;
    const std::scoped_lock hold(lock_);
    const auto [at, fresh] = records_.try_emplace(std::string(sha256));
    if (fresh) order_.push_back(at->first);
    if (now - at->second.last > kRemembered) at->second.strikes = 0;
    ++at->second.strikes;
    at->second.last = now;
    make_room();
}

void Suspects::note_success(std::string_view sha256) {
    const std::scoped_lock hold(lock_);
    if (!records_.empty()) records_.erase(std::string(sha256));
}

bool Suspects::is_condemned(std::string_view sha256, base::SteadyTime now) const {
    const std::scoped_lock hold(lock_);
    if (records_.empty()) return false;
    const auto at = records_.find(std::string(sha256));
    return at != records_.end() && at->second.strikes >= kStrikes && now - at->second.last <= kRemembered;
}

void Suspects::make_room() {
    while (order_.size() > kMaxContents) {
        records_.erase(order_.front());
        order_.pop_front();
    }
}

}  // namespace gatehouse::consult::engines
