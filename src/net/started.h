// Two ways to wait without blocking an event loop: Started<T> runs a coroutine beside the caller (same loop,
// same thread) and is collected later; offload() runs a blocking function on a thread pool. Both are used by
// the walk. An exception in either comes out where the result is taken.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/thread_pool.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "net/asio.h"

namespace gatehouse::net {

namespace detail {
/// What a coroutine or a thread leaves behind for the one who waits. Of one loop.
template <typename T>
struct Outcome {
    explicit Outcome(Io& io) : wake(io) {}

    bool is_there() const { return result.has_value() || failure != nullptr; }
    Task<void> wait() {
        while (!is_there()) {
            wake.expires_at(std::chrono::steady_clock::time_point::max());
            co_await wake.async_wait(kTuple);
        }
    }
    T take() {
        if (failure) std::rethrow_exception(std::exchange(failure, nullptr));
        return std::move(*result);
    }

    Timer wake;
    std::optional<T> result;
    std::exception_ptr failure;
};
}  // namespace detail

/// A coroutine that has been started. take() waits for its result and throws what it threw; call it once.
/// Whatever the coroutine borrows must live until wait() or take() has returned, so whoever has started
/// several waits for all of them before taking the first. A Started that is dropped lets it run to its end on
/// its own.
template <typename T>
class Started {
  public:
    Started() = default;
    Started(Io& io, Task<T> task) : state_(std::make_shared<State>(io)) {
        asio::co_spawn(io, run(state_, std::move(task)), asio::detached);
    }

    bool is_started() const { return state_ != nullptr; }

    /// Never throws.
    Task<void> wait() {
        const auto state = state_;
        co_await state->wait();
    }
    Task<T> take() {
        const auto state = state_;
        co_await state->wait();
        co_return state->take();
    }

  private:
    using State = detail::Outcome<T>;
    static Task<void> run(std::shared_ptr<State> state, Task<T> task) {
        try {
            state->result.emplace(co_await std::move(task));
        } catch (...) {
            state->failure = std::current_exception();
        }
        state->wake.cancel();
    }
    std::shared_ptr<State> state_;  // shared with the coroutine
};

/// Runs `function` on the pool and resumes on `io` with its result, or throws there what it threw. The
/// function must not touch the loop's objects.
template <typename Function>
auto offload(Io& io, asio::thread_pool& pool, Function function) -> Task<std::invoke_result_t<Function>> {
    using Value = std::invoke_result_t<Function>;
    struct State : detail::Outcome<Value> {
        State(Io& loop, Function work) : detail::Outcome<Value>(loop), function(std::move(work)) {}
        Function function;
    };
    const auto state = std::make_shared<State>(io, std::move(function));  // shared with the pool's thread
    const auto keep_running = asio::make_work_guard(io);
    asio::post(pool, [state, &io] {
        std::optional<Value> result;
        std::exception_ptr failure;
        try {
            result.emplace(state->function());
        } catch (...) {
            failure = std::current_exception();
        }
        // An exception has one owner at a time: the pool's thread keeps nothing of it.
        asio::post(io, [state, result = std::move(result), failure = std::move(failure)]() mutable {
            state->result = std::move(result);
            state->failure = std::move(failure);
            state->wake.cancel();
        });
    });
    co_await state->wait();
    co_return state->take();
}

}  // namespace gatehouse::net
