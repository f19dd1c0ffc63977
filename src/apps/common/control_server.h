// A role's control socket: <state>/run/<role>.sock, bound by the supervisor. Requests may block on a disk or
// stream a large item, so they are served by threads of their own, never by an event loop. Peers allowed:
// root and the role's own uid for everything, the group gatehouse for reading. Every frame is bounded, every
// peer has to keep moving.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "base/fd.h"
#include "ipc/channel.h"
#include "ipc/control.pb.h"

namespace gatehouse::apps {

/// One client's request being answered.
class ControlReplies {
  public:
    ControlReplies(ipc::Channel& channel, std::uint64_t id, bool may_change)
        : channel_(channel), id_(id), may_change_(may_change) {}

    /// False for a peer that may only read.
    bool may_change() const { return may_change_; }
    void row(const std::string& json);
    void raw(std::string_view bytes);
    void end(unsigned exit_class, const std::string& sentence);

  private:
    void send(const pb::ControlReply& reply);

    ipc::Channel& channel_;
    std::uint64_t id_;
    bool may_change_;
    bool is_gone_ = false;
};

class ControlServer {
  public:
    /// Called on a thread of the server; must call end() once.
    using Handler = std::function<void(const pb::ControlRequest& request, ControlReplies& replies)>;

    ControlServer(base::Fd listening, unsigned reading_group, Handler handler);
    ~ControlServer();
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;

  private:
    void accept_until_stopped(const std::stop_token& stop);
    void serve(base::Fd connection);

    base::Fd listening_;
    unsigned reading_group_;
    Handler handler_;
    boost::asio::thread_pool threads_{4};
    std::jthread acceptor_;
};

}  // namespace gatehouse::apps
