// Two ways to wait without blocking an event loop: Started<T> runs a coroutine beside the caller (same loop,
// same thread) and is collected later; offload() runs a blocking function on a thread pool. Both are used by
// the walk.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "net/asio.h"

namespace gatehouse::net {

/// A coroutine that has been started. take() waits for its result; call it once. Whatever the coroutine
/// borrows must live until take() has returned; a Started that is dropped lets it run to its end on its own.
template <typename T>
class Started {
  public:
    Started() = default;
    Started(Io& io, Task<T> task) : state_(std::make_shared<State>(io)) {
        asio::co_spawn(io, run(state_, std::move(task)), asio::detached);
    }

    bool is_started() const { return state_ != nullptr; }

    Task<T> take() {
        const auto state = state_;
        while (!state->result) {
            state->wake.expires_at(std::chrono::steady_clock::time_point::max());
            co_await state->wake.async_wait(kTuple);
        }
        co_return std::move(*state->result);
    }

  private:
    struct State {
        explicit State(Io& io) : wake(io) {}
        Timer wake;
        std::optional<T> result;
    };
    static Task<void> run(std::shared_ptr<State> state, Task<T> task) {
        state->result.emplace(co_await std::move(task));
        state->wake.cancel();
    }
    std::shared_ptr<State> state_;
};

/// Runs `function` on the pool and resumes on `io` with its result. The function must not touch the loop's
/// objects.
template <typename Function>
auto offload(Io& io, asio::thread_pool& pool, Function function) -> Task<std::invoke_result_t<Function>> {
    using Value = std::invoke_result_t<Function>;
    struct State {
        State(Io& loop, Function work) : wake(loop), function(std::move(work)) {}
        Timer wake;
        Function function;
        std::optional<Value> result;
    };
    const auto state = std::make_shared<State>(io, std::move(function));
    const auto keep_running = asio::make_work_guard(io);
    asio::post(pool, [state, &io] {
        std::optional<Value> result(state->function());
        asio::post(io, [state, result = std::move(result)]() mutable {
            state->result = std::move(result);
            state->wake.cancel();
        });
    });
    while (!state->result) {
        state->wake.expires_at(std::chrono::steady_clock::time_point::max());
        co_await state->wake.async_wait(kTuple);
    }
    co_return std::move(*state->result);
}

}  // namespace gatehouse::net
