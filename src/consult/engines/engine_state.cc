#include "consult/engines/engine_state.h"

namespace gatehouse::consult::engines {

std::string_view to_string(EngineCondition condition) {
    switch (condition) {
        case EngineCondition::loading:
            return "loading";
        case EngineCondition::up:
            return "up";
        case EngineCondition::down:
            return "down";
    }
    return "down";
}

void EngineState::change(EngineCondition to, base::SteadyTime now) {
    const auto from = condition_.load(std::memory_order_relaxed);
    if (from == to) return;
    if (from == EngineCondition::up) out_since_ = now;
    since_ = now;
    condition_.store(to, std::memory_order_release);
}

void EngineState::note_up(std::uint64_t generation, std::string_view version, base::SteadyTime now) {
    const std::scoped_lock hold(lock_);
    generation_.store(generation, std::memory_order_release);
    if (version_ != version) version_ = version;
    reason_.clear();
    change(EngineCondition::up, now);
}

void EngineState::note_down(std::string_view reason, base::SteadyTime now) {
    const std::scoped_lock hold(lock_);
    // What has not answered yet is still loading; only its reason is worth knowing.
    if (condition_.load(std::memory_order_relaxed) != EngineCondition::loading)
        change(EngineCondition::down, now);
    reason_ = reason;
}

void EngineState::note_loading(base::SteadyTime now) {
    const std::scoped_lock hold(lock_);
    change(EngineCondition::loading, now);
}

bool EngineState::is_expected_back(std::chrono::seconds grace, base::SteadyTime now) const {
    if (is_up()) return true;
    const std::scoped_lock hold(lock_);
    return now - out_since_ < grace;
}

EngineStatus EngineState::status() const {
    const std::scoped_lock hold(lock_);
    return {.condition = condition_.load(std::memory_order_relaxed),
            .since = since_,
            .generation = generation_.load(std::memory_order_relaxed),
            .version = version_,
            .reason = reason_};
}

}  // namespace gatehouse::consult::engines
