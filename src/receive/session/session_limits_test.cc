// Limits, time-outs, slow clients and the drain.
#include <thread>

#include "receive/session/test_world.h"

namespace gatehouse::receive::session {
namespace {

using net::Task;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing::Talker;
using testing::World;

Task<void> full_house(World& world) {
    Talker first = co_await world.greeted();
    Talker second = co_await world.greeted();
    Talker third = co_await world.call();
    const std::string full = co_await third.hear();
    EXPECT_THAT(full, StartsWith("421 4.3.2"));
    co_await first.ask("QUIT");
    co_await world.until([&] { return world.limits.open() == 1; });
    Talker fourth = co_await world.greeted();
}

TEST(Limits, BoundConnectionsInAll) {
    World world;
    world.settings.connections.in_all = 2;
    world.play(full_house);
}

Task<void> crowded_address(World& world) {
    Talker first = co_await world.greeted();
    for (int i = 0; i < 2; ++i) {
        Talker second = co_await world.call();
        const std::string refused = co_await second.hear();
        EXPECT_THAT(refused, StartsWith("421 4.7.0 Too many connections from your address; ref "));
        const std::string end = co_await second.hear();
        EXPECT_EQ(end, "");
    }
    co_await first.ask("QUIT");
    co_await world.until([&] { return world.limits.open() == 0; });
    Talker third = co_await world.greeted();
    Talker fourth = co_await world.call();
    const std::string refused = co_await fourth.hear();
    EXPECT_THAT(refused, HasSubstr("Too many"));
}

TEST(Limits, BoundConnectionsOfAnAddress) {
    World world;
    world.settings.exempt.clear();
    world.settings.connections.per_address = 1;
    world.play(crowded_address);
    EXPECT_THAT(world.walk.refusals, ElementsAre("connect <> 421"));  // once a minute is enough
}

Task<void> hasty_address(World& world) {
    for (int i = 0; i < 3; ++i) {
        Talker client = co_await world.greeted();
        co_await client.ask("QUIT");
    }
    Talker client = co_await world.call();
    const std::string refused = co_await client.hear();
    EXPECT_THAT(refused, StartsWith("421 4.7.0 Too many new connections"));
}

TEST(Limits, BoundNewConnectionsOfAnAddress) {
    World world;
    world.settings.exempt.clear();
    world.settings.connections.per_minute = 3;
    world.play(hasty_address);
}

TEST(ConnectionLimits, CountIpv6ByItsNetworkAndForget) {
    ConnectionLimits limits;
    const ConnectionNumbers numbers{.in_all = 10'000'000, .per_address = 1, .per_minute = 0};
    const auto now = std::chrono::steady_clock::now();
    auto one = limits.enter(numbers.in_all).value();
    auto two = limits.enter(numbers.in_all).value();
    auto three = limits.enter(numbers.in_all).value();
    const auto parse = [](const char* text) { return base::IpAddress::parse(text).value(); };
    EXPECT_EQ(limits.admit(one, parse("2001:db8::1"), now, numbers).admission, Admission::admitted);
    EXPECT_EQ(limits.admit(two, parse("2001:db8::ffff"), now, numbers).admission, Admission::too_many);
    EXPECT_EQ(limits.admit(three, parse("2001:db8:0:1::1"), now, numbers).admission, Admission::admitted);
    for (std::uint32_t i = 0; i < 200'000; ++i) {
        auto place = limits.enter(numbers.in_all).value();
        const std::array<std::uint8_t, 4> bytes{10, static_cast<std::uint8_t>(i >> 16),
                                                static_cast<std::uint8_t>(i >> 8),
                                                static_cast<std::uint8_t>(i)};
        limits.admit(place, base::IpAddress::from_bytes(bytes).value(), now, numbers);
    }
    EXPECT_LE(limits.addresses(), 64U * 1024);
    EXPECT_EQ(limits.open(), 3U);
    // Those that are open were not forgotten.
    EXPECT_EQ(limits.admit(two, parse("2001:db8::2"), now, numbers).admission, Admission::too_many);
}

Task<void> memory_runs_out(World& world) {
    Talker client = co_await world.greeted();
    const std::string declared = co_await client.ask("MAIL FROM:<a@sender.test> SIZE=2000000");
    EXPECT_THAT(declared, StartsWith("452 4.3.1"));
    co_await client.say("MAIL FROM:<a@sender.test>\r\nRCPT TO:<b@gw.test>\r\nDATA\r\n");
    const std::string codes = co_await client.codes(3);
    EXPECT_EQ(codes, "250 250 354");
    std::string large;
    while (large.size() < 2'000'000) large += "a line of some length, not too long and not too short\r\n";
    co_await client.say(large + ".\r\n");
    const std::string late = co_await client.hear();
    EXPECT_THAT(late, StartsWith("452 4.3.1"));
    EXPECT_EQ(world.memory.used(), 0U);
    const std::string again = co_await client.ask("MAIL FROM:<a@sender.test>");
    EXPECT_THAT(again, StartsWith("250"));
    // A client with many recipients holds memory, too.
    std::string last;
    for (int i = 0; i < 5000 && !last.starts_with("452"); ++i)
        last = co_await client.ask("RCPT TO:<b@gw.test>");
    EXPECT_THAT(last, StartsWith("452 4.3.1"));
}

TEST(Limits, BoundTheMemoryOfMailInFlight) {
    World world;
    world.memory.set_limit(1'000'000);
    world.play(memory_runs_out);
    EXPECT_EQ(world.walk.aborts.at(0), smtp::AbortReason::refused);
    EXPECT_THAT(world.walk.refusals.at(0), StartsWith("mail <a@sender.test> 452"));
}

Task<void> too_large(World& world) {
    Talker client = co_await world.greeted();
    co_await client.say("MAIL FROM:<a@sender.test>\r\nRCPT TO:<b@gw.test>\r\nDATA\r\n");
    co_await client.codes(3);
    const std::string line(300'000, 'x');
    co_await client.say(line + "\r\n.\r\n");
    const std::string refused = co_await client.hear();
    EXPECT_THAT(refused, StartsWith("552 5.3.4"));
    const std::string noop = co_await client.ask("NOOP");
    EXPECT_THAT(noop, StartsWith("250"));
    co_await client.say("MAIL FROM:<a@sender.test>\r\nRCPT TO:<b@gw.test>\r\nDATA\r\n");
    co_await client.codes(3);
    co_await client.say(line);  // and then nothing
    const std::string stalled = co_await client.hear();
    EXPECT_THAT(stalled, StartsWith("552 5.3.4"));
    const std::string end = co_await client.hear();
    EXPECT_EQ(end, "");
}

TEST(Limits, SwallowWhatIsTooLargeForSomeTime) {
    World world;
    world.settings.machine.max_message_size = 100'000;
    world.settings.discard = milliseconds(500);
    world.play(too_large);
    EXPECT_EQ(world.walk.aborts.size(), 2U);
    EXPECT_TRUE(world.walk.messages.empty());
}

Task<void> expect_time_out(World& world, std::string words) {
    Talker client = co_await world.greeted();
    co_await client.say(words);
    std::string last;
    while (true) {
        const std::string reply = co_await client.hear();
        if (reply.empty()) break;
        last = reply;
    }
    EXPECT_THAT(last, StartsWith("421 4.4.2")) << words;
}

Task<void> time_outs(World& world) {
    co_await expect_time_out(world, "");
    co_await expect_time_out(world, "MAIL FROM:<a@sender.test>\r\n");
    co_await expect_time_out(world, "MAIL FROM:<a@send");
    co_await expect_time_out(world, "MAIL FROM:<a@sender.test>\r\nRCPT TO:<b@gw.test>\r\nDATA\r\n");
    co_await expect_time_out(world, "MAIL FROM:<a@sender.test>\r\nRCPT TO:<b@gw.test>\r\nBDAT 10\r\nx");
}

TEST(Timeouts, EndWith421) {
    World world;
    world.settings.idle = milliseconds(400);
    world.settings.command = milliseconds(300);
    world.settings.data = milliseconds(300);
    world.play(time_outs);
    EXPECT_EQ(world.counters.timeouts, 5U);
    EXPECT_EQ(world.walk.aborts.size(), 3U);
}

Task<void> drip(World& world, std::string words, std::string drop) {
    Talker client = co_await world.greeted();
    co_await client.say(words);
    for (int i = 0; i < 400; ++i) {
        co_await world.pause(milliseconds(5));
        co_await client.say(drop);
        if (client.stream().has_input() && i > 50) break;
    }
    std::string last;
    while (true) {
        const std::string reply = co_await client.hear();
        if (reply.empty()) break;
        last = reply;
    }
    EXPECT_THAT(last, StartsWith("421 4.4.2")) << words;
}

Task<void> drips(World& world) {
    co_await drip(world, "", "N");
    co_await drip(world, "MAIL FROM:<a@sender.test>\r\nRCPT TO:<b@gw.test>\r\nDATA\r\n", "x");
}

TEST(Timeouts, CountFromTheBeginningOfACommandAndAMessage) {
    World world;
    world.settings.command = milliseconds(400);
    world.settings.message = milliseconds(400);
    world.play(drips);
}

Task<void> long_session(World& world) {
    Talker client = co_await world.greeted();
    std::string reply = "250";
    while (reply.starts_with("250")) {
        reply = co_await client.ask("NOOP");
        if (reply.starts_with("250")) co_await world.pause(milliseconds(10));
    }
    EXPECT_THAT(reply, StartsWith("421"));
}

TEST(Timeouts, EndASessionBetweenMessages) {
    World world;
    world.settings.session = milliseconds(400);
    world.settings.machine.max_idle_commands = 100'000;
    world.play(long_session);
}

/// One byte at a time, all at once with others that do the same.
Task<void> slow_client(World& world, int& done) {
    Talker client = co_await world.greeted();
    const std::string commands = "MAIL FROM:<a@sender.test>\r\nRCPT TO:<b@gw.test>\r\nDATA\r\n";
    for (const char c : commands) {
        co_await client.say(std::string(1, c));
        co_await world.pause(milliseconds(1));
    }
    co_await client.codes(3);
    for (const char c : std::string("Subject: slow\r\n\r\nbody\r\n.\r\n")) {
        co_await client.say(std::string(1, c));
        co_await world.pause(milliseconds(1));
    }
    const std::string receipt = co_await client.hear();
    EXPECT_EQ(receipt, "250 2.0.0 Taken");
    ++done;
}

Task<void> many_slow_clients(World& world) {
    int done = 0;
    for (int i = 0; i < 50; ++i) net::asio::co_spawn(world.io, slow_client(world, done), net::asio::detached);
    co_await world.until([&] { return done == 50; });
}

TEST(SlowClients, DisturbNobody) {
    World world;
    world.play(many_slow_clients);
    EXPECT_EQ(world.walk.messages.size(), 50U);
    for (const auto& message : world.walk.messages) EXPECT_EQ(message.bytes, "Subject: slow\r\n\r\nbody\r\n");
}

Task<void> busy_client(World& world, int rounds) {
    for (int i = 0; i < rounds; ++i) {
        Talker client = co_await world.greeted();
        co_await client.say("MAIL FROM:<a@sender.test> SIZE=5000\r\nRCPT TO:<b@gw.test>\r\nDATA\r\n");
        const std::string codes = co_await client.codes(3);
        EXPECT_EQ(codes, "250 250 354");
        co_await client.say("x\r\n.\r\nQUIT\r\n");
        const std::string rest = co_await client.codes(2);
        EXPECT_EQ(rest, "250 221");
    }
    co_await world.until([&] { return world.server->open_sessions() == 0; });
}

TEST(Threads, ShareLimitsMemoryAndCounters) {
    const auto common = std::make_shared<testing::Common>();
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&] {
            World world(common);
            world.settings.exempt.clear();
            world.settings.connections.per_minute = 0;
            world.play([](World& self) { return busy_client(self, 50); });
        });
    }
    threads.clear();
    EXPECT_EQ(common->counters.accepted, 150U);
    EXPECT_EQ(common->limits.open(), 0U);
    EXPECT_EQ(common->memory.used(), 0U);
}

Task<void> drained(World& world) {
    Talker idle = co_await world.greeted();
    Talker busy = co_await world.greeted();
    co_await busy.ask("MAIL FROM:<a@sender.test>");
    Talker stuck = co_await world.greeted();
    co_await stuck.ask("MAIL FROM:<c@sender.test>");
    std::size_t left = 99;
    bool is_done = false;
    net::asio::co_spawn(world.io, world.server->drain(milliseconds(500)),
                        [&](std::exception_ptr, std::size_t sessions) {
                            left = sessions;
                            is_done = true;
                        });
    const std::string told = co_await idle.hear();
    EXPECT_THAT(told, StartsWith("421 4.3.2"));
    auto refused = co_await net::dial::connect(world.io, world.address, testing::soon());
    EXPECT_FALSE(refused);
    co_await busy.ask("RCPT TO:<b@gw.test>");
    co_await busy.ask("DATA");
    const std::string receipt = co_await busy.ask("x\r\n.");
    EXPECT_THAT(receipt, StartsWith("250"));
    const std::string next = co_await busy.hear();
    EXPECT_THAT(next, StartsWith("421 4.3.2"));
    const std::string cut = co_await stuck.hear();
    EXPECT_THAT(cut, StartsWith("421 4.3.2"));
    stuck.stream().close();
    idle.stream().close();
    busy.stream().close();
    co_await world.until([&] { return is_done; });
    EXPECT_EQ(left, 0U);
}

TEST(Drain, LetsOpenTransactionsEnd) {
    World world;
    world.play(drained);
    EXPECT_EQ(world.walk.messages.size(), 1U);
    EXPECT_THAT(world.walk.aborts, ElementsAre(smtp::AbortReason::closed));
}

Task<void> drained_while_the_walk_works(World& world) {
    world.walk.thinks_for = std::chrono::seconds(1000);
    Talker client = co_await world.greeted();
    co_await client.say("MAIL FROM:<a@sender.test>\r\nRCPT TO:<b@gw.test>\r\nDATA\r\n");
    const std::string codes = co_await client.codes(3);
    EXPECT_EQ(codes, "250 250 354");
    co_await client.say("x\r\n.\r\n");
    co_await world.until([&] { return world.counters.messages == 1; });
    const auto left = co_await world.server->drain(milliseconds(20), milliseconds(40));
    EXPECT_EQ(left, 1U);
}

TEST(Drain, TellsTheWalkWhatItCannotFinish) {
    World world;
    world.play(drained_while_the_walk_works);
    EXPECT_THAT(world.walk.left_unfinished, ElementsAre("a@sender.test"));
    EXPECT_TRUE(world.walk.messages.empty());
}

Task<void> reloaded(World& world) {
    Talker old = co_await world.greeted();
    world.settings.machine.hostname = "new.gw.test";
    world.server->apply(std::make_shared<SessionSettings>(world.settings));
    const std::string hello = co_await old.ask("EHLO client.test");
    EXPECT_THAT(hello, StartsWith("250-mx.gw.test"));
    Talker fresh = co_await world.call();
    const std::string greeting = co_await fresh.hear();
    EXPECT_THAT(greeting, StartsWith("220 new.gw.test"));
}

TEST(Reload, CountsForNewConnections) {
    World world;
    world.play(reloaded);
}

TEST(SessionSettings, AreMadeOfTheOperatorsOwn) {
    smtp::SmtpSettings smtp;
    smtp::LimitSettings limits;
    smtp.proxy_hosts = {"10.0.0.0/8"};
    smtp.greeting_delay = 250;
    limits.idle_timeout = 7;
    limits.connections_per_address = 3;
    const auto made = make_session_settings(smtp, limits, "mx.gw.test", nullptr).value();
    EXPECT_EQ(made.machine.hostname, "mx.gw.test");
    EXPECT_FALSE(made.machine.offers_tls);
    EXPECT_EQ(made.idle, std::chrono::seconds(7));
    EXPECT_EQ(made.greeting_delay, milliseconds(250));
    EXPECT_EQ(made.connections.per_address, 3U);
    EXPECT_TRUE(contains(made.proxy_hosts, base::IpAddress::parse("10.1.2.3").value()));
    EXPECT_TRUE(contains(made.exempt, base::IpAddress::parse("::1").value()));
    smtp.proxy_hosts = {"nonsense"};
    EXPECT_FALSE(make_session_settings(smtp, limits, "mx.gw.test", nullptr));
}

}  // namespace
}  // namespace gatehouse::receive::session
