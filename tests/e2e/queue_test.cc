// Mail that cannot be handed on within its session, with whole gateways: it is queued, tried again, told of,
// and never lost; and what operators can do meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <set>
#include <thread>

#include "support/gateway/gateway_test.h"

namespace gatehouse::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;
using namespace std::chrono_literals;

/// Internal mail goes to one sink, everything else (bounces to strangers, too) to the other.
class QueueTest : public GatewayTest {
  protected:
    void SetUp() override {
        GatewayTest::SetUp();
        outside_ = test::Sink::start({}).value();
    }
    void start(const std::string& tables = {}, const std::string& policy = {}, const std::string& smtp = {}) {
        GatewayPlan plan;
        plan.next_hops = {outside_->endpoint().to_string()};
        plan.gatehouse = "[[next_hop]]\ndomain = \"gw.test\"\naddress = \"" + sink_->endpoint().to_string() +
                         "\"\n\n" + tables;
        if (!tables.contains("[delivery]")) plan.gatehouse += "\n[delivery]\ndown_time = 0\n";
        plan.policy = policy;
        plan.smtp = smtp;
        GatewayTest::start(std::move(plan));
    }
    std::string deliver(const std::vector<std::string>& to, const std::string& mail = kMail,
                        const std::string& from = "a@example.org") {
        SmtpTalk talk(gateway_->smtp_port());
        return talk.deliver(from, to, mail);
    }
    std::vector<boost::json::object> queued() { return gateway_->rows({"queue", "list"}); }
    /// Until `what` holds; false after a while.
    static bool soon(const std::function<bool()>& what) {
        for (int i = 0; i < 300; ++i) {
            if (what()) return true;
            std::this_thread::sleep_for(50ms);
        }
        return false;
    }
    bool tried(int attempts) {
        return soon([&] {
            const auto rows = queued();
            return !rows.empty() && rows[0].at("attempts").to_number<int>() >= attempts;
        });
    }
    void advance(int seconds) {
        EXPECT_EQ(gateway_->command({"clock", std::to_string(seconds)}).exit_code, 0);
    }
    std::string tracked(const std::string& to, const char* key = "outcome") {
        const auto rows = gateway_->rows({"track", "--to", to});
        return rows.size() == 1 ? std::string(rows[0].at(key).as_string())
                                : "rows: " + std::to_string(rows.size());
    }
    std::vector<std::string> recipients_at(const test::Sink& sink) {
        std::vector<std::string> out;
        for (const auto& message : sink.messages()) {
            for (const auto& one : message.recipients) out.push_back(one.address);
        }
        return out;
    }

    std::unique_ptr<test::Sink> outside_;
};

TEST_F(QueueTest, WhatTheHopCannotTakeNowIsTriedAgain) {
    start();
    rescript("CONNECT = cut");
    EXPECT_THAT(deliver({"user@gw.test"}), StartsWith("250 2.0.0"));
    ASSERT_TRUE(tried(1));
    EXPECT_EQ(tracked("user@gw.test"), "queued");
    rescript("");
    EXPECT_EQ(sink_->message_count(), 0U);
    advance(70);
    ASSERT_TRUE(sink_->wait_for_messages(1, 10s));
    EXPECT_TRUE(sink_->messages()[0].content().ends_with(kMail));
    EXPECT_TRUE(soon([&] { return queued().empty(); }));
    EXPECT_EQ(tracked("user@gw.test"), "delivered") << "one row for a recipient, the newest state in it";
    EXPECT_EQ(outside_->message_count(), 0U);
}

TEST_F(QueueTest, RecipientsOfSeveralHopsGetACopyEach) {
    start("", "", "permitted_senders = [\"127.0.0.1\"]");
    EXPECT_THAT(deliver({"one@gw.test", "two@elsewhere.test", "three@gw.test"}), StartsWith("250 2.0.0"));
    ASSERT_TRUE(sink_->wait_for_messages(1, 10s));
    ASSERT_TRUE(outside_->wait_for_messages(1, 10s));
    EXPECT_THAT(recipients_at(*sink_), ElementsAre("one@gw.test", "three@gw.test"));
    EXPECT_THAT(recipients_at(*outside_), ElementsAre("two@elsewhere.test"));
    EXPECT_TRUE(soon([&] { return queued().empty(); }));
    EXPECT_EQ(tracked("two@elsewhere.test"), "delivered");
    EXPECT_EQ(sink_->message_count(), 1U);
}

TEST_F(QueueTest, OutcomesOfAllKindsAtOnce) {
    const auto rule = [](const std::string& to, const std::string& then) {
        return "[[rule]]\nname = \"" + to + "\"\nroute = { recipients = [\"" + to +
               "@gw.test\"] }\nwhen = \"always\"\nthen = " + then + "\n\n";
    };
    start("", rule("keep", "\"quarantine\"") + rule("drop", "\"delete\"") + rule("no", "\"reject\"") +
                  rule("mark", "[{ action = \"x_header\", name = \"X-Mark\", text = \"yes\" }]") +
                  rule("other",
                       "[{ action = \"hand_off\", host = \"" + outside_->endpoint().to_string() + "\" }]"));
    EXPECT_THAT(deliver({"keep@gw.test", "drop@gw.test", "no@gw.test", "mark@gw.test", "other@gw.test",
                         "plain@gw.test"}),
                StartsWith("250 2.0.0"));
    ASSERT_TRUE(sink_->wait_for_messages(2, 10s));
    ASSERT_TRUE(outside_->wait_for_messages(1, 10s));
    EXPECT_THAT(recipients_at(*sink_), UnorderedElementsAre("mark@gw.test", "plain@gw.test"));
    EXPECT_THAT(recipients_at(*outside_), ElementsAre("other@gw.test"));
    EXPECT_THAT(boost::json::serialize(gateway_->role_status("front").at("next_hops")),
                HasSubstr("handoff " + outside_->endpoint().to_string()));
    for (const auto& message : sink_->messages()) {
        EXPECT_EQ(message.content().contains("X-Mark: yes"), message.recipients[0].address == "mark@gw.test");
    }
    EXPECT_EQ(tracked("keep@gw.test"), "quarantined");
    EXPECT_EQ(tracked("no@gw.test"), "quarantined") << "refused alone is kept, never bounced";
    EXPECT_EQ(tracked("drop@gw.test"), "deleted");
    EXPECT_EQ(gateway_->rows({"quarantine", "list"}).size(), 2U);
    // One who defers puts the whole message off; all who reject are refused in the session.
    ASSERT_TRUE(gateway_->stop());
}

TEST_F(QueueTest, AFailureIsReportedToTheSenderOnce) {
    start();
    rescript("CONNECT = cut");
    SmtpTalk talk(gateway_->smtp_port());
    talk.hear();
    talk.ask("EHLO client.test");
    talk.ask("MAIL FROM:<bounces+user=gw.test@lists.example> RET=HDRS ENVID=QQ+3D314");
    talk.ask("RCPT TO:<user@gw.test> ORCPT=rfc822;user+2Bx@gw.test");
    talk.ask("RCPT TO:<silent@gw.test> NOTIFY=NEVER");
    talk.ask("DATA");
    ASSERT_THAT(talk.ask("Subject: original\r\nMessage-ID: <orig@example>\r\n\r\nthe body\r\n."),
                StartsWith("250"));
    ASSERT_TRUE(tried(1));
    rescript("RCPT = 550 5.1.1 nobody of that name");
    advance(70);
    ASSERT_TRUE(outside_->wait_for_messages(1, 10s));
    const auto notice = outside_->messages()[0];
    EXPECT_EQ(notice.sender, "");
    EXPECT_EQ(notice.recipients[0].address, "bounces+user=gw.test@lists.example");
    const auto text = notice.content();
    EXPECT_THAT(text, HasSubstr("Auto-Submitted: auto-replied"));
    EXPECT_THAT(text, HasSubstr("Original-Envelope-Id: QQ=314"));
    EXPECT_THAT(text, HasSubstr("Original-Recipient: rfc822; user+x@gw.test"));
    EXPECT_THAT(text, HasSubstr("Final-Recipient: rfc822; user@gw.test\r\nAction: failed\r\nStatus: 5.1.1"));
    EXPECT_THAT(text, HasSubstr("Subject: original\r\n"));
    EXPECT_THAT(text, Not(HasSubstr("the body")));
    EXPECT_THAT(text, Not(HasSubstr("silent@gw.test")));
    EXPECT_TRUE(soon([&] { return queued().empty(); }));
    EXPECT_EQ(tracked("user@gw.test"), "undeliverable");
    EXPECT_EQ(tracked("silent@gw.test"), "undeliverable");
    EXPECT_EQ(outside_->message_count(), 1U);
}

TEST_F(QueueTest, NobodyAnswersTheNullSender) {
    start();
    rescript("CONNECT = cut");
    ASSERT_THAT(deliver({"user@gw.test"}, kMail, ""), StartsWith("250"));
    ASSERT_TRUE(tried(1));
    rescript("RCPT = 550 5.1.1 nobody of that name");
    advance(70);
    EXPECT_TRUE(soon([&] { return queued().empty(); }));
    EXPECT_EQ(tracked("user@gw.test"), "undeliverable");
    std::this_thread::sleep_for(300ms);
    EXPECT_EQ(outside_->message_count(), 0U);
}

TEST_F(QueueTest, DelaysAreToldOnceAndAgeEndsIt) {
    start("[delivery]\ndown_time = 0\nwarn_hours = 4\nlifetime_hours = 24\nretry = [\"1 h\"]\n");
    rescript("CONNECT = cut");
    ASSERT_THAT(deliver({"user@gw.test"}), StartsWith("250"));
    ASSERT_TRUE(tried(1));
    advance(5 * 3600);
    ASSERT_TRUE(outside_->wait_for_messages(1, 10s));
    EXPECT_THAT(outside_->messages()[0].content(), HasSubstr("Action: delayed"));
    advance(5 * 3600);
    ASSERT_TRUE(tried(3));
    advance(15 * 3600);
    ASSERT_TRUE(outside_->wait_for_messages(2, 10s));
    EXPECT_THAT(outside_->messages()[1].content(), HasSubstr("Action: failed\r\nStatus: 4.4.7"));
    EXPECT_TRUE(soon([&] { return queued().empty(); }));
    EXPECT_EQ(outside_->message_count(), 2U);
    EXPECT_EQ(tracked("user@gw.test"), "undeliverable");
}

TEST_F(QueueTest, SuccessIsReportedWhereTheHopDoesNot) {
    start();
    test::Script script;
    ASSERT_TRUE(script.add_line("offer = PIPELINING, SIZE 104857600"));
    sink_->set_script(script);
    const auto send = [&](const std::string& notify) {
        auto talk = client();
        talk.ask("MAIL FROM:<a@example.org>");
        talk.ask("RCPT TO:<user@gw.test> NOTIFY=" + notify);
        talk.ask("DATA");
        EXPECT_THAT(talk.ask("Subject: original\r\n\r\nx\r\n."), StartsWith("250"));
    };
    send("SUCCESS,FAILURE");
    ASSERT_TRUE(outside_->wait_for_messages(1, 10s));
    EXPECT_THAT(outside_->messages()[0].content(), HasSubstr("Action: relayed\r\nStatus: 2.0.0"));
    send("FAILURE");
    sink_->set_script({});  // with DSN again: it reports itself
    std::this_thread::sleep_for(100ms);
    EXPECT_EQ(sink_->message_count(), 2U);
    EXPECT_EQ(outside_->message_count(), 1U);
}

TEST_F(QueueTest, PostponedMailWaitsForItsTime) {
    start(
        "[testing]\nfixed_clock = \"2026-03-01T20:00:00Z\"\n",
        "[[rule]]\nname = \"late\"\nwhen = \"always\"\nthen = [{ action = \"postpone\", at = \"22:00\" }]\n");
    ASSERT_THAT(deliver({"user@gw.test"}), StartsWith("250"));
    ASSERT_EQ(queued().size(), 1U);
    EXPECT_EQ(queued()[0].at("state").as_string(), "postponed");
    EXPECT_THAT(std::string(queued()[0].at("due").as_string()), StartsWith("2026-03-01T22:00:00"));
    EXPECT_EQ(gateway_->command({"queue", "flush"}).exit_code, 0);
    std::this_thread::sleep_for(1500ms);
    EXPECT_EQ(sink_->message_count(), 0U);
    advance(2 * 3600);
    EXPECT_TRUE(sink_->wait_for_messages(1, 10s));
}

TEST_F(QueueTest, OperatorsHoldReleaseFlushAndDelete) {
    start();
    rescript("CONNECT = cut");
    for (int i = 0; i < 3; ++i) ASSERT_THAT(deliver({"user@gw.test"}), StartsWith("250"));
    ASSERT_TRUE(soon([&] {
        const auto rows = queued();
        return rows.size() == 3 && std::all_of(rows.begin(), rows.end(), [](const auto& row) {
                   return row.at("attempts").template to_number<int>() == 1;
               });
    }));
    const auto id = [&](std::size_t i) { return std::string(queued()[i].at("id").as_string()); };
    const auto held = id(0);
    const auto dropped = id(1);
    EXPECT_EQ(gateway_->command({"queue", "hold", held}).exit_code, 0);
    EXPECT_EQ(gateway_->rows({"queue", "list", "--held"}).size(), 1U);
    EXPECT_EQ(gateway_->command({"queue", "show", "--raw", held}).out.substr(0, 10), "Received: ");
    const auto shown = gateway_->rows({"queue", "show", held})[0];
    EXPECT_EQ(shown.at("state").as_string(), "held");
    EXPECT_THAT(boost::json::serialize(shown.at("steps")), HasSubstr("viewed")) << "of who read it";
    EXPECT_EQ(gateway_->command({"queue", "delete", "--notify", dropped}).exit_code, 0);
    EXPECT_EQ(gateway_->command({"queue", "show", dropped}).exit_code, 1);
    ASSERT_TRUE(outside_->wait_for_messages(1, 10s));
    EXPECT_THAT(outside_->messages()[0].content(), HasSubstr("550 5.7.1 deleted by the administrator"));
    rescript("");
    EXPECT_THAT(gateway_->command({"queue", "flush"}).out, HasSubstr("1 item is tried now"));
    ASSERT_TRUE(sink_->wait_for_messages(1, 10s));
    std::this_thread::sleep_for(200ms);
    EXPECT_EQ(sink_->message_count(), 1U) << "the held one stays";
    EXPECT_EQ(gateway_->command({"queue", "release", held}).exit_code, 0);
    EXPECT_TRUE(sink_->wait_for_messages(2, 10s));
    EXPECT_TRUE(soon([&] { return queued().empty(); }));
    EXPECT_EQ(gateway_->command({"queue", "hold", held}).exit_code, 1);
    ASSERT_TRUE(gateway_->stop());
    EXPECT_EQ(gateway_->command({"queue", "list"}).exit_code, 0) << "also while nothing runs";
}

/// With the default down_time: what waits for a hop that is known to be down is tried when an operator says
/// so.
TEST_F(QueueTest, AFlushForgetsThatAHopWasDown) {
    start("[delivery]\nwarn_hours = 4\n");
    rescript("CONNECT = cut");
    for (int i = 0; i < 4; ++i) ASSERT_THAT(deliver({"user@gw.test"}), StartsWith("250"));
    std::this_thread::sleep_for(1200ms);
    const auto rows = queued();
    ASSERT_EQ(rows.size(), 4U);
    EXPECT_LE(std::count_if(rows.begin(), rows.end(),
                            [](const auto& row) { return row.at("attempts").template to_number<int>() > 0; }),
              2)
        << "each loop may have found out by itself";
    rescript("");
    EXPECT_THAT(gateway_->command({"queue", "flush"}).out, HasSubstr("4 items are tried now"));
    EXPECT_TRUE(sink_->wait_for_messages(4, 10s));
    EXPECT_TRUE(soon([&] { return queued().empty(); }));
}

TEST_F(QueueTest, AStopAndAKillLoseNothing) {
    start("[delivery]\ndown_time = 0\ncut_through = false\n");
    std::set<std::string> sent;
    for (int round = 0; round < 4; ++round) {
        for (int i = 0; i < 20; ++i) {
            const std::string subject = "m" + std::to_string(round) + "x" + std::to_string(i) + "e";
            if (deliver({"user@gw.test"}, "Subject: " + subject + "\r\n\r\nx\r\n").starts_with("250"))
                sent.insert(subject);
        }
        if (round % 2 == 0) {
            ::kill(gateway_->pid_of("front"), SIGKILL);
            ASSERT_TRUE(gateway_->wait_ready(30));
        } else {
            gateway_->kill_all();
            ASSERT_TRUE(gateway_->start());
        }
    }
    EXPECT_EQ(sent.size(), 80U);
    std::multiset<std::string> arrived;
    EXPECT_TRUE(soon([&] {
        arrived.clear();
        for (const auto& message : sink_->messages()) {
            const auto content = message.content();
            const auto at = content.find("Subject: ") + 9;
            arrived.insert(content.substr(at, content.find('\r', at) - at));
        }
        return std::all_of(sent.begin(), sent.end(), [&](const auto& one) { return arrived.contains(one); });
    }));
    EXPECT_LE(arrived.size(), sent.size() + 4 * 20) << "doubled only in the window of each kill";
    EXPECT_TRUE(soon([&] { return queued().empty(); }));
}

}  // namespace
}  // namespace gatehouse::testing
