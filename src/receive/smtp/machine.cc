// The loop, the answers of the shell, and the end of a session.
#include "receive/smtp/machine.h"

#include <algorithm>
#include <utility>

namespace gatehouse::receive::smtp {
namespace {

constexpr int kClosing = 421;

Reply too_early() {
    return {554, "5.5.0", "SMTP protocol synchronisation: you must wait for our reply"};
}

}  // namespace

Machine::Machine(const MachineSettings& settings, Client client)
    : settings_(settings),
      client_(std::move(client)),
      is_permitted_(settings.relay.is_permitted(client_.remote.address)) {
    may_xclient_ = std::any_of(settings.xclient_hosts.begin(), settings.xclient_hosts.end(),
                               [&](const auto& network) { return network.contains(client_.remote.address); });
}

Event Machine::next(std::span<char> input, std::size_t& consumed) {
    consumed = 0;
    while (true) {
        if (aborted_) return *std::exchange(aborted_, std::nullopt);
        if (phase_ == Phase::closed) return Close{close_reason_};
        const bool must_wait = awaiting_ != Awaiting::nothing || phase_ == Phase::tls;
        if (must_wait || output_.size() >= kFlushAt) return Idle{};
        if (phase_ == Phase::greeting) {
            awaiting_ = Awaiting::connect;
            return Connect{by_xclient_};
        }
        std::size_t used = 0;
        Step event = step(input.subspan(consumed), used);
        consumed += used;
        if (!event) continue;
        if (std::holds_alternative<StartTls>(*event)) consumed = input.size();
        return *std::move(event);
    }
}

Machine::Step Machine::step(std::span<char> input, std::size_t& used) {
    if (phase_ == Phase::data) return read_data(input, used);
    if (phase_ == Phase::chunk) return read_chunk(input, used);
    return read_command(input, used);
}

void Machine::accept() {
    switch (awaiting_) {
        case Awaiting::connect:
            return answer({220, "", settings_.hostname + " ESMTP Gatehouse"});
        case Awaiting::mail:
            return answer({250, "2.1.0", "Sender ok"});
        case Awaiting::rcpt:
            return answer({250, "2.1.5", "Recipient ok"});
        case Awaiting::data:
            return answer({354, "", "End with <CR><LF>.<CR><LF>"});
        case Awaiting::tls:
            return answer({220, "2.0.0", "Ready to start TLS"});
        case Awaiting::chunk:
        case Awaiting::message:
            return answer({250, "2.0.0", "Ok"});
        case Awaiting::nothing:
            return;
    }
}

void Machine::answer(const Reply& reply) {
    const Awaiting what = std::exchange(awaiting_, Awaiting::nothing);
    Reply full = reply;
    const bool lacks_enhanced = what != Awaiting::connect && reply.enhanced.empty() && reply.code / 100 != 3;
    if (lacks_enhanced) full.enhanced = std::to_string(reply.code / 100) + ".0.0";
    take_answer(what, full);
    if (reply.code == kClosing && phase_ != Phase::closed) {
        if (what == Awaiting::chunk) send(full);
        close(CloseReason::shut_down);
    }
}

void Machine::take_answer(Awaiting what, const Reply& reply) {
    switch (what) {
        case Awaiting::connect:
            return answer_connect(reply);
        case Awaiting::mail:
            return answer_mail(reply);
        case Awaiting::rcpt:
            return answer_rcpt(reply);
        case Awaiting::data:
            return answer_data(reply);
        case Awaiting::chunk:
            return answer_chunk(reply);
        case Awaiting::message:
            return answer_message(reply);
        case Awaiting::tls:
            send(reply);
            if (reply.is_positive()) phase_ = Phase::tls;
            return;
        case Awaiting::nothing:
            return;
    }
}

void Machine::answer_connect(const Reply& reply) {
    const bool too_soon =
        std::exchange(is_early_, false) && settings_.early_commands == EarlyCommands::refuse;
    send(too_soon ? too_early() : reply);
    // RFC 5321 3.1: behind a 554 greeting the client still gets to say QUIT.
    phase_ = reply.is_positive() ? Phase::commands : Phase::turned_away;
    if (too_soon) close(CloseReason::early);
}

void Machine::answer_mail(const Reply& reply) {
    send(reply);
    if (reply.is_positive()) {
        transaction_.stage = Stage::open;
    } else {
        transaction_ = {};
    }
}

void Machine::answer_rcpt(const Reply& reply) {
    send(reply);
    if (reply.is_positive()) {
        ++transaction_.recipients;
        return;
    }
    count_refused_recipient(reply);
}

void Machine::count_refused_recipient(const Reply& reply) {
    // A hop may put many off for a moment; that is no attempt to find addresses out, but has an end, too.
    constexpr std::uint32_t kWeightOfRejected = 10;
    refused_recipients_ += reply.code < 500 ? 1U : kWeightOfRejected;
    // A message with recipients that stand is ended for put-offs last of all (RFC 5321 section 4.5.3.1.10).
    const std::size_t patience = transaction_.recipients > 0 && reply.code < 500 ? kWeightOfRejected : 1;
    if (refused_recipients_ < patience * kWeightOfRejected * settings_.max_refused_recipients) return;
    send({kClosing, "4.7.0", "Too many refused recipients"});
    close(CloseReason::too_many_errors);
}

void Machine::answer_data(const Reply& reply) {
    const bool too_soon =
        std::exchange(is_early_, false) && settings_.early_commands == EarlyCommands::refuse;
    if (reply.is_positive() && !too_soon) {
        send(reply);
        content_.begin(true, settings_.bare_newline);
        received_ = 0;
        phase_ = Phase::data;
        return;
    }
    send(too_soon ? too_early() : reply);
    drop_transaction(too_soon ? AbortReason::early : AbortReason::refused, too_soon ? too_early() : reply);
    if (too_soon) close(CloseReason::early);
}

void Machine::answer_chunk(const Reply& reply) {
    phase_ = Phase::chunk;
    if (!reply.is_positive()) return kill(AbortReason::refused, reply);
    transaction_.is_chunked = true;
    content_.begin(false, settings_.bare_newline);
}

void Machine::answer_message(const Reply& reply) {
    send(reply);
    if (!reply.is_positive()) return;
    errors_ = 0;
    idle_commands_ = 0;
    refused_recipients_ = 0;
}

void Machine::refuse_message(const Reply& reply) {
    if (reply.code == kClosing) return shut_down(reply);
    if (is_receiving() && transaction_.stage == Stage::open) kill(AbortReason::refused, reply);
}

void Machine::note_early_input() {
    if (awaiting_ == Awaiting::connect) observations_.early_talker = true;
    if (awaiting_ == Awaiting::data) observations_.unauthorised_pipelining = true;
    is_early_ = awaiting_ == Awaiting::connect || awaiting_ == Awaiting::data;
}

void Machine::end_of_input() {
    if (phase_ != Phase::closed) close(CloseReason::peer_closed);
}

void Machine::shut_down(const Reply& reply) {
    if (phase_ == Phase::closed) return;
    send(reply);
    close(CloseReason::shut_down);
}

void Machine::tls_started() {
    restart_session();
    is_tls_ = true;
    phase_ = Phase::commands;
}

std::string Machine::take_output() {
    return std::exchange(output_, std::string());
}

void Machine::send(Reply reply) {
    const bool names_it = reference_.empty() || reply.text.find(reference_) != std::string::npos;
    if (reply.code >= 400 && !names_it) reply.text += "; ref " + reference_;
    append_wire(reply, output_);
}

/// For what the client did wrong.
Machine::Step Machine::refuse(Reply reply) {
    const bool is_error = reply.code >= 500;
    send(std::move(reply));
    if (is_error) count_error();
    return std::nullopt;
}

void Machine::count_error() {
    if (++errors_ < settings_.max_errors || phase_ == Phase::closed) return;
    send({kClosing, "4.7.0", "Too many errors"});
    close(CloseReason::too_many_errors);
}

void Machine::close(CloseReason why) {
    drop_transaction(AbortReason::closed);
    lines_.forget();
    awaiting_ = Awaiting::nothing;
    phase_ = Phase::closed;
    close_reason_ = why;
}

void Machine::drop_transaction(AbortReason why, Reply reply) {
    if (transaction_.stage == Stage::open) aborted_ = Aborted{why, std::move(reply)};
    transaction_ = {};
    content_.release();
}

void Machine::restart_session() {
    drop_transaction(AbortReason::hello);
    lines_.forget();
    hello_.clear();
    is_esmtp_ = false;
}

}  // namespace gatehouse::receive::smtp
