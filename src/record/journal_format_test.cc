#include "record/journal_format.h"

#include <gtest/gtest.h>

#include "base/digest.h"

namespace gatehouse::record {
namespace {

using base::Fault;

TEST(JournalFormat, HeadersRoundTrip) {
    const auto header = make_segment_header(77);
    ASSERT_EQ(header.size(), kSegmentHeaderBytes);
    EXPECT_EQ(parse_segment_header(header).value(), 77U);
    for (std::size_t i = 0; i < header.size(); ++i) {
        auto changed = header;
        changed[i] = static_cast<char>(changed[i] ^ 0x40);
        EXPECT_FALSE(parse_segment_header(changed)) << i;
        EXPECT_FALSE(parse_segment_header(header.substr(0, i))) << i;
    }
}

TEST(JournalFormat, NewerFormatsAreRefusedWithAdvice) {
    auto header = make_segment_header(1);
    header[8] = static_cast<char>(kJournalFormat + 1);
    const auto refused = parse_segment_header(header);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::refused);
    EXPECT_NE(refused.error().sentence.find("newer Gatehouse"), std::string::npos);
}

TEST(JournalFormat, FramesRoundTrip) {
    for (const std::string& payload : {std::string(), std::string("a"), std::string(100'000, 'x')}) {
        const auto frame = make_frame(5, 9, payload);
        const auto window = frame + "rest";
        const auto step = next_step(window, 5, true);
        EXPECT_EQ(step.step, StepKind::frame);
        EXPECT_EQ(step.kind, 9U);
        EXPECT_EQ(step.payload, payload);
        EXPECT_EQ(step.size, frame.size());
        EXPECT_EQ(next_step(frame, 6, true).step, StepKind::torn) << "a frame of another segment";
    }
}

TEST(JournalFormat, ShortWindowsAskForMore) {
    const auto frame = make_frame(1, 1, "hello");
    for (std::size_t have = 1; have < frame.size(); ++have) {
        const auto window = std::string_view(frame).substr(0, have);
        const auto step = next_step(window, 1, false);
        ASSERT_EQ(step.step, StepKind::need_more) << have;
        EXPECT_GT(step.size, have);
        EXPECT_LE(step.size, frame.size());
        EXPECT_EQ(next_step(window, 1, true).step, StepKind::torn) << have;
    }
}

TEST(JournalFormat, DamageIsSkippedOnlyBeforeAGoodFrame) {
    auto damaged = make_frame(1, 1, "hello");
    damaged.back() = '?';
    const auto good = make_frame(1, 1, "world");
    const auto step = next_step(damaged + good, 1, true);
    EXPECT_EQ(step.step, StepKind::skip);
    EXPECT_EQ(step.size, damaged.size());
    EXPECT_EQ(next_step(damaged, 1, true).step, StepKind::torn);
    EXPECT_EQ(next_step(damaged + good.substr(0, 20), 1, true).step, StepKind::torn);
    EXPECT_EQ(next_step(damaged + good.substr(0, 20), 1, false).step, StepKind::need_more);
    EXPECT_EQ(next_step(damaged + damaged, 1, false).step, StepKind::torn);
}

TEST(JournalFormat, SenselessLengthsAndZerosAreTorn) {
    EXPECT_EQ(next_step(std::string(64, '\0'), 1, false).step, StepKind::torn);
    EXPECT_EQ(next_step(std::string(64, '\xff'), 1, false).step, StepKind::torn);
    EXPECT_EQ(next_step("x", 1, true).step, StepKind::torn);
}

}  // namespace
}  // namespace gatehouse::record
