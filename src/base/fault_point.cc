#include "base/fault_point.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <optional>
#include <thread>
#include <vector>

#include "base/text.h"

namespace gatehouse::base {
namespace {

constexpr std::uint64_t kStallSeconds = 60;
constexpr std::string_view kStallFor = "stall:";

struct Arming {
    std::atomic<std::uint64_t> left{0};  // 0 = not armed
    std::atomic<FaultAction> action{FaultAction::error};
    std::atomic<std::uint64_t> stall_seconds{kStallSeconds};
};

std::atomic<bool> allowed{false};
std::array<Arming, kFaultPointNames.size()> armings;

std::optional<FaultAction> parse_action(std::string_view word) {
    if (word == "kill") return FaultAction::kill;
    if (word == "error") return FaultAction::error;
    if (word == "memory") return FaultAction::memory;
    if (word == "stall" || word.starts_with(kStallFor)) return FaultAction::stall;
    return std::nullopt;
}

/// 0 = not a time.
std::uint64_t stall_seconds(std::string_view word) {
    if (!word.starts_with(kStallFor)) return kStallSeconds;
    const auto seconds = parse_unsigned(word.substr(kStallFor.size()));
    return seconds && *seconds <= kStallSeconds ? *seconds : 0;
}

}  // namespace

void FaultPoints::allow() {
    allowed = true;
}

Result<void> FaultPoints::arm(std::string_view name, std::uint64_t after, std::string_view action) {
    if (!allowed) return fail(Fault::refused, "fault points can only be armed under GATEHOUSE_TESTING=1");
    const auto at = std::find(kFaultPointNames.begin(), kFaultPointNames.end(), name);
    if (at == kFaultPointNames.end()) {
        const auto near = nearest(name, {kFaultPointNames.begin(), kFaultPointNames.end()});
        return fail(Fault::usage, "there is no fault point {}{}", printable(name, 64),
                    near ? "; did you mean " + *near + "?" : std::string());
    }
    const auto what = parse_action(action);
    const auto seconds = stall_seconds(action);
    if (!what || after == 0 || seconds == 0)
        return fail(Fault::usage,
                    "a fault is kill, error, memory, stall or stall:SECONDS, after 1 or more passings");
    auto& arming = armings[static_cast<std::size_t>(at - kFaultPointNames.begin())];
    arming.action = *what;
    arming.stall_seconds = seconds;
    arming.left = after;
    armed_ = true;
    return {};
}

Result<void> FaultPoints::pass_armed(FaultPoint point) {
    auto& arming = armings[static_cast<std::size_t>(point)];
    std::uint64_t left = arming.left.load();
    do {
        if (left == 0) return {};
    } while (!arming.left.compare_exchange_weak(left, left - 1));
    if (left != 1) return {};
    switch (arming.action.load()) {
        case FaultAction::kill:
            ::kill(::getpid(), SIGKILL);
            break;
        case FaultAction::stall:
            std::this_thread::sleep_for(std::chrono::seconds(arming.stall_seconds.load()));
            break;
        case FaultAction::memory:
            throw std::bad_alloc();
        case FaultAction::error:
            break;
    }
    return fail(Fault::unavailable, "fault point {}", kFaultPointNames[static_cast<std::size_t>(point)]);
}

}  // namespace gatehouse::base
