#include "receive/session/session.h"

#include <algorithm>

#include "base/log.h"
#include "receive/smtp/proxy_v2.h"

namespace gatehouse::receive::session {

using base::Fault;
using base::SteadyTime;
using net::Task;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t kCommandRead = 4096;  // what a client can make us hold while the walk is asked
constexpr unsigned kReadsInARow = 16;
constexpr milliseconds kLinger{2000};
constexpr milliseconds kLastWords{2000};

SteadyTime now() {
    return std::chrono::steady_clock::now();
}

Reply stopping_reply() {
    return {421, "4.3.2", "Service is shutting down, try again later"};
}

Reply time_out_reply() {
    return {421, "4.4.2", "Timed out waiting for you"};
}

}  // namespace

Loop::Loop(net::Io& loop, Walk& walk_of_loop, const Shared& shared_parts)
    : io(loop), walk(walk_of_loop), shared(shared_parts), chance(std::random_device{}()) {}

base::Reference Loop::make_reference(base::WallTime now) {
    return base::Reference::make(now, shared.node, static_cast<std::uint32_t>(chance()));
}

Session::Session(Loop& loop, net::Stream stream, smtp::Client client, ConnectionLimits::Place place)
    : loop_(loop),
      settings_(loop.settings),
      stream_(std::move(stream)),
      client_(std::move(client)),
      place_(std::move(place)),
      ends_at_(now() + settings_->session),
      reference_(loop.make_reference(loop.shared.clock.wall())) {}

Task<void> Session::run() {
    std::string failure;
    try {
        co_await run_unguarded();
    } catch (const std::exception& thrown) {
        failure = thrown.what();
        if (failure.empty()) failure = "exception";
    } catch (...) {
        failure = "unknown exception";
    }
    clean_up(failure);
    if (!failure.empty()) co_await apologise();
    stream_.close();
}

/// After an exception: the client hears that it may try again, if that is still possible.
Task<void> Session::apologise() {
    try {
        if (!machine_ || !stream_.is_open()) co_return;
        machine_->shut_down({421, "4.3.0", "Internal fault, try again later"});
        co_await end(smtp::CloseReason::shut_down);
    } catch (const std::exception& thrown) {
        base::log(base::LogLevel::error, "{} {}", reference_.to_string(), thrown.what());
    }
}

/// After an exception: says so, tells the walk, and lets nothing out.
void Session::clean_up(const std::string& failure) {
    intake_.reset();
    if (!failure.empty()) {
        loop_.shared.counters.failures.fetch_add(1, std::memory_order_relaxed);
        base::log(base::LogLevel::error, "{} a session failed and was closed: {}", reference_.to_string(),
                  failure);
    }
    if (transaction_) {
        try {
            loop_.walk.aborted(std::move(transaction_), smtp::AbortReason::closed, Reply{});
        } catch (const std::exception& thrown) {
            base::log(base::LogLevel::error, "{} the walk threw: {}", reference_.to_string(), thrown.what());
        }
    }
}

Task<void> Session::run_unguarded() {
    const bool has_header = co_await take_proxy_header();
    if (!has_header) {
        loop_.shared.counters.turned_away.fetch_add(1, std::memory_order_relaxed);
        co_return;
    }
    machine_.emplace(settings_->machine, client_);
    machine_->set_reference(reference_.to_string());
    const bool is_admitted = co_await admit();
    if (!is_admitted) {
        loop_.shared.counters.turned_away.fetch_add(1, std::memory_order_relaxed);
        co_return;
    }
    co_await talk();
}

/// PROXY protocol version 2 section 2: a listed host must send it, and nobody else may. Nothing is said
/// before it has come, and nothing at all when it is wrong.
Task<bool> Session::take_proxy_header() {
    if (!contains(settings_->proxy_hosts, client_.remote.address)) co_return true;
    const auto deadline = now() + settings_->command;
    while (true) {
        auto header = smtp::parse_proxy_v2(held_);
        if (!header) {
            base::log(base::LogLevel::warning, "{} closed: {}", client_.remote.to_string(),
                      header.error().sentence);
            co_return false;
        }
        if (*header) {
            if ((*header)->source) client_.remote = *(*header)->source;
            if ((*header)->destination) client_.local = *(*header)->destination;
            held_.erase(0, (*header)->length);
            input_ = held_;
            co_return true;
        }
        const auto got = co_await read(kCommandRead, deadline);
        if (!got || *got == 0) co_return false;
        held_.append(loop_.scratch.data(), *got);
    }
}

Task<bool> Session::admit() {
    const bool is_exempt = contains(settings_->exempt, client_.remote.address) || machine_->is_permitted();
    if (is_exempt) co_return true;
    const auto verdict =
        loop_.shared.limits.admit(place_, client_.remote.address, now(), settings_->connections);
    if (verdict.admission == Admission::admitted) co_return true;
    const Reply reply = verdict.admission == Admission::too_many
                            ? Reply{421, "4.7.0", "Too many connections from your address"}
                            : Reply{421, "4.7.0", "Too many new connections from your address, slow down"};
    if (verdict.is_first) note_refusal("connect", "", reply);
    machine_->shut_down(reply);
    const bool said = co_await flush();
    if (said) co_await stream_.finish(now() + kLinger);
    co_return false;
}

Task<void> Session::talk() {
    while (true) {
        std::size_t consumed = 0;
        smtp::Event event = machine_->next(input_, consumed);
        input_ = input_.subspan(consumed);
        if (const auto* content = std::get_if<smtp::Content>(&event)) {
            take_content(content->bytes);
        } else if (std::holds_alternative<smtp::Idle>(event)) {
            co_await idle();
        } else if (const auto* close = std::get_if<smtp::Close>(&event)) {
            const auto why = close->why;
            co_await end(why);
            co_return;
        } else {
            hold_input();
            co_await handle(event);
        }
    }
}

/// Replies go out before more is read; a read buffer is only held while there is something in it.
Task<void> Session::idle() {
    const bool is_open = co_await flush();
    if (!is_open || !input_.empty()) co_return;
    if (!held_.empty()) held_ = std::string();
    co_await read_more();
}

/// False = the connection is gone, which the machine has been told.
Task<bool> Session::flush() {
    const std::string output = machine_->take_output();
    if (output.empty()) co_return true;
    hold_input();
    const bool is_written = co_await write(output, now() + settings_->command);
    if (!is_written) machine_->end_of_input();
    co_return is_written;
}

Task<base::Result<std::size_t>> Session::read(std::size_t size, SteadyTime deadline) {
    // A client that sends as fast as we read would never let others have the loop.
    if (++reads_ % kReadsInARow == 0) {
        co_await net::asio::post(loop_.io, net::asio::use_awaitable_t<net::Executor>());
    }
    waiting_ = Waiting::to_read;
    const auto got = co_await stream_.read_some(std::span(loop_.scratch).first(size), deadline);
    waiting_ = Waiting::nothing;
    co_return got;
}

Task<bool> Session::write(const std::string& output, SteadyTime deadline) {
    waiting_ = Waiting::to_write;
    const auto written = co_await stream_.write_all(output, deadline);
    waiting_ = Waiting::nothing;
    co_return written.has_value();
}

Task<void> Session::read_more() {
    if (should_stop()) {
        machine_->shut_down(stopping_reply());
        co_return;
    }
    const std::size_t size = machine_->is_receiving() ? loop_.scratch.size() : kCommandRead;
    const auto deadline = read_deadline();
    const auto got = co_await read(size, deadline);
    if (got && *got > 0) {
        input_ = std::span(loop_.scratch).first(*got);
    } else if (!got && got.error().fault == Fault::timed_out) {
        note_time_out();
    } else {
        machine_->end_of_input();
    }
}

bool Session::should_stop() const {
    if (stopping_ == Stopping::cut) return true;
    return stopping_ == Stopping::drain && !transaction_ && !machine_->is_receiving();
}

void Session::note_time_out() {
    if (should_stop()) return machine_->shut_down(stopping_reply());
    loop_.shared.counters.timeouts.fetch_add(1, std::memory_order_relaxed);
    const bool has_refused = discard_until_ && refusal_.code != 0;
    machine_->shut_down(has_refused ? refusal_ : time_out_reply());
}

SteadyTime Session::read_deadline() {
    const auto at = now();
    const auto begin = [&](std::optional<SteadyTime>& until, bool is_running, milliseconds time) {
        if (!is_running) {
            until.reset();
        } else if (!until) {
            until = at + time;
        }
    };
    begin(discard_until_, machine_->is_discarding(), settings_->discard);
    begin(command_until_, machine_->is_inside_command(), settings_->command);
    auto deadline = at + (machine_->is_receiving() ? settings_->data : settings_->idle);
    if (!transaction_) deadline = std::min(deadline, ends_at_);
    for (const auto& until : {discard_until_, command_until_, message_until_}) {
        if (until) deadline = std::min(deadline, *until);
    }
    return deadline;
}

/// What is left of a read moves out of the shared buffer before anybody else may run.
void Session::hold_input() {
    if (input_.empty() || input_.data() < loop_.scratch.data() ||
        input_.data() >= loop_.scratch.data() + loop_.scratch.size()) {
        return;
    }
    held_.assign(input_.data(), input_.size());
    input_ = held_;
}

Task<void> Session::end(smtp::CloseReason why) {
    const std::string output = machine_->take_output();
    if (!output.empty() && stream_.is_open()) {
        const bool is_written = co_await write(output, now() + kLastWords);
        if (!is_written) co_return;
    }
    const bool may_still_send = why != smtp::CloseReason::quit && why != smtp::CloseReason::peer_closed;
    if (may_still_send) co_await stream_.finish(now() + kLinger);
    stream_.close();
}

void Session::drain() {
    if (stopping_ == Stopping::no) stopping_ = Stopping::drain;
    if (waiting_ == Waiting::to_read && (!machine_ || should_stop())) stream_.interrupt();
}

void Session::cut() {
    stopping_ = Stopping::cut;
    if (waiting_ != Waiting::nothing) stream_.interrupt();
}

void Session::note_unfinished() {
    if (transaction_) loop_.walk.unfinished(*transaction_);
}

}  // namespace gatehouse::receive::session
