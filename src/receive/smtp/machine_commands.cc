// The verbs.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "receive/smtp/command.h"
#include "receive/smtp/machine.h"
#include "receive/smtp/xclient.h"

namespace gatehouse::receive::smtp {
namespace {

bool is_control(char c) {
    return (c >= '\0' && c < ' ' && c != '\t') || c == '\x7F';
}

Reply bad_sequence(std::string_view text) {
    return {503, "5.5.1", std::string(text)};
}

Reply needs_no_arguments() {
    return {501, "5.5.4", "This command takes no arguments"};
}

}  // namespace

struct Machine::Verb {
    std::string_view name;
    Step (Machine::*run)(std::string_view arguments);
    bool is_last = false;  // of a pipelined group: RFC 2920 3.1
    bool is_idle = false;  // gets no mail on its way
};

const Machine::Verb* Machine::find_verb(std::string_view name) {
    static constexpr std::array kVerbs{
        Verb{"MAIL", &Machine::run_mail},
        Verb{"RCPT", &Machine::run_rcpt},
        Verb{"DATA", &Machine::run_data, true},
        Verb{"BDAT", &Machine::run_bdat},
        Verb{"EHLO", &Machine::run_ehlo, true, true},
        Verb{"HELO", &Machine::run_helo, true, true},
        Verb{"RSET", &Machine::run_rset, false, true},
        Verb{"NOOP", &Machine::run_noop, true, true},
        Verb{"QUIT", &Machine::run_quit, true},
        Verb{"STARTTLS", &Machine::run_starttls, true},
        Verb{"XCLIENT", &Machine::run_xclient, true},
        Verb{"VRFY", &Machine::run_vrfy, true, true},
        Verb{"HELP", &Machine::run_help, false, true},
        Verb{"EXPN", &Machine::run_not_offered, true},
        Verb{"AUTH", &Machine::run_not_offered},
        Verb{"TURN", &Machine::run_not_offered, true},
        Verb{"ATRN", &Machine::run_not_offered},
        Verb{"ETRN", &Machine::run_not_offered},
        Verb{"BURL", &Machine::run_not_offered},
        Verb{"SEND", &Machine::run_not_offered},
        Verb{"SOML", &Machine::run_not_offered},
        Verb{"SAML", &Machine::run_not_offered},
        Verb{"XFORWARD", &Machine::run_not_offered},
        // A browser that was made to post to us: what follows would be read as commands.
        Verb{"GET", &Machine::run_foreign},
        Verb{"POST", &Machine::run_foreign},
        Verb{"PUT", &Machine::run_foreign},
        Verb{"OPTIONS", &Machine::run_foreign},
        Verb{"CONNECT", &Machine::run_foreign},
    };
    const auto found = std::find_if(kVerbs.begin(), kVerbs.end(),
                                    [&](const Verb& verb) { return base::iequals(verb.name, name); });
    return found == kVerbs.end() ? nullptr : &*found;
}

Machine::Step Machine::read_command(std::span<char> input, std::size_t& used) {
    if (input.empty()) return Idle{};
    const auto status = lines_.read({input.data(), input.size()}, settings_.max_command_length, used);
    waiting_ = input.size() - used;
    switch (status) {
        case LineReader::Status::incomplete:
            return Idle{};
        case LineReader::Status::line:
            return run_line(lines_.text());
        case LineReader::Status::too_long:
            return refuse({500, "5.5.2", "Line too long"});
        case LineReader::Status::flood:
            break;
    }
    send({500, "5.5.2", "Line too long, closing"});
    close(CloseReason::flood);
    return std::nullopt;
}

Machine::Step Machine::run_line(std::string_view line) {
    if (lines_.is_bare() && settings_.bare_newline == BareNewline::refuse) {
        return refuse({500, "5.5.2", "Lines must end in CR LF"});
    }
    if (std::any_of(line.begin(), line.end(), is_control)) {
        return refuse({500, "5.5.2", "Control characters in a command"});
    }
    const auto [name, arguments] = split_command(line);
    const Verb* verb = find_verb(name);
    if (phase_ == Phase::turned_away && (verb == nullptr || verb->run != &Machine::run_quit)) {
        return refuse(bad_sequence("No service for you here"));
    }
    if (verb == nullptr) return refuse({500, "5.5.2", "Unknown command"});
    return run_verb(*verb, arguments);
}

Machine::Step Machine::run_verb(const Verb& verb, std::string_view arguments) {
    if (waiting_ > 0 && (verb.is_last || !is_esmtp_)) observations_.unauthorised_pipelining = true;
    Step event = (this->*verb.run)(arguments);
    if (verb.is_idle && ++idle_commands_ > settings_.max_idle_commands) count_error();
    return event;
}

Machine::Step Machine::refuse_mail(std::string_view argument, Reply reply, bool is_recipient) {
    Refused refused{is_recipient, std::string(argument), reply};
    const bool is_put_off = is_recipient && reply.code < 500;
    refuse(std::move(reply));
    if (is_put_off) count_refused_recipient(refused.reply);
    return refused;
}

Machine::Step Machine::greet(std::string_view arguments, bool is_esmtp) {
    auto name = parse_hello(arguments);
    if (!name) return refuse(std::move(name).error());
    drop_transaction(AbortReason::hello);  // RFC 5321 4.1.4
    hello_ = std::move(*name);
    is_esmtp_ = is_esmtp;
    send({250, "", is_esmtp ? offers() : settings_.hostname});
    return std::nullopt;
}

Machine::Step Machine::run_helo(std::string_view arguments) {
    return greet(arguments, false);
}

Machine::Step Machine::run_ehlo(std::string_view arguments) {
    return greet(arguments, true);
}

std::string Machine::offers() const {
    std::string out = settings_.hostname + "\nPIPELINING";
    out += fmt::format("\nSIZE {}", settings_.max_message_size);
    if (settings_.offers_tls && !is_tls_) out += "\nSTARTTLS";
    out += "\nENHANCEDSTATUSCODES\n8BITMIME\nDSN\nSMTPUTF8";
    if (may_xclient_) out += fmt::format("\n{}", kXclientOffer);
    return out + "\nCHUNKING";
}

Machine::Step Machine::run_mail(std::string_view arguments) {
    if (hello_.empty()) return refuse_mail(arguments, bad_sequence("Say EHLO first"));
    if (transaction_.stage != Stage::none) {
        return refuse_mail(arguments, bad_sequence("A transaction is open; end it or say RSET"));
    }
    auto mail = parse_mail(arguments);
    if (!mail) return refuse_mail(arguments, std::move(mail).error());
    if (mail->declared_size > settings_.max_message_size) {
        return refuse_mail(mail->sender, {552, "5.3.4", "Message too large"});
    }
    transaction_ = {};
    transaction_.smtputf8 = mail->smtputf8;
    awaiting_ = Awaiting::mail;
    return std::move(*mail);
}

std::optional<Reply> Machine::check_recipient(Path& path) const {
    if (path.domain.empty()) {  // <Postmaster>: RFC 5321 4.5.1
        const std::string& home = settings_.relay.home_domain();
        path.domain = home.empty() ? settings_.hostname : home;
    } else {
        switch (settings_.relay.judge(path, is_permitted_, settings_.routed_local_parts)) {
            case RelayVerdict::foreign:
                return Reply{550, "5.7.1", "Relaying denied"};
            case RelayVerdict::routed:
                return Reply{553, "5.1.3", "Addresses with a route in them are not served"};
            case RelayVerdict::accept:
                break;
        }
    }
    if (transaction_.recipients >= settings_.max_recipients)
        return Reply{452, "4.5.3", "Too many recipients"};
    return std::nullopt;
}

Machine::Step Machine::run_rcpt(std::string_view arguments) {
    if (transaction_.stage != Stage::open)
        return refuse_mail(arguments, bad_sequence("MAIL comes first"), true);
    if (transaction_.is_chunked) return refuse_mail(arguments, bad_sequence("The message has begun"), true);
    auto rcpt = parse_rcpt(arguments, transaction_.smtputf8);
    if (!rcpt) return refuse_mail(arguments, std::move(rcpt).error(), true);
    if (auto refusal = check_recipient(rcpt->path)) {
        return refuse_mail(rcpt->path.to_string(), std::move(*refusal), true);
    }
    awaiting_ = Awaiting::rcpt;
    return Rcpt{{rcpt->path.to_string(), rcpt->notify, std::move(rcpt->orcpt)}};
}

Machine::Step Machine::run_data(std::string_view arguments) {
    if (waiting_ > 0 && settings_.early_commands == EarlyCommands::refuse) {
        // Content that did not wait for 354; were DATA refused, it would be read as commands.
        const Reply reply{554, "5.5.0", "SMTP protocol synchronisation: DATA must wait for our reply"};
        send(reply);
        drop_transaction(AbortReason::early, reply);
        close(CloseReason::early);
        return std::nullopt;
    }
    if (!arguments.empty()) return refuse(needs_no_arguments());
    if (transaction_.stage != Stage::open) return refuse(bad_sequence("MAIL comes first"));
    if (transaction_.is_chunked) return refuse(bad_sequence("The message has begun with BDAT"));
    if (transaction_.recipients == 0) return refuse({554, "5.5.1", "No valid recipients"});
    awaiting_ = Awaiting::data;
    return BodyBegin{false};
}

Machine::Step Machine::run_rset(std::string_view arguments) {
    if (!arguments.empty()) return refuse(needs_no_arguments());
    drop_transaction(AbortReason::rset);
    send({250, "2.0.0", "Ok"});
    return std::nullopt;
}

Machine::Step Machine::run_noop(std::string_view) {
    send({250, "2.0.0", "Ok"});
    return std::nullopt;
}

Machine::Step Machine::run_vrfy(std::string_view arguments) {
    if (arguments.empty()) return refuse({501, "5.5.4", "Syntax: VRFY address"});
    send({252, "2.0.0", "Send mail to find out"});
    return std::nullopt;
}

Machine::Step Machine::run_help(std::string_view) {
    send({214, "2.0.0", "An SMTP server as in RFC 5321; EHLO tells what it offers"});
    return std::nullopt;
}

Machine::Step Machine::run_quit(std::string_view) {
    send({221, "2.0.0", "Bye"});
    drop_transaction(AbortReason::quit);
    close(CloseReason::quit);
    return std::nullopt;
}

Machine::Step Machine::run_starttls(std::string_view arguments) {
    if (!arguments.empty()) return refuse(needs_no_arguments());
    if (!settings_.offers_tls) return refuse({502, "5.5.1", "STARTTLS is not offered"});
    if (is_tls_) return refuse(bad_sequence("TLS is in use already"));
    if (transaction_.stage != Stage::none) return refuse(bad_sequence("A transaction is open"));
    awaiting_ = Awaiting::tls;
    observations_.dropped_before_tls += waiting_;
    return StartTls{waiting_};
}

Machine::Step Machine::run_xclient(std::string_view arguments) {
    if (!may_xclient_) return refuse({550, "5.7.0", "You may not use XCLIENT"});
    if (transaction_.stage != Stage::none) return refuse(bad_sequence("A transaction is open"));
    auto client = apply_xclient(arguments, client_);
    if (!client) return refuse(std::move(client).error());
    client_ = std::move(*client);
    is_permitted_ = settings_.relay.is_permitted(client_.remote.address);
    hello_.clear();
    is_esmtp_ = false;
    by_xclient_ = true;
    phase_ = Phase::greeting;
    return std::nullopt;
}

Machine::Step Machine::run_not_offered(std::string_view) {
    return refuse({502, "5.5.1", "This command is not offered"});
}

Machine::Step Machine::run_foreign(std::string_view) {
    send({500, "5.5.2", "This is an SMTP server"});
    close(CloseReason::not_smtp);
    return std::nullopt;
}

}  // namespace gatehouse::receive::smtp
