// The command line beside a gateway: exit classes, files, and stores that nobody else has open.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "support/fake_clamd.h"
#include "support/gateway/gateway_test.h"

namespace gatehouse::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(OfflineTest, LookingAtAStoppedGatewayForgetsNothing) {
    const auto sink = test::Sink::start({}).value();
    // The mail comes years ago, as this front sees it; the command's own clock is today's.
    Gateway gateway({.next_hops = {sink->endpoint().to_string()},
                     .gatehouse = "[testing]\nfixed_clock = \"2021-03-01T00:00:00Z\""});
    ASSERT_TRUE(gateway.start()) << gateway.why();
    SmtpTalk talk(gateway.smtp_port());
    ASSERT_THAT(talk.deliver("a@example.org", {"user@gw.test"}, kMail), StartsWith("250"));
    ASSERT_TRUE(gateway.stop());
    std::string reference;
    for (int i = 0; i < 3; ++i) {
        const auto rows = gateway.rows({"track"});
        ASSERT_EQ(rows.size(), 1U) << "look number " << i + 1;
        reference = rows[0].at("reference").as_string();
    }
    EXPECT_EQ(gateway.command({"explain", reference}).exit_code, 0);
}

TEST(OfflineTest, ADamagedStoreIsNobodysWrongUsage) {
    Gateway gateway({.next_hops = {"127.0.0.1:9"}});
    ASSERT_TRUE(gateway.start()) << gateway.why();
    ASSERT_TRUE(gateway.stop());
    EXPECT_EQ(gateway.command({"track"}).exit_code, 1) << "there is none";
    std::ofstream(gateway.state() + "/gatehouse.db", std::ios::binary | std::ios::trunc)
        << std::string(8192, 'x');
    const auto damaged = gateway.command({"track"});
    EXPECT_EQ(damaged.exit_code, 3) << damaged.err;
    EXPECT_THAT(damaged.err, StartsWith("gatehouse: "));
    EXPECT_EQ(gateway.command({"track", "--since", "tomorrow or so"}).exit_code, 2);
    std::ofstream(gateway.config(), std::ios::app) << "\n[smtp\n";
    EXPECT_EQ(gateway.command({"config", "check"}).exit_code, 2);
    EXPECT_EQ(gateway.command({"track"}).exit_code, 2);
    EXPECT_EQ(gateway.command({"status"}).exit_code, 2);
}

TEST(OfflineTest, AScanWaitsForAnEngineThatOthersRun) {
    const TemporaryFolder folder;
    const FakeClamd clamd(folder.path() + "/clamd.sock", [](const std::string&) { return FakeStep{}; });
    std::ofstream(folder.path() + "/one.eml", std::ios::binary) << kMail;
    Gateway gateway({.next_hops = {"127.0.0.1:9"}, .clamd = "unix:" + folder.path() + "/clamd.sock"});
    const auto rows = gateway.rows({"scan", folder.path() + "/one.eml"});
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].at("verdict").as_string(), "clean") << boost::json::serialize(rows[0]);
    EXPECT_GE(clamd.scans(), 1U);
}

}  // namespace
}  // namespace gatehouse::testing
