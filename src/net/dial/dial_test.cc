#include "net/dial/dial.h"

#include <gmock/gmock.h>

#include "net/listen.h"
#include "net/test_support.h"

namespace gatehouse::net::dial {
namespace {

using net::testing::in;
using net::testing::soon;

Task<void> greet(Acceptor& acceptor, Io& io) {
    auto accepted = co_await acceptor.accept();
    Stream stream(io, adopt_socket(io, std::move(accepted->socket)).value());
    const auto sent = co_await stream.write_all("220 hello\r\n", soon());
    EXPECT_TRUE(sent);
    co_await stream.finish(soon());
}

Task<void> fetch(Io& io, base::Endpoint to, std::string& got) {
    auto stream = co_await connect(io, to, soon());
    if (!stream) {
        got = to_string(stream.error().fault);
        co_return;
    }
    got = co_await net::testing::read_bytes(*stream, 11);
}

TEST(Dial, Connects) {
    Io io(kLoopHint);
    auto sockets = listen_on("127.0.0.1:0", 1).value();
    auto acceptor = Acceptor::adopt(io, std::move(sockets.at(0))).value();
    std::string got;
    net::testing::start(io, greet(acceptor, io));
    net::testing::start(io, fetch(io, acceptor.local(), got));
    io.run();
    EXPECT_EQ(got, "220 hello\r\n");
}

TEST(Dial, SaysThatNobodyListens) {
    Io io(kLoopHint);
    auto endpoint =
        bound_to(listen_on("127.0.0.1:0", 1).value().at(0).get()).value();  // closed again at once
    std::string got;
    net::testing::run(io, fetch(io, endpoint, got));
    EXPECT_EQ(got, "refused");
}

Task<void> fill_and_wait(Io& io, base::Endpoint to, std::string& got) {
    std::vector<Stream> open;
    for (int i = 0; i < 10; ++i) {
        auto stream = co_await connect(io, to, in(std::chrono::milliseconds(100)));
        if (!stream) {
            got = to_string(stream.error().fault);
            co_return;
        }
        open.push_back(std::move(*stream));
    }
}

TEST(Dial, GivesUpAtTheDeadline) {
    Io io(kLoopHint);
    // A full backlog does not answer.
    auto sockets = listen_on("127.0.0.1:0", 1).value();
    ASSERT_EQ(::listen(sockets.at(0).get(), 1), 0);
    std::string got;
    net::testing::run(io, fill_and_wait(io, bound_to(sockets.at(0).get()).value(), got));
    EXPECT_EQ(got, "timed_out");
}

}  // namespace
}  // namespace gatehouse::net::dial
