// The vocabulary of our event loops: one io_context per thread, run by that thread alone, and coroutines on
// it. The executor type is fixed (no any_io_executor), which saves an indirection per operation. This is also
// the precompiled header of the modules that use Asio.
//
// GCC 12 coroutines: keep bodies short; no temporaries that own something across co_await; name what you
// await.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <expected>
#include <utility>

namespace gatehouse::net {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;
using Io = asio::io_context;
/// Loops are made as Io(kLoopHint): sockets of a loop are touched by its own thread only; post() from others
/// is fine.
inline constexpr int kLoopHint = BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO;
using Executor = asio::io_context::executor_type;

template <typename T>
using Task = asio::awaitable<T, Executor>;

/// co_await x.async_y(..., kTuple) gives std::tuple<ErrorCode, ...> and never throws.
inline constexpr asio::as_tuple_t<asio::use_awaitable_t<Executor>> kTuple{};

using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;
/// TCP or unix; which one shows only when it is opened.
using Socket = asio::basic_stream_socket<asio::generic::stream_protocol, Executor>;

}  // namespace gatehouse::net

/// GATEHOUSE_TRY and GATEHOUSE_CHECK for coroutines. The expression may not hold a co_await: name what you
/// await first.
#define GATEHOUSE_CO_TRY(declaration, expression) \
    GATEHOUSE_CO_TRY_IMPL_(GATEHOUSE_CONCAT(gatehouse_try_, __LINE__), declaration, expression)
#define GATEHOUSE_CO_TRY_IMPL_(temporary, declaration, expression)           \
    auto temporary = (expression);                                           \
    if (!temporary) co_return std::unexpected(std::move(temporary).error()); \
    declaration = std::move(temporary).value()
#define GATEHOUSE_CO_CHECK(expression)                                      \
    do {                                                                    \
        if (auto gatehouse_check_ = (expression); !gatehouse_check_)        \
            co_return std::unexpected(std::move(gatehouse_check_).error()); \
    } while (false)
