#include "net/dial/dial.h"

#include <sys/socket.h>

#include <cerrno>

#include "net/deadline.h"
#include "net/sockaddr.h"

namespace gatehouse::net::dial {

using base::Endpoint;
using base::Fault;
using base::Fd;
using base::Result;

namespace {

std::unexpected<base::Error> no_connection(const Endpoint& to, int error_number) {
    Fault fault = Fault::unavailable;
    if (error_number == ECONNREFUSED) fault = Fault::refused;
    if (error_number == ETIMEDOUT) fault = Fault::timed_out;
    return base::fail_errno(fault, "no connection to " + to.to_string(), error_number);
}

int pending_error(Socket& socket) {
    int error_number = 0;
    socklen_t length = sizeof error_number;
    if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_ERROR, &error_number, &length) != 0) return errno;
    return error_number;
}

}  // namespace

Task<Result<Stream>> connect(Io& io, Endpoint to, base::SteadyTime deadline) {
    const SockAddr address = to_sockaddr(to);
    Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) co_return base::fail_errno(Fault::limit, "no socket could be made", errno);
    const int begun = ::connect(fd.get(), address.get(), address.length);
    const int reason = begun == 0 ? 0 : errno;
    if (reason != 0 && reason != EINPROGRESS) co_return no_connection(to, reason);
    GATEHOUSE_CO_TRY(Socket socket, adopt_socket(io, std::move(fd)));
    if (reason == EINPROGRESS) {
        SocketWait waiting(io, socket);
        const auto waited = co_await waiting.until(Socket::wait_write, deadline);
        if (!waited) {
            co_return base::fail(waited.error().fault, "no connection to {}: {}", to.to_string(),
                                 waited.error().sentence);
        }
        if (const int failed = pending_error(socket); failed != 0) co_return no_connection(to, failed);
    }
    co_return Stream(io, std::move(socket));
}

}  // namespace gatehouse::net::dial
