// A client's bytes against the SMTP machine. The first byte chooses the settings, the second how the shell
// answers, the rest is what the client sends. Checked: however the bytes are cut, the same comes out; what
// was accepted holds no bare CR, bare LF or NUL; each accepted MAIL ends once; every reply is well-formed.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "receive/smtp/test_dialogue.h"

namespace {

using namespace gatehouse::receive::smtp;  // NOLINT: a program of its own

struct Plan {
    std::uint8_t settings = 0;
    std::uint8_t answers = 0;
    std::string_view bytes;
};

struct Outcome {
    std::string replies;
    std::vector<std::string> log;
    std::vector<std::string> messages;
    bool operator==(const Outcome&) const = default;
};

void require(bool good) {
    if (!good) std::abort();
}

MachineSettings settings_of(const Plan& plan) {
    MachineSettings settings = test_settings();
    settings.early_commands =
        EarlyCommands::note;  // what is early, and what STARTTLS drops, depends on the cuts
    settings.offers_tls = false;
    settings.bare_newline = (plan.settings & 1) != 0 ? BareNewline::normalise : BareNewline::refuse;
    if ((plan.settings & 2) != 0) settings.max_message_size = 40;
    if ((plan.settings & 4) != 0) settings.discard_limit = 40;
    if ((plan.settings & 8) != 0) settings.max_command_length = 60;
    if ((plan.settings & 16) != 0) settings.max_errors = 1000;
    return settings;
}

std::optional<Reply> answer(const Plan& plan, const Event& event) {
    constexpr std::string_view kHostile = "no\r\n250 yes\n\x01";
    if (std::holds_alternative<Mail>(event) && (plan.answers & 1) != 0)
        return Reply{550, "5.7.1", std::string(kHostile)};
    if (std::holds_alternative<Rcpt>(event) && (plan.answers & 2) != 0) return Reply{450, "", "later"};
    if (std::holds_alternative<BodyBegin>(event) && (plan.answers & 4) != 0)
        return Reply{452, "4.3.1", "full"};
    if (std::holds_alternative<MessageEnd>(event) && (plan.answers & 8) != 0) return Reply{554, "", ""};
    if (std::holds_alternative<Connect>(event) && (plan.answers & 16) != 0) return Reply{554, "", "no"};
    return std::nullopt;
}

Outcome play(const Plan& plan, const Dialogue::Cuts& cuts) {
    const MachineSettings settings = settings_of(plan);
    const Client client = client_at((plan.settings & 32) != 0 ? "198.51.100.1" : "203.0.113.9");
    Dialogue dialogue(settings, client);
    dialogue.set_answers([&](const Event& event) { return answer(plan, event); });
    dialogue.set_cuts(cuts);
    std::string replies = dialogue.listen();
    replies += dialogue.say(plan.bytes);
    dialogue.machine().end_of_input();
    replies += dialogue.listen();
    require(dialogue.is_closed());
    return {replies, dialogue.log(), dialogue.messages()};
}

void check_replies(std::string_view replies) {
    while (!replies.empty()) {
        const std::size_t end = replies.find("\r\n");
        require(end != std::string_view::npos && end >= 4 && end <= 510);
        const std::string_view line = replies.substr(0, end);
        require(line[0] >= '2' && line[0] <= '5' && (line[3] == ' ' || line[3] == '-'));
        for (const char c : line) require(c >= ' ' && c <= '~');
        replies.remove_prefix(end + 2);
    }
}

void check_message(std::string_view message) {
    for (std::size_t i = 0; i < message.size(); ++i) {
        if (message[i] == '\n') require(i > 0 && message[i - 1] == '\r');
        if (message[i] == '\r') require(i + 1 < message.size() && message[i + 1] == '\n');
        require(message[i] != '\0');
    }
}

void check_log(const std::vector<std::string>& log, bool mail_is_refused) {
    bool is_open = false;
    for (const auto& line : log) {
        const bool is_end = line.starts_with("end ") || line.starts_with("aborted ");
        if (line.starts_with("mail ")) {
            require(!is_open);
            is_open = !mail_is_refused;
        }
        if (is_end || line.starts_with("rcpt ") || line.starts_with("begin")) require(is_open);
        if (is_end) is_open = false;
    }
    require(!is_open);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const Plan plan{data[0], data[1], {reinterpret_cast<const char*>(data) + 2, size - 2}};
    std::uint32_t random = 12345 + data[0] + data[1];
    const Outcome whole = play(plan, [](std::size_t left) { return left; });
    const Outcome single = play(plan, [](std::size_t) { return std::size_t{1}; });
    const Outcome cut = play(plan, [&](std::size_t) {
        random = random * 1664525 + 1013904223;
        return std::size_t{1} + (random >> 24) % 32;
    });
    require(whole == single && whole == cut);
    check_replies(whole.replies);
    check_log(whole.log, (plan.answers & 1) != 0);
    for (const auto& message : whole.messages) check_message(message);
    return 0;
}
