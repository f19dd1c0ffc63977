#include "apps/common/control_server.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <boost/asio/post.hpp>

#include "apps/common/control_client.h"
#include "base/log.h"

namespace gatehouse::apps {

using base::Fd;
using base::LogLevel;

namespace {

constexpr int kRequestPatienceMs = 5000;
constexpr std::size_t kRawPiece = 256 * 1024;

}  // namespace

void ControlReplies::send(const pb::ControlReply& reply) {
    if (is_gone_) return;
    is_gone_ = !channel_.send(reply.SerializeAsString());
}

void ControlReplies::row(const std::string& json) {
    pb::ControlReply reply;
    reply.set_id(id_);
    reply.set_row(json);
    send(reply);
}

void ControlReplies::raw(std::string_view bytes) {
    while (!bytes.empty()) {
        pb::ControlReply reply;
        reply.set_id(id_);
        reply.set_raw(std::string(bytes.substr(0, kRawPiece)));
        send(reply);
        bytes.remove_prefix(std::min(kRawPiece, bytes.size()));
    }
}

void ControlReplies::end(unsigned exit_class, const std::string& sentence) {
    pb::ControlReply reply;
    reply.set_id(id_);
    reply.mutable_end()->set_exit_class(exit_class);
    reply.mutable_end()->set_sentence(sentence);
    send(reply);
}

ControlServer::ControlServer(Fd listening, unsigned reading_group, Handler handler)
    : listening_(std::move(listening)), reading_group_(reading_group), handler_(std::move(handler)) {
    acceptor_ = std::jthread([this](const std::stop_token& stop) { accept_until_stopped(stop); });
}

ControlServer::~ControlServer() {
    acceptor_.request_stop();
    acceptor_.join();
    threads_.join();
}

void ControlServer::accept_until_stopped(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        pollfd ready{listening_.get(), POLLIN, 0};
        if (::poll(&ready, 1, 200) <= 0) continue;
        Fd connection(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!connection) {
            std::this_thread::sleep_for(
                std::chrono::milliseconds(50));  // out of descriptors: let others finish
            continue;
        }
        const timeval patience{10, 0};
        ::setsockopt(connection.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        const int raw = connection.release();  // a copyable handle for the task
        boost::asio::post(threads_, [this, raw] { serve(Fd(raw)); });
    }
}

void ControlServer::serve(Fd connection) {
    const auto peer = ipc::peer_of(connection.get());
    if (!peer) return;
    const bool may_change = peer->uid == 0 || peer->uid == ::geteuid();
    ipc::Channel channel(std::move(connection), base::kControlFrameLimit);
    const auto frame = channel.receive(kRequestPatienceMs);
    pb::ControlRequest request;
    if (!frame || !request.ParseFromString(*frame)) return;
    ControlReplies replies(channel, request.id(), may_change);
    if (!may_change && peer->gid != reading_group_)
        return replies.end(3, "only root and the group gatehouse may ask");
    if (request.version() != kControlVersion) {
        return replies.end(3, "the running gateway is of another version than this command; restart it");
    }
    try {
        handler_(request, replies);
    } catch (const std::exception& error) {
        base::log(LogLevel::error, "a control request failed: {}", error.what());
        replies.end(3, error.what());
    }
}

}  // namespace gatehouse::apps
