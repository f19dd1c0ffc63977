// The usual world of an end-to-end test: a sink that takes everything, and a gateway in front of it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "support/gateway/gateway.h"
#include "support/gateway/smtp_talk.h"
#include "support/smtp_sink/sink.h"

namespace gatehouse::testing {

constexpr const char* kMail = "From: <a@example.org>\r\nSubject: a test\r\n\r\nhello\r\n";

class GatewayTest : public ::testing::Test {
  protected:
    void SetUp() override { sink_ = test::Sink::start({}).value(); }

    /// With the sink as the only next hop, unless the plan names others.
    void start(GatewayPlan plan = {}) {
        if (plan.next_hops.empty()) plan.next_hops = {sink_->endpoint().to_string()};
        gateway_ = std::make_unique<Gateway>(std::move(plan));
        ASSERT_TRUE(gateway_->start()) << gateway_->why();
    }
    /// A client that has said EHLO.
    SmtpTalk client() const {
        SmtpTalk talk(gateway_->smtp_port());
        talk.hear();
        talk.ask("EHLO client.test");
        return talk;
    }
    /// What the sink does from now on (script.h).
    void rescript(const std::string& rules) {
        test::Script script;
        ASSERT_TRUE(script.add_lines(rules));
        sink_->set_script(std::move(script));
    }

    std::unique_ptr<test::Sink> sink_;
    std::unique_ptr<Gateway> gateway_;
};

}  // namespace gatehouse::testing
