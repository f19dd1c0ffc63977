// Content on which the engine keeps failing: it crashed it, hung it, or made it run out of something. Asking
// again at every retry of the sender would take the engine from everybody for as long as the sender tries; so
// after three failures the content counts as not scanned ("unscannable" to policy) for an hour. Never clean.
//
// Shared by the front's threads; at most 4,096 contents, the oldest go first. Messages that were merely
// beside the bad one collect failures, too, but hardly three.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/time.h"

namespace gatehouse::consult::engines {

class Suspects {
  public:
    static constexpr std::uint32_t kStrikes = 3;
    static constexpr std::size_t kMaxContents = 4096;
    static constexpr std::chrono::hours kRemembered{1};

    /// `sha256` empty = not known: never counted, never condemned.
    void note_failure(std::string_view sha256, base::SteadyTime now);
    void note_success(std::string_view sha256);
    bool is_condemned(std::string_view sha256, base::SteadyTime now) const;

  private:
    struct Record {
        std::uint32_t strikes = 0;
        base::SteadyTime last{};
    };
    void make_room();

    mutable std::mutex lock_;
    std::unordered_map<std::string, Record> records_;
    std::deque<std::string> order_;  // of first failure; may hold contents that are forgotten already
};

}  // namespace gatehouse::consult::engines
