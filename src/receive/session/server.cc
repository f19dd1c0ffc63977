#include "receive/session/server.h"

#include <sys/socket.h>

#include <exception>

#include "base/log.h"
#include "net/deadline.h"

namespace gatehouse::receive::session {

using base::Result;
using net::Task;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kLookEvery{20};
constexpr std::string_view kFull = "421 4.3.2 Too many connections, try again later\r\n";

void report(std::exception_ptr failure) {
    if (!failure) return;
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& thrown) {
        base::log(base::LogLevel::error, "a coroutine of the SMTP server failed: {}", thrown.what());
    }
}

}  // namespace

Server::Server(net::Io& io, Walk& walk, const Shared& shared, std::shared_ptr<const SessionSettings> settings)
    : loop_(io, walk, shared) {
    loop_.settings = std::move(settings);
}

Result<void> Server::listen(base::Fd listening) {
    GATEHOUSE_TRY(net::Acceptor acceptor, net::Acceptor::adopt(loop_.io, std::move(listening)));
    acceptors_.push_back(std::move(acceptor));
    net::asio::co_spawn(loop_.io, accept_on(acceptors_.back()), report);
    return {};
}

void Server::apply(std::shared_ptr<const SessionSettings> settings) {
    loop_.settings = std::move(settings);
}

Task<void> Server::accept_on(net::Acceptor& acceptor) {
    while (true) {
        auto accepted = co_await acceptor.accept();
        if (!accepted) co_return;  // closed
        loop_.shared.counters.connections.fetch_add(1, std::memory_order_relaxed);
        try {
            welcome(std::move(*accepted));
        } catch (const std::exception& thrown) {
            base::log(base::LogLevel::error, "a connection was dropped: {}", thrown.what());
        }
    }
}

void Server::welcome(net::Accepted accepted) {
    auto place = loop_.shared.limits.enter(loop_.settings->connections.in_all);
    if (!place) {
        // One try, without a session: when all places are taken, a refusal has to be cheap.
        [[maybe_unused]] const auto sent =
            ::send(accepted.socket.get(), kFull.data(), kFull.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        loop_.shared.counters.turned_away.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    auto socket = net::adopt_socket(loop_.io, std::move(accepted.socket));
    if (!socket) {
        base::log(base::LogLevel::error, "a connection was dropped: {}", socket.error().sentence);
        return;
    }
    smtp::Client client;
    client.remote = accepted.peer;
    client.local = accepted.local;
    sessions_.emplace_front(loop_, net::Stream(loop_.io, std::move(*socket)), std::move(client),
                            std::move(*place));
    net::asio::co_spawn(loop_.io, serve(sessions_.begin()), report);
}

Task<void> Server::serve(std::list<Session>::iterator session) {
    co_await session->run();
    sessions_.erase(session);
}

Task<void> Server::wait_until_empty(base::SteadyTime deadline) {
    net::Timer timer(loop_.io);
    while (!sessions_.empty() && std::chrono::steady_clock::now() < deadline) {
        co_await net::sleep_until(timer, std::chrono::steady_clock::now() + kLookEvery);
    }
}

Task<std::size_t> Server::drain(milliseconds patience, milliseconds last_wait) {
    for (auto& acceptor : acceptors_) acceptor.close();
    for (auto& session : sessions_) session.drain();
    const auto began = std::chrono::steady_clock::now();
    co_await wait_until_empty(began + patience);
    for (auto& session : sessions_) session.cut();
    co_await wait_until_empty(std::chrono::steady_clock::now() + last_wait);
    for (auto& session : sessions_) session.note_unfinished();
    co_return sessions_.size();
}

}  // namespace gatehouse::receive::session
