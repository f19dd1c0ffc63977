// State folders of earlier versions are read by this one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "support/gateway/gateway_test.h"

namespace gatehouse::testing {
namespace {

using ::testing::HasSubstr;

void unpack(const std::string& name, const std::string& folder) {
    const auto done =
        run_program({"/bin/tar", "--zstd", "--no-same-owner", "-xf",
                     std::string(GATEHOUSE_SOURCE_ROOT) + "/tests/fixtures/" + name, "-C", folder});
    ASSERT_EQ(done.exit_code, 0) << done.err;
}

/// A gateway over an older state folder: it starts, keeps what is there, and sends what waits.
TEST(Fixtures, AGatewayGoesOnWithAStateFolderOfFormatTwo) {
    const auto sink = test::Sink::start({}).value();
    Gateway gateway({.next_hops = {sink->endpoint().to_string()},
                     .gatehouse = "[testing]\nfixed_clock = \"2026-11-24T00:00:00Z\""});
    unpack("state-2.tar.zst", std::filesystem::path(gateway.state()).parent_path());
    ASSERT_TRUE(gateway.start()) << gateway.why();
    ASSERT_TRUE(sink->wait_for_messages(1, std::chrono::seconds(20))) << gateway.log();
    EXPECT_THAT(sink->messages()[0].content(), HasSubstr("the body of what waits in format 2\r\n"));
    EXPECT_EQ(sink->messages()[0].recipients[0].address, "user@gw.test");
    const auto rows = gateway.rows({"queue", "list", "--held"});
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].at("subject").as_string(), "held in the queue in format 2");
    EXPECT_EQ(gateway.command({"queue", "release", std::string(rows[0].at("id").as_string())}).exit_code, 0);
    EXPECT_TRUE(sink->wait_for_messages(2, std::chrono::seconds(20)));
    EXPECT_EQ(gateway.rows({"track", "--subject", "waits in format 2"}).at(0).at("outcome").as_string(),
              "delivered");
}

TEST(Fixtures, AGatewayGoesOnWithAStateFolderOfFormatOne) {
    const auto sink = test::Sink::start({}).value();
    Gateway gateway({.next_hops = {sink->endpoint().to_string()},
                     .gatehouse = "[testing]\nfixed_clock = \"2026-11-24T00:00:00Z\""});
    unpack("state-1.tar.zst", std::filesystem::path(gateway.state()).parent_path());
    ASSERT_TRUE(gateway.start()) << gateway.why();
    const auto released = gateway.command({"quarantine", "release", "1JNB-H8CS-G07V-KR7E/1"});
    EXPECT_EQ(released.exit_code, 0) << released.err;
    ASSERT_EQ(sink->message_count(), 1U);
    EXPECT_THAT(sink->messages()[0].content(), HasSubstr("Subject: held in format 1\r\n"));
}

TEST(Fixtures, AStateFolderOfFormatOneIsRead) {
    const TemporaryFolder folder;
    unpack("state-1.tar.zst", folder.path());
    const std::string config = folder.path() + "/gatehouse.toml";
    // What it holds is of a fixed day: nothing may grow too old to be found.
    std::ofstream(config) << "[paths]\nstate = \"state\"\n";
    const auto ask = [&](std::vector<std::string> words) {
        words.insert(words.begin(), program_folder() + "/gatehouse");
        words.insert(words.end(), {"--config", config});
        return run_program(words);
    };
    const auto tracked = ask({"track", "--json"});
    EXPECT_EQ(tracked.exit_code, 0) << tracked.err;
    EXPECT_THAT(tracked.out, HasSubstr("delivered in format 1"));
    EXPECT_THAT(tracked.out, HasSubstr("held in format 1"));
    EXPECT_THAT(ask({"explain", "1JNB-H8CS-G07V-KR7E"}).out, HasSubstr("malformed"));
    const auto shown = ask({"quarantine", "show", "--raw", "1JNB-H8CS-G07V-KR7E/1"});
    EXPECT_EQ(shown.exit_code, 0) << shown.err;
    EXPECT_THAT(shown.out, HasSubstr("Subject: held in format 1\r\n"));
}

}  // namespace
}  // namespace gatehouse::testing
