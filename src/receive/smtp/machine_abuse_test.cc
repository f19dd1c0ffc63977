// Clients that are broken, hostile or in a hurry.
#include <gtest/gtest.h>
#include <malloc.h>

#include <memory>

#include "receive/smtp/machine.h"
#include "receive/smtp/test_dialogue.h"

namespace gatehouse::receive::smtp {
namespace {

using std::string_literals::operator""s;

class AbuseTest : public testing::Test {
  protected:
    Dialogue& open() {
        dialogue_.emplace(settings_, stranger());
        dialogue_->listen();
        dialogue_->say("EHLO client.test\r\n");
        return *dialogue_;
    }
    std::string say(std::string_view bytes) { return dialogue_->say(bytes); }
    std::string code(std::string_view bytes) { return codes(say(bytes)); }

    MachineSettings settings_ = test_settings();
    std::optional<Dialogue> dialogue_;
};

TEST_F(AbuseTest, WantsCrLf) {
    open();
    EXPECT_EQ(say("NOOP\n"), "500 5.5.2 Lines must end in CR LF\r\n");
    EXPECT_EQ(code("NOOP\r\r\n"), "500");
    EXPECT_EQ(code("NO\rOP\r\n"), "500");
    EXPECT_EQ(code("NO\0OP\r\n"s), "500");
    EXPECT_EQ(code("NOOP \x01\r\n"), "500");
    EXPECT_EQ(code("MAIL FROM:<a\n@b.test>\r\n"), "500 500");
    EXPECT_EQ(code("MAIL FROM:<a\r@b.test>\r\n"), "500");
    EXPECT_EQ(code("NOOP\tx\r\n"), "250");
    settings_.bare_newline = BareNewline::normalise;
    open();
    EXPECT_EQ(code("NOOP\nNOOP\r\n"), "250 250");
    EXPECT_EQ(code("NO\rOP\r\n"), "500");
    EXPECT_EQ(code("MAIL FROM:<a\n@b.test>\r\n"), "501 500");
}

TEST_F(AbuseTest, FindsItsWayBackAfterLongLines) {
    open();
    EXPECT_EQ(code("NOOP " + std::string(2041, 'a') + "\r\n"), "250");
    EXPECT_EQ(code("NOOP " + std::string(2042, 'a') + "\r\n"), "500");
    EXPECT_EQ(code("NOOP " + std::string(20'000, 'a') + "\r\nNOOP\r\n"), "500 250");
    EXPECT_EQ(code("EHLO " + std::string(100'000, 'a') + "\r\nNOOP\r\n"), "500 250");
    const std::string mail = "MAIL FROM:<" + std::string(200, 'a') + "@" + std::string(60, 'b') + ".test>";
    EXPECT_EQ(code(mail + " ENVID=" + std::string(100, 'x') + " SIZE=1 BODY=8BITMIME RET=FULL SMTPUTF8\r\n"),
              "250");
    EXPECT_EQ(code("RCPT TO:<user@gw.test> ORCPT=rfc822;" + std::string(490, 'a') + "\r\n"), "250");
}

TEST_F(AbuseTest, HangsUpOnALineWithoutEnd) {
    open();
    const std::string piece(64 * 1024, 'a');
    std::string got;
    for (int i = 0; i < 20'000 && !dialogue_->is_closed(); ++i) got += say(piece);
    EXPECT_TRUE(dialogue_->is_closed());
    EXPECT_EQ(codes(got), "500");
    EXPECT_EQ(dialogue_->close_reason(), CloseReason::flood);
}

TEST_F(AbuseTest, HangsUpAfterTooManyErrors) {
    open();
    std::string wanted;
    for (int i = 0; i < 20; ++i) wanted += "500 ";
    std::string lines;
    for (int i = 0; i < 50; ++i) lines += "FROB\r\n";
    EXPECT_EQ(code(lines), wanted + "421");
    EXPECT_EQ(dialogue_->close_reason(), CloseReason::too_many_errors);
    open();
    for (int i = 0; i < 19; ++i) EXPECT_EQ(code("AUTH PLAIN AGEAYg==\r\n"), "502");
    EXPECT_EQ(code("AUTH PLAIN AGEAYg==\r\n"), "502 421");
}

TEST_F(AbuseTest, ForgivesAfterAMessage) {
    open();
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 15; ++i) EXPECT_EQ(code("FROB\r\n"), "500");
        EXPECT_EQ(code("MAIL FROM:<a@b.test>\r\nRCPT TO:<user@gw.test>\r\nDATA\r\n"), "250 250 354");
        EXPECT_EQ(code("x\r\n.\r\n"), "250");
    }
    EXPECT_FALSE(dialogue_->is_closed());
}

TEST_F(AbuseTest, HangsUpOnIdling) {
    settings_.max_idle_commands = 30;
    open();
    std::string got;
    for (int i = 0; i < 100 && !dialogue_->is_closed(); ++i) got = code("NOOP\r\n");
    EXPECT_EQ(got, "250 421");
    EXPECT_TRUE(dialogue_->is_closed());
}

TEST_F(AbuseTest, HangsUpOnRecipientsPutOffWithoutEnd) {
    settings_.max_refused_recipients = 5;
    open().set_answers([](const Event& event) -> std::optional<Reply> {
        if (std::holds_alternative<Rcpt>(event)) return Reply{450, "4.2.1", "Not now"};
        return std::nullopt;
    });
    EXPECT_EQ(code("MAIL FROM:<a@b.test>\r\n"), "250");
    for (int i = 0; i < 49; ++i) EXPECT_EQ(code("RCPT TO:<user@gw.test>\r\n"), "450");
    EXPECT_EQ(code("RCPT TO:<user@gw.test>\r\n"), "450 421");
    EXPECT_TRUE(dialogue_->is_closed());
}

TEST_F(AbuseTest, KeepsAMessageWhoseOtherRecipientsArePutOff) {
    settings_.max_refused_recipients = 5;
    bool is_first = true;
    open().set_answers([&](const Event& event) -> std::optional<Reply> {
        if (std::holds_alternative<Rcpt>(event) && !std::exchange(is_first, false))
            return Reply{452, "4.5.3", "Too many"};
        return std::nullopt;
    });
    EXPECT_EQ(code("MAIL FROM:<a@b.test>\r\n"), "250");
    EXPECT_EQ(code("RCPT TO:<user@gw.test>\r\n"), "250");
    for (int i = 0; i < 200; ++i) EXPECT_EQ(code("RCPT TO:<user@gw.test>\r\n"), "452");
    EXPECT_EQ(code("DATA\r\n"), "354");
    EXPECT_EQ(code(".\r\n"), "250");
}

TEST_F(AbuseTest, HangsUpOnAddressGuessing) {
    settings_.max_refused_recipients = 50;
    open().set_answers([](const Event& event) -> std::optional<Reply> {
        if (std::holds_alternative<Rcpt>(event)) return Reply{550, "5.1.1", "No such user"};
        return std::nullopt;
    });
    EXPECT_EQ(code("MAIL FROM:<a@b.test>\r\n"), "250");
    for (int i = 0; i < 49; ++i) EXPECT_EQ(code("RCPT TO:<user@gw.test>\r\n"), "550");
    EXPECT_EQ(code("RCPT TO:<user@gw.test>\r\n"), "550 421");
    EXPECT_TRUE(dialogue_->is_closed());
}

TEST_F(AbuseTest, SeesWhoSpeaksFirst) {
    for (const auto policy : {EarlyCommands::refuse, EarlyCommands::note}) {
        settings_.early_commands = policy;
        Machine machine(settings_, stranger());
        std::size_t consumed = 0;
        EXPECT_TRUE(std::holds_alternative<Connect>(machine.next({}, consumed)));
        machine.note_early_input();
        machine.accept();
        const bool is_refused = policy == EarlyCommands::refuse;
        EXPECT_EQ(codes(machine.take_output()), is_refused ? "554" : "220");
        EXPECT_EQ(std::holds_alternative<Close>(machine.next({}, consumed)), is_refused);
        EXPECT_TRUE(machine.observations().early_talker);
    }
}

TEST_F(AbuseTest, WantsContentToWaitFor354) {
    open();
    EXPECT_EQ(code("MAIL FROM:<a@b.test>\r\nRCPT TO:<user@gw.test>\r\nDATA\r\nx\r\n.\r\nMAIL "
                   "FROM:<evil@b.test>\r\n"),
              "250 250 554");
    EXPECT_EQ(dialogue_->close_reason(), CloseReason::early);
    EXPECT_TRUE(dialogue_->machine().observations().unauthorised_pipelining);
    EXPECT_TRUE(dialogue_->messages().empty());
    open();  // were it read on, the content of a refused DATA would be commands
    EXPECT_EQ(code("MAIL FROM:<a@b.test>\r\nRCPT TO:<x@elsewhere.test>\r\nDATA\r\nRSET\r\n"), "250 550 554");
    EXPECT_TRUE(dialogue_->is_closed());
    settings_.early_commands = EarlyCommands::note;
    open();
    EXPECT_EQ(code("MAIL FROM:<a@b.test>\r\nRCPT TO:<user@gw.test>\r\nDATA\r\nx\r\n.\r\n"),
              "250 250 354 250");
    EXPECT_TRUE(dialogue_->machine().observations().unauthorised_pipelining);
    EXPECT_EQ(dialogue_->messages().size(), 1U);
}

TEST_F(AbuseTest, HearsOfContentThatCameWhileTheAnswerWasDue) {
    Machine machine(settings_, stranger());
    std::string input = "EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<user@gw.test>\r\nDATA\r\n";
    std::span<char> rest(input);
    std::size_t consumed = 0;
    while (true) {
        const Event event = machine.next(rest, consumed);
        rest = rest.subspan(consumed);
        if (std::holds_alternative<BodyBegin>(event)) break;
        machine.accept();
    }
    machine.note_early_input();
    machine.accept();
    EXPECT_EQ(codes(machine.take_output()), "220 250 250 250 554");
    EXPECT_TRUE(std::holds_alternative<Aborted>(machine.next({}, consumed)));
    EXPECT_TRUE(std::holds_alternative<Close>(machine.next({}, consumed)));
}

TEST_F(AbuseTest, NotesOtherPipelining) {
    const auto is_noted = [&](std::string_view bytes) {
        Dialogue dialogue(settings_, stranger());
        dialogue.listen();
        dialogue.say(bytes);
        return dialogue.machine().observations().unauthorised_pipelining;
    };
    EXPECT_TRUE(is_noted("EHLO x\r\nMAIL FROM:<a@b.test>\r\n"));
    EXPECT_TRUE(is_noted("RSET\r\nRSET\r\n"));
    EXPECT_FALSE(is_noted("RSET\r\n"));
    EXPECT_FALSE(is_noted("EHLO x\r\n"));
    Dialogue dialogue(settings_, stranger());
    dialogue.listen();
    dialogue.say("EHLO x\r\n");
    dialogue.say(
        "MAIL FROM:<a@b.test>\r\nRSET\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<user@gw.test>\r\nDATA\r\n");
    EXPECT_FALSE(dialogue.machine().observations().unauthorised_pipelining);
    dialogue.say(".\r\nVRFY x\r\nNOOP\r\n");
    EXPECT_TRUE(dialogue.machine().observations().unauthorised_pipelining);
}

TEST_F(AbuseTest, LosesWhatWasBufferedBeforeTls) {
    for (const char* behind :
         {"NOOP\r\n", "EHLO x\r\nMAIL FROM:<a@b.test>\r\n", "garbage without end", "\x16\x03\x01"}) {
        open();
        say("STARTTLS\r\n"s + behind);
        dialogue_->machine().tls_started();
        EXPECT_EQ(dialogue_->listen(), "");
        EXPECT_FALSE(dialogue_->machine().is_inside_command());
        EXPECT_EQ(code("NOOP\r\n"), "250");
        EXPECT_GT(dialogue_->machine().observations().dropped_before_tls, 0U);
    }
}

TEST_F(AbuseTest, IsNoWebServer) {
    for (const char* verb :
         {"GET / HTTP/1.1", "POST /x HTTP/1.0", "put x", "CONNECT a:25 HTTP/1.1", "OPTIONS *"}) {
        open();
        EXPECT_EQ(code(std::string(verb) + "\r\nMAIL FROM:<a@b.test>\r\n"), "500");
        EXPECT_EQ(dialogue_->close_reason(), CloseReason::not_smtp);
    }
}

TEST_F(AbuseTest, SurvivesGarbage) {
    open();
    std::string garbage;
    std::uint32_t random = 1;
    for (int i = 0; i < 100'000; ++i) {
        random = random * 1664525 + 1013904223;
        garbage += static_cast<char>(random >> 24);
    }
    const std::string got = say(garbage);
    EXPECT_TRUE(codes(got).ends_with("421")) << codes(got).substr(0, 200);
    EXPECT_TRUE(dialogue_->is_closed());
}

TEST_F(AbuseTest, NeverEchoesALine) {
    open();
    dialogue_->machine().set_reference("7Q3K-M8TD-0VZ2-6XNB\r\n250 x");
    EXPECT_EQ(code("FROB\r\n"), "500");
    EXPECT_EQ(codes(open().say("EHLO \x7f\r\n")), "500");
}

TEST_F(AbuseTest, IsSmallWhenIdle) {
    EXPECT_LE(sizeof(Machine), 900U);
    constexpr std::size_t kCount = 2000;
    std::vector<std::unique_ptr<Dialogue>> others;
    std::vector<std::unique_ptr<Machine>> machines;
    machines.reserve(kCount);
    const auto before = mallinfo2().uordblks;
    for (std::size_t i = 0; i < kCount; ++i) {
        machines.push_back(std::make_unique<Machine>(settings_, stranger()));
        Machine& machine = *machines.back();
        std::string input =
            "EHLO a-client-with-a-long-name.example.test\r\nMAIL FROM:<a@b.test>\r\nRCPT "
            "TO:<user@gw.test>\r\n"
            "BDAT 3 LAST\r\nabcRSET\r\n";
        std::span<char> rest(input);
        while (!rest.empty()) {
            std::size_t consumed = 0;
            const Event event = machine.next(rest, consumed);
            rest = rest.subspan(consumed);
            if (!std::holds_alternative<Idle>(event)) machine.accept();
        }
        machine.take_output();
    }
    const auto used = mallinfo2().uordblks - before;
    if (used == 0) GTEST_SKIP() << "this build counts no memory";
    EXPECT_LE(used / kCount, 1024U);
    RecordProperty("bytes_each", static_cast<int>(used / kCount));
}

}  // namespace
}  // namespace gatehouse::receive::smtp
