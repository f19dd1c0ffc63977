#include "act/delivery/hop_session.h"

#include <gtest/gtest.h>

#include <thread>

#include "support/delivery_fixture.h"

namespace gatehouse::act::delivery {
namespace {

using base::Fault;

class HopSessionTest : public DeliveryTest {
  protected:
    /// The outcome of one message when the sink follows these rules.
    FinalAnswer outcome(const std::string& rules, const Letter& letter = {}) {
        sink_ = make_sink(rules);
        auto delivered = deliver(hop(*sink_), letter);
        EXPECT_FALSE(delivered.failed) << delivered.failed->sentence;
        return std::move(delivered.final_answer);
    }
    static Letter big_letter(std::size_t bytes) {
        Letter letter;
        letter.content.clear();
        while (letter.content.size() < bytes)
            letter.content += "0123456789012345678901234567890123456789012345678901\r\n";
        return letter;
    }

    std::unique_ptr<test::Sink> sink_;
};

TEST_F(HopSessionTest, DeliversByteForByte) {
    Letter letter;
    letter.head = "Received: x\r\nX-Gatehouse-Ref: y\r\n";
    letter.content = "Subject: dots\r\n\r\n.\r\n..\r\n.a\r\n\r\n8-bit \xE9\xFF\r\n.";
    letter.envelope.sender = "from@example.org";
    letter.recipients.push_back({"second@example.com", 0, ""});
    const auto answer = outcome("", letter);
    EXPECT_EQ(answer.outcome, DataOutcome::accepted);
    EXPECT_EQ(answer.reply.to_string(), "250 2.0.0 Ok: taken");
    ASSERT_EQ(sink_->message_count(), 1U);
    const auto got = sink_->messages()[0];
    EXPECT_EQ(got.content(), letter.head + letter.content + "\r\n");
    EXPECT_EQ(got.sender, "from@example.org");
    EXPECT_EQ(got.helo, "gw.test");
    ASSERT_EQ(got.recipients.size(), 2U);
    EXPECT_EQ(got.recipients[1].address, "second@example.com");
    EXPECT_EQ(sink_->commands(),
              (std::vector<std::string>{"1: EHLO gw.test", "1: MAIL FROM:<from@example.org>",
                                        "1: RCPT TO:<to@example.com>", "1: RCPT TO:<second@example.com>",
                                        "1: DATA"}));
}

TEST_F(HopSessionTest, DeliversWithoutAnyExtension) {
    Letter letter;
    letter.envelope.eight_bit = true;
    letter.envelope.declared_size = 10;
    letter.recipients.assign(3, {"to@example.com", message::kNotifyNever, "rfc822;a@b"});
    EXPECT_EQ(outcome("offer =", letter).outcome, DataOutcome::accepted);
    EXPECT_EQ(sink_->messages()[0].parameters, "");
    EXPECT_EQ(sink_->messages()[0].recipients[2].parameters, "");
    EXPECT_EQ(outcome("EHLO = 502 5.5.1 no", letter).outcome, DataOutcome::accepted);
    EXPECT_EQ(sink_->commands()[1], "1: HELO gw.test");
}

TEST_F(HopSessionTest, ParametersPassVerbatim) {
    Letter letter;
    letter.envelope.sender = "j\xC3\xBC@example.org";
    letter.envelope.smtputf8 = letter.envelope.eight_bit = true;
    letter.envelope.declared_size = 77;
    letter.envelope.ret = "FULL";
    letter.envelope.envid = "id+2B1";
    letter.recipients = {{"to@example.com", message::kNotifyFailure, "rfc822;x+2By@z"}};
    EXPECT_EQ(outcome("", letter).outcome, DataOutcome::accepted);
    const auto got = sink_->messages()[0];
    EXPECT_EQ(got.parameters, "SIZE=77 BODY=8BITMIME SMTPUTF8 RET=FULL ENVID=id+2B1");
    EXPECT_EQ(got.recipients[0].parameters, "NOTIFY=FAILURE ORCPT=rfc822;x+2By@z");
}

TEST_F(HopSessionTest, ThousandRecipients) {
    Letter letter;
    letter.recipients.assign(1000, {"to@example.com", 0, ""});
    sink_ = make_sink("RCPT 150 = 450 4.2.0 later\nRCPT 1000 = 550 5.1.1 no");
    const auto delivered = deliver(hop(*sink_), letter);
    EXPECT_EQ(delivered.final_answer.outcome, DataOutcome::accepted);
    EXPECT_EQ(delivered.answers.recipients[149].to_string(), "450 4.2.0 later");
    EXPECT_EQ(delivered.answers.recipients[999].code, 550);
    EXPECT_EQ(sink_->messages()[0].recipients.size(), 998U);
}

TEST_F(HopSessionTest, RecipientsAreAnsweredEachForItself) {
    sink_ = make_sink("RCPT 2 = 450 4.2.0 later\nRCPT 3 = 550 5.1.1 nobody");
    auto session = open(hop(*sink_));
    ASSERT_TRUE(session);
    const std::vector<message::Recipient> first{{"a@b", 0, ""}};
    const auto started = run(session->start(message::Envelope(), first));
    ASSERT_TRUE(started);
    EXPECT_EQ(started->mail.code, 250);
    EXPECT_EQ(started->recipients[0].code, 250);
    EXPECT_EQ(run(session->rcpt({"c@d", 0, ""}))->to_string(), "450 4.2.0 later");
    EXPECT_EQ(run(session->rcpt({"e@f", 0, ""}))->to_string(), "550 5.1.1 nobody");
    EXPECT_EQ(run(session->rcpt({"g\r\nDATA@h", 0, ""}))->code, 553) << "ours; nothing was sent";
    EXPECT_EQ(run(session->rcpt({"i@j", 0, ""}))->code, 250);
    EXPECT_EQ(run(session->data("", "x\r\n", base::SteadyTime::max())).outcome, DataOutcome::accepted);
    EXPECT_EQ(sink_->messages()[0].recipients.size(), 2U);
}

TEST_F(HopSessionTest, WhatWasHeardBeforeTheConnectionWasLost) {
    const std::vector<message::Recipient> two{{"a@b", 0, ""}, {"c@d", 0, ""}};
    sink_ = make_sink("MAIL = 550 5.7.1 not you then cut");
    auto refused = open(hop(*sink_));
    ASSERT_TRUE(refused);
    const auto started = run(refused->start(message::Envelope(), two));
    ASSERT_TRUE(started) << started.error().sentence;
    EXPECT_EQ(started->mail.code, 550);
    EXPECT_EQ(started->recipients[1].to_string(), "550 5.7.1 not you");
    sink_ = make_sink("RCPT 1 = 550 5.1.1 nobody then cut");
    auto lost = open(hop(*sink_));
    ASSERT_TRUE(lost);
    EXPECT_FALSE(run(lost->start(message::Envelope(), two)));
    ASSERT_EQ(lost->heard().size(), 2U);
    EXPECT_EQ(lost->heard()[0].code, 550);
    EXPECT_EQ(lost->heard()[1].code, 0);
}

TEST_F(HopSessionTest, MailRefusedIsEveryRecipientsAnswer) {
    for (const std::string offer : {"", "\noffer ="}) {
        sink_ = make_sink("MAIL = 550 5.7.1 not you" + offer);
        auto session = open(hop(*sink_));
        ASSERT_TRUE(session);
        const std::vector<message::Recipient> two{{"a@b", 0, ""}, {"c@d", 0, ""}};
        const auto started = run(session->start(message::Envelope(), two));
        ASSERT_TRUE(started);
        EXPECT_EQ(started->recipients[1].to_string(), "550 5.7.1 not you");
        EXPECT_EQ(run(session->rcpt({"e@f", 0, ""}))->code, 550);
        EXPECT_EQ(run(session->data("", "x\r\n", base::SteadyTime::max())).reply.code, 554);
    }
}

TEST_F(HopSessionTest, AnswersToTheDotPassOn) {
    EXPECT_EQ(outcome("DOT = 451 4.3.0 disk").reply.to_string(), "451 4.3.0 disk");
    const auto refused = outcome("DOT = 550 5.7.1 a\\nb");
    EXPECT_EQ(refused.outcome, DataOutcome::refused);
    EXPECT_EQ(refused.reply.for_client().to_string(), "550 5.7.1 a b");
    EXPECT_EQ(outcome("DOT = 421 4.3.2 going then cut").reply.for_client().code, 451);
}

TEST_F(HopSessionTest, InDoubtWhenNoAnswerComesAfterTheDot) {
    auto settings = quick_settings();
    settings.final_timeout = 1;
    make_pool(settings);
    for (const std::string rule :
         {"DOT = cut", "DOT = reset", "DOT = stall", "DOT = garbage then cut", "DOT = endless",
          "DOT = raw 250", "DOT = 354 more", "DOT = raw 25\\0 x\\r\\n"}) {
        const auto answer = outcome(rule + (rule.ends_with("250") ? " then cut" : ""));
        EXPECT_EQ(answer.outcome, DataOutcome::in_doubt) << rule;
        EXPECT_TRUE(answer.reason.sentence.starts_with("after the final dot: ")) << answer.reason.sentence;
        EXPECT_EQ(sink_->message_count(), 1U) << "it was there";
    }
    EXPECT_EQ(outcome("DOT = stall").reason.fault, Fault::timed_out);
}

TEST_F(HopSessionTest, NotSentWhenTheConnectionFailsBeforeTheDot) {
    auto settings = quick_settings();
    settings.command_timeout = settings.data_timeout = 1;
    make_pool(settings);
    for (const std::string rule :
         {"DATA = cut", "DATA = reset", "DATA = stall", "DATA = 250 ok", "DATA = garbage"}) {
        EXPECT_EQ(outcome(rule).outcome, DataOutcome::not_sent) << rule;
        EXPECT_EQ(sink_->message_count(), 0U);
    }
    const auto letter = big_letter(20 << 20);
    for (const std::string rule :
         {"BODY 100000 = cut", "BODY 100000 = reset", "BODY 100000 = stall",
          "BODY 100000 = 250 got it then stall", "BODY 100000 = garbage then stall"}) {
        const auto answer = outcome(rule, letter);
        EXPECT_EQ(answer.outcome, DataOutcome::not_sent) << rule;
        EXPECT_TRUE(answer.reason.sentence.starts_with("before the final dot: ")) << answer.reason.sentence;
        EXPECT_EQ(sink_->message_count(), 0U);
    }
}

// The caller's time is over before command_timeout and data_timeout are.
TEST_F(HopSessionTest, NothingIsSentBehindTheCallersTime) {
    for (const std::string rule : {"DATA = stall", "BODY 100000 = stall"}) {
        sink_ = make_sink(rule);
        const auto letter = big_letter(20 << 20);
        auto session = open(hop(*sink_));
        ASSERT_TRUE(session);
        ASSERT_TRUE(run(session->start(letter.envelope, letter.recipients)));
        const auto give_up = std::chrono::steady_clock::now() + std::chrono::milliseconds(200);
        const auto answer = run(session->data(letter.head, letter.content, give_up));
        EXPECT_EQ(answer.outcome, DataOutcome::not_sent) << rule;
        EXPECT_EQ(answer.reason.fault, Fault::timed_out) << rule;
        EXPECT_EQ(sink_->message_count(), 0U);
    }
}

TEST_F(HopSessionTest, DataRefused) {
    sink_ = make_sink("DATA 1 = 451 4.3.0 not now\nDATA 2 = 554 5.7.1 never");
    EXPECT_EQ(deliver(hop(*sink_)).final_answer.reply.to_string(), "451 4.3.0 not now");
    EXPECT_EQ(deliver(hop(*sink_)).final_answer.reply.to_string(), "554 5.7.1 never");
    EXPECT_EQ(deliver(hop(*sink_)).final_answer.outcome, DataOutcome::accepted);
}

TEST_F(HopSessionTest, EarlyRefusalInTheMiddleOfTheContent) {
    const auto letter = big_letter(20 << 20);
    for (const std::string rule : {"BODY 100000 = 552 5.3.4 too big then stall",
                                   "BODY 100000 = 552 5.3.4 too big", "BODY = 452 4.3.1 full then stall"}) {
        const auto answer = outcome(rule, letter);
        EXPECT_EQ(answer.outcome, DataOutcome::refused) << rule << answer.reason.sentence;
        EXPECT_EQ(answer.reply.code, rule.contains("552") ? 552 : 452);
    }
    // Small content is in the wire before the hop has said anything: its early word is the answer to the dot.
    EXPECT_EQ(outcome("BODY = 552 5.3.4 no then cut").reply.code, 552);
}

/// A hop that takes content slowly: so much of it, every tenth of a second.
class SlowHop {
  public:
    SlowHop() : acceptor_(io_, {net::asio::ip::address_v4::loopback(), 0}), thread_([this] { serve(); }) {}
    base::Endpoint endpoint() const {
        return base::Endpoint::parse("127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()))
            .value();
    }

  private:
    void serve() {
        net::ErrorCode error;
        auto peer = acceptor_.accept(error);
        const auto say = [&](const std::string& text) { peer.write_some(net::asio::buffer(text), error); };
        std::string seen;
        std::vector<char> piece(1U << 20);
        const auto hear = [&](const std::string& end) {
            while (!error && !seen.contains(end)) {
                const auto got = peer.read_some(net::asio::buffer(piece), error);
                seen.append(piece.data(), got);
                if (got > 10'000) std::this_thread::sleep_for(std::chrono::milliseconds(100));
                if (end == "\r\n.\r\n" && seen.size() > 100) seen.erase(0, seen.size() - 100);
            }
            seen.clear();
        };
        say("220 slow\r\n");
        hear("\r\n");
        say("250 slow\r\n");
        for (const char* reply : {"250 ok\r\n", "250 ok\r\n", "354 go on\r\n"}) {
            hear("\r\n");
            say(reply);
        }
        hear("\r\n.\r\n");
        say("250 taken\r\n");
    }

    net::asio::io_context io_;
    net::asio::ip::tcp::acceptor acceptor_;
    std::jthread thread_;  // last
};

TEST_F(HopSessionTest, ContentMayTakeLongWhileTheHopTakesIt) {
    auto settings = quick_settings();
    settings.data_timeout = 1;
    make_pool(settings);
    const SlowHop slow;
    const auto begin = clock_.steady();
    const auto delivered = deliver(hop({slow.endpoint()}), big_letter(30 << 20));
    EXPECT_EQ(delivered.final_answer.outcome, DataOutcome::accepted)
        << delivered.final_answer.reason.sentence;
    EXPECT_GT(clock_.steady() - begin, std::chrono::milliseconds(1500));
}

TEST_F(HopSessionTest, GiveUpBoundsTheContent) {
    sink_ = make_sink("BODY 1 = stall");
    auto session = open(hop(*sink_));
    const std::vector<message::Recipient> one{{"a@b", 0, ""}};
    ASSERT_TRUE(run(session->start(message::Envelope(), one)));
    const auto letter = big_letter(20 << 20);
    const auto answer = run(session->data("", letter.content, clock_.steady()));
    EXPECT_EQ(answer.outcome, DataOutcome::not_sent);
    EXPECT_EQ(answer.reason.fault, Fault::timed_out);
}

TEST_F(HopSessionTest, OurOwnRefusals) {
    auto settings = quick_settings();
    settings.max_connections = 1;  // the next message waits until the RSET of the last one is answered
    make_pool(settings);
    Letter letter;
    sink_ = make_sink("offer = PIPELINING");
    letter.envelope.sender = "a>\r\nRCPT TO:<x@y";
    EXPECT_EQ(deliver(hop(*sink_), letter).answers.mail.code, 553);
    letter.envelope.sender.clear();
    letter.content = "\xC3\xA9\r\n";
    EXPECT_EQ(deliver(hop(*sink_), letter).final_answer.outcome, DataOutcome::accepted)
        << "eight_bit = as_is";
    auto strict = hop(*sink_);
    strict.refuse_eight_bit = true;
    EXPECT_TRUE(deliver(strict, letter).final_answer.reply.to_string().starts_with("550 5.6.3 "));
    letter.content = "ascii\r\n";
    EXPECT_EQ(deliver(strict, letter).final_answer.outcome, DataOutcome::accepted);
    EXPECT_EQ(sink_->message_count(), 2U);
    EXPECT_EQ(sink_->connection_count(), 1U) << "refusals of ours cost no connection";
}

TEST_F(HopSessionTest, Smtputf8IsMissedOnlyWhereItIsNeeded) {
    sink_ = make_sink("offer = PIPELINING");
    Letter letter;
    letter.envelope.smtputf8 = true;
    letter.recipients = {{"to@example.com", 0, ""}, {"j\xC3\xBC@example.com", 0, ""}};
    auto delivered = deliver(hop(*sink_), letter);
    EXPECT_TRUE(delivered.answers.recipients[0].is_positive()) << "an ASCII address needs nothing";
    EXPECT_TRUE(delivered.answers.recipients[1].to_string().starts_with("550 5.6.7 "));
    EXPECT_TRUE(delivered.answers.recipients[1].ours);
    EXPECT_TRUE(delivered.final_answer.reply.to_string().starts_with("550 5.6.7 "))
        << "an unknown header may need it";
    letter.envelope.sender = "j\xC3\xBC@example.org";
    EXPECT_TRUE(deliver(hop(*sink_), letter).answers.mail.to_string().starts_with("550 5.6.7 "));
    auto session = open(hop(*sink_));
    letter.envelope.sender = "a@example.org";
    letter.recipients.pop_back();
    ASSERT_TRUE(run(session->start(letter.envelope, letter.recipients)));
    EXPECT_EQ(run(session->data("", "Subject: x\r\n\r\n", base::SteadyTime::max(), false)).outcome,
              DataOutcome::accepted);
    EXPECT_EQ(sink_->message_count(), 1U);
    EXPECT_EQ(sink_->messages()[0].parameters, "");
}

TEST_F(HopSessionTest, SizeLimitOfTheHop) {
    Letter letter;
    letter.head = "12\r\n";
    letter.content = "345\r\n";
    EXPECT_EQ(outcome("offer = SIZE 9", letter).outcome, DataOutcome::accepted);
    EXPECT_TRUE(outcome("offer = SIZE 8", letter).reply.to_string().starts_with("552 5.3.4 "));
    EXPECT_EQ(sink_->message_count(), 0U);
}

TEST_F(HopSessionTest, HostileRepliesEndTheConnectionAndNothingElse) {
    auto settings = quick_settings();
    settings.connect_timeout = settings.command_timeout = 1;
    make_pool(settings);
    const std::string replies[] = {"garbage",
                                   "endless",
                                   "raw 250 a\\0b\\r\\n",
                                   "raw hello\\r\\n",
                                   "raw 250-a\\r\\n550 b\\r\\n",
                                   "raw 99 x\\r\\n",
                                   "raw 250 " + std::string(5000, 'x'),
                                   "stall",
                                   "cut",
                                   "reset"};
    for (const std::string stage : {"CONNECT", "EHLO", "MAIL", "RCPT"}) {
        for (const auto& reply : replies) {
            sink_ = make_sink(stage + " = " + reply);
            const auto delivered = deliver(hop(*sink_));
            ASSERT_TRUE(delivered.failed) << stage << " " << reply;
            EXPECT_NE(delivered.failed->fault, Fault::internal) << delivered.failed->sentence;
        }
    }
    const auto twice = make_sink("MAIL = raw 250 ok\\r\\n250 ok\\r\\n250 ok\\r\\n");
    EXPECT_EQ(deliver(hop(*twice)).final_answer.outcome, DataOutcome::not_sent)
        << "more replies than commands";
    EXPECT_EQ(pool().counts().busy, 0U);
}

TEST_F(HopSessionTest, AbandonResetsAndKeepsTheConnection) {
    sink_ = make_sink();
    {
        auto session = open(hop(*sink_));
        ASSERT_TRUE(session);
        const std::vector<message::Recipient> one{{"a@b", 0, ""}};
        ASSERT_TRUE(run(session->start(message::Envelope(), one)));
        session->abandon();
        EXPECT_EQ(session->info().address, sink_->endpoint().to_string()) << "still known";
        EXPECT_FALSE(run(session->rcpt({"a@b", 0, ""}))) << "the session is over";
        EXPECT_EQ(run(session->data("", "", base::SteadyTime::max())).outcome, DataOutcome::not_sent);
    }
    ASSERT_TRUE(run_until([&] { return pool().counts().idle == 1; }));
    EXPECT_EQ(sink_->commands().back(), "1: RSET");
    const auto delivered = deliver(hop(*sink_));
    EXPECT_TRUE(delivered.info.reused);
    EXPECT_EQ(delivered.final_answer.outcome, DataOutcome::accepted);
    EXPECT_EQ(sink_->messages()[0].recipients.size(), 1U);
}

TEST_F(HopSessionTest, AbandonDropsWhatCannotBeReset) {
    sink_ = make_sink("RSET = stall");
    {
        auto session = open(hop(*sink_));
        const std::vector<message::Recipient> one{{"a@b", 0, ""}};
        ASSERT_TRUE(run(session->start(message::Envelope(), one)));
    }
    pool_->close();
    rescript(*sink_, "RSET = 500 what");
    {
        auto session = open(hop(*sink_));
        const std::vector<message::Recipient> one{{"a@b", 0, ""}};
        ASSERT_TRUE(run(session->start(message::Envelope(), one)));
    }
    EXPECT_TRUE(run_until([&] { return pool().counts().busy == 0; }));
    EXPECT_EQ(pool().counts().idle, 0U);
}

}  // namespace
}  // namespace gatehouse::act::delivery
