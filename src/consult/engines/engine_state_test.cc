#include "consult/engines/engine_state.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

#include "base/fd.h"
#include "consult/engines/engine_log.h"
#include "consult/engines/suspects.h"

namespace gatehouse::consult::engines {
namespace {

using namespace std::chrono_literals;

const base::SteadyTime kStart{1000h};

TEST(EngineState, LoadingIsNotUp) {
    EngineState state(kStart);
    EXPECT_FALSE(state.is_up());
    EXPECT_EQ(state.status().condition, EngineCondition::loading);
    EXPECT_EQ(state.generation(), 0U);
    state.note_down("cannot connect", kStart + 1s);
    EXPECT_EQ(state.status().condition, EngineCondition::loading) << "it never answered yet";
    EXPECT_EQ(state.status().reason, "cannot connect");
}

TEST(EngineState, UpAndDown) {
    EngineState state(kStart);
    state.note_up(7, "ClamAV 1.4.6", kStart + 2s);
    EXPECT_TRUE(state.is_up());
    EXPECT_EQ(state.generation(), 7U);
    EXPECT_EQ(state.status().since, kStart + 2s);
    state.note_up(8, "ClamAV 1.4.6", kStart + 9s);
    EXPECT_EQ(state.status().since, kStart + 2s) << "still the same condition";
    EXPECT_EQ(state.generation(), 8U);
    state.note_down("gone", kStart + 10s);
    EXPECT_FALSE(state.is_up());
    const auto status = state.status();
    EXPECT_EQ(status.condition, EngineCondition::down);
    EXPECT_EQ(status.since, kStart + 10s);
    EXPECT_EQ(status.reason, "gone");
    state.note_up(8, "ClamAV 1.4.6", kStart + 20s);
    EXPECT_EQ(state.status().reason, "");
}

TEST(EngineState, GraceCountsFromTheLastAnswer) {
    EngineState state(kStart);
    EXPECT_TRUE(state.is_expected_back(10min, kStart + 9min));
    EXPECT_FALSE(state.is_expected_back(10min, kStart + 10min));
    state.note_up(1, "v", kStart + 20min);
    EXPECT_TRUE(state.is_expected_back(0s, kStart + 90min)) << "it is there";
    state.note_down("gone", kStart + 100min);
    EXPECT_TRUE(state.is_expected_back(10min, kStart + 105min));
    state.note_loading(kStart + 106min);
    state.note_down("still loading", kStart + 107min);
    EXPECT_FALSE(state.is_expected_back(10min, kStart + 110min)) << "restarts do not prolong it";
    state.note_up(1, "v", kStart + 111min);
    state.note_down("gone", kStart + 112min);
    EXPECT_TRUE(state.is_expected_back(10min, kStart + 121min));
}

TEST(EngineLine, WhatCountsAsShortage) {
    for (const auto* line : {"LibClamAV Error: fileblobAddData: Can't write 57 bytes to temporary file e.com",
                             "LibClamAV Error: cli_writen: write error: No space left on device",
                             "LibClamAV Error: cli_gentempfd_with_prefix: Can't create temporary file tmp/x: "
                             "No space left on device",
                             "fd[9]: Can't write to file ERROR"}) {
        EXPECT_TRUE(judge_engine_line(line).shortage) << line;
        EXPECT_EQ(judge_engine_line(line).level, base::LogLevel::warning) << line;
    }
    for (const auto* line :
         {"LibClamAV Warning: cli_unzip: failed to write 8192 inflated bytes",
          "fd[9]: Eicar-Test-Signature.UNOFFICIAL FOUND", "LibClamAV Error: cli_pdf: oddity",
          "LibClamAV Error: cli_max_malloc(): Attempt to allocate 99 bytes failed", "No space left on device",
          "Self checking disabled.", ""}) {
        EXPECT_FALSE(judge_engine_line(line).shortage) << line;
    }
    EXPECT_EQ(judge_engine_line("fd[9]: X FOUND").level, base::LogLevel::debug);
    EXPECT_EQ(judge_engine_line("ERROR: Malformed database").level, base::LogLevel::warning);
}

class EngineLogTest : public ::testing::Test {
  protected:
    EngineLogTest() {
        std::array<int, 2> ends{};
        EXPECT_EQ(::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), 0);
        log_.replace_pipe(base::Fd(ends[0]));
        write_ = base::Fd(ends[1]);
    }
    EngineLog log_{base::Fd()};
    base::Fd write_;
};

TEST_F(EngineLogTest, CountsShortagesOverPieces) {
    EXPECT_EQ(log_.drain(kStart), 0U);
    ASSERT_TRUE(base::write_all(write_.get(), "LibClamAV Error: cli_writen: write err"));
    EXPECT_EQ(log_.drain(kStart), 0U);
    ASSERT_TRUE(base::write_all(write_.get(), "or: No space left on device\nERROR: x\n"));
    EXPECT_EQ(log_.drain(kStart), 1U);
    EXPECT_EQ(log_.last_complaint(), "ERROR: x");
    write_.reset();
    EXPECT_EQ(log_.drain(kStart), 1U);
    EXPECT_EQ(log_.drain(kStart), 1U) << "after the end";
}

TEST_F(EngineLogTest, EndlessLinesAndControlBytes) {
    ASSERT_TRUE(base::write_all(write_.get(), "ERROR: \x1b[2J" + std::string(50'000, 'x') + "\n"));
    log_.drain(kStart);
    EXPECT_LT(log_.last_complaint().size(), 2000U);
    EXPECT_EQ(log_.last_complaint().find('\x1b'), std::string::npos);
}

TEST_F(EngineLogTest, AFloodIsCountedWhole) {
    std::string flood;
    for (int i = 0; i < 500; ++i) flood += "LibClamAV Error: No space left on device\n";
    ASSERT_TRUE(base::write_all(write_.get(), flood));
    EXPECT_EQ(log_.drain(kStart), 500U);
}

TEST(EngineLogAlone, NothingToRead) {
    EngineLog log{base::Fd()};
    EXPECT_EQ(log.drain(kStart), 0U);
}

TEST(Suspects, ThreeStrikes) {
    Suspects suspects;
    suspects.note_failure("a", kStart);
    suspects.note_failure("a", kStart);
    EXPECT_FALSE(suspects.is_condemned("a", kStart));
    suspects.note_failure("a", kStart);
    EXPECT_TRUE(suspects.is_condemned("a", kStart));
    EXPECT_FALSE(suspects.is_condemned("b", kStart));
    EXPECT_FALSE(suspects.is_condemned("a", kStart + 2h)) << "forgotten after an hour";
    suspects.note_failure("a", kStart + 2h);
    EXPECT_FALSE(suspects.is_condemned("a", kStart + 2h)) << "and counted anew";
}

TEST(Suspects, SuccessClears) {
    Suspects suspects;
    for (int i = 0; i < 2; ++i) suspects.note_failure("a", kStart);
    suspects.note_success("a");
    suspects.note_failure("a", kStart);
    EXPECT_FALSE(suspects.is_condemned("a", kStart));
}

TEST(Suspects, UnknownContentIsNeverCondemned) {
    Suspects suspects;
    for (int i = 0; i < 9; ++i) suspects.note_failure("", kStart);
    EXPECT_FALSE(suspects.is_condemned("", kStart));
}

TEST(Suspects, Bounded) {
    Suspects suspects;
    for (int i = 0; i < 3; ++i) suspects.note_failure("first", kStart);
    for (std::size_t i = 0; i < 3 * Suspects::kMaxContents; ++i)
        suspects.note_failure(std::to_string(i), kStart);
    EXPECT_FALSE(suspects.is_condemned("first", kStart)) << "the oldest go first";
}

}  // namespace
}  // namespace gatehouse::consult::engines
