#include "act/delivery/client_machine.h"

#include <fmt/format.h>

#include <utility>

#include "act/delivery/command.h"

namespace gatehouse::act::delivery {

using base::fail;
using base::Fault;

base::Result<ClientMachine> ClientMachine::make(std::string helo_name, TlsUse tls) {
    GATEHOUSE_CHECK(check_helo_name(helo_name));
    return ClientMachine(std::move(helo_name), tls);
}

ClientMachine::Next ClientMachine::next() const {
    if (phase_ == Phase::failed) return Next::failed;
    if (!output_.empty()) return Next::send;
    if (phase_ == Phase::handshake) return Next::handshake;
    if (phase_ == Phase::ready) return pending_.empty() ? Next::ready : Next::receive;
    return Next::receive;
}

bool ClientMachine::is_idle() const {
    return phase_ == Phase::ready && pending_.empty() && output_.empty() && !transaction_ && !closing_ &&
           !parser_.has_partial();
}

std::unexpected<base::Error> ClientMachine::fail_with(Fault fault, std::string sentence) {
    phase_ = Phase::failed;
    failure_ = base::Error{fault, std::move(sentence)};
    return std::unexpected(failure_);
}

base::Result<void> ClientMachine::receive(std::string_view bytes) {
    if (phase_ == Phase::failed) return std::unexpected(failure_);
    if (phase_ == Phase::handshake)
        return fail_with(Fault::malformed, "the next hop spoke in clear instead of TLS");
    while (!bytes.empty()) {
        const bool nothing_asked = (phase_ == Phase::ready || phase_ == Phase::content) && pending_.empty();
        if (nothing_asked)
            return fail_with(Fault::malformed, "the next hop sent more replies than commands it got");
        auto reply = parser_.take(bytes);
        if (!reply) return fail_with(reply.error().fault, reply.error().sentence);
        if (!*reply) return {};
        GATEHOUSE_CHECK(handle(std::move(**reply), !bytes.empty()));
    }
    return {};
}

base::Result<void> ClientMachine::handle(Reply reply, bool more_follows) {
    if (reply.code == 421) closing_ = true;  // RFC 5321 3.8: may answer any command
    switch (phase_) {
        case Phase::greeting:
            return handle_greeting(reply);
        case Phase::ehlo:
        case Phase::helo:
            return handle_hello(reply);
        case Phase::starttls:
            return handle_starttls(reply, more_follows);
        case Phase::ready:
        case Phase::content:
            return handle_answer(std::move(reply));
        case Phase::handshake:
        case Phase::failed:
            break;
    }
    return fail_with(Fault::internal, "a reply was handled where none can be");
}

void ClientMachine::say(std::string_view verb, std::string_view argument, Phase then) {
    output_ += verb;
    if (!argument.empty()) {
        output_ += ' ';
        output_ += argument;
    }
    output_ += "\r\n";
    phase_ = then;
}

base::Result<void> ClientMachine::handle_greeting(const Reply& reply) {
    if (!reply.is_positive()) {
        return fail_with(Fault::unavailable, fmt::format("the next hop greets with {}", reply.to_string()));
    }
    say("EHLO", helo_name_, Phase::ehlo);
    return {};
}

base::Result<void> ClientMachine::handle_hello(const Reply& reply) {
    const bool was_ehlo = phase_ == Phase::ehlo;
    if (was_ehlo && reply.is_permanent()) {  // RFC 5321 3.2
        say("HELO", helo_name_, Phase::helo);
        return {};
    }
    if (!reply.is_positive()) {
        return fail_with(Fault::unavailable, fmt::format("the next hop answers {} with {}",
                                                         was_ehlo ? "EHLO" : "HELO", reply.to_string()));
    }
    offers_ = was_ehlo ? parse_capabilities(reply) : Capabilities();
    return after_hello();
}

base::Result<void> ClientMachine::after_hello() {
    phase_ = Phase::ready;
    if (secured_ || tls_ == TlsUse::never) return {};
    if (offers_.starttls) {
        say("STARTTLS", {}, Phase::starttls);
        return {};
    }
    if (tls_ == TlsUse::if_offered) return {};
    return fail_with(Fault::refused, "the next hop does not offer STARTTLS, which its tls setting demands");
}

base::Result<void> ClientMachine::handle_starttls(const Reply& reply, bool more_follows) {
    if (!reply.is_positive()) {
        tls_failed_ = true;
        return fail_with(Fault::refused,
                         fmt::format("the next hop answers STARTTLS with {}", reply.to_string()));
    }
    if (more_follows) {
        return fail_with(Fault::malformed,
                         "the next hop's STARTTLS reply had more behind it: somebody may be in between");
    }
    phase_ = Phase::handshake;
    return {};
}

void ClientMachine::secured() {
    if (phase_ != Phase::handshake) return;
    secured_ = true;
    offers_ = Capabilities();  // RFC 3207 4.2: what was said in clear is forgotten
    say("EHLO", helo_name_, Phase::ehlo);
}

base::Result<void> ClientMachine::mail(const message::Envelope& envelope) {
    GATEHOUSE_CHECK(append_mail(output_, envelope, offers_));
    smtputf8_ = envelope.smtputf8 && offers_.smtputf8;
    pending_.push_back(Command::mail);
    return {};
}

base::Result<void> ClientMachine::rcpt(const message::Recipient& recipient) {
    GATEHOUSE_CHECK(append_rcpt(output_, recipient, offers_, smtputf8_));
    pending_.push_back(Command::rcpt);
    return {};
}

void ClientMachine::data() {
    output_ += "DATA\r\n";
    pending_.push_back(Command::data);
}

void ClientMachine::reset() {
    output_ += "RSET\r\n";
    pending_.push_back(Command::rset);
}

void ClientMachine::quit() {
    output_ += "QUIT\r\n";
    pending_.push_back(Command::quit);
    closing_ = true;
}

void ClientMachine::content_sent() {
    content_sent_ = true;
}

base::Result<void> ClientMachine::handle_answer(Reply reply) {
    const Command command = pending_.front();
    pending_.pop_front();
    const bool go_ahead = command == Command::data && reply.code == 354;
    const bool final_answer = reply.is_positive() || reply.is_transient() || reply.is_permanent();
    if (!go_ahead && (!final_answer || (command == Command::data && reply.is_positive()))) {
        return fail_with(Fault::malformed,
                         fmt::format("the next hop's answer fits no question: {}", reply.to_string()));
    }
    if (command == Command::content && !content_sent_) {
        if (reply.is_positive()) {
            return fail_with(Fault::malformed, "the next hop accepted a message before it had all of it");
        }
        closing_ = true;
    }
    if (command == Command::mail) transaction_ = reply.is_positive();
    if (command == Command::content || (command == Command::rset && reply.is_positive()))
        transaction_ = false;
    if (command == Command::rset && !reply.is_positive()) closing_ = true;
    phase_ = go_ahead ? Phase::content : Phase::ready;
    if (go_ahead) {
        pending_.push_back(Command::content);
        content_sent_ = false;
    }
    replies_.push_back(std::move(reply));
    return {};
}

std::optional<Reply> ClientMachine::take_reply() {
    if (replies_.empty()) return std::nullopt;
    Reply reply = std::move(replies_.front());
    replies_.pop_front();
    return reply;
}

}  // namespace gatehouse::act::delivery
