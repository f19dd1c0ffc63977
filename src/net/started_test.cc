#include "net/started.h"

#include <stdexcept>
#include <thread>

#include "net/test_support.h"

namespace gatehouse::net {
namespace {

using std::chrono::milliseconds;

Task<int> answer_after(Io& io, milliseconds time, int answer) {
    Timer timer(io);
    timer.expires_after(time);
    co_await timer.async_wait(kTuple);
    if (answer < 0) throw std::runtime_error("a bug");
    co_return answer;
}

Task<int> throw_at_once() {
    throw std::runtime_error("a bug at once");
    co_return 0;
}

/// The result, or what was thrown.
Task<std::string> outcome_of(Task<int> task) {
    std::string out;
    try {
        out = std::to_string(co_await std::move(task));
    } catch (const std::exception& thrown) {
        out = thrown.what();
    }
    co_return out;
}

TEST(Started, GivesResultsAndExceptionsToWhoeverTakesThem) {
    Io io(kLoopHint);
    testing::run(io, [](Io& loop) -> Task<void> {
        Started<int> slow(loop, answer_after(loop, milliseconds(20), 1));
        Started<int> quick(loop, answer_after(loop, milliseconds(0), 2));
        Started<int> broken(loop, answer_after(loop, milliseconds(5), -1));
        Started<int> broken_at_once(loop, throw_at_once());
        for (auto* one : {&slow, &quick, &broken, &broken_at_once}) co_await one->wait();
        const auto first = co_await outcome_of(slow.take());
        EXPECT_EQ(first, "1");
        const auto second = co_await outcome_of(quick.take());
        EXPECT_EQ(second, "2");
        const auto third = co_await outcome_of(broken.take());
        EXPECT_EQ(third, "a bug");
        const auto fourth = co_await outcome_of(broken_at_once.take());
        EXPECT_EQ(fourth, "a bug at once");
    }(io));
}

TEST(Started, DroppedItRunsOnAlone) {
    Io io(kLoopHint);
    testing::run(io, [](Io& loop) -> Task<void> {
        const Started<int> dropped(loop, answer_after(loop, milliseconds(5), -1));
        co_return;
    }(io));
}

TEST(Offload, RunsElsewhereAndComesBack) {
    Io io(kLoopHint);
    asio::thread_pool pool(2);
    testing::run(io, [](Io& loop, asio::thread_pool& threads) -> Task<void> {
        const auto here = std::this_thread::get_id();
        const auto there = co_await offload(loop, threads, [] { return std::this_thread::get_id(); });
        EXPECT_NE(here, there);
        EXPECT_EQ(here, std::this_thread::get_id());
        const auto said =
            co_await outcome_of(offload(loop, threads, []() -> int { throw std::runtime_error("no disk"); }));
        EXPECT_EQ(said, "no disk");
        EXPECT_EQ(here, std::this_thread::get_id());
    }(io, pool));
    pool.join();
}

}  // namespace
}  // namespace gatehouse::net
