// When an item is tried again. Pure.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <span>

namespace gatehouse::act::queue {

/// Behind the `attempts`-th attempt (from 1): the time of that number in the list, the last one from there
/// on, 10 % more or less as `random` says, so that what failed together does not come back together. An hour
/// where there is no list.
inline std::chrono::milliseconds back_off(std::span<const std::chrono::seconds> times, std::uint32_t attempts,
                                          std::uint32_t random) {
    using namespace std::chrono_literals;
    static constexpr std::array kAnHour{std::chrono::seconds(1h)};
    if (times.empty()) times = kAnHour;
    const std::size_t at = attempts == 0 ? 0 : std::min<std::size_t>(attempts - 1, times.size() - 1);
    const std::int64_t whole = std::chrono::milliseconds(times[at]).count();
    const std::int64_t share = static_cast<std::int64_t>(random % 2001) - 1000;  // of 10,000
    return std::chrono::milliseconds(whole + whole * share / 10'000);
}

/// So many attempts the list has room for within the lifetime of an item, none of them left out: before that
/// age alone does not end it, since a clock may have jumped ahead.
inline std::uint32_t least_attempts(std::span<const std::chrono::seconds> times, std::chrono::hours life) {
    std::uint32_t count = 0;
    std::chrono::milliseconds spent{0};
    for (const auto time : times) {
        spent += std::chrono::milliseconds(time) * 11 / 10;
        if (spent > life) break;
        ++count;
    }
    return std::max<std::uint32_t>(1, count);
}

}  // namespace gatehouse::act::queue
