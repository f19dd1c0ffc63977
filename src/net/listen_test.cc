#include "net/listen.h"

#include <gmock/gmock.h>

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/sockaddr.h"
#include "net/test_support.h"

namespace gatehouse::net {
namespace {

base::Fd connect_to(const base::Endpoint& endpoint) {
    const SockAddr address = to_sockaddr(endpoint);
    base::Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(fd.get(), address.get(), address.length) != 0) fd.reset();
    return fd;
}

TEST(ListenOn, GivesOneSocketPerThreadOnTheSamePort) {
    const auto sockets = listen_on("127.0.0.1:0", 3);
    ASSERT_TRUE(sockets);
    ASSERT_EQ(sockets->size(), 3U);
    const auto first = bound_to(sockets->at(0).get()).value();
    EXPECT_NE(first.port, 0);
    EXPECT_EQ(first, bound_to(sockets->at(2).get()).value());
    EXPECT_TRUE(connect_to(first));
}

TEST(ListenOn, SaysClearlyWhatIsWrong) {
    const auto sockets = listen_on("127.0.0.1:0", 1).value();
    const auto address = bound_to(sockets.at(0).get()).value().to_string();
    const auto taken = listen_on(address, 1);
    ASSERT_FALSE(taken);
    EXPECT_THAT(taken.error().sentence,
                ::testing::HasSubstr("cannot listen on " + address + ": Address already"));
    EXPECT_THAT(taken.error().sentence, ::testing::HasSubstr("another program"));
    EXPECT_THAT(listen_on("192.0.2.1:2525", 1).error().sentence, ::testing::HasSubstr("no interface"));
    EXPECT_EQ(listen_on("mail.example.com:25", 1).error().fault, base::Fault::usage);
    EXPECT_FALSE(listen_on("127.0.0.1", 1));
    EXPECT_FALSE(bound_to(connect_to(bound_to(sockets.at(0).get()).value()).get()));
}

TEST(ListenOn, TakesIpv6Alone) {
    const auto sockets = listen_on("[::1]:0", 1);
    if (!sockets) GTEST_SKIP() << sockets.error().sentence;
    const auto bound = bound_to(sockets->at(0).get()).value();
    EXPECT_THAT(bound.to_string(), ::testing::StartsWith("[::1]:"));
    EXPECT_TRUE(connect_to(bound));
}

Task<void> accept_some(Acceptor& acceptor, std::vector<Accepted>& into, std::size_t count) {
    while (into.size() < count) {
        auto accepted = co_await acceptor.accept();
        if (!accepted) break;
        into.push_back(std::move(*accepted));
    }
}

TEST(Acceptor, NamesBothEnds) {
    Io io(kLoopHint);
    auto sockets = listen_on("127.0.0.1:0", 1).value();
    auto acceptor = Acceptor::adopt(io, std::move(sockets.at(0))).value();
    std::vector<base::Fd> clients;
    for (int i = 0; i < 100; ++i) clients.push_back(connect_to(acceptor.local()));
    std::vector<Accepted> accepted;
    testing::run(io, accept_some(acceptor, accepted, 100));
    ASSERT_EQ(accepted.size(), 100U);
    EXPECT_EQ(accepted.at(0).local, acceptor.local());
    EXPECT_EQ(accepted.at(0).peer, local_endpoint(clients.at(0).get()));
}

TEST(Acceptor, NamesTheAddressAConnectionCameTo) {
    Io io(kLoopHint);
    auto sockets = listen_on("0.0.0.0:0", 1).value();
    auto acceptor = Acceptor::adopt(io, std::move(sockets.at(0))).value();
    const base::Endpoint to{base::IpAddress::parse("127.0.0.1").value(), acceptor.local().port};
    const base::Fd client = connect_to(to);
    std::vector<Accepted> accepted;
    testing::run(io, accept_some(acceptor, accepted, 1));
    EXPECT_EQ(accepted.at(0).local, to);
}

TEST(Acceptor, GoesOnAfterALackOfDescriptors) {
#ifdef GATEHOUSE_SANITIZED
    GTEST_SKIP() << "the sanitizers need descriptors themselves";
#endif
    Io io(kLoopHint);
    auto sockets = listen_on("127.0.0.1:0", 1).value();
    auto acceptor = Acceptor::adopt(io, std::move(sockets.at(0))).value();
    const base::Fd client = connect_to(acceptor.local());
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const base::Fd highest(::dup(client.get()));
    const rlimit none{static_cast<rlim_t>(highest.get()), before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    std::vector<Accepted> accepted;
    Timer relief(io, std::chrono::milliseconds(150));
    relief.async_wait([&](ErrorCode) {
        EXPECT_TRUE(accepted.empty());
        ::setrlimit(RLIMIT_NOFILE, &before);
    });
    testing::run(io, accept_some(acceptor, accepted, 1));
    EXPECT_EQ(accepted.size(), 1U);
}

TEST(Acceptor, CloseEndsAccept) {
    Io io(kLoopHint);
    auto sockets = listen_on("127.0.0.1:0", 1).value();
    auto acceptor = Acceptor::adopt(io, std::move(sockets.at(0))).value();
    std::vector<Accepted> accepted;
    testing::start(io, accept_some(acceptor, accepted, 1));
    asio::post(io, [&] { acceptor.close(); });
    io.run();
    EXPECT_TRUE(accepted.empty());
}

}  // namespace
}  // namespace gatehouse::net
