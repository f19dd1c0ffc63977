#include "apps/common/control_server.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/post.hpp>

#include "apps/common/control_client.h"
#include "base/log.h"
#include "base/text.h"

namespace gatehouse::apps {

using base::Fd;
using base::LogLevel;

namespace {

constexpr int kRequestPatienceMs = 5000;
constexpr int kReplyPatienceMs = 10'000;
constexpr std::size_t kRawPiece = 256 * 1024;
constexpr std::size_t kLongestName = 128;
constexpr std::chrono::seconds kLastWords{1};

/// For peers that are not served; an empty socket always takes so little.
void turn_away(Fd connection, const std::string& sentence) {
    ipc::Channel channel(std::move(connection), base::kControlFrameLimit);
    pb::ControlReply reply;
    reply.mutable_end()->set_exit_class(3);
    reply.mutable_end()->set_sentence(sentence);
    (void)channel.send(reply.SerializeAsString(), {}, 0);
}

}  // namespace

void ControlReplies::send(const pb::ControlReply& reply) {
    if (is_gone_) return;
    is_gone_ = !channel_.send(reply.SerializeAsString(), {}, kReplyPatienceMs);
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

void ControlReplies::working() {
    pb::ControlReply reply;
    reply.set_id(id_);
    reply.set_working(true);
    send(reply);
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

/// A connection in service: the server can end it from outside.
class ControlServer::Open {
  public:
    Open(ControlServer& server, int socket) : server_(server), socket_(socket) {
        const std::lock_guard lock(server_.mutex_);
        is_welcome_ = !server_.is_ending_;
        server_.open_.insert(socket_);
    }
    ~Open() {
        const std::lock_guard lock(server_.mutex_);
        server_.open_.erase(socket_);
        server_.closed_.notify_all();
    }
    Open(const Open&) = delete;
    Open& operator=(const Open&) = delete;

    bool is_welcome() const { return is_welcome_; }

  private:
    ControlServer& server_;
    int socket_;
    bool is_welcome_ = false;
};

ControlServer::~ControlServer() {
    acceptor_.request_stop();
    acceptor_.join();
    std::unique_lock lock(mutex_);
    is_ending_ = true;
    for (const int socket : open_) ::shutdown(socket, SHUT_RD);
    // Whoever has an answer ready may still give it.
    closed_.wait_for(lock, kLastWords, [&] { return open_.empty(); });
    for (const int socket : open_) ::shutdown(socket, SHUT_RDWR);
    lock.unlock();
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
        admit(std::move(connection));
    }
}

void ControlServer::admit(Fd connection) {
    const auto peer = ipc::peer_of(connection.get());
    if (!peer) return;
    if (ipc::rights_of(*peer, reading_group_) == ipc::PeerRights::none) {
        return turn_away(std::move(connection), "only root and the group gatehouse may ask");
    }
    if (waiting_.load() >= kMaxWaiting) {
        return turn_away(std::move(connection), "too many requests are waiting already; try again later");
    }
    ++waiting_;
    const auto shared = std::make_shared<Fd>(std::move(connection));  // a task has to be copyable
    boost::asio::post(threads_, [this, shared, who = *peer] {
        --waiting_;
        serve(std::move(*shared), who);
    });
}

void ControlServer::serve(Fd connection, const ipc::PeerIds& peer) {
    const bool may_change = ipc::rights_of(peer, reading_group_) == ipc::PeerRights::change;
    ipc::Channel channel(std::move(connection), base::kControlFrameLimit);
    const Open open(*this, channel.socket());
    if (!open.is_welcome()) return;
    const auto frame = channel.receive(kRequestPatienceMs);
    pb::ControlRequest request;
    if (!frame || !request.ParseFromString(*frame)) return;
    ControlReplies replies(channel, request.id(), may_change);
    if (request.version() != kControlVersion) {
        return replies.end(3, "the running gateway is of another version than this command; restart it");
    }
    if (request.has_quarantine()) {
        auto& quarantine = *request.mutable_quarantine();
        quarantine.set_who(signed_name(quarantine.who(), peer.uid));
    }
    if (request.has_queue()) request.mutable_queue()->set_who(signed_name(request.queue().who(), peer.uid));
    try {
        handler_(request, replies);
    } catch (const std::exception& error) {
        base::log(LogLevel::error, "a control request failed: {}", error.what());
        replies.end(3, error.what());
    }
}

std::string signed_name(std::string_view claimed, unsigned uid) {
    const auto name = base::printable(claimed, kLongestName);
    return fmt::format("{} (uid {})", name.empty() ? "somebody" : name, uid);
}

}  // namespace gatehouse::apps
