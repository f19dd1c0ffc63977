// Test support: plays the shell's part against a Machine, with the input cut as the test likes. Used by the
// unit tests here and by tests/fuzz/fuzz_smtp.cc; nothing else may include it. Every cut is a buffer of its
// own, so that a span kept too long is found by the address sanitizer.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "receive/smtp/machine.h"

namespace gatehouse::receive::smtp {

class Dialogue {
  public:
    /// The shell's answer to an event; nothing = accept().
    using Answers = std::function<std::optional<Reply>(const Event&)>;
    /// How many of the bytes left go into the next read; at least 1.
    using Cuts = std::function<std::size_t(std::size_t left)>;

    explicit Dialogue(const MachineSettings& settings, Client client = {})
        : machine_(settings, std::move(client)) {
        cuts_ = [](std::size_t left) { return left; };
    }

    void set_answers(Answers answers) { answers_ = std::move(answers); }
    void set_cuts(Cuts cuts) { cuts_ = std::move(cuts); }

    /// Lets the machine read all of `bytes` and gives what it replied.
    std::string say(std::string_view bytes) {
        do {
            const std::size_t size = bytes.empty() ? 0 : std::min(cuts_(bytes.size()), bytes.size());
            feed(bytes.substr(0, size));
            bytes.remove_prefix(size);
        } while (!bytes.empty() && !is_closed_);
        return take();
    }

    /// What the machine does of its own accord, and its replies.
    std::string listen() { return say({}); }

    std::string take() { return std::exchange(said_, {}) + machine_.take_output(); }

    Machine& machine() { return machine_; }
    bool is_closed() const { return is_closed_; }
    CloseReason close_reason() const { return close_reason_; }
    /// One line an event, without Idle; content stands in messages.
    const std::vector<std::string>& log() const { return log_; }
    /// The content of each message whose end was reached.
    const std::vector<std::string>& messages() const { return messages_; }
    std::string last() const { return log_.empty() ? "" : log_.back(); }

  private:
    void feed(std::string_view bytes) {
        const auto buffer = std::make_unique<char[]>(bytes.size() + 1);
        std::copy(bytes.begin(), bytes.end(), buffer.get());
        std::span<char> input(buffer.get(), bytes.size());
        while (true) {
            std::size_t consumed = 0;
            const Event event = machine_.next(input, consumed);
            input = input.subspan(consumed);
            note(event);
            const std::string output = machine_.take_output();
            said_ += output;
            const bool is_stuck = consumed == 0 && output.empty();  // it waits for a handshake
            const bool is_idle = std::holds_alternative<Idle>(event);
            if (is_closed_ || (is_idle && (input.empty() || is_stuck))) return;
        }
    }

    void note(const Event& event) {
        if (const auto* content = std::get_if<Content>(&event)) {
            content_.append(content->bytes.data(), content->bytes.size());
            return;
        }
        if (const auto* close = std::get_if<Close>(&event)) {
            is_closed_ = true;
            close_reason_ = close->why;
        }
        if (std::holds_alternative<MessageEnd>(event)) messages_.push_back(std::exchange(content_, {}));
        if (std::holds_alternative<Aborted>(event)) content_.clear();
        if (auto line = describe(event); !line.empty()) log_.push_back(std::move(line));
        reply_to(event);
    }

    void reply_to(const Event& event) {
        const bool waits = std::holds_alternative<Connect>(event) || std::holds_alternative<Mail>(event) ||
                           std::holds_alternative<Rcpt>(event) || std::holds_alternative<BodyBegin>(event) ||
                           std::holds_alternative<MessageEnd>(event) ||
                           std::holds_alternative<StartTls>(event);
        if (!waits) return;
        const auto reply = answers_ ? answers_(event) : std::nullopt;
        if (reply) {
            machine_.answer(*reply);
        } else {
            machine_.accept();
        }
    }

    struct Describer {
        std::string operator()(const Idle&) const { return {}; }
        std::string operator()(const Content&) const { return {}; }
        std::string operator()(const Connect& e) const {
            return e.is_xclient ? "connect xclient" : "connect";
        }
        std::string operator()(const Mail& e) const {
            std::string out = "mail <" + e.sender + ">";
            if (e.declared_size != 0) out += " size=" + std::to_string(e.declared_size);
            if (e.smtputf8) out += " smtputf8";
            if (e.eight_bit) out += " 8bit";
            if (!e.ret.empty()) out += " ret=" + e.ret;
            if (!e.envid.empty()) out += " envid=" + e.envid;
            return out;
        }
        std::string operator()(const Rcpt& e) const {
            std::string out = "rcpt <" + e.recipient.address + ">";
            if (e.recipient.notify != 0) out += " notify=" + std::to_string(e.recipient.notify);
            if (!e.recipient.orcpt.empty()) out += " orcpt=" + e.recipient.orcpt;
            return out;
        }
        std::string operator()(const BodyBegin& e) const { return e.is_chunked ? "begin chunked" : "begin"; }
        std::string operator()(const MessageEnd& e) const {
            std::string out = "end " + std::to_string(e.size);
            if (e.is_chunked) out += " chunked";
            if (e.mended != 0) out += " mended=" + std::to_string(e.mended);
            return out;
        }
        std::string operator()(const Aborted& e) const {
            static constexpr std::string_view kNames[] = {"rset",        "hello",         "quit",
                                                          "closed",      "refused",       "too_large",
                                                          "bad_content", "no_recipients", "early"};
            return "aborted " + std::string(kNames[static_cast<std::size_t>(e.why)]);
        }
        std::string operator()(const Refused& e) const {
            return "refused " + std::string(e.is_recipient ? "rcpt " : "mail ") +
                   std::to_string(e.reply.code);
        }
        std::string operator()(const StartTls& e) const { return "starttls " + std::to_string(e.dropped); }
        std::string operator()(const Close&) const { return "close"; }
    };

    static std::string describe(const Event& event) { return std::visit(Describer{}, event); }

    Machine machine_;
    Answers answers_;
    Cuts cuts_;
    std::vector<std::string> log_;
    std::vector<std::string> messages_;
    std::string content_;
    std::string said_;
    CloseReason close_reason_ = CloseReason::quit;
    bool is_closed_ = false;
};

/// Relays gw.test and everything below corp.test; 192.0.2.0/24 may send anywhere; XCLIENT from 198.51.100.1.
inline MachineSettings test_settings() {
    MachineSettings settings;
    settings.hostname = "mx.gw.test";
    settings.relay = *RelayRules::make({"*.corp.test", "gw.test"}, {"192.0.2.0/24"});
    settings.xclient_hosts = *parse_networks({"198.51.100.1"});
    settings.offers_tls = true;
    return settings;
}

inline Client client_at(std::string_view address) {
    Client client;
    client.remote = {*base::IpAddress::parse(address), 40000};
    return client;
}

inline Client stranger() {
    return client_at("203.0.113.9");
}

/// The code of each reply, "250 250 354"; "?" for a line that is no reply.
inline std::string codes(std::string_view replies) {
    std::string out;
    while (!replies.empty()) {
        const std::size_t end = std::min(replies.find("\r\n"), replies.size());
        const std::string_view line = replies.substr(0, end);
        replies.remove_prefix(std::min(end + 2, replies.size()));
        if (line.size() >= 4 && line[3] == '-') continue;
        if (!out.empty()) out += ' ';
        out += line.size() >= 4 && line[3] == ' ' ? line.substr(0, 3) : "?";
    }
    return out;
}

}  // namespace gatehouse::receive::smtp
