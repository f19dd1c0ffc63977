#include "net/deadline.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "net/test_support.h"

namespace gatehouse::net {
namespace {

using std::chrono::milliseconds;
using testing::in;

struct Bell final : Alarm {
    explicit Bell(Io& io) : Alarm(io) {}
    ~Bell() override = default;
    void ring() override {
        ++rung;
        at = std::chrono::steady_clock::now();
        if (again.count() > 0) arm(at + std::exchange(again, milliseconds(0)));
    }
    int rung = 0;
    base::SteadyTime at{};
    milliseconds again{0};
};

void run_for_a_while(Io& io) {
    Timer timer(io, milliseconds(500));
    timer.async_wait([](ErrorCode) {});
    io.run();
    io.restart();
}

TEST(Alarm, RingsOnceAndNeverEarly) {
    Io io(kLoopHint);
    std::vector<std::unique_ptr<Bell>> bells;
    std::vector<base::SteadyTime> times;
    for (int i = 0; i < 200; ++i) {
        bells.push_back(std::make_unique<Bell>(io));
        times.push_back(in(milliseconds((i * 37) % 150)));
        bells.back()->arm(times.back());
    }
    run_for_a_while(io);
    for (std::size_t i = 0; i < bells.size(); ++i) {
        EXPECT_EQ(bells[i]->rung, 1);
        EXPECT_GE(bells[i]->at, times[i]);
    }
}

TEST(Alarm, DisarmedAlarmsAreSilentAndNoneHoldsTheLoop) {
    Io io(kLoopHint);
    Bell bell(io);
    bell.arm(in(milliseconds(40)));
    bell.disarm();
    run_for_a_while(io);
    EXPECT_EQ(bell.rung, 0);
    Bell late(io);
    late.arm(in(std::chrono::hours(1)));
    asio::post(io, [&] { late.arm(in(std::chrono::minutes(30))); });
    io.run();  // would take an hour
    io.restart();
    io.run();
}

TEST(Alarm, LaterTimesReplaceEarlierOnesAndTheReverse) {
    Io io(kLoopHint);
    Bell later(io);
    later.arm(in(milliseconds(10)));
    const auto late = in(milliseconds(150));
    later.arm(late);
    Bell earlier(io);
    earlier.arm(in(std::chrono::hours(5)));
    earlier.arm(in(milliseconds(20)));
    run_for_a_while(io);
    EXPECT_EQ(later.rung, 1);
    EXPECT_GE(later.at, late);
    EXPECT_EQ(earlier.rung, 1);
}

TEST(Alarm, MayArmItselfAgainAndTakesAnyTime) {
    Io io(kLoopHint);
    Bell bell(io);
    bell.again = milliseconds(40);
    bell.arm(base::SteadyTime::min());
    Bell never(io);
    never.arm(base::SteadyTime::max());
    never.disarm();
    run_for_a_while(io);
    EXPECT_EQ(bell.rung, 2);
    EXPECT_EQ(never.rung, 0);
}

Task<void> wait_twice(Io& io, Socket& socket, std::string& log) {
    SocketWait first(io, socket);
    const auto early = co_await first.until(Socket::wait_read, in(milliseconds(30)));
    log += early ? "readable " : std::string(to_string(early.error().fault)) + " ";
    const auto late = co_await first.until(Socket::wait_read, testing::soon());
    log += late ? "readable " : std::string(to_string(late.error().fault)) + " ";
    socket.close();
    const auto closed = co_await first.until(Socket::wait_read, testing::soon());
    log += to_string(closed.error().fault);
}

TEST(SocketWait, TellsTimeOutReadinessAndClosedApart) {
    Io io(kLoopHint);
    auto [left, right] = base::make_socket_pair().value();
    Socket socket = adopt_socket(io, std::move(left)).value();
    std::string log;
    Timer later(io, std::chrono::milliseconds(150));
    later.async_wait([&](ErrorCode) { EXPECT_TRUE(base::write_all(right.get(), "x")); });
    testing::run(io, wait_twice(io, socket, log));
    EXPECT_EQ(log, "timed_out readable unavailable");
}

Task<void> wait_for(SocketWait& wait, Socket::wait_type type, milliseconds time, std::string& log,
                    const char* name) {
    const auto outcome = co_await wait.until(type, in(time));
    log += std::string(name) + "=" + (outcome ? "ok" : std::string(to_string(outcome.error().fault))) + " ";
}

TEST(SocketWait, OneDirectionsTimeOutDoesNotEndTheOther) {
    Io io(kLoopHint);
    auto [left, right] = base::make_socket_pair().value();
    Socket socket = adopt_socket(io, std::move(left)).value();
    SocketWait reading(io, socket);
    SocketWait also_reading(io, socket);
    std::string log;
    testing::start(io, wait_for(reading, Socket::wait_read, milliseconds(30), log, "short"));
    testing::start(io, wait_for(also_reading, Socket::wait_read, std::chrono::seconds(30), log, "long"));
    Timer later(io, std::chrono::milliseconds(200));
    later.async_wait([&](ErrorCode) { EXPECT_TRUE(base::write_all(right.get(), "x")); });
    io.run();
    EXPECT_EQ(log, "short=timed_out long=ok ");
}

}  // namespace
}  // namespace gatehouse::net
