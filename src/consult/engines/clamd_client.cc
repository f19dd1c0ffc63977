#include "consult/engines/clamd_client.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/fd_passing.h"
#include "ipc/channel.h"
#include "message/evidence.h"
#include "net/deadline.h"
#include "net/stream.h"

namespace gatehouse::consult::engines {

using base::Fault;
using base::Result;
using base::SteadyTime;
using message::AnswerState;

struct ClamdClient::Connection {
    Connection(net::Io& io, net::Socket socket) : stream(io, std::move(socket)) {}
    net::Stream stream;
    ReplyBuffer replies;
    std::uint64_t number = 0;  // of the last command
};

struct ClamdClient::Waiter {
    explicit Waiter(net::Io& io) : timer(io) {}
    net::Timer timer;
    bool granted = false;
};

namespace {

ScanOutcome unavailable(std::string why, bool failed_on_it) {
    return {.judgement = {.state = AnswerState::unavailable,
                          .name = std::move(why),
                          .gap_reason = {},
                          .repeatable = false},
            .failed_on_it = failed_on_it};
}

ScanOutcome not_scanned(std::string why, message::GapReason reason) {
    return {.judgement = {.state = AnswerState::not_scanned,
                          .name = std::move(why),
                          .gap_reason = std::string(message::to_string(reason)),
                          .repeatable = false},
            .failed_on_it = false};
}

/// Neither bytes nor an end have arrived.
bool is_quiet(net::Stream& stream) {
    char byte = 0;
    const ssize_t got = ::recv(stream.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

/// clamd answers OK for a descriptor that it cannot read, so that must not reach it.
std::optional<ScanOutcome> refuse_unfit(int fd, std::uint64_t max_bytes) {
    struct stat info{};
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == O_WRONLY || (flags & O_PATH) != 0 || ::fstat(fd, &info) != 0 ||
        !S_ISREG(info.st_mode)) {
        return not_scanned("no readable file was handed over", message::GapReason::refused);
    }
    if (static_cast<std::uint64_t>(info.st_size) > max_bytes)
        return not_scanned("larger than the engine's limit", message::GapReason::too_large);
    return std::nullopt;
}

}  // namespace

ClamdClient::ClamdClient(net::Io& io, const base::Clock& clock, ClamdEngine& engine)
    : io_(io), clock_(clock), engine_(engine), free_slots_(engine.options.slots) {}

ClamdClient::~ClamdClient() = default;

net::Task<ScanOutcome> ClamdClient::scan(int fd, SteadyTime deadline) {
    if (auto refused = refuse_unfit(fd, engine_.options.max_file_bytes)) co_return std::move(*refused);
    if (!engine_.state.is_up()) co_return unavailable("the engine is loading or down", false);
    const bool has_slot = co_await acquire_slot(deadline);
    if (!has_slot) co_return unavailable("the engine is busy", false);
    ScanOutcome outcome = co_await scan_in_slot(fd, deadline);
    release_slot();
    co_return outcome;
}

net::Task<bool> ClamdClient::acquire_slot(SteadyTime deadline) {
    if (free_slots_ > 0) {
        --free_slots_;
        co_return true;
    }
    if (waiters_.size() >= engine_.options.waiting) co_return false;
    Waiter self(io_);
    waiters_.push_back(&self);
    co_await net::sleep_until(self.timer, deadline);
    if (!self.granted) std::erase(waiters_, &self);
    co_return self.granted;
}

void ClamdClient::release_slot() {
    if (waiters_.empty()) {
        ++free_slots_;
        return;
    }
    Waiter* next = waiters_.front();
    waiters_.pop_front();
    next->granted = true;
    next->timer.cancel();
}

/// Nothing may have arrived on an idle connection: an end, or a reply that nobody asked for.
ClamdClient::ConnectionPtr ClamdClient::take_idle() {
    while (!idle_.empty()) {
        ConnectionPtr connection = std::move(idle_.back());
        idle_.pop_back();
        if (connection->stream.is_open() && is_quiet(connection->stream)) return connection;
    }
    return nullptr;
}

Result<ClamdClient::ConnectionPtr> ClamdClient::connect() {
    GATEHOUSE_TRY(base::Fd fd, ipc::connect_unix_now(engine_.options.socket));
    GATEHOUSE_TRY(net::Socket socket, net::adopt_socket(io_, std::move(fd)));
    return std::make_unique<Connection>(io_, std::move(socket));
}

net::Task<ScanOutcome> ClamdClient::scan_in_slot(int fd, SteadyTime deadline) {
    const std::uint64_t shortages = engine_.log.drain(clock_.steady());
    while (true) {
        ConnectionPtr connection = take_idle();
        const bool reused = connection != nullptr;
        if (!reused) {
            auto fresh = connect();
            if (!fresh) {
                engine_.state.note_down(fresh.error().sentence, clock_.steady());
                co_return unavailable(fresh.error().sentence, false);
            }
            connection = std::move(*fresh);
        }
        const Result<Reply> reply = co_await exchange(*connection, fd, deadline);
        if (reply) {
            if (connection->replies.pending() == 0) idle_.push_back(std::move(connection));
            co_return finish(*reply, shortages);
        }
        // A session that the engine gave up while it was idle says nothing about this content.
        if (reused && reply.error().fault == Fault::unavailable) continue;
        co_return unavailable(reply.error().sentence, true);
    }
}

net::Task<Result<Reply>> ClamdClient::exchange(Connection& connection, int fd, SteadyTime deadline) {
    using namespace std::string_view_literals;
    const bool first = connection.number++ == 0;
    // The descriptor travels with the command's first byte; the last NUL is the byte clamd expects it with.
    const std::string_view session = first ? "zIDSESSION\0"sv : ""sv;
    const std::array<int, 1> fds{fd};
    const auto sent =
        base::send_with_fds(connection.stream.socket().native_handle(), session, "zFILDES\0\0"sv, fds);
    if (!sent) co_return std::unexpected(sent.error());
    // An empty socket buffer takes these few bytes whole, unless the peer has stopped reading.
    if (*sent != session.size() + 9) co_return base::fail(Fault::timed_out, "the engine does not read");
    co_return co_await read_reply(connection, deadline);
}

net::Task<Result<Reply>> ClamdClient::read_reply(Connection& connection, SteadyTime deadline) {
    std::array<char, 512> block;
    while (true) {
        auto line = connection.replies.next();
        if (!line) co_return std::unexpected(std::move(line).error());
        if (*line) {
            Reply reply = parse_reply(**line);
            if (reply.number == connection.number) co_return reply;
            co_return base::fail(Fault::malformed, "the engine answered what was not asked");
        }
        const auto got = co_await connection.stream.read_some(block, deadline);
        if (!got) co_return std::unexpected(got.error());
        if (*got == 0) co_return base::fail(Fault::unavailable, "the engine ended the connection");
        connection.replies.append(std::string_view(block.data(), *got));
    }
}

ScanOutcome ClamdClient::finish(const Reply& reply, std::uint64_t shortages_before) {
    ScanOutcome out{.judgement = judge(reply), .failed_on_it = false};
    if (out.judgement.state == AnswerState::clean && engine_.log.drain(clock_.steady()) != shortages_before)
        return unavailable("the engine ran out of space or memory", true);
    out.failed_on_it = out.judgement.state == AnswerState::unavailable;
    return out;
}

}  // namespace gatehouse::consult::engines
