// Inner part of HopPool: slots, idle connections and the dialling of one event loop. Shared by the pool and
// its sessions (shared_ptr: sessions in coroutine frames may outlive the pool while a loop is torn down).
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>

#include "act/delivery/hop_connection.h"
#include "act/delivery/hop_pool.h"

namespace gatehouse::act::delivery {

class PoolCore;

/// Somebody waits for a connection of a hop; lives in the waiting coroutine's frame.
struct Waiter {
    net::Timer timer;
    std::unique_ptr<HopSlot> granted;
};

/// What the pool knows of one hop.
struct HopState {
    struct Idle {
        std::unique_ptr<HopConnection> connection;
        base::SteadyTime since;
    };
    NextHop hop;
    std::size_t busy = 0;   // slots held
    std::deque<Idle> idle;  // oldest first
    std::list<Waiter*> waiters;
    struct Reach {
        base::SteadyTime down_until;  // then it is tried first again
        base::SteadyTime opened;      // last time a connection became ready
        base::SteadyTime failed;      // last time none did
        std::string why;
    };
    std::vector<Reach> reach;  // per address
};

/// The right to one connection of a hop; given back when it goes.
class HopSlot {
  public:
    HopSlot(std::shared_ptr<PoolCore> core, std::shared_ptr<HopState> state)
        : core_(std::move(core)), state_(std::move(state)) {}
    HopSlot(const HopSlot&) = delete;
    HopSlot& operator=(const HopSlot&) = delete;
    ~HopSlot();

    PoolCore& core() { return *core_; }
    HopState& state() { return *state_; }

  private:
    std::shared_ptr<PoolCore> core_;
    std::shared_ptr<HopState> state_;
};

class PoolCore : public std::enable_shared_from_this<PoolCore> {
  public:
    using Connection = std::unique_ptr<HopConnection>;

    PoolCore(net::Io& io, const base::Clock& clock, const HopTls& tls, HopPoolOptions options);

    std::shared_ptr<HopState> state_of(const NextHop& hop);
    net::Task<base::Result<std::unique_ptr<HopSlot>>> take_slot(const std::shared_ptr<HopState>& state,
                                                                base::SteadyTime give_up);
    /// A live idle connection, or null.
    Connection take_idle(HopState& state);
    /// A new one, to the first address that answers.
    net::Task<base::Result<Connection>> connect(HopState& state, base::SteadyTime give_up);
    /// Keeps the connection for the next message if it may, else says goodbye in the background. Consumes the
    /// slot.
    void give_back(std::unique_ptr<HopSlot> slot, Connection connection);
    /// RSET in the background, then give_back.
    void reset(std::unique_ptr<HopSlot> slot, Connection connection);
    void slot_freed(const std::shared_ptr<HopState>& state);
    void close();
    void set_make_room(std::function<bool(const NextHop&)> make_room) { make_room_ = std::move(make_room); }

    const base::Clock& clock() const { return clock_; }
    base::SteadyTime now() const { return clock_.steady(); }
    base::SteadyTime after(std::int64_t seconds) const { return now() + std::chrono::seconds(seconds); }
    const DeliverySettings& settings() const { return options_.settings; }
    HopPoolCounts counts() const;
    std::vector<HopReach> reach() const;
    const std::string* why_down(const NextHop& hop) const;
    std::optional<base::SteadyTime> down_until(const NextHop& hop) const;
    void forget_down();
    HopPoolCounts& tally() { return counts_; }

  private:
    net::Task<base::Result<Connection>> connect_address(HopState& state, std::size_t address,
                                                        base::SteadyTime give_up);
    net::Task<base::Result<Connection>> dial(const NextHop& hop, base::Endpoint to, TlsUse use,
                                             base::SteadyTime give_up, bool& tls_failed);
    bool may_be_kept(HopConnection& connection) const;
    void goodbye(Connection connection);
    void in_background(net::Task<void> task);
    void arm_sweep(base::SteadyTime at);
    void sweep();

    net::Io& io_;
    const base::Clock& clock_;
    const HopTls& tls_;
    HopPoolOptions options_;
    std::size_t cap_;
    std::map<std::string, std::shared_ptr<HopState>, std::less<>> states_;
    net::Timer sweep_timer_;
    bool sweeping_ = false;
    bool closed_ = false;
    HopPoolCounts counts_;
    std::function<bool(const NextHop&)> make_room_;
    std::array<char, 16 * 1024> scratch_;
};

}  // namespace gatehouse::act::delivery
