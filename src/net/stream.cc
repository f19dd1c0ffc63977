#include "net/stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "net/deadline.h"

namespace gatehouse::net {

using base::Fault;
using base::Result;
using base::SteadyTime;

namespace {

constexpr std::size_t kMostSwallowed = 1U << 20;
constexpr std::size_t kSwallowAtOnce = 4096;
constexpr std::size_t kMostPieces = 64;          // of one gathering write
constexpr std::size_t kTlsRecord = 16 * 1024;    // RFC 8446 section 5.1
constexpr std::chrono::seconds kListenEvery{1};  // for the peer's word while the socket takes nothing

std::unexpected<base::Error> gone() {
    return base::fail(Fault::unavailable, "the connection is closed");
}

Result<TlsStep> clear_read(int socket, std::span<char> into) {
    const auto got = ::recv(socket, into.data(), into.size(), MSG_DONTWAIT);
    if (got > 0) return TlsStep{TlsState::done, static_cast<std::size_t>(got)};
    if (got == 0) return TlsStep{TlsState::ended};
    if (errno == EAGAIN || errno == EINTR) return TlsStep{TlsState::want_read};
    return base::fail_errno(Fault::unavailable, "the peer closed the connection", errno);
}

Result<TlsStep> clear_write(int socket, std::string_view bytes) {
    const auto sent = ::send(socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) return TlsStep{TlsState::done, static_cast<std::size_t>(sent)};
    if (errno == EAGAIN || errno == EINTR) return TlsStep{TlsState::want_write};
    return base::fail_errno(Fault::unavailable, "the peer closed the connection", errno);
}

Result<TlsStep> clear_write(int socket, std::span<const std::string_view> pieces) {
    std::array<iovec, kMostPieces> vectors;
    const auto count = std::min(pieces.size(), vectors.size());
    for (std::size_t i = 0; i < count; ++i) {
        vectors[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};  // sendmsg does not write there
    }
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = count;
    const auto sent = ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) return TlsStep{TlsState::done, static_cast<std::size_t>(sent)};
    if (errno == EAGAIN || errno == EINTR) return TlsStep{TlsState::want_write};
    return base::fail_errno(Fault::unavailable, "the peer closed the connection", errno);
}

/// Small pieces go into one record. OpenSSL wants the same bytes again after want_write, and gets them: what
/// is gathered depends on the pieces alone.
Result<TlsStep> tls_write(TlsSession& tls, std::span<const std::string_view> pieces) {
    if (pieces.front().size() >= kTlsRecord || pieces.size() == 1) return tls.write(pieces.front());
    std::array<char, kTlsRecord> record;
    std::size_t used = 0;
    for (const auto piece : pieces) {
        const auto taken = std::min(piece.size(), record.size() - used);
        std::copy_n(piece.data(), taken, record.data() + used);
        used += taken;
        if (taken < piece.size()) break;
    }
    return tls.write({record.data(), used});
}

}  // namespace

Result<Socket> adopt_socket(Io& io, base::Fd fd) {
    int family = 0;
    socklen_t length = sizeof family;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_DOMAIN, &family, &length) != 0) {
        return base::fail_errno(Fault::internal, "a descriptor is not a socket", errno);
    }
    Socket socket(io.get_executor());
    ErrorCode error;
    socket.assign(asio::generic::stream_protocol(family, 0), fd.get(), error);
    if (error) return base::fail(Fault::limit, "the event loop takes no more sockets: {}", error.message());
    fd.release();
    socket.non_blocking(true, error);
    if (error) return base::fail(Fault::internal, "a socket cannot be non-blocking: {}", error.message());
    return socket;
}

struct Stream::State {
    State(Io& io, Socket taken) : socket(std::move(taken)), waiting(io, socket) {}

    Result<TlsStep> try_read(std::span<char> into) {
        return tls ? tls->read(into) : clear_read(socket.native_handle(), into);
    }
    Result<TlsStep> try_write(std::string_view bytes) {
        return tls ? tls->write(bytes) : clear_write(socket.native_handle(), bytes);
    }
    Result<TlsStep> try_write(std::span<const std::string_view> pieces) {
        return tls ? tls_write(*tls, pieces) : clear_write(socket.native_handle(), pieces);
    }
    Task<Result<void>> wait(TlsState wanted, SteadyTime deadline) {
        return waiting.until(wanted == TlsState::want_write ? Socket::wait_write : Socket::wait_read,
                             deadline);
    }
    Task<Result<void>> handshake(SteadyTime deadline);
    ssize_t peek();
    void close();

    Socket socket;
    SocketWait waiting;
    std::unique_ptr<TlsSession> tls;
};

void Stream::State::close() {
    if (!socket.is_open()) return;
    if (tls) tls->say_goodbye();
    ErrorCode ignored;
    socket.close(ignored);
}

Stream::Stream(Io& io, Socket socket) : state_(std::make_unique<State>(io, std::move(socket))) {
    const int on = 1;  // fails on unix sockets, which have no such delay
    ::setsockopt(state_->socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;

Stream::~Stream() {
    if (state_) state_->close();
}

Task<Result<void>> Stream::wait_readable(SteadyTime deadline) {
    State& state = *state_;
    if (state.tls && state.tls->has_pending()) co_return Result<void>{};
    co_return co_await state.wait(TlsState::want_read, deadline);
}

/// What a peek at the socket gives: bytes, 0 at the end, negative when there is nothing.
ssize_t Stream::State::peek() {
    if (!socket.is_open()) return -1;
    if (tls && tls->has_pending()) return 1;
    char one = 0;
    return ::recv(socket.native_handle(), &one, 1, MSG_PEEK | MSG_DONTWAIT);
}

bool Stream::is_readable() {
    return state_->peek() >= 0;
}

bool Stream::has_input() {
    return state_->peek() > 0;
}

bool Stream::is_quiet() {
    if (!is_open() || (state_->tls && state_->tls->has_pending())) return false;
    char one = 0;
    const auto got = ::recv(state_->socket.native_handle(), &one, 1, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 && (errno == EAGAIN || errno == EINTR);
}

Task<Result<std::size_t>> Stream::read_some(std::span<char> into, SteadyTime deadline) {
    State& state = *state_;
    while (state.socket.is_open()) {
        GATEHOUSE_CO_TRY(const TlsStep step, state.try_read(into));
        if (step.state == TlsState::done) co_return step.bytes;
        if (step.state == TlsState::ended) co_return std::size_t{0};
        const auto waited = co_await state.wait(step.state, deadline);
        GATEHOUSE_CO_CHECK(waited);
    }
    co_return gone();
}

Task<Result<void>> Stream::write_all(std::string_view bytes, SteadyTime deadline) {
    State& state = *state_;
    while (!bytes.empty()) {
        if (!state.socket.is_open()) co_return gone();
        GATEHOUSE_CO_TRY(const TlsStep step, state.try_write(bytes));
        if (step.state == TlsState::ended) co_return gone();
        bytes.remove_prefix(step.bytes);
        if (step.state == TlsState::done) continue;
        const auto waited = co_await state.wait(step.state, deadline);
        if (!waited) state.close();
        GATEHOUSE_CO_CHECK(waited);
    }
    co_return Result<void>{};
}

Task<Result<std::size_t>> Stream::write_some(std::span<const std::string_view> pieces, SteadyTime deadline) {
    State& state = *state_;
    while (state.socket.is_open()) {
        GATEHOUSE_CO_TRY(const TlsStep step, state.try_write(pieces));
        if (step.state == TlsState::ended) break;
        if (step.state == TlsState::done) co_return step.bytes;
        if (!is_quiet()) co_return std::size_t{0};
        const auto listen_at = std::min(deadline, std::chrono::steady_clock::now() + kListenEvery);
        const auto waited = co_await state.wait(step.state, listen_at);
        // Ended before its time: interrupt() did it.
        const bool in_time = std::chrono::steady_clock::now() >= listen_at && listen_at < deadline;
        if (waited || (waited.error().fault == Fault::timed_out && in_time)) continue;
        state.close();
        GATEHOUSE_CO_CHECK(waited);
    }
    co_return gone();
}

std::size_t Stream::drop_received() {
    std::array<char, kSwallowAtOnce> swallowed;
    std::size_t dropped = 0;
    while (is_open() && dropped < kMostSwallowed) {
        const auto step = state_->try_read(swallowed);
        if (!step || step->state != TlsState::done) break;
        dropped += step->bytes;
    }
    return dropped;
}

Task<Result<void>> Stream::State::handshake(SteadyTime deadline) {
    while (socket.is_open()) {
        GATEHOUSE_CO_TRY(const TlsStep step, tls->handshake());
        if (step.state == TlsState::done) co_return Result<void>{};
        if (step.state == TlsState::ended) break;
        const auto waited = co_await wait(step.state, deadline);
        GATEHOUSE_CO_CHECK(waited);
    }
    co_return gone();
}

Task<Result<void>> Stream::accept_tls(TlsContext& context, SteadyTime deadline) {
    State& state = *state_;
    if (!state.socket.is_open()) co_return gone();
    GATEHOUSE_CO_TRY(state.tls, TlsSession::accept(context, state.socket.native_handle()));
    const auto shaken = co_await state.handshake(deadline);
    if (!shaken) state.close();
    co_return shaken;
}

Task<Result<void>> Stream::connect_tls(TlsContext& context, const std::string& name, SteadyTime deadline) {
    State& state = *state_;
    if (!state.socket.is_open()) co_return gone();
    GATEHOUSE_CO_TRY(state.tls, TlsSession::connect(context, state.socket.native_handle(), name));
    const auto shaken = co_await state.handshake(deadline);
    if (!shaken) state.close();
    co_return shaken;
}

std::optional<TlsInfo> Stream::tls() const {
    if (!state_->tls) return std::nullopt;
    return state_->tls->info();
}

bool Stream::is_open() const {
    return state_ && state_->socket.is_open();
}

void Stream::interrupt() {
    state_->waiting.interrupt();
}

void Stream::close() {
    state_->close();
}

Task<void> Stream::finish(SteadyTime deadline) {
    State& state = *state_;
    if (!state.socket.is_open()) co_return;
    if (state.tls) state.tls->say_goodbye();
    ErrorCode ignored;
    state.socket.shutdown(Socket::shutdown_send, ignored);
    std::size_t swallowed = 0;
    while (state.socket.is_open() && swallowed < kMostSwallowed) {
        const int socket = state.socket.native_handle();
        // TCP discards the bytes in the kernel: nothing is copied, TLS or not.
        const auto got = ::recv(socket, nullptr, kMostSwallowed, MSG_DONTWAIT | MSG_TRUNC);
        if (got > 0) swallowed += static_cast<std::size_t>(got);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) break;
        if (got > 0) continue;
        const auto waited = co_await state.wait(TlsState::want_read, deadline);
        if (!waited) break;
    }
    state.tls.reset();
    state.close();
}

Socket& Stream::socket() {
    return state_->socket;
}

}  // namespace gatehouse::net
