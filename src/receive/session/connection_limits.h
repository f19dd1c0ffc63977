// How many connections there may be: in all, per address at the same time, and new ones per address a minute.
// One object for the process, asked by all threads. IPv6 clients count by their /64, which is what one
// customer has. Bounded: an address without open connections is forgotten after its minute, or earlier when
// room is needed; so a flood of addresses makes the rate limit forgetful, never the memory large.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/ip_address.h"
#include "base/time.h"

namespace gatehouse::receive::session {

struct ConnectionNumbers {
    std::size_t in_all = 20'000;
    std::size_t per_address = 100;  ///< 0 = no limit
    std::size_t per_minute = 600;   ///< 0 = no limit
};

enum class Admission { admitted, too_many, too_fast };

class ConnectionLimits {
  public:
    /// One connection's place; leaves at the end of its life.
    class Place {
      public:
        Place(Place&& other) noexcept
            : limits_(std::exchange(other.limits_, nullptr)),
              address_(std::exchange(other.address_, std::nullopt)) {}
        Place& operator=(Place&& other) noexcept;
        ~Place();

      private:
        friend class ConnectionLimits;
        explicit Place(ConnectionLimits& limits) : limits_(&limits) {}
        ConnectionLimits* limits_;
        std::optional<base::IpAddress> address_;  // counted under this
    };

    struct Verdict {
        Admission admission = Admission::admitted;
        bool is_first = false;  ///< the first refusal of this address in its minute: worth a record
    };

    ConnectionLimits() = default;
    ConnectionLimits(const ConnectionLimits&) = delete;
    ConnectionLimits& operator=(const ConnectionLimits&) = delete;

    /// nullopt = no place left.
    std::optional<Place> enter(std::size_t in_all);
    /// Once per place, when the client's address is known.
    Verdict admit(Place& place, const base::IpAddress& client, base::SteadyTime now,
                  const ConnectionNumbers& numbers);

    std::size_t open() const { return open_.load(std::memory_order_relaxed); }
    /// Addresses remembered at present; for tests and metrics.
    std::size_t addresses() const;

  private:
    static constexpr std::size_t kShards = 64;
    static constexpr std::size_t kMostIdlePerShard = 1024;

    struct Entry {
        std::size_t open = 0;
        std::size_t in_minute = 0;
        base::SteadyTime minute{};  // when it began
        bool has_refused = false;   // in this minute
    };
    struct Hash {
        std::size_t operator()(const base::IpAddress& address) const;
    };
    struct Shard {
        mutable std::mutex mutex;
        std::unordered_map<base::IpAddress, Entry, Hash> entries;
    };

    Shard& shard_of(const base::IpAddress& address) { return shards_[Hash()(address) % kShards]; }
    static void make_room(Shard& shard, base::SteadyTime now);
    void leave(const std::optional<base::IpAddress>& address);

    std::atomic<std::size_t> open_{0};
    std::array<Shard, kShards> shards_;
};

}  // namespace gatehouse::receive::session
