#include "base/frame.h"

#include <gtest/gtest.h>

namespace gatehouse::base {
namespace {

std::string frame(const std::string& payload) {
    return frame_header(payload.size()) + payload;
}

std::string take(FrameBuffer& buffer) {
    auto next = buffer.next();
    if (!next) return std::string(to_string(next.error().fault));
    return *next ? **next : "(more)";
}

TEST(FrameBuffer, GivesFramesHoweverTheyArrive) {
    FrameBuffer buffer(100);
    EXPECT_EQ(take(buffer), "(more)");
    for (const char byte : frame("one")) {
        EXPECT_EQ(take(buffer), "(more)");
        buffer.append({&byte, 1});
    }
    EXPECT_EQ(take(buffer), "one");
    buffer.append(frame("") + frame("two") + frame("three").substr(0, 5));
    EXPECT_EQ(take(buffer), "");
    EXPECT_EQ(take(buffer), "two");
    EXPECT_EQ(take(buffer), "(more)");
    EXPECT_EQ(buffer.pending(), 5U);
    buffer.append(frame("three").substr(5));
    EXPECT_EQ(take(buffer), "three");
    EXPECT_EQ(buffer.pending(), 0U);
}

TEST(FrameBuffer, RefusesWhatIsAboveTheLimit) {
    FrameBuffer buffer(100);
    buffer.append(frame(std::string(100, 'x')));
    EXPECT_EQ(take(buffer).size(), 100U);
    buffer.append(frame_header(101));
    EXPECT_EQ(take(buffer), "limit");
}

// A peer that always leaves half a frame behind: the buffer must not keep what was taken.
TEST(FrameBuffer, DoesNotGrowWithoutAFrameBoundary) {
    FrameBuffer buffer(1000);
    const std::string one = frame(std::string(1000, 'x'));
    buffer.append(std::string_view(one).substr(0, 7));
    for (int i = 0; i < 10'000; ++i) {
        buffer.append(std::string_view(one).substr(7));
        buffer.append(std::string_view(one).substr(0, 7));
        ASSERT_EQ(take(buffer), one.substr(4));
        ASSERT_EQ(buffer.pending(), 7U);
        ASSERT_LT(buffer.capacity(), 10'000U);
    }
}

TEST(FrameBuffer, TakesManySmallFramesOfOneReadInOrder) {
    FrameBuffer buffer(1000);
    std::string all;
    for (int i = 0; i < 50'000; ++i) all += frame(std::to_string(i));
    buffer.append(all + "\x05");
    for (int i = 0; i < 50'000; ++i) ASSERT_EQ(take(buffer), std::to_string(i));
    EXPECT_EQ(take(buffer), "(more)");
    EXPECT_EQ(buffer.pending(), 1U);
}

TEST(FrameBuffer, GivesTheMemoryOfALargeFrameBack) {
    FrameBuffer buffer(8U << 20);
    buffer.append(frame(std::string(8U << 20, 'x')) + "\x05");
    EXPECT_EQ(take(buffer).size(), 8U << 20);
    EXPECT_EQ(buffer.pending(), 1U);
    EXPECT_LE(buffer.capacity(), 64U * 1024);
}

}  // namespace
}  // namespace gatehouse::base
