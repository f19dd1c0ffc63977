// Connections to next hops for the front: pooled per hop, capped, opened address by address. One HopPool per
// event loop, used on that loop's thread only; it must not outlive the loop. Sessions may outlive the pool.
//
// Bounds: at most `delivery.max_connections` (shared out among the loops) per hop; who finds all busy waits
// at most `wait_for_connection` in order of arrival. Every connection ends after max_messages or max_age, an
// unused one after idle_time. An address that could not be reached is tried last for down_time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "act/delivery/hop_session.h"
#include "act/delivery/hop_tls.h"
#include "act/delivery/next_hop.h"
#include "base/clock.h"
#include "base/result.h"
#include "net/asio.h"

namespace gatehouse::act::delivery {

struct HopPoolOptions {
    std::string helo_name;  ///< smtp.hostname
    DeliverySettings settings;
    std::size_t loops = 1;  ///< event loops that share max_connections
};

/// Since the pool was made, but for `busy` and `idle`; for metrics.
struct HopPoolCounts {
    std::uint64_t opened = 0;         ///< connections that became ready
    std::uint64_t failed = 0;         ///< attempts at an address that did not
    std::uint64_t reused = 0;         ///< sessions that began on a pooled connection
    std::uint64_t found_dead = 0;     ///< pooled connections that were dead when they were wanted
    std::uint64_t tls_fallbacks = 0;  ///< connections in clear after TLS failed
    std::uint64_t turned_away = 0;    ///< sessions that waited for a free connection in vain
    std::size_t busy = 0;
    std::size_t idle = 0;
};

/// How the last attempts at one address of a hop went; times are zero where there was none.
struct HopReach {
    std::string key;  ///< NextHop::key
    std::string address;
    base::SteadyTime opened;
    base::SteadyTime failed;
    std::string why;  ///< of the last failure
};

class HopPool {
  public:
    static base::Result<HopPool> make(net::Io& io, const base::Clock& clock, const HopTls& tls,
                                      HopPoolOptions options);
    HopPool(HopPool&&) noexcept;
    HopPool& operator=(HopPool&&) noexcept;
    /// Closes idle connections; busy ones close when their sessions end.
    ~HopPool();

    /// A session with the hop, on a pooled or a new connection. Fault::unavailable or timed_out: not
    /// reachable now; refused: it does not give the TLS its setting demands; limit: all connections are busy.
    /// Over at `give_up`, whatever the single timeouts would allow.
    net::Task<base::Result<HopSession>> open(const NextHop& hop,
                                             base::SteadyTime give_up = base::SteadyTime::max());
    HopPoolCounts counts() const;
    std::vector<HopReach> reach() const;
    /// No address of it could be reached lately (down_time), so asking now would only cost time: why not.
    /// Null: it may be asked.
    const std::string* why_down(const NextHop& hop) const;
    /// When it may be asked again; nothing: it may be asked.
    std::optional<base::SteadyTime> down_until(const NextHop& hop) const;
    /// An operator wants them all to be tried now.
    void forget_down();
    /// Called while somebody waits for a connection and all are held, at once and every half second: the
    /// owner may abandon() a session whose client lets it lie idle, and says whether it did; then that
    /// connection's slot is waited for first. Without it a few silent clients could hold them all.
    void set_make_room(std::function<bool(const NextHop&)> make_room);
    const DeliverySettings& settings() const;
    /// Closes idle connections now and keeps none from here on.
    void close();

  private:
    explicit HopPool(std::shared_ptr<PoolCore> core);

    std::shared_ptr<PoolCore> core_;
};

}  // namespace gatehouse::act::delivery
