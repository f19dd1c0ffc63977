#include "net/listen.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/log.h"
#include "net/deadline.h"
#include "net/sockaddr.h"
#include "net/stream.h"

namespace gatehouse::net {

using base::Endpoint;
using base::Fault;
using base::Fd;
using base::Result;

namespace {

constexpr int kBacklog = 1024;  // the kernel lowers it to net.core.somaxconn
constexpr std::chrono::milliseconds kBackOff{100};
constexpr std::chrono::minutes kComplainEvery{1};
constexpr unsigned kMostInARow = 32;

std::unexpected<base::Error> cannot_listen(const Endpoint& endpoint, int error_number) {
    std::string_view advice;
    switch (error_number) {
        case EACCES:
            advice = "; a port below 1024 needs root or CAP_NET_BIND_SERVICE";
            break;
        case EADDRINUSE:
            advice = "; another program listens there (see: ss -ltnp)";
            break;
        case EADDRNOTAVAIL:
            advice = "; no interface of this machine has that address";
            break;
        default:
            break;
    }
    auto error =
        base::fail_errno(Fault::unavailable, "cannot listen on " + endpoint.to_string(), error_number);
    error.error().sentence += advice;
    return error;
}

bool switch_on(int socket, int level, int option) {
    const int on = 1;
    return ::setsockopt(socket, level, option, &on, sizeof on) == 0;
}

Result<Fd> bound_socket(const Endpoint& endpoint, bool shared) {
    const SockAddr address = to_sockaddr(endpoint);
    Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return cannot_listen(endpoint, errno);
    bool ready = switch_on(fd.get(), SOL_SOCKET, SO_REUSEADDR);
    if (shared) ready = ready && switch_on(fd.get(), SOL_SOCKET, SO_REUSEPORT);
    if (address.family() == AF_INET6) ready = ready && switch_on(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY);
    if (!ready || ::bind(fd.get(), address.get(), address.length) != 0) return cannot_listen(endpoint, errno);
    return fd;
}

bool is_shortage(int error_number) {
    return error_number == EMFILE || error_number == ENFILE || error_number == ENOBUFS ||
           error_number == ENOMEM;
}

}  // namespace

Result<std::vector<Fd>> listen_on(std::string_view text, std::size_t count) {
    GATEHOUSE_TRY(Endpoint endpoint, Endpoint::parse(text));
    if (endpoint.port != 0) {
        // Without SO_REUSEPORT the kernel refuses a port that anybody listens on.
        GATEHOUSE_CHECK(bound_socket(endpoint, false));
    }
    std::vector<Fd> out;
    while (out.size() < count) {
        GATEHOUSE_TRY(Fd fd, bound_socket(endpoint, true));
        if (endpoint.port == 0) endpoint.port = local_endpoint(fd.get()).port;
        if (::listen(fd.get(), kBacklog) != 0) return cannot_listen(endpoint, errno);
        out.push_back(std::move(fd));
    }
    return out;
}

Result<Endpoint> bound_to(int listening) {
    int is_listening = 0;
    socklen_t length = sizeof is_listening;
    if (::getsockopt(listening, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &length) != 0 ||
        is_listening == 0) {
        return base::fail(Fault::internal, "descriptor {} is not a listening socket", listening);
    }
    return local_endpoint(listening);
}

Result<Acceptor> Acceptor::adopt(Io& io, Fd listening) {
    GATEHOUSE_TRY(const Endpoint local, bound_to(listening.get()));
    GATEHOUSE_TRY(Socket socket, adopt_socket(io, std::move(listening)));
    return Acceptor(io, std::move(socket), local);
}

Task<void> Acceptor::back_off(int reason) {
    const auto now = std::chrono::steady_clock::now();
    if (complained_ == base::SteadyTime{} || now - complained_ >= kComplainEvery) {
        complained_ = now;
        base::log(base::LogLevel::error, "connections on {} wait: {} (raise the limit of open files?)",
                  local_.to_string(), base::fail_errno(Fault::limit, "accept", reason).error().sentence);
    }
    co_await sleep_until(pause_, now + kBackOff);
}

Task<Result<Accepted>> Acceptor::accept() {
    while (socket_.is_open()) {
        if (++in_a_row_ > kMostInARow) {
            in_a_row_ = 0;
            co_await asio::post(socket_.get_executor(), asio::use_awaitable_t<Executor>());
            continue;
        }
        Accepted accepted;
        SockAddr peer;
        accepted.socket =
            Fd(::accept4(socket_.native_handle(), peer.get(), &peer.length, SOCK_CLOEXEC | SOCK_NONBLOCK));
        const int reason = errno;
        if (accepted.socket) {
            accepted.peer = to_endpoint(peer);
            // Behind a wildcard the address a connection came to shows only on the connection.
            accepted.local = local_.address.is_wildcard() ? local_endpoint(accepted.socket.get()) : local_;
            co_return accepted;
        }
        if (is_shortage(reason)) {
            co_await back_off(reason);
        } else if (reason == EAGAIN) {
            in_a_row_ = 0;
            co_await socket_.async_wait(Socket::wait_read, kTuple);
        }
        // Anything else concerns the connection that was to be taken, which died meanwhile: accept(2).
    }
    co_return base::fail(Fault::unavailable, "no longer listening on {}", local_.to_string());
}

void Acceptor::close() {
    ErrorCode ignored;
    socket_.close(ignored);
    pause_.cancel();
}

}  // namespace gatehouse::net
