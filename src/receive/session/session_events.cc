// The machine's questions, put to the walk.
#include <fmt/format.h>

#include "base/log.h"
#include "receive/session/session.h"

namespace gatehouse::receive::session {

using base::SteadyTime;
using net::Task;

namespace {

/// Steps of one transaction that are kept; recipients beyond have their outcomes in the record all the same.
constexpr std::size_t kMostSteps = 256;

Reply no_memory() {
    return {452, "4.3.1", "No room for your message at present, try again later"};
}

std::string in_words(const Reply& reply) {
    return fmt::format("{} {} {}", reply.code, reply.enhanced, reply.text);
}

/// RFC 3848, RFC 6531 section 4.3.
std::string protocol_name(bool is_esmtp, bool is_tls, bool is_utf8) {
    if (is_utf8) return is_tls ? "UTF8SMTPS" : "UTF8SMTP";
    if (is_tls) return "ESMTPS";
    return is_esmtp ? "ESMTP" : "SMTP";
}

}  // namespace

Task<void> Session::handle(smtp::Event& event) {
    return std::visit(
        [this](auto& what) -> Task<void> {
            using What = std::remove_reference_t<decltype(what)>;
            if constexpr (std::is_same_v<What, smtp::Idle> || std::is_same_v<What, smtp::Content> ||
                          std::is_same_v<What, smtp::Close>) {
                return idle();  // never: talk() has dealt with these
            } else {
                return on(std::move(what));
            }
        },
        event);
}

message::Client Session::describe_client() const {
    const smtp::Client& from = machine_->client();
    const auto& seen = machine_->observations();
    message::Client out;
    if (!from.remote.address.is_unspecified())
        out.address = from.remote.address.to_string();  // else not known
    out.port = from.remote.port;
    out.helo = machine_->hello();
    out.protocol = protocol_name(machine_->is_esmtp(), machine_->is_tls(), false);
    if (const auto tls = stream_.tls()) {
        out.tls_version = tls->version;
        out.tls_cipher = tls->cipher;
    }
    out.permitted_sender = machine_->is_permitted();
    out.early_talker = seen.early_talker;
    out.unauthorised_pipelining = seen.unauthorised_pipelining || seen.dropped_before_tls > 0;
    return out;
}

message::Envelope Session::connection_envelope() const {
    message::Envelope out;
    out.reference = reference_;
    out.received = loop_.shared.clock.wall();
    out.client = describe_client();
    return out;
}

void Session::add_step(const char* name, const Reply& reply) {
    if (transaction_->steps.size() >= kMostSteps) return;
    const auto since = std::chrono::steady_clock::now() - transaction_->began;
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(since).count();
    transaction_->steps.push_back({name, static_cast<std::uint64_t>(micros), in_words(reply)});
}

/// A walk that has nothing to say lets the machine find the words.
void Session::answer(const Reply& reply) {
    if (reply.is_positive() && reply.text.empty()) {
        machine_->accept();
    } else {
        machine_->answer(reply);
    }
}

Task<void> Session::on(smtp::Connect event) {
    if (!event.is_xclient) {
        if (settings_->greeting_delay.count() > 0 && input_.empty()) {
            const auto until = std::chrono::steady_clock::now() + settings_->greeting_delay;
            // Whether it spoke or not is asked below.
            [[maybe_unused]] const auto waited = co_await stream_.wait_readable(until);
        }
        if (!input_.empty() || stream_.has_input()) machine_->note_early_input();
    }
    const message::Envelope envelope = connection_envelope();
    const Reply reply = co_await loop_.walk.connect(envelope);
    if (reply.is_positive()) {
        machine_->accept();
        co_return;
    }
    loop_.shared.counters.turned_away.fetch_add(1, std::memory_order_relaxed);
    machine_->answer(reply);
}

std::unique_ptr<Transaction> Session::make_transaction(const smtp::Mail& mail) {
    auto made = std::make_unique<Transaction>();
    made->began = std::chrono::steady_clock::now();
    auto& envelope = made->envelope;
    envelope = connection_envelope();
    envelope.reference = loop_.make_reference(envelope.received);
    envelope.client.protocol = protocol_name(machine_->is_esmtp(), machine_->is_tls(), mail.smtputf8);
    envelope.sender = mail.sender;
    envelope.declared_size = mail.declared_size;
    envelope.smtputf8 = mail.smtputf8;
    envelope.eight_bit = mail.eight_bit;
    envelope.ret = mail.ret;
    envelope.envid = mail.envid;
    made->steps.push_back({"connect", 0, "220"});
    return made;
}

/// The session's own answer to MAIL; code 0 = nothing against it.
Reply Session::reserve_for(const smtp::Mail& mail) {
    if (stopping_ != Stopping::no) return {421, "4.3.2", "Service is shutting down, try again later"};
    intake_.emplace(loop_.shared.memory);
    return intake_->reserve(mail.declared_size) ? Reply{} : no_memory();
}

Task<void> Session::on(smtp::Mail event) {
    transaction_ = make_transaction(event);
    machine_->set_reference(transaction_->envelope.reference.to_string());
    Reply reply = reserve_for(event);
    if (reply.code != 0) {
        loop_.walk.refused(transaction_->envelope, {"mail", "", reply});
    } else {
        reply = co_await loop_.walk.mail(*transaction_);
    }
    add_step("mail", reply);
    answer(reply);
    if (reply.is_positive()) {
        loop_.shared.counters.transactions.fetch_add(1, std::memory_order_relaxed);
    } else {
        forget_transaction();
    }
}

Task<void> Session::on(smtp::Rcpt event) {
    Reply reply = no_memory();
    const auto& recipient = event.recipient;
    if (intake_->add_recipient(recipient.address.size() + recipient.orcpt.size())) {
        reply = co_await loop_.walk.rcpt(*transaction_, recipient);
    } else {
        loop_.walk.refused(transaction_->envelope, {"rcpt", recipient.address, reply});
    }
    add_step("rcpt", reply);
    if (reply.is_positive()) transaction_->envelope.recipients.push_back(std::move(event.recipient));
    answer(reply);
}

Task<void> Session::on(smtp::BodyBegin event) {
    if (!event.is_chunked && stream_.has_input()) machine_->note_early_input();
    message_until_ = std::chrono::steady_clock::now() + settings_->message;
    const auto opened = intake_->open();
    if (!opened) {
        base::log(base::LogLevel::error, "{} {}", transaction_->envelope.reference.to_string(),
                  opened.error().sentence);
        machine_->answer(no_memory());
        co_return;
    }
    add_step("data", {354, "", ""});
    machine_->accept();
}

void Session::take_content(std::span<const char> bytes) {
    const auto taken = intake_->append({bytes.data(), bytes.size()});
    if (taken) return;
    base::log(base::LogLevel::warning, "{} {}", transaction_->envelope.reference.to_string(),
              taken.error().sentence);
    machine_->refuse_message(no_memory());
}

Task<void> Session::on(smtp::MessageEnd event) {
    auto& counters = loop_.shared.counters;
    counters.messages.fetch_add(1, std::memory_order_relaxed);
    counters.bytes.fetch_add(event.size, std::memory_order_relaxed);
    transaction_->envelope.size = event.size;
    const auto& seen = machine_->observations();
    transaction_->envelope.client.unauthorised_pipelining |= seen.unauthorised_pipelining;
    auto sealed = intake_->seal();
    Reply reply = {451, "4.3.0", "The message could not be taken, try again later"};
    if (sealed) {
        reply = co_await loop_.walk.message(*transaction_, std::move(*sealed));
    } else {
        base::log(base::LogLevel::error, "{} {}", transaction_->envelope.reference.to_string(),
                  sealed.error().sentence);
        loop_.walk.aborted(std::move(transaction_), smtp::AbortReason::refused, reply);
    }
    if (reply.is_positive()) counters.accepted.fetch_add(1, std::memory_order_relaxed);
    answer(reply);
    forget_transaction();
}

Task<void> Session::on(smtp::Aborted event) {
    refusal_ = event.reply;
    const std::string reference = transaction_ ? transaction_->envelope.reference.to_string() : "";
    if (transaction_) loop_.walk.aborted(std::move(transaction_), event.why, event.reply);
    forget_transaction();
    // What is left of it is swallowed now, and the refusal behind that is still this message's.
    if (machine_->is_discarding() && !reference.empty()) machine_->set_reference(reference);
    co_return;
}

Task<void> Session::on(smtp::Refused event) {
    if (event.is_recipient && transaction_) {
        loop_.walk.refused(transaction_->envelope, {"rcpt", event.argument, event.reply});
        co_return;
    }
    note_refusal(event.is_recipient ? "rcpt" : "mail", event.argument, event.reply);
}

/// Outside of any transaction: under a reference of its own, which the reply has named.
void Session::note_refusal(const std::string& step, const std::string& argument, const Reply& reply) {
    message::Envelope envelope = connection_envelope();
    if (step == "mail") envelope.sender = argument;
    loop_.walk.refused(envelope, {step, step == "rcpt" ? argument : "", reply});
    reference_ = loop_.make_reference(loop_.shared.clock.wall());  // for the next one
    if (machine_) machine_->set_reference(reference_.to_string());
}

Task<void> Session::on(smtp::StartTls event) {
    // RFC 3207 section 4.2: what came in clear so far is gone; the handshake starts on what comes after our
    // 220.
    input_ = {};
    const std::size_t dropped = event.dropped + stream_.drop_received();
    if (dropped > 0) {
        base::log(base::LogLevel::warning, "{} {} bytes sent in clear behind STARTTLS were dropped",
                  reference_.to_string(), dropped);
    }
    machine_->accept();
    const bool said = co_await flush();
    if (!said) co_return;
    auto& counters = loop_.shared.counters;
    const auto shaken =
        co_await stream_.accept_tls(*settings_->tls, std::chrono::steady_clock::now() + settings_->command);
    if (shaken) {
        counters.tls_sessions.fetch_add(1, std::memory_order_relaxed);
        machine_->tls_started();
        co_return;
    }
    counters.tls_failures.fetch_add(1, std::memory_order_relaxed);
    base::log(base::LogLevel::info, "{} {}: {}", reference_.to_string(), client_.remote.address.to_string(),
              shaken.error().sentence);
    machine_->end_of_input();
}

void Session::forget_transaction() {
    transaction_.reset();
    intake_.reset();
    message_until_.reset();
    machine_->set_reference(reference_.to_string());
}

}  // namespace gatehouse::receive::session
