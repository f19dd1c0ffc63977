#include "act/delivery/hop_tls.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "base/fd.h"
#include "net/certificate.h"
#include "support/delivery_fixture.h"

namespace gatehouse::act::delivery {
namespace {

using base::Fault;

class HopTlsTest : public DeliveryTest {
  protected:
    void SetUp() override {
        pem_ = net::make_self_signed("mx.sink.test", clock_.wall()).value();
        trust_file_ = ::testing::TempDir() + "gatehouse-trust-" + std::to_string(::getpid()) + ".pem";
        ASSERT_TRUE(base::replace_file(trust_file_, pem_.certificate, 0600));
    }
    void TearDown() override { ::unlink(trust_file_.c_str()); }

    std::unique_ptr<test::Sink> tls_sink(const std::string& rules = "") const {
        test::SinkOptions options;
        options.starttls = true;
        options.tls_certificate = pem_.certificate;
        options.tls_key = pem_.key;
        return make_sink(rules, options);
    }
    Delivered deliver_to(const test::Sink& sink, const std::string& tls,
                         const std::string& name = "mx.sink.test") {
        return deliver(hop({sink.endpoint()}, tls, name));
    }
    static bool saw_mail(const test::Sink& sink) {
        const auto all = sink.commands();
        return std::any_of(all.begin(), all.end(), [](const auto& line) { return line.contains("MAIL"); });
    }

    net::PemPair pem_;
    std::string trust_file_;
};

TEST_F(HopTlsTest, StarttlsIsUsedWhereItIsOffered) {
    const auto sink = tls_sink();
    for (const std::string mode : {"opportunistic", "required"}) {
        const auto delivered = deliver_to(*sink, mode);
        EXPECT_EQ(delivered.final_answer.outcome, DataOutcome::accepted);
        EXPECT_EQ(delivered.info.tls_version, "TLSv1.3");
        EXPECT_FALSE(delivered.info.tls_verified);
        EXPECT_EQ(delivered.info.to_string(), sink->endpoint().to_string() + " tls");
    }
    EXPECT_EQ(sink->messages()[1].tls_version, "TLSv1.3");
    EXPECT_EQ(deliver_to(*sink, "opportunistic").info.reused, true) << "TLS connections are pooled, too";
    EXPECT_EQ(deliver_to(*sink, "never").info.to_string(), sink->endpoint().to_string());
    EXPECT_EQ(sink->messages()[3].tls_version, "");
}

TEST_F(HopTlsTest, BigContentThroughTls) {
    const auto sink = tls_sink();
    Letter letter;
    while (letter.content.size() < (8 << 20))
        letter.content += ".a line that begins with a dot\r\nanother\r\n";
    const auto delivered = deliver(hop({sink->endpoint()}, "required"), letter);
    EXPECT_EQ(delivered.final_answer.outcome, DataOutcome::accepted);
    EXPECT_TRUE(sink->messages()[0].content() == letter.head + letter.content);
}

TEST_F(HopTlsTest, EarlyRefusalThroughTls) {
    const auto sink = tls_sink("BODY 100000 = 552 5.3.4 too big then stall");
    Letter letter;
    letter.content.assign(20 << 20, 'x');
    const auto delivered = deliver(hop({sink->endpoint()}, "required"), letter);
    EXPECT_EQ(delivered.final_answer.reply.code, 552);
}

TEST_F(HopTlsTest, VerifyWantsATrustedCertificateWithTheName) {
    const auto sink = tls_sink();
    make_pool(quick_settings(), {.trust_file = trust_file_});
    const auto delivered = deliver_to(*sink, "verify");
    ASSERT_FALSE(delivered.failed) << delivered.failed->sentence;
    EXPECT_EQ(delivered.final_answer.outcome, DataOutcome::accepted);
    EXPECT_EQ(delivered.info.to_string(), sink->endpoint().to_string() + " tls verified");
    const auto other_name = deliver_to(*sink, "verify", "other.test");
    ASSERT_TRUE(other_name.failed);
    EXPECT_EQ(other_name.failed->fault, Fault::refused) << other_name.failed->sentence;
    make_pool(quick_settings());
    const auto unknown_authority = deliver_to(*sink, "verify");
    ASSERT_TRUE(unknown_authority.failed);
    EXPECT_EQ(unknown_authority.failed->fault, Fault::refused);
    EXPECT_EQ(sink->message_count(), 1U);
}

TEST_F(HopTlsTest, NeverInClearWhereTlsIsDemanded) {
    make_pool(quick_settings(), {.trust_file = trust_file_});
    for (const std::string mode : {"required", "verify"}) {
        const auto without = make_sink();
        EXPECT_EQ(deliver_to(*without, mode).failed->fault, Fault::refused);
        EXPECT_FALSE(saw_mail(*without));
        for (const std::string rule : {"STARTTLS = 454 4.7.0 not now", "TLS = cut", "TLS = garbage then cut",
                                       "STARTTLS = raw 220 go\\r\\n250 injected\\r\\n", "EHLO = 500 what"}) {
            const auto broken = tls_sink(rule);
            EXPECT_TRUE(deliver_to(*broken, mode).failed) << rule;
            EXPECT_FALSE(saw_mail(*broken)) << rule;
            EXPECT_EQ(broken->connection_count(), 1U) << rule;
        }
    }
}

TEST_F(HopTlsTest, OpportunisticFallsBackInANewConnectionAndSaysSo) {
    for (const std::string rule : {"STARTTLS = 454 4.7.0 not now", "TLS = cut", "TLS = reset",
                                   "TLS = garbage then cut", "TLS = raw 220 what\\r\\n then cut"}) {
        const auto sink = tls_sink(rule);
        const auto delivered = deliver_to(*sink, "opportunistic");
        EXPECT_EQ(delivered.final_answer.outcome, DataOutcome::accepted) << rule;
        EXPECT_EQ(delivered.info.to_string(), sink->endpoint().to_string() + " clear after failed tls")
            << rule;
        EXPECT_EQ(sink->connection_count(), 2U);
        EXPECT_EQ(sink->messages()[0].connection, 2U);
    }
    const auto without = make_sink();
    EXPECT_EQ(deliver_to(*without, "opportunistic").info.to_string(), without->endpoint().to_string())
        << "nothing was offered, so nothing failed";
    EXPECT_EQ(pool().counts().tls_fallbacks, 5U);
}

TEST_F(HopTlsTest, InjectionBehindStarttlsIsNoReasonToGoOnInClear) {
    const auto sink = tls_sink("STARTTLS = raw 220 go\\r\\n250-injected\\r\\n250 SIZE\\r\\n");
    const auto delivered = deliver_to(*sink, "opportunistic");
    ASSERT_TRUE(delivered.failed);
    EXPECT_EQ(delivered.failed->fault, Fault::malformed);
    EXPECT_FALSE(saw_mail(*sink));
}

}  // namespace
}  // namespace gatehouse::act::delivery
