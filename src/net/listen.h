// Listening sockets: bound early and privileged (by the supervisor, which hands the descriptors on), accepted
// from on an event loop (by the roles). One socket per thread and address with SO_REUSEPORT, so that the
// kernel spreads connections and no thread waits for another.
#pragma once

#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/ip_address.h"
#include "net/asio.h"

namespace gatehouse::net {

/// `count` sockets on one address ("127.0.0.1:2525", "[::1]:25"); port 0 takes a free one, the same for all.
/// An address in use is an error even when its user set SO_REUSEPORT, too: two gateways on one port are never
/// meant.
base::Result<std::vector<base::Fd>> listen_on(std::string_view address, std::size_t count);
/// What a listening descriptor is bound to.
base::Result<base::Endpoint> bound_to(int listening);

struct Accepted {
    base::Fd socket;
    base::Endpoint peer;
    base::Endpoint local;
};

/// Takes connections from one inherited listening descriptor. Survives a lack of descriptors or memory: it
/// backs off and goes on, and says so in the log once a minute.
class Acceptor {
  public:
    static base::Result<Acceptor> adopt(Io& io, base::Fd listening);

    /// Fails only when the acceptor was closed (Fault::unavailable).
    Task<base::Result<Accepted>> accept();
    /// Ends a pending accept(). Connections in the kernel's queue go to whoever else holds the socket.
    void close();
    const base::Endpoint& local() const { return local_; }

  private:
    Acceptor(Io& io, Socket socket, const base::Endpoint& local)
        : socket_(std::move(socket)), pause_(io), local_(local) {}
    Task<void> back_off(int reason);

    Socket socket_;
    Timer pause_;
    base::Endpoint local_;
    base::SteadyTime complained_{};
    unsigned in_a_row_ = 0;  // accepted without giving other coroutines a turn
};

}  // namespace gatehouse::net
