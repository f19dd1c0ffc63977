// Releasing held mail, with whole gateways: what arrives, who gets it how often, and that nobody who waits
// for it holds up the gateway.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <future>
#include <memory>
#include <thread>

#include "support/gateway/gateway_test.h"

namespace gatehouse::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::chrono_literals;

constexpr const char* kHoldAll =
    "[[rule]]\nname = \"Global antivirus rule\"\nkind = \"antivirus\"\nwhen = { any = [\"antivirus.match\"] "
    "}\n"
    "then = [\"quarantine\"]\n\n"
    "[[rule]]\nname = \"Hold\"\nroute = { senders = [\"held@example.org\"] }\nwhen = \"always\"\n"
    "then = [\"quarantine\"]\n";

class ReleaseTest : public GatewayTest {
  protected:
    void start(GatewayPlan plan = {}) {
        plan.policy = kHoldAll;
        GatewayTest::start(std::move(plan));
    }
    /// The id of the item that the message became.
    std::string hold(const std::vector<std::string>& to,
                     const std::string& mail = "Subject: held\r\n\r\nx\r\n") {
        SmtpTalk talk(gateway_->smtp_port());
        EXPECT_THAT(talk.deliver("held@example.org", to, mail), StartsWith("250"));
        const auto listed = gateway_->rows({"quarantine", "list"});
        return listed.empty() ? "none" : std::string(listed[0].at("id").as_string());
    }
    Finished release(const std::string& id) { return gateway_->command({"quarantine", "release", id}); }
    std::vector<std::string> recipients_of(std::size_t message) const {
        std::vector<std::string> out;
        const auto messages = sink_->messages();
        for (const auto& one : messages.at(message).recipients) out.push_back(one.address);
        return out;
    }
    std::string state_of(const std::string& id) {
        const auto shown = gateway_->rows({"quarantine", "show", id});
        return shown.size() == 1 ? std::string(shown[0].at("state").as_string()) : "not shown";
    }
};

TEST_F(ReleaseTest, WhatOnlyWeMayWriteIsGoneAndTheRestIsByteForByte) {
    start();
    const std::string before = "Received: from there (strange  spacing)\r\n\tby here\r\n";
    const std::string kept =
        "Authentication-Results: other.test; spf=pass\r\nSubject:  forged and \xe4\xf6\r\nx-spaM: "
        "no\r\nFrom: "
        "<held@example.org>\r\n\r\nbody \xff\xfe\r\n.dot\r\nX-Spam-Status: in the body\r\n";
    const std::string mail = before +
                             "X-Gatehouse-Verdict: clean\r\nX-Spam-Status: No,\r\n\tscore=-100\r\n"
                             "Authentication-Results: gateway.test; dmarc=pass\r\n" +
                             kept;
    const auto id = hold({"user@gw.test"}, mail);
    EXPECT_EQ(gateway_->command({"quarantine", "show", "--raw", id}).out, mail) << "stored as it came";
    const auto released = release(id);
    ASSERT_EQ(released.exit_code, 0) << released.err;
    ASSERT_EQ(sink_->message_count(), 1U);
    const std::string content = sink_->messages()[0].content();
    ASSERT_TRUE(content.ends_with(before + kept)) << content;
    const std::string head = content.substr(0, content.size() - before.size() - kept.size());
    EXPECT_THAT(head, StartsWith("Received: from "));
    EXPECT_THAT(head, HasSubstr("\r\nX-Gatehouse-Verdict: policy\r\n"));
    EXPECT_THAT(head, ::testing::Not(HasSubstr("score=-100")));
}

TEST_F(ReleaseTest, ExplainAndTrackKnowAReleaseAsTheyKnowTheMessage) {
    start();
    const auto id = hold({"user@gw.test"}, "Subject: a subject of its own\r\n\r\nx\r\n");
    ASSERT_EQ(release(id).exit_code, 0);
    const auto tracked = gateway_->rows({"track", "--subject", "subject of its own"});
    ASSERT_EQ(tracked.size(), 2U);
    EXPECT_EQ(tracked[0].at("outcome").as_string(), "delivered");
    EXPECT_EQ(tracked[0].at("verdict").as_string(), "policy");
    EXPECT_EQ(tracked[1].at("outcome").as_string(), "quarantined");
    const auto explained = gateway_->rows({"explain", id.substr(0, id.find('/'))});
    ASSERT_EQ(explained.size(), 1U);
    EXPECT_EQ(explained[0].at("attempt").to_number<int>(), 1);
    EXPECT_THAT(std::string(explained[0].at("words").as_string()), HasSubstr("Hold"));
    EXPECT_EQ(explained[0].at("decision").as_array().size(), 1U);
    // Who did it: the name is the asker's word, the uid the kernel's.
    const auto shown = gateway_->rows({"quarantine", "show", id});
    const std::string who(shown.at(0).at("releases").as_array().at(0).at("who").as_string());
    EXPECT_TRUE(who.ends_with("(uid " + std::to_string(::geteuid()) + ")")) << who;
}

TEST_F(ReleaseTest, EachRecipientGetsItOnce) {
    start();
    const auto id = hold({"a@gw.test", "b@gw.test", "c@gw.test"});
    rescript("RCPT 2 = 451 4.2.0 not now");
    const auto first = release(id);
    EXPECT_EQ(first.exit_code, 3);
    EXPECT_THAT(first.err, HasSubstr("b@gw.test: 451 4.2.0"));
    EXPECT_EQ(state_of(id), "held");
    rescript("RCPT 1 = 550 5.1.1 no such user");
    const auto second = release(id);
    EXPECT_EQ(second.exit_code, 1);
    EXPECT_THAT(second.err, HasSubstr("was released, but not to everybody: b@gw.test: 550 5.1.1"));
    EXPECT_EQ(state_of(id), "released");
    ASSERT_EQ(sink_->message_count(), 1U);
    EXPECT_THAT(recipients_of(0), ElementsAre("a@gw.test", "c@gw.test"));
}

TEST_F(ReleaseTest, OneAtATimeAndARestartWaitsForIt) {
    start({.gatehouse = "[delivery]\nfinal_timeout = 10"});
    const auto id = hold({"user@gw.test"});
    rescript("DOT = stall");
    auto first = std::async(std::launch::async, [&] { return release(id); });
    ASSERT_TRUE(sink_->wait_for_messages(1, 30s));
    const auto second = release(id);
    EXPECT_EQ(second.exit_code, 3);
    EXPECT_THAT(second.err, HasSubstr("is being released now"));
    EXPECT_EQ(gateway_->command({"quarantine", "delete", id}).exit_code, 3);
    const pid_t before = gateway_->pid_of("front");
    EXPECT_EQ(gateway_->command({"restart", "all"}).exit_code, 0);
    // Its client hears how it ended, although the front is on its way out.
    const auto ended = first.get();
    EXPECT_EQ(ended.exit_code, 3);
    EXPECT_THAT(ended.err, HasSubstr("it may have it"));
    while (gateway_->pid_of("front") == before) std::this_thread::sleep_for(50ms);
    ASSERT_TRUE(gateway_->wait_ready(30)) << gateway_->log();
    rescript("");
    const auto again = release(id);
    EXPECT_EQ(again.exit_code, 1);
    EXPECT_THAT(again.err, HasSubstr("in doubt"));
    EXPECT_EQ(sink_->message_count(), 1U) << "what is in doubt is never sent again";
}

TEST_F(ReleaseTest, WhatAKilledFrontMayHaveSentIsNotSentAgain) {
    start();
    const auto id = hold({"user@gw.test"});
    rescript("DOT = stall");
    auto first = std::async(std::launch::async, [&] { return release(id); });
    ASSERT_TRUE(sink_->wait_for_messages(1, 30s));
    ::kill(gateway_->pid_of("front"), SIGKILL);
    EXPECT_EQ(first.get().exit_code, 3);
    ASSERT_TRUE(gateway_->wait_ready(30)) << gateway_->log();
    rescript("");
    const auto again = release(id);
    EXPECT_EQ(again.exit_code, 1);
    EXPECT_THAT(again.err, HasSubstr("in doubt"));
    EXPECT_EQ(sink_->message_count(), 1U);
}

/// `quarantine show --raw ID | less`, and nobody reads on.
TEST_F(ReleaseTest, AClientThatStopsReadingHoldsUpNoRestart) {
    start();
    const auto id =
        hold({"user@gw.test"}, "Subject: large\r\n\r\n" + with_crlf(std::string(8 << 20, 'x') + "\n"));
    const std::string words =
        program_folder() + "/gatehouse quarantine show --raw " + id + " --config " + gateway_->config();
    const std::unique_ptr<FILE, int (*)(FILE*)> pager(::popen(words.c_str(), "r"), &::pclose);
    ASSERT_NE(pager, nullptr);
    ASSERT_NE(std::fgetc(pager.get()), EOF) << "it has begun";
    const pid_t before = gateway_->pid_of("front");
    ASSERT_EQ(gateway_->command({"restart", "all"}).exit_code, 0);
    for (int i = 0; i < 600 && gateway_->pid_of("front") == before; ++i) std::this_thread::sleep_for(50ms);
    EXPECT_NE(gateway_->pid_of("front"), before) << gateway_->log();
    EXPECT_TRUE(gateway_->wait_ready(30));
    EXPECT_EQ(state_of(id), "held");
}

}  // namespace
}  // namespace gatehouse::testing
