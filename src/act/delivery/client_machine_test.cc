#include "act/delivery/client_machine.h"

#include <gtest/gtest.h>

namespace gatehouse::act::delivery {
namespace {

using base::Fault;
using Next = ClientMachine::Next;

ClientMachine make(TlsUse tls = TlsUse::never) {
    return std::move(ClientMachine::make("gw.test", tls).value());
}

/// Expects `written`, marks it sent, then hands over the answer.
void exchange(ClientMachine& machine, std::string_view written, std::string_view answer) {
    EXPECT_EQ(machine.output(), written);
    machine.sent();
    EXPECT_TRUE(machine.receive(answer)) << answer << ": " << machine.failure().sentence;
}

ClientMachine ready(std::string_view offers = "250-hop\r\n250-PIPELINING\r\n250-SMTPUTF8\r\n250 DSN\r\n") {
    auto machine = make();
    exchange(machine, "", "220 hop\r\n");
    exchange(machine, "EHLO gw.test\r\n", offers);
    EXPECT_EQ(machine.next(), Next::ready);
    return machine;
}

int answer(ClientMachine& machine) {
    const auto reply = machine.take_reply();
    return reply ? reply->code : 0;
}

message::Envelope from(std::string sender) {
    message::Envelope envelope;
    envelope.sender = std::move(sender);
    return envelope;
}

TEST(ClientMachine, OpensWithEhloAndFallsBackToHelo) {
    auto machine = make();
    EXPECT_EQ(machine.next(), Next::receive);
    exchange(machine, "", "220-hop\r\n220 ESMTP\r\n");
    EXPECT_EQ(machine.next(), Next::send);
    exchange(machine, "EHLO gw.test\r\n", "502 5.5.1 what\r\n");
    exchange(machine, "HELO gw.test\r\n", "250-hop\r\n250 PIPELINING\r\n");
    EXPECT_EQ(machine.next(), Next::ready);
    EXPECT_EQ(machine.offers(), Capabilities()) << "HELO offers nothing, whatever the reply says";
    EXPECT_TRUE(machine.is_idle());
}

TEST(ClientMachine, GreetingsThatSayNo) {
    for (const std::string_view greeting : {"421 4.3.2 busy\r\n", "450 later\r\n", "554 5.7.1 go away\r\n"}) {
        auto machine = make();
        EXPECT_EQ(machine.receive(greeting).error().fault, Fault::unavailable);
        EXPECT_EQ(machine.next(), Next::failed);
        EXPECT_FALSE(machine.receive("220 hop\r\n")) << "failed is for good";
    }
    auto machine = make();
    exchange(machine, "", "220 hop\r\n");
    machine.sent();
    EXPECT_EQ(machine.receive("421 no\r\n").error().fault, Fault::unavailable);
}

TEST(ClientMachine, StarttlsForgetsWhatWasSaidInClear) {
    auto machine = make(TlsUse::if_offered);
    exchange(machine, "", "220 hop\r\n");
    exchange(machine, "EHLO gw.test\r\n", "250-hop\r\n250-SMTPUTF8\r\n250 STARTTLS\r\n");
    exchange(machine, "STARTTLS\r\n", "220 go\r\n");
    EXPECT_EQ(machine.next(), Next::handshake);
    machine.secured();
    EXPECT_EQ(machine.offers(), Capabilities());
    exchange(machine, "EHLO gw.test\r\n", "250-hop\r\n250-STARTTLS\r\n250 SIZE 10\r\n");
    EXPECT_EQ(machine.next(), Next::ready) << "STARTTLS is not done twice";
    EXPECT_FALSE(machine.offers().smtputf8);
    EXPECT_TRUE(machine.is_secured());
}

TEST(ClientMachine, BytesBehindTheStarttlsReplyAreAnAttack) {
    for (const std::string_view reply : {"220 go\r\n250 injected\r\n", "220 go\r\nx", "220 go\r\n\n"}) {
        auto machine = make(TlsUse::if_offered);
        exchange(machine, "", "220 hop\r\n");
        exchange(machine, "EHLO gw.test\r\n", "250-hop\r\n250 STARTTLS\r\n");
        machine.sent();
        EXPECT_EQ(machine.receive(reply).error().fault, Fault::malformed);
        EXPECT_FALSE(machine.tls_failed()) << "no second try in clear for an attacker";
    }
    auto machine = make(TlsUse::if_offered);
    exchange(machine, "", "220 hop\r\n");
    exchange(machine, "EHLO gw.test\r\n", "250-hop\r\n250 STARTTLS\r\n");
    exchange(machine, "STARTTLS\r\n", "220 go\r\n");
    EXPECT_FALSE(machine.receive("250 in clear\r\n")) << "in a read of its own";
}

TEST(ClientMachine, TlsDemandedAndNotGiven) {
    auto without = make(TlsUse::required);
    exchange(without, "", "220 hop\r\n");
    without.sent();
    EXPECT_EQ(without.receive("250 hop\r\n").error().fault, Fault::refused);
    EXPECT_FALSE(without.tls_failed());
    auto refused = make(TlsUse::if_offered);
    exchange(refused, "", "220 hop\r\n");
    exchange(refused, "EHLO gw.test\r\n", "250-hop\r\n250 STARTTLS\r\n");
    refused.sent();
    EXPECT_EQ(refused.receive("454 4.7.0 not now\r\n").error().fault, Fault::refused);
    EXPECT_TRUE(refused.tls_failed());
    auto optional = make(TlsUse::if_offered);
    exchange(optional, "", "220 hop\r\n");
    exchange(optional, "EHLO gw.test\r\n", "250 hop\r\n");
    EXPECT_EQ(optional.next(), Next::ready);
}

TEST(ClientMachine, PipelinedTransaction) {
    auto machine = ready();
    ASSERT_TRUE(machine.mail(from("a@b")));
    ASSERT_TRUE(machine.rcpt({"c@d", 0, ""}));
    ASSERT_TRUE(machine.rcpt({"e@f", message::kNotifyNever, ""}));
    exchange(machine, "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nRCPT TO:<e@f> NOTIFY=NEVER\r\n",
             "250 ok\r\n550 no\r\n45");
    EXPECT_EQ(answer(machine), 250);
    EXPECT_EQ(answer(machine), 550);
    EXPECT_EQ(answer(machine), 0);
    EXPECT_EQ(machine.outstanding(), 1U);
    exchange(machine, "", "0 later\r\n");
    EXPECT_EQ(answer(machine), 450);
    EXPECT_FALSE(machine.is_idle()) << "the transaction is open";
    machine.data();
    exchange(machine, "DATA\r\n", "354 go\r\n");
    EXPECT_EQ(answer(machine), 354);
    EXPECT_TRUE(machine.is_in_content());
    machine.content_sent();
    exchange(machine, "", "250 2.0.0 taken\r\n");
    EXPECT_EQ(answer(machine), 250);
    EXPECT_TRUE(machine.is_idle());
}

TEST(ClientMachine, ResetEndsATransaction) {
    auto machine = ready();
    ASSERT_TRUE(machine.mail(from("a@b")));
    exchange(machine, "MAIL FROM:<a@b>\r\n", "250 ok\r\n");
    machine.data();
    exchange(machine, "DATA\r\n", "554 5.5.1 no valid recipients\r\n");
    EXPECT_FALSE(machine.is_idle());
    machine.reset();
    exchange(machine, "RSET\r\n", "250 ok\r\n");
    EXPECT_TRUE(machine.is_idle());
    machine.reset();
    exchange(machine, "RSET\r\n", "500 what\r\n");
    EXPECT_FALSE(machine.is_idle()) << "a hop that cannot reset is not used again";
}

TEST(ClientMachine, EarlyWordsDuringContent) {
    auto refusing = ready();
    refusing.data();
    exchange(refusing, "DATA\r\n", "354 go\r\n552 5.3.4 too big\r\n");
    EXPECT_EQ(answer(refusing), 354);
    EXPECT_EQ(answer(refusing), 552);
    EXPECT_FALSE(refusing.is_in_content());
    EXPECT_FALSE(refusing.is_idle());
    auto lying = ready();
    lying.data();
    lying.sent();
    EXPECT_EQ(lying.receive("354 go\r\n250 taken\r\n").error().fault, Fault::malformed)
        << "nobody accepts what he has not seen";
}

TEST(ClientMachine, AnswersWithoutQuestions) {
    auto machine = ready();
    EXPECT_EQ(machine.receive("250 hm\r\n").error().fault, Fault::malformed);
    auto twice = ready();
    ASSERT_TRUE(twice.mail(from("a@b")));
    twice.sent();
    EXPECT_EQ(twice.receive("250 ok\r\n250 ok\r\n").error().fault, Fault::malformed);
    auto wrong_class = ready();
    ASSERT_TRUE(wrong_class.mail(from("a@b")));
    wrong_class.sent();
    EXPECT_EQ(wrong_class.receive("354 go\r\n").error().fault, Fault::malformed);
    auto data_taken = ready();
    data_taken.data();
    data_taken.sent();
    EXPECT_EQ(data_taken.receive("250 ok\r\n").error().fault, Fault::malformed);
    auto trailing = ready();
    ASSERT_TRUE(trailing.mail(from("a@b")));
    trailing.sent();
    EXPECT_FALSE(trailing.receive("250 ok\r\nx"));
}

TEST(ClientMachine, ServiceClosing) {
    auto machine = ready();
    ASSERT_TRUE(machine.mail(from("a@b")));
    exchange(machine, "MAIL FROM:<a@b>\r\n", "421 4.3.2 restarting\r\n");
    EXPECT_EQ(answer(machine), 421);
    EXPECT_FALSE(machine.is_idle());
    auto leaving = ready();
    leaving.quit();
    exchange(leaving, "QUIT\r\n", "221 bye\r\n");
    EXPECT_FALSE(leaving.is_idle());
}

TEST(ClientMachine, BadValuesNeverReachTheWire) {
    EXPECT_FALSE(ClientMachine::make("bad name\r\n", TlsUse::never));
    auto machine = ready();
    EXPECT_EQ(machine.mail(from("a\r\n@b")).error().fault, Fault::usage);
    EXPECT_EQ(machine.output(), "");
    EXPECT_EQ(machine.next(), Next::ready);
    ASSERT_TRUE(machine.mail(from("a@b")));
    EXPECT_FALSE(machine.rcpt({"\xC3\xA9@b", 0, ""})) << "MAIL did not say SMTPUTF8";
    EXPECT_EQ(machine.outstanding(), 1U);
}

}  // namespace
}  // namespace gatehouse::act::delivery
