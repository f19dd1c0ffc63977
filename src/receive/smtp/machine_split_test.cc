// However the bytes arrive, the same events and replies come out.
#include <gtest/gtest.h>

#include <random>

#include "receive/smtp/machine.h"
#include "receive/smtp/test_dialogue.h"

namespace gatehouse::receive::smtp {
namespace {

using std::string_literals::operator""s;

struct Outcome {
    std::string replies;
    std::vector<std::string> log;
    std::vector<std::string> messages;
    bool operator==(const Outcome&) const = default;
};

std::optional<Reply> answer(const Event& event) {
    if (const auto* rcpt = std::get_if<Rcpt>(&event);
        rcpt != nullptr && rcpt->recipient.address.starts_with("no")) {
        return Reply{550, "5.1.1", "No such user"};
    }
    if (const auto* end = std::get_if<MessageEnd>(&event); end != nullptr && end->size % 7 == 3) {
        return Reply{451, "4.3.0", "Try again"};
    }
    return std::nullopt;
}

Outcome play(const MachineSettings& settings, std::string_view bytes, const Dialogue::Cuts& cuts) {
    Dialogue dialogue(settings, stranger());
    dialogue.set_answers(answer);
    dialogue.set_cuts(cuts);
    const std::string greeting = dialogue.listen();
    const std::string replies = dialogue.say(bytes);
    dialogue.machine().end_of_input();
    return {greeting + replies + dialogue.listen(), dialogue.log(), dialogue.messages()};
}

const std::vector<std::string>& pieces() {
    static const std::vector<std::string> kPieces{
        "EHLO client.test\r\n",
        "HELO x\r\n",
        "MAIL FROM:<a@b.test>\r\n",
        "MAIL FROM:<> SIZE=10 BODY=8BITMIME\r\n",
        "MAIL FROM:<\xc3\xbc@b.test> SMTPUTF8\r\n",
        "RCPT TO:<user@gw.test>\r\n",
        "RCPT TO:<no@gw.test>\r\n",
        "RCPT TO:<x@elsewhere.test> NOTIFY=NEVER\r\n",
        "DATA\r\n",
        "Subject: x\r\n\r\nbody\r\n",
        "..stuffed\r\n.\r\n",
        ".\r\n",
        "\r\n.\r\n",
        "a\nb\rc\r\n",
        "\n.\r\n",
        "\r\n.\n",
        "\r\n.\r",
        "nul\0here"s,
        "BDAT 5\r\nab\r\nc",
        "BDAT 3 LAST\r\nabc",
        "BDAT 1\r\n\r",
        "BDAT 1 LAST\r\n\n",
        "BDAT 0\r\n",
        "BDAT 0 LAST\r\n",
        "BDAT 200 LAST\r\n",
        "BDAT 99999\r\n",
        "RSET\r\n",
        "NOOP\r\n",
        "NOOP\n",
        "QUIT\r\n",
        "VRFY x\r\n",
        "FROB\r\n",
        std::string(200, 'l') + "\r\n",
        "\r\n",
        "\r",
        "\n",
        ".",
    };
    return kPieces;
}

std::string random_dialogue(std::mt19937& random) {
    std::string out = "EHLO client.test\r\n";
    const std::size_t count = random() % 25;
    for (std::size_t i = 0; i < count; ++i) {
        if (random() % 4 == 0) out += "MAIL FROM:<a@b.test>\r\nRCPT TO:<user@gw.test>\r\n";
        if (random() % 6 == 0) out += "DATA\r\n";
        out += pieces()[random() % pieces().size()];
    }
    return out;
}

/// No sequence that a lenient server could take for an end of data, once a dot is put before each leading
/// dot.
void expect_harmless(const std::string& message) {
    EXPECT_EQ(message.find('\0'), std::string::npos);
    for (std::size_t i = 0; i < message.size(); ++i) {
        const bool is_bare_lf = message[i] == '\n' && (i == 0 || message[i - 1] != '\r');
        const bool is_bare_cr = message[i] == '\r' && (i + 1 == message.size() || message[i + 1] != '\n');
        ASSERT_FALSE(is_bare_lf || is_bare_cr) << testing::PrintToString(message);
    }
}

TEST(MachineSplits, MakeNoDifference) {
    std::mt19937 random(20260601);
    for (int round = 0; round < 3000; ++round) {
        MachineSettings settings = test_settings();
        settings.early_commands = EarlyCommands::note;  // what is early depends on the cuts
        settings.bare_newline = random() % 2 == 0 ? BareNewline::refuse : BareNewline::normalise;
        settings.max_message_size = random() % 2 == 0 ? 30 : 100'000;
        settings.discard_limit = random() % 2 == 0 ? 50 : 100'000;
        settings.max_command_length = 100;
        const std::string bytes = random_dialogue(random);
        const Outcome whole = play(settings, bytes, [](std::size_t left) { return left; });
        const Outcome single = play(settings, bytes, [](std::size_t) { return std::size_t{1}; });
        const Outcome cut = play(settings, bytes, [&](std::size_t) { return 1 + random() % 40; });
        ASSERT_EQ(whole, single) << testing::PrintToString(bytes);
        ASSERT_EQ(whole, cut) << testing::PrintToString(bytes);
        for (const auto& message : whole.messages) expect_harmless(message);
    }
}

std::string stuff(const std::string& message) {
    std::string out;
    bool at_start = true;
    for (const char c : message) {
        if (at_start && c == '.') out += '.';
        out += c;
        at_start = c == '\n';
    }
    return out;
}

TEST(MachineSplits, WhatGoesOutComesInAgain) {
    std::mt19937 random(7);
    static constexpr std::string_view kAlphabet("\r\n..ab\0", 7);
    for (int round = 0; round < 3000; ++round) {
        MachineSettings settings = test_settings();
        settings.early_commands = EarlyCommands::note;
        settings.bare_newline = BareNewline::normalise;
        std::string raw;
        for (std::size_t i = random() % 30; i > 0; --i) raw += kAlphabet[random() % kAlphabet.size()];
        const auto cuts = [&](std::size_t) { return 1 + random() % 5; };
        const std::string start = "EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<user@gw.test>\r\nDATA\r\n";
        const Outcome first = play(settings, start + raw + "\r\n.\r\n", cuts);
        ASSERT_GE(first.messages.size(), 1U) << testing::PrintToString(raw);
        expect_harmless(first.messages[0]);
        settings.bare_newline = BareNewline::refuse;
        const Outcome second = play(settings, start + stuff(first.messages[0]) + ".\r\n", cuts);
        ASSERT_EQ(second.messages, std::vector<std::string>{first.messages[0]})
            << testing::PrintToString(raw);
    }
}

}  // namespace
}  // namespace gatehouse::receive::smtp
