// `gatehouse bench smtp` as an operator calls it. Shape and counts only: times say nothing in a test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>

#include "support/gateway/process.h"

namespace gatehouse::testing {
namespace {

namespace json = boost::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kSeconds = 200;

Finished bench(std::vector<std::string> words) {
    words.insert(words.begin(), {program_folder() + "/gatehouse", "bench", "smtp"});
    return run_program(words, {}, kSeconds);
}

json::object answer_of(const Finished& done) {
    boost::system::error_code error;
    auto value = json::parse(done.out, error);
    EXPECT_TRUE(!error && value.is_object()) << done.out << done.err;
    return !error && value.is_object() ? value.get_object() : json::object();
}

class BenchSmtpTest : public ::testing::Test {
  protected:
    /// The bench leaves nothing behind, whatever it did.
    void SetUp() override { ::setenv("TMPDIR", folder_.path().c_str(), 1); }
    void TearDown() override {
        EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
        ::unsetenv("TMPDIR");
    }
    TemporaryFolder folder_;
};

TEST_F(BenchSmtpTest, BothModesAndTheFloorCountEveryMessage) {
    const auto done =
        bench({"--sessions", "2", "--size", "2000", "--messages", "50", "--rounds", "2", "--json"});
    ASSERT_EQ(done.exit_code, 0) << done.err;
    EXPECT_THAT(done.err, IsEmpty());
    const auto answer = answer_of(done);
    EXPECT_EQ(answer.at("bench"), "smtp");
    EXPECT_TRUE(answer.at("peer").is_null());
    EXPECT_TRUE(answer.at("ratios").as_object().empty());
    std::vector<std::string> names;
    for (const auto& value : answer.at("rows").as_array()) {
        const auto& row = value.as_object();
        names.emplace_back(row.at("name").as_string());
        if (row.contains("skipped")) continue;
        EXPECT_EQ(row.at("messages"), 50U) << names.back();
        EXPECT_EQ(row.at("refused"), 0U) << names.back();
        for (const auto* key : {"per_second", "p50_us", "p99_us", "peak_rss_mib"})
            EXPECT_GT(row.at(key).to_number<std::int64_t>(), 0) << names.back() << " " << key;
        EXPECT_TRUE(row.contains("cpu_us_per_message"));
    }
    EXPECT_THAT(names,
                ElementsAre("floor, 2000 bytes, 2 sessions", "cut-through, 2000 bytes, 2 sessions",
                            "queue, 2000 bytes, 2 sessions", "cut-through with clamd, 2000 bytes, 2 sessions",
                            "queue with clamd, 2000 bytes, 2 sessions"));
}

TEST_F(BenchSmtpTest, APeerThatIsMissingIsNamedAndTheOtherRowsStand) {
    const auto done = bench({"--sessions", "1", "--size", "1000", "--messages", "20", "--rounds", "1",
                             "--mode", "cut-through", "--clamd", "off", "--peer", "postfix", "--json"});
    const auto answer = answer_of(done);
    const bool is_installed = std::filesystem::exists("/usr/sbin/postconf");
    if (is_installed && ::geteuid() == 0) {
        EXPECT_EQ(done.exit_code, 0) << done.err;
        EXPECT_EQ(answer.at("peer").at("system"), "postfix");
        EXPECT_EQ(answer.at("rows").as_array().size(), 3U);
        EXPECT_TRUE(answer.at("ratios").as_object().contains("cut-through, 1000 bytes, 1 session"));
        return;
    }
    EXPECT_EQ(done.exit_code, 3);
    EXPECT_TRUE(answer.at("peer").is_null());
    EXPECT_EQ(answer.at("rows").as_array().size(), 2U);
    EXPECT_THAT(done.err, HasSubstr(is_installed ? "root" : "apt-get install"));
}

TEST_F(BenchSmtpTest, WrongWordsAreRefused) {
    EXPECT_EQ(bench({"--sessions", "0"}).exit_code, 2);
    EXPECT_EQ(bench({"--size", "10"}).exit_code, 2);
    EXPECT_EQ(bench({"--mode", "fast"}).exit_code, 2);
    EXPECT_EQ(bench({"--peer", "sendmail"}).exit_code, 2);
}

}  // namespace
}  // namespace gatehouse::testing
