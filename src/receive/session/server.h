// The SMTP server of one event loop: takes connections from inherited listening sockets, keeps them within
// the limits that all loops share, and runs a session for each. One per thread; all calls on its loop's
// thread.
#pragma once

#include <list>
#include <memory>

#include "net/listen.h"
#include "receive/session/session.h"

namespace gatehouse::receive::session {

class Server {
  public:
    /// What is passed by reference must outlive the server, and the server its loop's last run.
    Server(net::Io& io, Walk& walk, const Shared& shared, std::shared_ptr<const SessionSettings> settings);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Starts to accept on a bound, listening socket.
    base::Result<void> listen(base::Fd listening);
    /// For the connections to come.
    void apply(std::shared_ptr<const SessionSettings> settings);
    /// Stops accepting; open transactions get `patience`, then 421. Those that the walk still works on
    /// `last_wait` later are told to it as unfinished. Returns how many sessions are left then.
    net::Task<std::size_t> drain(std::chrono::milliseconds patience,
                                 std::chrono::milliseconds last_wait = std::chrono::seconds(5));
    std::size_t open_sessions() const { return sessions_.size(); }

  private:
    net::Task<void> accept_on(net::Acceptor& acceptor);
    void welcome(net::Accepted accepted);
    net::Task<void> serve(std::list<Session>::iterator session);
    net::Task<void> wait_until_empty(base::SteadyTime deadline);

    Loop loop_;
    std::list<net::Acceptor> acceptors_;
    std::list<Session> sessions_;
};

}  // namespace gatehouse::receive::session
