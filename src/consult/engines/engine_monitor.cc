#include "consult/engines/engine_monitor.h"

#include <array>

#include "base/log.h"
#include "consult/engines/clamd_control.h"
#include "ipc/channel.h"
#include "net/deadline.h"

namespace gatehouse::consult::engines {

using base::Fault;
using base::Result;

namespace {

constexpr std::chrono::seconds kVersionPatience{5};
constexpr std::chrono::seconds kBeyondScanTimeout{10};

net::Task<Result<std::string>> read_reply(net::Stream& stream, base::SteadyTime deadline) {
    ReplyBuffer replies;
    std::array<char, 512> block;
    while (true) {
        auto line = replies.next();
        if (!line) co_return std::unexpected(std::move(line).error());
        if (*line) co_return std::move(**line);
        const auto got = co_await stream.read_some(block, deadline);
        if (!got) co_return std::unexpected(got.error());
        if (*got == 0) co_return base::fail(Fault::unavailable, "the engine ended the connection");
        replies.append(std::string_view(block.data(), *got));
    }
}

}  // namespace

EngineMonitor::EngineMonitor(net::Io& io, const base::Clock& clock, ClamdEngine& engine)
    : io_(io), clock_(clock), engine_(engine), timer_(io) {}

net::Task<void> EngineMonitor::run() {
    auto next = clock_.steady();
    while (!stopped_) {
        const auto now = clock_.steady();
        engine_.log.drain(now);
        if (now >= next || !engine_.state.is_up()) {
            co_await check();
            next = clock_.steady() + kInterval;
        }
        if (!stopped_) co_await net::sleep_until(timer_, clock_.steady() + kTick);
    }
}

void EngineMonitor::stop() {
    stopped_ = true;
    timer_.cancel();
    if (asking_ != nullptr) asking_->close();
}

net::Task<void> EngineMonitor::check() {
    const bool was_up = engine_.state.is_up();
    const auto before = engine_.state.generation();
    std::string version;
    const auto generation = co_await ask_generation(version);
    const auto now = clock_.steady();
    if (stopped_) co_return;
    if (!generation) {
        engine_.state.note_down(generation.error().sentence, now);
        if (was_up) base::log(base::LogLevel::warning, "engine: down: {}", generation.error().sentence);
        co_return;
    }
    engine_.state.note_up(*generation, version, now);
    if (!was_up || before != *generation) {
        base::log(base::LogLevel::info, "engine: up, {}, databases {}", version,
                  to_string_generation(*generation));
    }
}

net::Task<Result<std::uint64_t>> EngineMonitor::ask_generation(std::string& version) {
    auto said = co_await ask("VERSION", -1, clock_.steady() + kVersionPatience);
    if (!said) co_return std::unexpected(std::move(said).error());
    version = parse_reply(*said).text;
    if (!probe_) {
        auto made = make_probe_file();
        if (!made) co_return std::unexpected(std::move(made).error());
        probe_ = std::move(*made);
    }
    // Behind long scans the probe may wait as long as they are allowed to take.
    const auto patience = engine_.options.scan_timeout + kBeyondScanTimeout;
    const auto reply = co_await ask("FILDES", probe_.get(), clock_.steady() + patience);
    if (!reply) co_return std::unexpected(reply.error());
    co_return generation_from_probe(*reply, version);
}

net::Task<Result<std::string>> EngineMonitor::ask(std::string_view command, int fd,
                                                  base::SteadyTime deadline) {
    auto connected = ipc::connect_unix_now(engine_.options.socket);
    if (!connected) co_return std::unexpected(std::move(connected).error());
    auto socket = net::adopt_socket(io_, std::move(*connected));
    if (!socket) co_return std::unexpected(std::move(socket).error());
    net::Stream stream(io_, std::move(*socket));
    const auto sent = send_command(stream.socket().native_handle(), command, fd);
    if (!sent) co_return std::unexpected(sent.error());
    asking_ = &stream;
    auto reply = co_await read_reply(stream, deadline);
    asking_ = nullptr;
    co_return reply;
}

}  // namespace gatehouse::consult::engines
