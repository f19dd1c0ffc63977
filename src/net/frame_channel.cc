#include "net/frame_channel.h"

#include <algorithm>
#include <array>

#include "base/fd_passing.h"
#include "base/frame.h"
#include "net/deadline.h"
#include "net/stream.h"

namespace gatehouse::net {

using base::Fault;
using base::Fd;
using base::Result;
using base::SteadyTime;

namespace {

constexpr std::size_t kReadSize = 16 * 1024;
constexpr unsigned kStepsInARow = 16;

std::unexpected<base::Error> gone() {
    return base::fail(Fault::unavailable, "the peer process is gone");
}

std::unexpected<base::Error> too_late() {
    return base::fail(Fault::timed_out, "the peer process did not come to an end in time");
}

bool is_past(SteadyTime deadline) {
    return std::chrono::steady_clock::now() >= deadline;
}

}  // namespace

struct FrameChannel::State {
    State(Io& io, Socket taken, std::uint32_t limit)
        : socket(std::move(taken)), reading(io, socket), writing(io, socket), buffer(limit) {}

    Result<void> read_some();
    bool is_turn_over() { return ++steps % kStepsInARow == 0; }
    Task<void> let_others_run();
    void close() {
        ErrorCode ignored;
        socket.close(ignored);
    }

    Socket socket;
    SocketWait reading;
    SocketWait writing;
    base::FrameBuffer buffer;
    std::deque<Fd> fds;
    unsigned steps = 0;  // frames and reads
};

Result<void> FrameChannel::State::read_some() {
    std::array<char, kReadSize> bytes;
    GATEHOUSE_TRY(const std::size_t got, base::receive_with_fds(socket.native_handle(), bytes, fds));
    if (got == 0) return gone();
    if (fds.size() > base::kMaxPassedFds) {
        return base::fail(Fault::malformed, "the peer process sent {} descriptors that no frame names",
                          fds.size());
    }
    buffer.append({bytes.data(), got});
    return {};
}

/// A peer that is always ready would never let others have the loop.
Task<void> FrameChannel::State::let_others_run() {
    co_await asio::post(socket.get_executor(), asio::use_awaitable_t<Executor>());
}

Result<FrameChannel> FrameChannel::adopt(Io& io, Fd unix_socket, std::uint32_t frame_limit) {
    GATEHOUSE_TRY(Socket socket, adopt_socket(io, std::move(unix_socket)));
    return FrameChannel(std::make_unique<State>(io, std::move(socket), frame_limit));
}

FrameChannel::FrameChannel(std::unique_ptr<State> state) : state_(std::move(state)) {}
FrameChannel::FrameChannel(FrameChannel&&) noexcept = default;
FrameChannel& FrameChannel::operator=(FrameChannel&&) noexcept = default;
FrameChannel::~FrameChannel() = default;

Task<Result<void>> FrameChannel::send(std::string_view payload, std::span<const int> fds,
                                      SteadyTime deadline) {
    State& state = *state_;
    const std::string header = base::frame_header(payload.size());
    const std::size_t total = header.size() + payload.size();
    std::size_t sent = 0;
    while (true) {
        if (!state.socket.is_open()) co_return gone();
        const auto head = std::string_view(header).substr(std::min(sent, header.size()));
        const auto body = payload.substr(sent - std::min(sent, header.size()));
        const auto taken = base::send_with_fds(state.socket.native_handle(), head, body,
                                               sent == 0 ? fds : std::span<const int>());
        if (!taken) state.close();
        GATEHOUSE_CO_CHECK(taken);
        sent += *taken;
        if (sent == total) co_return Result<void>{};
        auto may_go_on = is_past(deadline) ? Result<void>(too_late()) : Result<void>();
        if (may_go_on && *taken == 0) {
            may_go_on = co_await state.writing.until(Socket::wait_write, deadline);
        }
        if (!may_go_on) state.close();
        GATEHOUSE_CO_CHECK(may_go_on);
        if (state.is_turn_over()) co_await state.let_others_run();
    }
}

Task<Result<std::string>> FrameChannel::receive(SteadyTime deadline) {
    State& state = *state_;
    for (bool is_first = true;; is_first = false) {
        if (state.is_turn_over()) co_await state.let_others_run();
        auto frame = state.buffer.next();
        if (!frame) state.close();
        GATEHOUSE_CO_CHECK(frame);
        if (*frame) co_return std::move(**frame);
        if (!state.socket.is_open()) co_return gone();
        if (!is_first && is_past(deadline)) co_return too_late();
        const auto read = state.read_some();
        if (read) continue;
        if (read.error().fault != Fault::timed_out) {
            state.close();
            co_return std::unexpected(read.error());
        }
        const auto waited = co_await state.reading.until(Socket::wait_read, deadline);
        GATEHOUSE_CO_CHECK(waited);
    }
}

Result<Fd> FrameChannel::take_fd() {
    return base::take_first(state_->fds);
}

std::size_t FrameChannel::untaken_fds() const {
    return state_->fds.size();
}

std::size_t FrameChannel::unread_bytes() const {
    return state_->buffer.pending();
}

bool FrameChannel::is_open() const {
    return state_ && state_->socket.is_open();
}

void FrameChannel::close() {
    state_->close();
}

int FrameChannel::socket() const {
    return const_cast<Socket&>(state_->socket).native_handle();
}

}  // namespace gatehouse::net
