// What the sessions share: some of it across all threads, some of it on their loop. Made by the server;
// internal to this module but for Shared, which apps fills in.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <random>

#include "base/clock.h"
#include "base/memory_budget.h"
#include "net/asio.h"
#include "receive/session/connection_limits.h"
#include "receive/session/settings.h"
#include "receive/session/walk.h"

namespace gatehouse::receive::session {

/// For metrics and status; all threads add, anybody reads.
struct Counters {
    std::atomic<std::uint64_t> connections{0};   ///< accepted by the kernel
    std::atomic<std::uint64_t> turned_away{0};   ///< by a limit, the walk or a missing PROXY header
    std::atomic<std::uint64_t> tls_sessions{0};  ///< handshakes done
    std::atomic<std::uint64_t> tls_failures{0};
    std::atomic<std::uint64_t> timeouts{0};
    std::atomic<std::uint64_t> transactions{0};  ///< MAIL answered with 2xx
    std::atomic<std::uint64_t> messages{0};      ///< received whole
    std::atomic<std::uint64_t> accepted{0};      ///< messages answered with 2xx
    std::atomic<std::uint64_t> bytes{0};         ///< of messages
    std::atomic<std::uint64_t> failures{0};      ///< sessions ended by a bug of ours
};

struct Shared {
    const base::Clock& clock;
    ConnectionLimits& limits;
    base::MemoryBudget& memory;
    Counters& counters;
    std::uint8_t node = 0;  ///< of the references
};

/// One per event loop.
struct Loop {
    Loop(net::Io& loop, Walk& walk_of_loop, const Shared& shared_parts);

    base::Reference make_reference(base::WallTime now);

    net::Io& io;
    Walk& walk;
    const Shared shared;
    std::shared_ptr<const SessionSettings> settings;  ///< for sessions to come; shared with those that run
    /// Read buffer of all sessions: used between the arrival of bytes and the next wait, never across one.
    std::array<char, 64 * 1024> scratch;
    std::mt19937_64 chance;  // 30 bits of a reference need to differ, not to be secret
};

}  // namespace gatehouse::receive::session
