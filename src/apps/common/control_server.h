// A role's control socket: <state>/run/<role>.sock, bound by the supervisor. Requests may block on a disk or
// stream a large item, so they are served by threads of their own, never by an event loop. Peers allowed:
// root and the role's own uid for everything, the group gatehouse for reading; others are told so before they
// cost a thread. Every frame is bounded, and so is the time a peer may take for one; at most kMaxWaiting
// peers wait for a thread. The end of the server ends its connections, whatever their peers do.
#pragma once

#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
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
    /// For whoever takes long: the asker is patient as long as this comes now and then.
    void working();
    void end(unsigned exit_class, const std::string& sentence);

  private:
    void send(const pb::ControlReply& reply);

    ipc::Channel& channel_;
    std::uint64_t id_;
    bool may_change_;
    bool is_gone_ = false;
};

/// The name a peer gives itself with the uid that the kernel knows; for logs of who did what.
std::string signed_name(std::string_view claimed, unsigned uid);

class ControlServer {
  public:
    static constexpr std::size_t kMaxWaiting = 64;

    /// Called on a thread of the server; must call end() once.
    using Handler = std::function<void(const pb::ControlRequest& request, ControlReplies& replies)>;

    ControlServer(base::Fd listening, unsigned reading_group, Handler handler);
    ~ControlServer();
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;

  private:
    class Open;

    void accept_until_stopped(const std::stop_token& stop);
    void admit(base::Fd connection);
    void serve(base::Fd connection, const ipc::PeerIds& peer);

    base::Fd listening_;
    unsigned reading_group_;
    Handler handler_;
    std::atomic<std::size_t> waiting_{0};
    std::mutex mutex_;  // of what follows
    std::condition_variable closed_;
    std::set<int> open_;
    bool is_ending_ = false;
    boost::asio::thread_pool threads_{8};
    std::jthread acceptor_;
};

}  // namespace gatehouse::apps
