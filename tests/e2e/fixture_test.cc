// State folders of earlier versions are read by this one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "support/gateway/process.h"

namespace gatehouse::testing {
namespace {

using ::testing::HasSubstr;

TEST(Fixtures, AStateFolderOfFormatOneIsRead) {
    const TemporaryFolder folder;
    const auto unpacked = run_program({"/bin/tar", "--zstd", "--no-same-owner", "-xf",
                                       std::string(GATEHOUSE_SOURCE_ROOT) + "/tests/fixtures/state-1.tar.zst",
                                       "-C", folder.path()});
    ASSERT_EQ(unpacked.exit_code, 0) << unpacked.err;
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
