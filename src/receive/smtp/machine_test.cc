// Commands, their order, and what they carry. Content: machine_content_test.cc; abuse: machine_abuse_test.cc.
#include "receive/smtp/machine.h"

#include <gtest/gtest.h>

#include "receive/smtp/test_dialogue.h"

namespace gatehouse::receive::smtp {
namespace {

class MachineTest : public testing::Test {
  protected:
    /// A session of `client` that has said EHLO.
    Dialogue& open(const Client& client = stranger()) {
        dialogue_.emplace(settings_, client);
        dialogue_->listen();
        dialogue_->say("EHLO client.test\r\n");
        return *dialogue_;
    }
    std::string say(std::string_view line) { return dialogue_->say(std::string(line) + "\r\n"); }
    std::string code(std::string_view line) { return codes(say(line)); }

    MachineSettings settings_ = test_settings();
    std::optional<Dialogue> dialogue_;
};

TEST_F(MachineTest, Greets) {
    Dialogue dialogue(settings_, stranger());
    EXPECT_EQ(dialogue.listen(), "220 mx.gw.test ESMTP Gatehouse\r\n");
    EXPECT_EQ(dialogue.say("QUIT\r\n"), "221 2.0.0 Bye\r\n");
    EXPECT_TRUE(dialogue.is_closed());
    EXPECT_EQ(dialogue.log(), (std::vector<std::string>{"connect", "close"}));
}

TEST_F(MachineTest, TurnsAwayWithoutHangingUp) {
    Dialogue dialogue(settings_, stranger());
    dialogue.set_answers([](const Event&) { return Reply{554, "", "No"}; });
    EXPECT_EQ(dialogue.listen(), "554 No\r\n");
    EXPECT_EQ(codes(dialogue.say("EHLO x\r\nMAIL FROM:<a@b>\r\nGET / x\r\n")), "503 503 503");
    EXPECT_EQ(codes(dialogue.say("QUIT\r\n")), "221");
    EXPECT_TRUE(dialogue.is_closed());
}

TEST_F(MachineTest, HangsUpAfter421) {
    Dialogue dialogue(settings_, stranger());
    dialogue.set_answers([](const Event&) { return Reply{421, "", "Later"}; });
    EXPECT_EQ(dialogue.listen(), "421 Later\r\n");
    EXPECT_TRUE(dialogue.is_closed());
}

TEST_F(MachineTest, TellsWhatItOffers) {
    Dialogue dialogue(settings_, stranger());
    dialogue.listen();
    EXPECT_EQ(dialogue.say("eHlO client.test\r\n"),
              "250-mx.gw.test\r\n250-PIPELINING\r\n250-SIZE "
              "104857600\r\n250-STARTTLS\r\n250-ENHANCEDSTATUSCODES\r\n"
              "250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n250 CHUNKING\r\n");
    EXPECT_EQ(dialogue.say("HELO client.test\r\n"), "250 mx.gw.test\r\n");
    EXPECT_EQ(dialogue.machine().hello(), "client.test");
    EXPECT_FALSE(dialogue.machine().is_esmtp());
    EXPECT_EQ(codes(dialogue.say("EHLO\r\nHELO \r\nEHLO " + std::string(300, 'a') + "\r\n")), "501 501 501");
    EXPECT_EQ(codes(dialogue.say("EHLO \xff\xfe\r\n")), "501");
}

TEST_F(MachineTest, ServesTheSmallVerbs) {
    open();
    EXPECT_EQ(code("NOOP"), "250");
    EXPECT_EQ(code("NOOP hello"), "250");
    EXPECT_EQ(code("VRFY root"), "252");
    EXPECT_EQ(code("VRFY"), "501");
    EXPECT_EQ(code("EXPN staff"), "502");
    EXPECT_EQ(code("HELP"), "214");
    EXPECT_EQ(code("RSET"), "250");
    EXPECT_EQ(code("RSET x"), "501");
    EXPECT_EQ(code("DATA x"), "501");
    EXPECT_EQ(code("FROB x"), "500");
    EXPECT_EQ(code(""), "500");
    EXPECT_EQ(code(" NOOP"), "500");
    EXPECT_EQ(code("NOOPX"), "500");
    for (const char* verb :
         {"TURN", "ETRN x", "ATRN", "SEND FROM:<a@b>", "SOML", "SAML", "AUTH PLAIN AGEAYg==", "AUTH LOGIN"}) {
        EXPECT_EQ(code(verb), "502") << verb;
    }
}

TEST_F(MachineTest, KeepsTheOrder) {
    dialogue_.emplace(settings_, stranger());
    dialogue_->listen();
    EXPECT_EQ(code("MAIL FROM:<a@b.test>"), "503");
    EXPECT_EQ(code("NOOP"), "250");
    EXPECT_EQ(code("HELO client.test"), "250");
    EXPECT_EQ(code("RCPT TO:<user@gw.test>"), "503");
    EXPECT_EQ(code("DATA"), "503");
    EXPECT_EQ(code("MAIL FROM:<a@b.test>"), "250");
    EXPECT_EQ(code("MAIL FROM:<b@b.test>"), "503");
    EXPECT_EQ(code("DATA"), "554");
    EXPECT_EQ(code("STARTTLS"), "503");
    EXPECT_EQ(code("RCPT TO:<user@gw.test>"), "250");
    EXPECT_EQ(code("DATA"), "354");
}

TEST_F(MachineTest, ForgetsTheEnvelope) {
    for (const char* reset : {"RSET", "rSeT", "EHLO again.test", "HELO again.test"}) {
        open();
        EXPECT_EQ(codes(say("MAIL FROM:<a@b.test>\r\nRCPT TO:<user@gw.test>")), "250 250");
        EXPECT_EQ(code(reset), "250");
        EXPECT_TRUE(dialogue_->last().starts_with("aborted ")) << reset;
        EXPECT_EQ(code("DATA"), "503");
        EXPECT_EQ(code("MAIL FROM:<c@b.test>"), "250");
    }
}

TEST_F(MachineTest, PassesTheEnvelopeOn) {
    open();
    EXPECT_EQ(say("mail from:<@relay.test:\"a b\"@b.test> SIZE=1000 BODY=8BITMIME RET=HDRS ENVID=QQ+2B1"),
              "250 2.1.0 Sender ok\r\n");
    EXPECT_EQ(dialogue_->last(), "mail <\"a b\"@b.test> size=1000 8bit ret=HDRS envid=QQ+2B1");
    EXPECT_EQ(say("rcpt to:<user@GW.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;User@gw.test"),
              "250 2.1.5 Recipient ok\r\n");
    EXPECT_EQ(dialogue_->last(), "rcpt <user@GW.test> notify=10 orcpt=rfc822;User@gw.test");
}

TEST_F(MachineTest, TakesTheNullSenderAndPostmaster) {
    open();
    EXPECT_EQ(code("MAIL FROM:<>"), "250");
    EXPECT_EQ(dialogue_->last(), "mail <>");
    EXPECT_EQ(code("RCPT TO:<Postmaster>"), "250");
    EXPECT_EQ(dialogue_->last(), "rcpt <Postmaster@gw.test>");
    settings_.relay = {};
    open();
    EXPECT_EQ(codes(say("MAIL FROM:<>\r\nRCPT TO:<postMASTER>")), "250 250");
    EXPECT_EQ(dialogue_->last(), "rcpt <postMASTER@mx.gw.test>");
}

TEST_F(MachineTest, ChecksSizes) {
    open();
    EXPECT_EQ(code("MAIL FROM:<a@b.test> SIZE=104857600"), "250");
    EXPECT_EQ(code("RSET"), "250");
    EXPECT_EQ(say("MAIL FROM:<a@b.test> SIZE=104857601"), "552 5.3.4 Message too large\r\n");
    EXPECT_EQ(dialogue_->last(), "refused mail 552");
    EXPECT_EQ(code("MAIL FROM:<a@b.test> SIZE=99999999999999999999"), "552");
    EXPECT_EQ(code("MAIL FROM:<a@b.test> SIZE=abc"), "501");
}

TEST_F(MachineTest, RefusesUtf8WithoutTheParameter) {
    open();
    EXPECT_EQ(code("MAIL FROM:<j\xc3\xbcrgen@b.test>"), "553");
    EXPECT_EQ(code("MAIL FROM:<j\xc3\xbcrgen@b.test> SMTPUTF8"), "250");
    EXPECT_EQ(code("RCPT TO:<\xc3\xbc@gw.test>"), "250");
    EXPECT_EQ(codes(say("RSET\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<\xc3\xbc@gw.test>")), "250 250 553");
}

TEST_F(MachineTest, IsNoOpenRelay) {
    open();
    EXPECT_EQ(code("MAIL FROM:<a@b.test>"), "250");
    EXPECT_EQ(say("RCPT TO:<x@elsewhere.test>"), "550 5.7.1 Relaying denied\r\n");
    EXPECT_EQ(dialogue_->last(), "refused rcpt 550");
    EXPECT_EQ(code("RCPT TO:<x@[192.0.2.1]>"), "550");
    EXPECT_EQ(code("RCPT TO:<x@corp.test>"), "550");
    EXPECT_EQ(code("RCPT TO:<x@a.CORP.test>"), "250");
    EXPECT_EQ(say("RCPT TO:<x%elsewhere.test@gw.test>").substr(0, 9), "553 5.1.3");
    EXPECT_EQ(code("RCPT TO:<elsewhere.test!x@gw.test>"), "553");
    EXPECT_EQ(code("RCPT TO:<\"x@elsewhere.test\"@gw.test>"), "553");
    EXPECT_EQ(code("RCPT TO:<\"elsewhere.test!x\"@gw.test>"), "553");
    EXPECT_EQ(code("RCPT TO:<@gw.test:x@elsewhere.test>"), "553");
    EXPECT_EQ(code("RCPT TO:<x@elsewhere.test@gw.test>"), "501");
    EXPECT_EQ(code("RCPT TO:x@gw.test"), "501");
    EXPECT_EQ(code("RCPT TO:<x@gw.test>"), "250");
}

TEST_F(MachineTest, NamesWhatItRefused) {
    Machine machine(settings_, stranger());
    std::string input =
        "EHLO x\r\nMAIL FROM:a@b\r\nMAIL FROM:<big@b.test> SIZE=999999999999\r\nMAIL FROM:<a@b.test>\r\n"
        "RCPT TO:<x@elsewhere.test> NOTIFY=NEVER\r\nRCPT TO:<x@@y>\r\n";
    std::span<char> rest(input);
    std::vector<std::string> refused;
    while (!rest.empty()) {
        std::size_t consumed = 0;
        const Event event = machine.next(rest, consumed);
        rest = rest.subspan(consumed);
        if (const auto* one = std::get_if<Refused>(&event)) refused.push_back(one->argument);
        if (std::holds_alternative<Connect>(event) || std::holds_alternative<Mail>(event)) machine.accept();
    }
    EXPECT_EQ(refused, (std::vector<std::string>{"FROM:a@b", "big@b.test", "x@elsewhere.test", "TO:<x@@y>"}));
}

TEST_F(MachineTest, LetsPermittedSendersSendAnywhere) {
    open(client_at("192.0.2.44"));
    EXPECT_TRUE(dialogue_->machine().is_permitted());
    EXPECT_EQ(
        codes(say("MAIL FROM:<a@gw.test>\r\nRCPT TO:<x@elsewhere.test>\r\nRCPT TO:<x%y@elsewhere.test>")),
        "250 250 250");
}

TEST_F(MachineTest, LimitsRecipients) {
    settings_.max_recipients = 100;
    open();
    EXPECT_EQ(code("MAIL FROM:<a@b.test>"), "250");
    std::string lines;
    for (int i = 0; i < 101; ++i) lines += "RCPT TO:<user@gw.test>\r\n";
    std::string wanted;
    for (int i = 0; i < 100; ++i) wanted += "250 ";
    EXPECT_EQ(codes(dialogue_->say(lines)), wanted + "452");
    EXPECT_EQ(code("DATA"), "354");
}

TEST_F(MachineTest, PassesTheShellsAnswersOn) {
    open();
    dialogue_->set_answers([](const Event& event) -> std::optional<Reply> {
        if (const auto* mail = std::get_if<Mail>(&event); mail != nullptr && mail->sender == "bad@b.test") {
            return Reply{451, "", "Not now"};
        }
        if (const auto* rcpt = std::get_if<Rcpt>(&event);
            rcpt != nullptr && rcpt->recipient.address == "no@gw.test") {
            return Reply{550, "5.1.1", "No such user\nreally"};
        }
        return std::nullopt;
    });
    dialogue_->machine().set_reference("7Q3K-M8TD-0VZ2-6XNB");
    EXPECT_EQ(say("MAIL FROM:<bad@b.test>"), "451 4.0.0 Not now; ref 7Q3K-M8TD-0VZ2-6XNB\r\n");
    EXPECT_EQ(code("RCPT TO:<user@gw.test>"), "503");
    EXPECT_EQ(code("MAIL FROM:<a@b.test>"), "250");
    EXPECT_EQ(say("RCPT TO:<no@gw.test>"),
              "550-5.1.1 No such user\r\n550 5.1.1 really; ref 7Q3K-M8TD-0VZ2-6XNB\r\n");
    EXPECT_EQ(code("DATA"), "554");
    EXPECT_EQ(code("RCPT TO:<user@gw.test>"), "250");
    EXPECT_EQ(code("DATA"), "354");
}

TEST_F(MachineTest, EndsTheTransactionWhenBodyIsRefused) {
    open();
    dialogue_->set_answers([](const Event& event) -> std::optional<Reply> {
        if (std::holds_alternative<BodyBegin>(event)) return Reply{452, "4.3.1", "No memory"};
        return std::nullopt;
    });
    EXPECT_EQ(codes(say("MAIL FROM:<a@b.test>\r\nRCPT TO:<user@gw.test>\r\nDATA")), "250 250 452");
    EXPECT_EQ(dialogue_->last(), "aborted refused");
    EXPECT_EQ(codes(say("MAIL FROM:<a@b.test>\r\nRCPT TO:<user@gw.test>\r\nBDAT 3 LAST\r\nabcNOOP")),
              "250 250 452 250");
    EXPECT_EQ(dialogue_->last(), "aborted refused");
    EXPECT_EQ(code("MAIL FROM:<a@b.test>"), "250");
}

TEST_F(MachineTest, AnswersPipelinedGroupsInOrder) {
    open();
    EXPECT_EQ(
        codes(say("MAIL FROM:<a@b.test>\r\nRCPT TO:<user@gw.test>\r\nRCPT TO:<x@elsewhere.test>\r\nDATA")),
        "250 250 550 354");
    EXPECT_FALSE(dialogue_->machine().observations().unauthorised_pipelining);
    EXPECT_EQ(
        codes(dialogue_->say("x\r\n.\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<x@elsewhere.test>\r\nDATA\r\n")),
        "250 250 550 554");
    EXPECT_EQ(codes(dialogue_->say(".\r\n")), "500");
    EXPECT_EQ(dialogue_->messages().size(), 1U);
}

TEST_F(MachineTest, FlushesLongGroups) {
    open();
    std::string lines;
    for (int i = 0; i < 3000; ++i) lines += "MAIL FROM:<a@b.test>\r\nRSET\r\n";
    settings_.max_idle_commands = 10'000;
    std::size_t most = 0;
    std::span<char> input(lines);
    while (!input.empty()) {
        std::size_t consumed = 0;
        const Event event = dialogue_->machine().next(input, consumed);
        input = input.subspan(consumed);
        if (std::holds_alternative<Mail>(event)) dialogue_->machine().accept();
        if (std::holds_alternative<Idle>(event))
            most = std::max(most, dialogue_->machine().take_output().size());
    }
    EXPECT_GE(most, Machine::kFlushAt);
    EXPECT_LE(most, Machine::kFlushAt + 1024);
}

TEST_F(MachineTest, WaitsForItsAnswer) {
    Machine machine(settings_, stranger());
    std::string input = "EHLO x\r\n";
    std::size_t consumed = 0;
    EXPECT_TRUE(std::holds_alternative<Connect>(machine.next({}, consumed)));
    EXPECT_TRUE(std::holds_alternative<Idle>(machine.next(input, consumed)));
    EXPECT_EQ(consumed, 0U);
    machine.accept();
    EXPECT_TRUE(std::holds_alternative<Idle>(machine.next(input, consumed)));
    EXPECT_EQ(consumed, input.size());
    machine.accept();  // nothing waits: no reply
    EXPECT_EQ(codes(machine.take_output()), "220 250");
}

TEST_F(MachineTest, StartsOverWithTls) {
    open();
    const std::string before = say("STARTTLS\r\nEHLO evil.test\r\nMAIL FROM:<evil@b.test>");
    EXPECT_EQ(before, "220 2.0.0 Ready to start TLS\r\n");
    EXPECT_EQ(dialogue_->last(), "starttls 41");
    EXPECT_EQ(dialogue_->machine().observations().dropped_before_tls, 41U);
    EXPECT_EQ(say("NOOP"), "");  // nothing is read until the handshake is done
    dialogue_->machine().tls_started();
    EXPECT_TRUE(dialogue_->machine().is_tls());
    EXPECT_EQ(dialogue_->listen(), "");
    EXPECT_EQ(dialogue_->machine().hello(), "");
    EXPECT_EQ(code("MAIL FROM:<a@b.test>"), "503");
    EXPECT_EQ(say("EHLO client.test").find("STARTTLS"), std::string::npos);
    EXPECT_EQ(code("STARTTLS"), "503");
}

TEST_F(MachineTest, MayRefuseTls) {
    open();
    EXPECT_EQ(code("STARTTLS now"), "501");
    dialogue_->set_answers([](const Event&) { return Reply{454, "4.7.0", "TLS not available"}; });
    EXPECT_EQ(code("STARTTLS"), "454");
    EXPECT_EQ(code("NOOP"), "250");
    settings_.offers_tls = false;
    EXPECT_EQ(open().say("EHLO x\r\n").find("STARTTLS"), std::string::npos);
    EXPECT_EQ(code("STARTTLS"), "502");
}

TEST_F(MachineTest, BelievesListedHostsAboutTheirClients) {
    open(client_at("198.51.100.1"));
    EXPECT_NE(
        say("EHLO proxy.test").find("250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT\r\n"),
        std::string::npos);
    EXPECT_EQ(code("XCLIENT ADDR=nonsense"), "501");
    EXPECT_EQ(code("XCLIENT NAME=a.test ADDR=192.0.2.9 HELO=real.test"), "220");
    EXPECT_EQ(dialogue_->last(), "connect xclient");
    EXPECT_EQ(dialogue_->machine().client().remote.address.to_string(), "192.0.2.9");
    EXPECT_TRUE(dialogue_->machine().is_permitted());
    EXPECT_EQ(code("MAIL FROM:<a@b.test>"), "503");
    EXPECT_EQ(code("EHLO proxy.test"), "250");
    EXPECT_EQ(dialogue_->machine().hello(), "real.test");
    EXPECT_EQ(code("MAIL FROM:<a@b.test>"), "250");
    EXPECT_EQ(code("XCLIENT PORT=1"), "503");
    EXPECT_EQ(code("RSET"), "250");
    EXPECT_EQ(code("XCLIENT ADDR=203.0.113.77"), "220");
    EXPECT_FALSE(dialogue_->machine().is_permitted());
    EXPECT_EQ(code("EHLO proxy.test"), "250");
    EXPECT_EQ(codes(say("MAIL FROM:<a@b.test>\r\nRCPT TO:<x@elsewhere.test>")), "250 550");
}

TEST_F(MachineTest, BelievesNobodyElse) {
    open();
    EXPECT_EQ(say("EHLO client.test").find("XCLIENT"), std::string::npos);
    EXPECT_EQ(say("XCLIENT ADDR=192.0.2.9").substr(0, 9), "550 5.7.0");
    EXPECT_EQ(dialogue_->machine().client().remote.address.to_string(), "203.0.113.9");
    EXPECT_EQ(code("XFORWARD ADDR=192.0.2.9"), "502");
}

TEST_F(MachineTest, QuitsInTheMiddle) {
    open();
    say("MAIL FROM:<a@b.test>");
    EXPECT_EQ(codes(say("QUIT\r\nNOOP")), "221");
    EXPECT_EQ(dialogue_->log()[dialogue_->log().size() - 2], "aborted quit");
    EXPECT_EQ(dialogue_->last(), "close");
}

TEST_F(MachineTest, LeavesNothingOpenWhenTheClientGoes) {
    open();
    say("MAIL FROM:<a@b.test>\r\nRCPT TO:<user@gw.test>\r\nNOO");
    dialogue_->machine().end_of_input();
    EXPECT_EQ(dialogue_->listen(), "");
    EXPECT_EQ(dialogue_->log()[dialogue_->log().size() - 2], "aborted closed");
    EXPECT_EQ(dialogue_->close_reason(), CloseReason::peer_closed);
    std::size_t consumed = 0;
    EXPECT_TRUE(std::holds_alternative<Close>(dialogue_->machine().next({}, consumed)));
}

TEST_F(MachineTest, ShutsDownAtAnyMoment) {
    open();
    say("MAIL FROM:<a@b.test>\r\nRCPT TO:<user@gw.test>\r\nDATA");
    dialogue_->say("half");
    dialogue_->machine().shut_down({421, "4.4.2", "Too slow"});
    EXPECT_EQ(dialogue_->listen(), "421 4.4.2 Too slow\r\n");
    EXPECT_EQ(dialogue_->log()[dialogue_->log().size() - 2], "aborted closed");
    EXPECT_TRUE(dialogue_->is_closed());
    dialogue_->machine().shut_down({421, "4.4.2", "Twice"});
    EXPECT_EQ(dialogue_->machine().take_output(), "");
}

TEST_F(MachineTest, TellsTheShellWhichTimeCounts) {
    open();
    EXPECT_FALSE(dialogue_->machine().is_inside_command());
    dialogue_->say("MAIL FR");
    EXPECT_TRUE(dialogue_->machine().is_inside_command());
    dialogue_->say("OM:<a@b.test>\r\nRCPT TO:<user@gw.test>\r\n");
    EXPECT_FALSE(dialogue_->machine().is_inside_command());
    EXPECT_TRUE(dialogue_->machine().is_in_transaction());
    EXPECT_FALSE(dialogue_->machine().is_receiving());
    dialogue_->say("DATA\r\n");
    EXPECT_TRUE(dialogue_->machine().is_receiving());
    EXPECT_FALSE(dialogue_->machine().is_discarding());
    dialogue_->say("a\nb\r\n");
    EXPECT_TRUE(dialogue_->machine().is_discarding());
    dialogue_->say(".\r\n");
    EXPECT_FALSE(dialogue_->machine().is_discarding());
}

}  // namespace
}  // namespace gatehouse::receive::smtp
