#include "net/stream.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include "net/test_support.h"

namespace gatehouse::net {
namespace {

using std::chrono::milliseconds;
using testing::in;
using testing::make_stream_pair;
using testing::soon;

Task<void> exchange(Stream& left, Stream& right) {
    const auto written = co_await left.write_all("EHLO a\r\n", soon());
    EXPECT_TRUE(written);
    const auto readable = co_await right.wait_readable(soon());
    EXPECT_TRUE(readable);
    EXPECT_TRUE(right.has_input());
    EXPECT_FALSE(left.has_input());
    const auto line = co_await testing::read_bytes(right, 8);
    EXPECT_EQ(line, "EHLO a\r\n");
    left.close();
    EXPECT_FALSE(left.is_open());
    std::array<char, 10> buffer;
    const auto end = co_await right.read_some(buffer, soon());
    EXPECT_EQ(end.value_or(99), 0U);
    EXPECT_FALSE(right.has_input());
    const auto after = co_await left.read_some(buffer, soon());
    EXPECT_EQ(after.error().fault, base::Fault::unavailable);
}

TEST(Stream, CarriesBytesAndTheEnd) {
    Io io(kLoopHint);
    auto pair = make_stream_pair(io);
    testing::run(io, exchange(pair.left, pair.right));
}

Task<void> write_much(Stream& stream, const std::string& bytes) {
    const auto written = co_await stream.write_all(bytes, soon());
    EXPECT_TRUE(written);
    stream.close();
}

Task<void> read_much(Stream& stream, std::string& into) {
    into = co_await testing::read_bytes(stream, std::size_t{1} << 30);
}

TEST(Stream, WritesMoreThanTheSocketHolds) {
    Io io(kLoopHint);
    auto pair = make_stream_pair(io);
    std::string sent;
    for (int i = 0; i < 500'000; ++i) sent += std::to_string(i);
    std::string got;
    testing::start(io, write_much(pair.left, sent));
    testing::start(io, read_much(pair.right, got));
    io.run();
    EXPECT_TRUE(got == sent);
}

Task<void> gather(Stream& left, Stream& right) {
    EXPECT_TRUE(left.is_quiet());
    const std::array<std::string_view, 3> pieces{"head\r\n", "", "body\r\n"};
    const auto written = co_await left.write_some(pieces, soon());
    EXPECT_EQ(written.value_or(0), 12U);
    const auto got = co_await testing::read_bytes(right, 12);
    EXPECT_EQ(got, "head\r\nbody\r\n");
    EXPECT_TRUE(right.is_quiet());
    const std::string large(10'000'000, 'x');
    const std::array<std::string_view, 1> much{large};
    const auto some = co_await left.write_some(much, soon());
    EXPECT_GT(some.value_or(0), 0U);
    EXPECT_LT(some.value_or(0), large.size());
    const auto said = co_await right.write_all("552 too big\r\n", soon());
    EXPECT_TRUE(said);
    EXPECT_FALSE(left.is_quiet());
    while (true) {
        const auto more = co_await left.write_some(much, soon());
        EXPECT_TRUE(more);
        if (more.value_or(0) == 0) break;
    }
    const auto reply = co_await testing::read_bytes(left, 13);
    EXPECT_EQ(reply, "552 too big\r\n");
    const auto stuck = co_await left.write_some(much, in(milliseconds(20)));
    EXPECT_EQ(stuck.error().fault, base::Fault::timed_out);
    EXPECT_FALSE(left.is_open());
}

TEST(Stream, GathersPiecesAndListensWhileTheSocketIsFull) {
    Io io(kLoopHint);
    auto pair = make_stream_pair(io);
    testing::run(io, gather(pair.left, pair.right));
}

Task<void> end_is_not_quiet(Stream& left, Stream& right) {
    right.close();
    EXPECT_FALSE(left.is_quiet());
    EXPECT_FALSE(left.has_input());
    EXPECT_FALSE(right.is_quiet());
    co_return;
}

TEST(Stream, AnEndedConnectionIsNotQuiet) {
    Io io(kLoopHint);
    auto pair = make_stream_pair(io);
    testing::run(io, end_is_not_quiet(pair.left, pair.right));
}

Task<void> time_out(Stream& left, Stream& right) {
    std::array<char, 10> buffer;
    const auto silent = co_await left.read_some(buffer, in(milliseconds(20)));
    EXPECT_EQ(silent.error().fault, base::Fault::timed_out);
    EXPECT_TRUE(left.is_open());
    const auto still = co_await left.write_all("421 too slow\r\n", soon());
    EXPECT_TRUE(still);
    const auto reply = co_await testing::read_bytes(right, 14);
    EXPECT_EQ(reply, "421 too slow\r\n");
    const std::string large(10'000'000, 'x');
    const auto stuck = co_await left.write_all(large, in(milliseconds(20)));
    EXPECT_EQ(stuck.error().fault, base::Fault::timed_out);
    EXPECT_FALSE(left.is_open());
}

TEST(Stream, TimedOutReadsLeaveItUsableAndTimedOutWritesDoNot) {
    Io io(kLoopHint);
    auto pair = make_stream_pair(io);
    testing::run(io, time_out(pair.left, pair.right));
}

Task<void> read_until_closed(Stream& stream, std::string& fault) {
    std::array<char, 10> buffer;
    const auto got = co_await stream.read_some(buffer, soon());
    fault = to_string(got.error().fault);
}

TEST(Stream, CloseEndsAPendingRead) {
    Io io(kLoopHint);
    auto pair = make_stream_pair(io);
    std::string fault;
    testing::start(io, read_until_closed(pair.left, fault));
    asio::post(io, [&] { pair.left.close(); });
    io.run();
    EXPECT_EQ(fault, "unavailable");
}

Task<void> read_twice(Stream& left, Stream& right, std::string& fault) {
    std::array<char, 10> buffer;
    const auto interrupted = co_await left.read_some(buffer, soon());
    fault = to_string(interrupted.error().fault);
    left.interrupt();  // nothing is pending: no effect
    const auto sent = co_await right.write_all("x", soon());
    EXPECT_TRUE(sent);
    const auto got = co_await left.read_some(buffer, soon());
    EXPECT_EQ(got.value_or(0), 1U);
}

TEST(Stream, InterruptEndsAPendingReadAndNothingElse) {
    Io io(kLoopHint);
    auto pair = make_stream_pair(io);
    std::string fault;
    testing::start(io, read_twice(pair.left, pair.right, fault));
    asio::post(io, [&] { pair.left.interrupt(); });
    io.run();
    EXPECT_EQ(fault, "timed_out");
}

Task<void> drop(Stream& left, Stream& right) {
    const auto sent = co_await left.write_all(std::string(10'000, 'x'), soon());
    EXPECT_TRUE(sent);
    EXPECT_EQ(right.drop_received(), 10'000U);
    EXPECT_EQ(right.drop_received(), 0U);
    left.close();
    EXPECT_EQ(right.drop_received(), 0U);
}

TEST(Stream, DropsWhatWasReceived) {
    Io io(kLoopHint);
    auto pair = make_stream_pair(io);
    testing::run(io, drop(pair.left, pair.right));
}

TEST(Stream, SuspendedOperationsDieWithTheLoop) {
    std::string fault = "none";
    auto io = std::make_unique<Io>(kLoopHint);
    auto pair = std::make_unique<testing::StreamPair>(make_stream_pair(*io));
    testing::start(*io, read_until_closed(pair->left, fault));
    io->poll();
    pair.reset();
    io.reset();
    EXPECT_EQ(fault, "none");
}

TEST(AdoptSocket, RefusesWhatIsNoSocket) {
    Io io(kLoopHint);
    EXPECT_FALSE(adopt_socket(io, base::Fd()));
    EXPECT_FALSE(adopt_socket(io, base::Fd(::memfd_create("x", 0))));
}

}  // namespace
}  // namespace gatehouse::net
