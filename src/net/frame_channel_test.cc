#include "net/frame_channel.h"

#include <array>
#include <atomic>
#include <thread>

#include "base/frame.h"
#include "net/test_support.h"

namespace gatehouse::net {
namespace {

using std::chrono::milliseconds;
using testing::in;
using testing::soon;

struct Ends {
    FrameChannel a;
    FrameChannel b;
};

Ends make_ends(Io& io, std::uint32_t limit) {
    auto [left, right] = base::make_socket_pair().value();
    return {FrameChannel::adopt(io, std::move(left), limit).value(),
            FrameChannel::adopt(io, std::move(right), limit).value()};
}

Task<void> frames_and_descriptors(Ends& ends) {
    auto [one, two] = base::make_socket_pair().value();
    const std::array<int, 2> fds{one.get(), two.get()};
    const auto first = co_await ends.a.send("first", fds, soon());
    EXPECT_TRUE(first);
    const auto empty = co_await ends.a.send("", {}, soon());
    EXPECT_TRUE(empty);
    const auto got_first = co_await ends.b.receive(soon());
    EXPECT_EQ(got_first.value(), "first");
    EXPECT_EQ(ends.b.untaken_fds(), 2U);
    EXPECT_TRUE(ends.b.take_fd());
    EXPECT_TRUE(ends.b.take_fd());
    EXPECT_FALSE(ends.b.take_fd());
    const auto got_empty = co_await ends.b.receive(soon());
    EXPECT_EQ(got_empty.value(), "");
    const auto nothing = co_await ends.b.receive(in(milliseconds(10)));
    EXPECT_EQ(nothing.error().fault, base::Fault::timed_out);
    EXPECT_TRUE(ends.b.is_open());
    const auto later = co_await ends.a.send("later", {}, soon());
    EXPECT_TRUE(later);
    ends.a.close();
    const auto got_later = co_await ends.b.receive(soon());
    EXPECT_EQ(got_later.value(), "later");
    const auto end = co_await ends.b.receive(soon());
    EXPECT_EQ(end.error().fault, base::Fault::unavailable);
}

TEST(FrameChannel, CarriesFramesAndDescriptors) {
    Io io(kLoopHint);
    Ends ends = make_ends(io, 1000);
    testing::run(io, frames_and_descriptors(ends));
}

Task<void> send_one(FrameChannel& channel, const std::string& payload) {
    const auto sent = co_await channel.send(payload, {}, soon());
    EXPECT_TRUE(sent);
}

Task<void> receive_one(FrameChannel& channel, std::string& into) {
    const auto got = co_await channel.receive(soon());
    into = got ? *got : std::string(to_string(got.error().fault));
}

TEST(FrameChannel, CarriesLargeFramesBothWaysAtOnce) {
    Io io(kLoopHint);
    Ends ends = make_ends(io, base::kInspectorFrameLimit);
    const std::string to_b(5'000'000, 'b');
    const std::string to_a(6'000'000, 'a');
    std::string at_a;
    std::string at_b;
    testing::start(io, send_one(ends.a, to_b));
    testing::start(io, send_one(ends.b, to_a));
    testing::start(io, receive_one(ends.a, at_a));
    testing::start(io, receive_one(ends.b, at_b));
    io.run();
    EXPECT_TRUE(at_a == to_a);
    EXPECT_TRUE(at_b == to_b);
}

TEST(FrameChannel, BoundsLengths) {
    Io io(kLoopHint);
    auto [left, right] = base::make_socket_pair().value();
    auto channel = FrameChannel::adopt(io, std::move(right), 1000).value();
    ASSERT_TRUE(base::write_all(left.get(), base::frame_header(1001)));
    std::string got;
    testing::run(io, receive_one(channel, got));
    EXPECT_EQ(got, "limit");
    EXPECT_FALSE(channel.is_open());
}

TEST(FrameChannel, BoundsDescriptors) {
    Io io(kLoopHint);
    auto [left, right] = base::make_socket_pair().value();
    auto channel = FrameChannel::adopt(io, std::move(right), 1000).value();
    const std::vector<int> many(100, left.get());
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(base::send_with_fds(left.get(), base::frame_header(500), std::string(100, 'x'), many));
    }
    std::string got;
    testing::run(io, receive_one(channel, got));
    EXPECT_EQ(got, "malformed");
}

Task<void> stuck_send(FrameChannel& channel, std::string& fault) {
    const std::string payload(10'000'000, 'x');
    const auto sent = co_await channel.send(payload, {}, in(milliseconds(20)));
    fault = to_string(sent.error().fault);
}

TEST(FrameChannel, AStuckPeerEndsASendInTime) {
    Io io(kLoopHint);
    Ends ends = make_ends(io, base::kInspectorFrameLimit);
    std::string fault;
    testing::run(io, stuck_send(ends.a, fault));
    EXPECT_EQ(fault, "timed_out");
    EXPECT_FALSE(ends.a.is_open());
}

Task<void> read_for_ever(FrameChannel& channel, const bool& has_other_ended, std::size_t& frames) {
    while (!has_other_ended) {
        const auto frame = co_await channel.receive(soon());
        if (!frame) break;
        ++frames;
    }
}

// As many frames as fit are there already, and none of the receives has to wait.
TEST(FrameChannel, APeerThatNeverStopsLeavesTheLoopToOthers) {
    Io io(kLoopHint);
    auto [left, right] = base::make_socket_pair().value();
    auto channel = FrameChannel::adopt(io, std::move(right), 1000).value();
    std::string empty_frames(16'000, '\0');
    ASSERT_GT(base::send_with_fds(left.get(), empty_frames, "", {}).value(), 10'000U);
    bool has_other_ended = false;
    std::size_t frames = 0;
    testing::start(io, read_for_ever(channel, has_other_ended, frames));
    asio::post(io, [&] { has_other_ended = true; });
    io.run();
    EXPECT_LT(frames, 100U);
}

// A large frame that arrives in pieces without end: late, though there is always something to read.
TEST(FrameChannel, APeerThatNeverStopsIsTimedOut) {
    Io io(kLoopHint);
    auto [left, right] = base::make_socket_pair().value();
    auto channel = FrameChannel::adopt(io, std::move(right), 1U << 30).value();
    std::atomic<bool> is_over{false};
    std::jthread peer([&, socket = left.get()] {
        const std::string piece(16'000, 'x');
        (void)base::send_with_fds(socket, base::frame_header(1U << 30), "", {});
        while (!is_over) (void)base::send_with_fds(socket, piece, "", {});
    });
    std::string fault;
    testing::run(io, [](FrameChannel& from, std::string& said) -> Task<void> {
        const auto got = co_await from.receive(in(milliseconds(30)));
        said = got ? "a frame" : std::string(to_string(got.error().fault));
    }(channel, fault));
    is_over = true;
    channel.close();
    EXPECT_EQ(fault, "timed_out");
}

TEST(FrameChannel, CloseEndsAPendingReceive) {
    Io io(kLoopHint);
    Ends ends = make_ends(io, 1000);
    std::string got;
    testing::start(io, receive_one(ends.a, got));
    asio::post(io, [&] { ends.a.close(); });
    io.run();
    EXPECT_EQ(got, "unavailable");
}

}  // namespace
}  // namespace gatehouse::net
