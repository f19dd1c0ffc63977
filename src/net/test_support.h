// For tests only: running coroutines to their end, and streams that are connected to each other. gtest's
// fixtures are no coroutines, so every test is `run(io, body(...))`.
#pragma once

#include <gtest/gtest.h>

#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "base/fd_passing.h"
#include "net/stream.h"

namespace gatehouse::net::testing {

inline base::SteadyTime in(std::chrono::milliseconds time) {
    return std::chrono::steady_clock::now() + time;
}
/// Far enough for anything that is expected to happen.
inline base::SteadyTime soon() {
    return in(std::chrono::seconds(30));
}

/// Starts `task` on the loop without running it; an exception fails the test.
inline void start(Io& io, Task<void> task) {
    asio::co_spawn(io, std::move(task), [](std::exception_ptr failure) {
        if (failure) std::rethrow_exception(failure);
    });
}

/// Runs the loop until nothing is left to do.
inline void run(Io& io, Task<void> task) {
    start(io, std::move(task));
    io.run();
    io.restart();
}

struct StreamPair {
    Stream left;
    Stream right;
};

inline StreamPair make_stream_pair(Io& io) {
    auto [left, right] = base::make_socket_pair().value();
    return {Stream(io, adopt_socket(io, std::move(left)).value()),
            Stream(io, adopt_socket(io, std::move(right)).value())};
}

/// Reads until `size` bytes are there or the stream ends.
inline Task<std::string> read_bytes(Stream& stream, std::size_t size) {
    std::string out;
    std::array<char, 4096> buffer;
    while (out.size() < size) {
        const auto got = co_await stream.read_some(buffer, soon());
        if (!got || *got == 0) break;
        out.append(buffer.data(), *got);
    }
    co_return out;
}

}  // namespace gatehouse::net::testing
