#include "act/delivery/hop_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "support/delivery_fixture.h"

namespace gatehouse::act::delivery {
namespace {

using base::Fault;

class HopPoolTest : public DeliveryTest {
  protected:
    /// A port where nobody listens.
    static base::Endpoint nobody() { return make_sink()->endpoint(); }
    static std::size_t count(const test::Sink& sink, std::string_view command) {
        const auto all = sink.commands();
        return static_cast<std::size_t>(
            std::count_if(all.begin(), all.end(), [&](const auto& line) { return line.contains(command); }));
    }
};

TEST_F(HopPoolTest, MakeRefusesABadName) {
    const auto tls = HopTls::make({});
    EXPECT_FALSE(HopPool::make(io_, clock_, *tls, {"bad name", {}, 1}));
}

TEST_F(HopPoolTest, ConnectionsAreReused) {
    const auto sink = make_sink();
    for (int i = 0; i < 5; ++i) {
        const auto delivered = deliver(hop(*sink));
        EXPECT_EQ(delivered.final_answer.outcome, DataOutcome::accepted);
        EXPECT_EQ(delivered.info.reused, i > 0);
    }
    EXPECT_EQ(sink->connection_count(), 1U);
    EXPECT_EQ(count(*sink, "RSET"), 0U);
    EXPECT_EQ(count(*sink, "EHLO"), 1U);
    EXPECT_EQ(pool().counts().reused, 4U);
}

TEST_F(HopPoolTest, DeadPooledConnectionIsNoticedBeforeUse) {
    const auto sink = make_sink("DOT 1 = 250 2.0.0 ok then cut");
    EXPECT_EQ(deliver(hop(*sink)).final_answer.outcome, DataOutcome::accepted);
    ASSERT_TRUE(run_until([&] { return sink->open_count() == 0; }));
    const auto delivered = deliver(hop(*sink));
    EXPECT_EQ(delivered.final_answer.outcome, DataOutcome::accepted);
    EXPECT_FALSE(delivered.info.reused);
    EXPECT_EQ(pool().counts().found_dead, 1U);
}

TEST_F(HopPoolTest, DeadPooledConnectionIsReplacedOnce) {
    for (const std::string rule :
         {"MAIL 2 = cut", "MAIL 2 = reset", "MAIL 2 = 421 4.4.2 idle too long then cut",
          "MAIL 2 = garbage then cut"}) {
        const auto sink = make_sink(rule);
        EXPECT_EQ(deliver(hop(*sink)).final_answer.outcome, DataOutcome::accepted);
        const auto delivered = deliver(hop(*sink));
        ASSERT_FALSE(delivered.failed) << rule << ": " << delivered.failed->sentence;
        EXPECT_EQ(delivered.final_answer.outcome, DataOutcome::accepted) << rule;
        EXPECT_FALSE(delivered.info.reused);
        EXPECT_EQ(sink->connection_count(), 2U);
        EXPECT_EQ(sink->message_count(), 2U);
    }
    const auto sink = make_sink("MAIL 2 = cut\nMAIL 3 = cut");
    EXPECT_EQ(deliver(hop(*sink)).final_answer.outcome, DataOutcome::accepted);
    EXPECT_EQ(deliver(hop(*sink)).failed->fault, Fault::unavailable) << "once, not for ever";
    EXPECT_EQ(sink->connection_count(), 2U);
}

TEST_F(HopPoolTest, NothingIsRepeatedAfterAnAnswer) {
    const auto fresh = make_sink("MAIL = cut");
    EXPECT_TRUE(deliver(hop(*fresh)).failed);
    EXPECT_EQ(fresh->connection_count(), 1U);
    const auto later = make_sink("MAIL 2 = 250 ok then cut");
    EXPECT_EQ(deliver(hop(*later)).final_answer.outcome, DataOutcome::accepted);
    EXPECT_TRUE(deliver(hop(*later)).failed);
    EXPECT_EQ(later->connection_count(), 1U);
    const auto at_dot = make_sink("DOT 2 = cut");
    EXPECT_EQ(deliver(hop(*at_dot)).final_answer.outcome, DataOutcome::accepted);
    EXPECT_EQ(deliver(hop(*at_dot)).final_answer.outcome, DataOutcome::in_doubt);
    EXPECT_EQ(at_dot->connection_count(), 1U);
    EXPECT_EQ(at_dot->message_count(), 2U);
}

TEST_F(HopPoolTest, FallsToTheNextAddress) {
    const auto good = make_sink();
    for (const std::string rule :
         {"CONNECT = 421 4.3.2 busy", "CONNECT = 554 5.3.2 no", "CONNECT = 450 later", "CONNECT = cut",
          "EHLO = 421 no", "EHLO = 451 no", "EHLO = 500 a\nHELO = 500 b"}) {
        const auto bad = make_sink(rule);
        const auto delivered = deliver(hop({bad->endpoint(), good->endpoint()}));
        EXPECT_EQ(delivered.final_answer.outcome, DataOutcome::accepted) << rule;
        EXPECT_EQ(delivered.info.address, good->endpoint().to_string());
    }
    EXPECT_EQ(deliver(hop({nobody(), good->endpoint()})).final_answer.outcome, DataOutcome::accepted);
}

TEST_F(HopPoolTest, AllAddressesDown) {
    const auto busy = make_sink("CONNECT = 421 4.3.2 busy");
    const auto first = nobody();
    const auto delivered = deliver(hop({first, busy->endpoint()}));
    ASSERT_TRUE(delivered.failed);
    EXPECT_EQ(delivered.failed->fault, Fault::unavailable);
    EXPECT_NE(delivered.failed->sentence.find(first.to_string()), std::string::npos)
        << delivered.failed->sentence;
    EXPECT_NE(delivered.failed->sentence.find("421 4.3.2 busy"), std::string::npos);
    EXPECT_EQ(pool().counts().failed, 2U);
    EXPECT_EQ(pool().counts().busy, 0U);
}

TEST_F(HopPoolTest, AnAddressThatWasDownIsTriedLast) {
    auto settings = quick_settings();
    settings.idle_time = 0;
    make_pool(settings);
    const auto first = make_sink("CONNECT 1 = 421 busy");
    const auto second = make_sink();
    const auto both = hop({first->endpoint(), second->endpoint()});
    EXPECT_EQ(deliver(both).info.address, second->endpoint().to_string());
    EXPECT_EQ(deliver(both).info.address, second->endpoint().to_string());
    EXPECT_EQ(first->connection_count(), 1U);
    const auto reach = pool().reach();
    ASSERT_EQ(reach.size(), 2U);
    EXPECT_GT(reach[0].failed, reach[0].opened);
    EXPECT_FALSE(reach[0].why.empty());
    EXPECT_GT(reach[1].opened, reach[1].failed);
    rescript(*second, "CONNECT = 421 busy");
    EXPECT_EQ(deliver(both).info.address, first->endpoint().to_string()) << "last is not never";
}

TEST_F(HopPoolTest, CapAndWaiting) {
    auto settings = quick_settings();
    settings.max_connections = 1;
    make_pool(settings);
    const auto sink = make_sink();
    const auto to = hop(*sink);
    auto first = open(to);
    ASSERT_TRUE(first);
    std::optional<base::Result<HopSession>> second;
    begin(pool().open(to), second);
    io_.run_for(std::chrono::milliseconds(50));
    EXPECT_FALSE(second);
    first->abandon();
    ASSERT_TRUE(run_until([&] { return second.has_value(); }));
    ASSERT_TRUE(*second);
    EXPECT_TRUE((*second)->info().reused);
    EXPECT_EQ(sink->connection_count(), 1U);
}

TEST_F(HopPoolTest, WhoHoldsAConnectionMayBeAskedForIt) {
    auto settings = quick_settings();
    settings.max_connections = 1;
    make_pool(settings);
    const auto sink = make_sink();
    const auto to = hop(*sink);
    auto first = open(to);
    ASSERT_TRUE(first);
    int asked = 0;
    pool().set_make_room([&](const NextHop& wanted) {
        EXPECT_EQ(wanted.key, to.key);
        if (++asked != 2) return false;  // not before the second time
        first->abandon();
        return true;
    });
    std::optional<base::Result<HopSession>> second;
    begin(pool().open(to), second);
    ASSERT_TRUE(run_until([&] { return second.has_value(); }));
    EXPECT_TRUE(*second);
    EXPECT_EQ(asked, 2);
    pool().set_make_room(nullptr);
}

TEST_F(HopPoolTest, WaitingInVainIsBounded) {
    auto settings = quick_settings();
    settings.max_connections = 3;
    settings.wait_for_connection = 0;
    make_pool(settings);
    const auto sink = make_sink();
    const auto to = hop(*sink);
    std::vector<HopSession> held;
    for (int i = 0; i < 3; ++i) held.push_back(std::move(*open(to)));
    const auto turned_away = open(to);
    ASSERT_FALSE(turned_away);
    EXPECT_EQ(turned_away.error().fault, Fault::limit);
    EXPECT_EQ(pool().counts().turned_away, 1U);
    EXPECT_EQ(pool().counts().busy, 3U);
    held.clear();
    EXPECT_EQ(pool().counts().busy, 0U);
    EXPECT_EQ(pool().counts().idle, 3U);
    EXPECT_TRUE(open(to));
}

TEST_F(HopPoolTest, WaitersAreServedInOrderAndSurviveTheLoop) {
    auto settings = quick_settings();
    settings.max_connections = 1;
    make_pool(settings);
    const auto sink = make_sink();
    const auto to = hop(*sink);
    auto first = open(to);
    std::array<std::optional<base::Result<HopSession>>, 3> waiting;
    for (auto& one : waiting) begin(pool().open(to), one);
    io_.run_for(std::chrono::milliseconds(20));
    first->abandon();
    ASSERT_TRUE(run_until([&] { return waiting[0].has_value(); }));
    EXPECT_FALSE(waiting[1] || waiting[2]);
    (*waiting[0])->abandon();
    ASSERT_TRUE(run_until([&] { return waiting[1].has_value(); }));
    EXPECT_FALSE(waiting[2]);
    // The third still waits, the second still holds a session: pool and loop go first.
    pool_.reset();
}

TEST_F(HopPoolTest, UnusedConnectionsEndWithQuit) {
    auto settings = quick_settings();
    settings.idle_time = 1;
    make_pool(settings);
    const auto sink = make_sink();
    EXPECT_EQ(deliver(hop(*sink)).final_answer.outcome, DataOutcome::accepted);
    EXPECT_EQ(pool().counts().idle, 1U);
    EXPECT_TRUE(run_until([&] { return sink->open_count() == 0; }));
    EXPECT_EQ(sink->commands().back(), "1: QUIT");
    EXPECT_EQ(pool().counts().idle, 0U);
}

TEST_F(HopPoolTest, ConnectionsEndAfterTheirShareOfMessages) {
    auto settings = quick_settings();
    settings.max_messages = 2;
    make_pool(settings);
    const auto sink = make_sink();
    for (int i = 0; i < 5; ++i) EXPECT_EQ(deliver(hop(*sink)).final_answer.outcome, DataOutcome::accepted);
    EXPECT_EQ(sink->connection_count(), 3U);
    EXPECT_TRUE(run_until([&] { return count(*sink, "QUIT") == 2; }));
}

TEST_F(HopPoolTest, ClosedPoolKeepsNothing) {
    const auto sink = make_sink();
    EXPECT_EQ(deliver(hop(*sink)).final_answer.outcome, DataOutcome::accepted);
    pool().close();
    EXPECT_TRUE(run_until([&] { return sink->open_count() == 0; }));
    EXPECT_EQ(deliver(hop(*sink)).final_answer.outcome, DataOutcome::accepted);
    EXPECT_EQ(pool().counts().idle, 0U);
}

TEST_F(HopPoolTest, ManySessionsAtOnce) {
    auto settings = quick_settings();
    settings.max_connections = 8;
    make_pool(settings);
    const auto sink = make_sink();
    const auto to = hop(*sink);
    const Letter letter;
    std::vector<std::optional<Delivered>> all(200);
    for (auto& one : all) begin(walk(to, letter), one);
    EXPECT_TRUE(run_until([&] {
        return std::all_of(all.begin(), all.end(), [](const auto& one) {
            return one && one->final_answer.outcome == DataOutcome::accepted;
        });
    }));
    EXPECT_LE(sink->connection_count(), 8U);
    EXPECT_EQ(sink->message_count(), 200U);
}

}  // namespace
}  // namespace gatehouse::act::delivery
