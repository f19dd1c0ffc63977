// STARTTLS, the PROXY header and XCLIENT: who is at the other end, and what may not survive.
#include <unistd.h>

#include "receive/session/test_world.h"

namespace gatehouse::receive::session {
namespace {

using net::Task;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::soon;
using ::testing::StartsWith;
using testing::Talker;
using testing::World;

Task<void> over_tls(World& world) {
    auto context = net::TlsContext::make_client({}).value();
    Talker client = co_await world.greeted();
    const std::string ready = co_await client.ask("STARTTLS");
    EXPECT_THAT(ready, StartsWith("220"));
    const auto shaken = co_await client.stream().connect_tls(*context, "mx.gw.test", soon());
    EXPECT_TRUE(shaken);
    const std::string too_soon = co_await client.ask("MAIL FROM:<a@sender.test>");
    EXPECT_THAT(too_soon, StartsWith("503"));
    const std::string hello = co_await client.ask("EHLO client.test");
    EXPECT_THAT(hello, Not(HasSubstr("STARTTLS")));
    co_await client.say("MAIL FROM:<a@sender.test>\r\nRCPT TO:<b@gw.test>\r\nDATA\r\n");
    const std::string codes = co_await client.codes(3);
    EXPECT_EQ(codes, "250 250 354");
    std::string large;
    while (large.size() < 300'000) large += "a line of some length, not too long and not too short\r\n";
    co_await client.say(large + ".\r\n");
    const std::string receipt = co_await client.hear();
    EXPECT_EQ(receipt, "250 2.0.0 Taken");
    const std::string bye = co_await client.ask("QUIT");
    EXPECT_THAT(bye, StartsWith("221"));
}

TEST(StartTls, CarriesMail) {
    World world;
    world.use_tls();
    world.play(over_tls);
    ASSERT_EQ(world.walk.messages.size(), 1U);
    const auto& client = world.walk.messages.at(0).envelope.client;
    EXPECT_EQ(client.protocol, "ESMTPS");
    EXPECT_EQ(client.tls_version, "TLSv1.3");
    EXPECT_FALSE(client.tls_cipher.empty());
    EXPECT_FALSE(client.unauthorised_pipelining);
    EXPECT_GT(world.walk.messages.at(0).bytes.size(), 300'000U);
    EXPECT_EQ(world.counters.tls_sessions, 1U);
}

Task<void> not_offered(World& world) {
    Talker client = co_await world.greeted();
    const std::string refused = co_await client.ask("STARTTLS");
    EXPECT_THAT(refused, StartsWith("502"));
}

TEST(StartTls, IsNotOfferedWithoutACertificate) {
    World world;
    world.play(not_offered);
}

Task<void> injection(World& world) {
    auto context = net::TlsContext::make_client({}).value();
    Talker client = co_await world.greeted();
    co_await client.say("STARTTLS\r\nMAIL FROM:<evil@sender.test>\r\nRCPT TO:<b@gw.test>\r\n");
    const std::string ready = co_await client.hear();
    EXPECT_THAT(ready, StartsWith("220"));
    const auto shaken = co_await client.stream().connect_tls(*context, "mx.gw.test", soon());
    EXPECT_TRUE(shaken);
    const std::string hello = co_await client.ask("EHLO client.test");
    EXPECT_THAT(hello, StartsWith("250-"));
    const std::string data = co_await client.ask("DATA");
    EXPECT_THAT(data, StartsWith("503"));
    const std::string mail = co_await client.ask("MAIL FROM:<a@sender.test>");
    EXPECT_THAT(mail, StartsWith("250"));
    co_await client.say("RCPT TO:<b@gw.test>\r\nBDAT 3 LAST\r\nx\r\n");
    const std::string codes = co_await client.codes(2);
    EXPECT_EQ(codes, "250 250");
}

TEST(StartTls, NothingSentInClearSurvives) {
    World world;
    world.use_tls();
    world.play(injection);
    EXPECT_THAT(world.walk.log, ElementsAre("mail <a@sender.test>", "rcpt <b@gw.test>"));
    EXPECT_TRUE(world.walk.messages.at(0).envelope.client.unauthorised_pipelining);
}

Task<void> no_handshake(World& world) {
    Talker client = co_await world.greeted();
    co_await client.ask("STARTTLS");
    co_await client.say("MAIL FROM:<a@sender.test>\r\n");
    const std::string end = co_await client.hear();
    EXPECT_EQ(end, "");
    Talker silent = co_await world.greeted();
    co_await silent.ask("STARTTLS");
    const std::string also_end = co_await silent.hear();
    EXPECT_EQ(also_end, "");
}

TEST(StartTls, AFailedHandshakeEndsTheSession) {
    World world;
    world.use_tls();
    world.settings.command = std::chrono::milliseconds(100);
    world.play(no_handshake);
    EXPECT_EQ(world.counters.tls_failures, 2U);
    EXPECT_TRUE(world.walk.log.empty());
}

/// CVE-2026-45185: close_notify inside BDAT, then bytes in clear.
Task<void> close_inside_bdat(World& world) {
    auto context = net::TlsContext::make_client({}).value();
    Talker client = co_await world.greeted();
    co_await client.ask("STARTTLS");
    const auto shaken = co_await client.stream().connect_tls(*context, "mx.gw.test", soon());
    EXPECT_TRUE(shaken);
    co_await client.ask("EHLO client.test");
    co_await client.say("MAIL FROM:<a@sender.test>\r\nRCPT TO:<b@gw.test>\r\nBDAT 100 LAST\r\nhalf");
    const base::Fd behind(::dup(client.stream().socket().native_handle()));
    client.stream().close();
    EXPECT_TRUE(base::write_all(behind.get(), std::string(200, 'x')));
    co_await world.until([&] { return world.server->open_sessions() == 0; });
}

TEST(StartTls, CloseNotifyInsideAChunkEndsTheSession) {
    World world;
    world.use_tls();
    world.play(close_inside_bdat);
    EXPECT_TRUE(world.walk.messages.empty());
    EXPECT_THAT(world.walk.aborts, ElementsAre(smtp::AbortReason::closed));
}

std::string proxy_header(bool is_local) {
    std::string out("\r\n\r\n\0\r\nQUIT\n", 12);
    out += is_local ? '\x20' : '\x21';
    out += std::string("\x11\x00\x0C", 3);
    out += std::string("\xC6\x33\x64\x07", 4);  // 198.51.100.7
    out += std::string("\xC0\x00\x02\x01", 4);  // 192.0.2.1
    out += std::string("\x30\x39\x00\x19", 4);  // ports 12345 and 25
    return out;
}

Task<void> behind_a_balancer(World& world) {
    Talker client = co_await world.call();
    const std::string header = proxy_header(false);
    co_await client.say(header.substr(0, 10));
    co_await world.pause(std::chrono::milliseconds(20));
    EXPECT_FALSE(client.stream().has_input());
    co_await client.say(header.substr(10));
    const std::string greeting = co_await client.hear();
    EXPECT_THAT(greeting, StartsWith("220"));
    Talker check = co_await world.call();
    co_await check.say(proxy_header(true));
    const std::string also = co_await check.hear();
    EXPECT_THAT(also, StartsWith("220"));
    Talker early = co_await world.call();
    co_await early.say(header + "EHLO x\r\n");
    const std::string refused = co_await early.hear();
    EXPECT_THAT(refused, StartsWith("554"));
    Talker naked = co_await world.call();
    co_await naked.say("EHLO client.test\r\n");
    const std::string closed = co_await naked.hear();
    EXPECT_EQ(closed, "");
}

TEST(ProxyHeader, NamesTheClientAndIsRequired) {
    World world;
    world.settings.proxy_hosts = *smtp::parse_networks({"127.0.0.1"});
    world.play(behind_a_balancer);
    ASSERT_EQ(world.walk.connections.size(), 3U);
    EXPECT_EQ(world.walk.connections.at(0).client.address, "198.51.100.7");
    EXPECT_EQ(world.walk.connections.at(0).client.port, 12345);
    EXPECT_EQ(world.walk.connections.at(1).client.address, "127.0.0.1");
    EXPECT_TRUE(world.walk.connections.at(2).client.early_talker);
    EXPECT_EQ(world.counters.turned_away, 1U);
}

Task<void> limited_behind_a_balancer(World& world) {
    Talker first = co_await world.call();
    co_await first.say(proxy_header(false));
    co_await first.hear();
    Talker second = co_await world.call();
    co_await second.say(proxy_header(false));
    const std::string refused = co_await second.hear();
    EXPECT_THAT(refused, StartsWith("421 4.7.0"));
}

TEST(ProxyHeader, LimitsCountTheClientNotTheBalancer) {
    World world;
    world.settings.proxy_hosts = *smtp::parse_networks({"127.0.0.1"});
    world.settings.connections.per_address = 1;
    world.play(limited_behind_a_balancer);
}

Task<void> uninvited_header(World& world) {
    Talker client = co_await world.call();
    co_await client.hear();
    co_await client.say(proxy_header(false));
    const std::string refused = co_await client.hear();
    EXPECT_THAT(refused, StartsWith("5"));
    EXPECT_EQ(world.walk.connections.at(0).client.address, "127.0.0.1");
}

TEST(ProxyHeader, FromAnybodyElseIsRubbish) {
    World world;
    world.play(uninvited_header);
}

Task<void> with_xclient(World& world) {
    Talker client = co_await world.greeted();
    const std::string again =
        co_await client.ask("XCLIENT ADDR=203.0.113.5 PORT=99 NAME=x.example HELO=named.example");
    EXPECT_THAT(again, StartsWith("220"));
    co_await client.ask("EHLO client.test");
    co_await client.say("MAIL FROM:<a@sender.test>\r\nRCPT TO:<b@gw.test>\r\nBDAT 3 LAST\r\nx\r\n");
    const std::string codes = co_await client.codes(3);
    EXPECT_EQ(codes, "250 250 250");
}

TEST(Xclient, NamesTheClient) {
    World world;
    world.settings.machine.xclient_hosts = *smtp::parse_networks({"127.0.0.1"});
    world.play(with_xclient);
    ASSERT_EQ(world.walk.connections.size(), 2U);
    EXPECT_EQ(world.walk.connections.at(1).client.address, "203.0.113.5");
    const auto& client = world.walk.messages.at(0).envelope.client;
    EXPECT_EQ(client.address, "203.0.113.5");
    EXPECT_EQ(client.helo, "named.example");
}

}  // namespace
}  // namespace gatehouse::receive::session
