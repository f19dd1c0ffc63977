#include "pipeline/deliverer.h"

#include <set>
#include <utility>

#include "base/fault_point.h"
#include "pipeline/test_world.h"

namespace gatehouse::pipeline {
namespace {

using act::queue::QueueItem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using namespace std::chrono_literals;

class DelivererTest : public ::testing::Test {
  protected:
    DelivererTest() = default;
    explicit DelivererTest(WorldPlan plan) : world_(std::move(plan)) {}
    void make(std::vector<std::chrono::seconds> retry = {60s, 300s}, std::uint64_t memory = 64U << 20) {
        memory_.set_limit(memory);
        deliverer_.emplace(DelivererParts{.io = world_.io,
                                          .clock = world_.clock,
                                          .hostname = "gw.test",
                                          .next_hops = world_.next_hops,
                                          .hops = world_.hops,
                                          .queue = *world_.queue,
                                          .recorder = *world_.recorder,
                                          .memory = memory_,
                                          .storage = world_.threads,
                                          .retry = std::move(retry)});
    }
    void script(const std::string& lines) {
        test::Script out;
        EXPECT_TRUE(out.add_lines(lines));
        world_.sink->set_script(std::move(out));
    }
    static std::vector<std::string> users(int count) {
        std::vector<std::string> out;
        for (int i = 0; i < count; ++i) out.push_back("user" + std::to_string(i) + "@gw.test");
        return out;
    }
    QueueItem item(const std::vector<std::string>& to) {
        QueueItem out;
        out.id = {base::Reference::make(world_.clock.wall(), 1, ++number_), 1};
        out.lane = "*";
        auto& envelope = out.story.envelope;
        envelope.reference = out.id.reference;
        envelope.received = world_.clock.wall();
        envelope.sender = "a@example.org";
        for (const auto& address : to) envelope.recipients.push_back({address, 0, ""});
        out.queued = out.due = world_.clock.wall();
        out.expires = out.due + 120h;
        return out;
    }
    void put(QueueItem one, const std::string& content = "Subject: x\r\n\r\ny\r\n") {
        const auto body = [&]() -> net::Task<void> {
            std::vector<act::queue::NewItem> items{{std::move(one), {content}}};
            auto stored = co_await world_.queue->put(world_.io, std::move(items), base::SteadyTime::max());
            EXPECT_TRUE(stored);
            if (stored) stored->publish();
        };
        net::asio::co_spawn(world_.io, body(), net::asio::detached);
        world_.io.run();
        world_.io.restart();
    }
    /// Delivers until that holds; false after a while.
    bool run_until(const std::function<bool()>& holds, std::chrono::milliseconds at_most = 5s) {
        bool done = false;
        bool is_over = false;
        const auto watch = [&]() -> net::Task<void> {
            net::Timer tick(world_.io);
            const auto end = world_.clock.steady() + at_most;
            while (!done && world_.clock.steady() < end) {
                tick.expires_after(10ms);
                co_await tick.async_wait(net::kTuple);
                done = holds();
            }
            deliverer_->stop();
            world_.hops.close();
            is_over = true;
        };
        net::asio::co_spawn(world_.io, deliverer_->run(), net::asio::detached);
        net::asio::co_spawn(world_.io, watch(), net::asio::detached);
        while (!deliverer_->is_idle() || !world_.io.stopped()) {
            if (world_.io.run_for(100ms) == 0 && world_.io.stopped()) break;
            if (is_cut_short_ && is_over) break;
        }
        world_.io.restart();
        return done;
    }
    bool rest() {
        return run_until([] { return false; }, 300ms);
    }
    std::vector<QueueItem> waiting() { return world_.queue->list({}).value(); }
    std::vector<std::uint32_t> attempts() {
        std::vector<std::uint32_t> out;
        for (const auto& one : waiting()) out.push_back(one.attempts);
        return out;
    }
    std::vector<std::size_t> transactions() {
        std::vector<std::size_t> out;
        for (const auto& message : world_.sink->messages()) out.push_back(message.recipients.size());
        return out;
    }
    bool is_empty() { return waiting().empty(); }

    World world_;
    base::MemoryBudget memory_{64U << 20};
    std::optional<Deliverer> deliverer_;
    std::uint32_t number_ = 0;
    bool is_cut_short_ = false;
};

TEST_F(DelivererTest, NoListOfTimesIsNoReasonToFall) {
    make({});
    put(item(users(1)));
    EXPECT_TRUE(run_until([&] { return is_empty(); }));
    EXPECT_EQ(world_.sink->message_count(), 1U);
}

/// With the default down_time.
TEST_F(DelivererTest, AHopThatIsDownIsAskedOnceAndThenWhenAnOperatorSaysSo) {
    make();
    script("CONNECT = cut");
    put(item(users(1)));
    ASSERT_TRUE(run_until([&] { return attempts() == std::vector<std::uint32_t>{1}; }));
    put(item(users(1)));
    put(item(users(1)));
    make();
    rest();
    EXPECT_THAT(attempts(), ElementsAre(1, 0, 0)) << "nobody asked the hop again";
    EXPECT_THAT(waiting()[1].story.steps, SizeIs(0));
    script("");
    world_.hops.forget_down();
    EXPECT_EQ(world_.queue->flush({}).value(), 3U);
    make();
    EXPECT_TRUE(run_until([&] { return is_empty(); }));
    EXPECT_EQ(world_.sink->message_count(), 3U);
}

TEST_F(DelivererTest, SendersHearOfWhatWaitsForAHopThatIsDown) {
    make({60s});
    script("CONNECT = cut");
    put(item(users(1)));
    ASSERT_TRUE(run_until([&] { return attempts() == std::vector<std::uint32_t>{1}; }));
    auto old = item(users(1));
    old.expires = world_.clock.wall() - 1h;
    put(old);
    put(item(users(1)));
    ASSERT_TRUE(world_.queue->tidy(4h));
    make({60s});
    EXPECT_TRUE(run_until([&] {
        const auto all = waiting();
        return std::count_if(all.begin(), all.end(), [](const auto& one) { return one.is_notice; }) == 1;
    }));
    EXPECT_FALSE(world_.queue->find(old.id.to_string()));
}

TEST_F(DelivererTest, OneThatFindsNoMemoryHoldsNobodyUp) {
    make({60s}, 100'000);
    std::optional<base::MemoryShare> clients(std::in_place, memory_);
    ASSERT_TRUE(clients->grow_to(1));
    put(item(users(1)), "Subject: large\r\n\r\n" + std::string(200'000, 'x') + "\r\n");
    for (int i = 0; i < 3; ++i) put(item(users(1)));
    EXPECT_TRUE(run_until([&] { return world_.sink->message_count() == 3; }));
    EXPECT_THAT(attempts(), ElementsAre(0));
    clients.reset();
    make({60s}, 100'000);
    EXPECT_TRUE(run_until([&] { return is_empty(); })) << "larger than the limit, and nothing else is there";
    ASSERT_TRUE(clients.emplace(memory_).grow_to(1));
    auto old = item(users(1));
    old.expires = world_.clock.wall() - 1h;
    put(old, "Subject: large\r\n\r\n" + std::string(200'000, 'x') + "\r\n");
    make({60s}, 100'000);
    EXPECT_TRUE(run_until([&] { return world_.sink->message_count() == 5; })) << "the notice";
    EXPECT_THAT(world_.sink->messages().back().content(), HasSubstr("451 4.3.1"));
}

TEST_F(DelivererTest, AtMostAHundredRecipientsGoInOneTransaction) {
    make();
    put(item(users(250)));
    EXPECT_TRUE(run_until([&] { return is_empty(); }));
    EXPECT_THAT(transactions(), ElementsAre(100, 100, 50));
}

TEST_F(DelivererTest, WhoIsOverTheLimitOfAHopComesNext) {
    make();
    script("RCPT 3 = 452 4.5.3 too many recipients\nRCPT 4 = 452 too many\nRCPT 5 = 452 4.5.3 too many");
    put(item(users(5)));
    EXPECT_TRUE(run_until([&] { return is_empty(); }));
    EXPECT_THAT(transactions(), ElementsAre(2, 2, 1));
}

TEST_F(DelivererTest, WhoIsPutOffWaitsAndTheOthersDoNot) {
    make();
    script("RCPT 2 = 450 4.2.1 greylisted\nRCPT 3 = 452 4.5.3 too many recipients");
    put(item(users(3)));
    ASSERT_TRUE(run_until([&] { return attempts() == std::vector<std::uint32_t>{1}; }));
    EXPECT_THAT(transactions(), ElementsAre(1, 1));
    const auto left = waiting().front();
    ASSERT_THAT(left.story.envelope.recipients, SizeIs(1));
    EXPECT_EQ(left.story.envelope.recipients[0].address, "user1@gw.test");
    EXPECT_GE(left.due, world_.clock.wall() + 50s);
}

TEST_F(DelivererTest, AFullDiskOfTheHopIsNoLimitOfRecipients) {
    EXPECT_TRUE(is_too_many("452 4.5.3 too many"));
    EXPECT_TRUE(is_too_many("452 too many"));
    EXPECT_TRUE(is_too_many("552 5.5.3 too many"));
    EXPECT_FALSE(is_too_many("452 4.3.1 no space"));
    EXPECT_FALSE(is_too_many("552 5.2.2 mailbox full"));
    EXPECT_FALSE(is_too_many("450 4.2.1 later"));
    EXPECT_FALSE(is_too_many(""));
}

TEST_F(DelivererTest, WhatIsInDoubtIsSentAFewTimesAndRarely) {
    make({60s, 3600s});
    script("DOT = cut");
    put(item(users(1)));
    ASSERT_TRUE(run_until([&] { return attempts() == std::vector<std::uint32_t>{1}; }));
    const auto first = waiting().front();
    EXPECT_EQ(first.story.envelope.recipients[0].doubts, 1U);
    EXPECT_GE(first.due, world_.clock.wall() + 50min) << "the longest pause, from the first time on";
    for (int i = 0; i < 10; ++i) {
        world_.clock.advance(2h);
        make({60s, 3600s});
        run_until([&] { return !world_.queue->find(first.id.to_string()); }, 200ms);
    }
    EXPECT_FALSE(world_.queue->find(first.id.to_string()));
    int copies = 0;
    for (const auto& message : world_.sink->messages()) copies += message.sender.empty() ? 0 : 1;
    EXPECT_EQ(copies, 5);
}

TEST_F(DelivererTest, AnAnswerMayTakeLongerThanAClientWouldWait) {
    make();
    script("DOT = stall");
    put(item(users(1)));
    is_cut_short_ = true;
    EXPECT_FALSE(run_until([&] { return attempts() == std::vector<std::uint32_t>{1}; }, 1500ms))
        << "final_timeout is 1 s here";
    is_cut_short_ = false;
    world_.sink.reset();
    while (!deliverer_->is_idle()) world_.io.run_for(50ms);
    world_.io.restart();
    EXPECT_EQ(waiting().front().story.envelope.recipients[0].doubts, 1U);
}

TEST_F(DelivererTest, APostponedItemIsAnOrdinaryOneBehindItsFirstAttempt) {
    make();
    script("RCPT = 450 4.2.1 later");
    auto one = item(users(1));
    one.queued -= 20h;
    one.is_postponed = true;
    put(one);
    ASSERT_TRUE(run_until([&] { return attempts() == std::vector<std::uint32_t>{1}; }));
    const auto now = waiting();
    ASSERT_THAT(now, SizeIs(1)) << "no notice of a delay: it was not to go before";
    EXPECT_FALSE(now[0].is_postponed);
    EXPECT_EQ(world_.queue->flush({}).value(), 1U);
}

TEST_F(DelivererTest, AgeEndsNothingThatWasHardlyTried) {
    make({60s, 300s, 900s});
    script("RCPT = 450 4.2.1 later");
    put(item(users(1)));
    ASSERT_TRUE(run_until([&] { return attempts() == std::vector<std::uint32_t>{1}; }));
    world_.clock.advance(24h * 10);  // the clock jumps
    make({60s, 300s, 900s});
    EXPECT_TRUE(run_until([&] { return !attempts().empty() && attempts()[0] == 2; }));
    world_.clock.advance(1h);
    make({60s, 300s, 900s});
    EXPECT_TRUE(run_until([&] {
        const auto all = waiting();
        return std::all_of(all.begin(), all.end(), [](const auto& one) { return one.is_notice; });
    }));
}

TEST_F(DelivererTest, AReceptionInTheFutureGivesNoAbsurdTime) {
    make();
    script("RCPT = 450 4.2.1 later");
    auto one = item(users(1));
    one.story.envelope.received += 1h;
    put(one);
    ASSERT_TRUE(run_until([&] { return attempts() == std::vector<std::uint32_t>{1}; }));
    EXPECT_EQ(waiting().front().story.steps.back().at_us, 0U);
}

TEST_F(DelivererTest, WhatGoesWrongBehindTheAnswerSendsNothingAgain) {
    base::FaultPoints::allow();
    make();
    ASSERT_TRUE(base::FaultPoints::arm("queue.after_hop_answer", 1, "error"));
    put(item(users(1)));
    EXPECT_TRUE(run_until([&] { return is_empty(); }));
    EXPECT_EQ(world_.sink->message_count(), 1U);
    ASSERT_TRUE(base::FaultPoints::arm("queue.after_hop_answer", 1, "error"));
    script("RCPT 2 = 550 5.1.1 nobody");
    put(item(users(2)));
    make();
    ASSERT_TRUE(run_until([&] { return attempts() == std::vector<std::uint32_t>{1}; }));
    EXPECT_EQ(world_.sink->message_count(), 2U);
    ASSERT_THAT(waiting(), SizeIs(1));
    EXPECT_THAT(waiting()[0].story.envelope.recipients, SizeIs(1)) << "who has it is done";
}

TEST_F(DelivererTest, NoMemoryBehindTheAnswerSendsNothingAgain) {
    base::FaultPoints::allow();
    for (const char* point : {"queue.after_hop_answer", "queue.after_note"}) {
        make();
        const auto before = world_.sink->message_count();
        script("RCPT 2 = 450 4.2.1 later");
        ASSERT_TRUE(base::FaultPoints::arm(point, 1, "memory"));
        auto one = item(users(2));
        put(one);
        EXPECT_TRUE(run_until([&] {
            const auto now = world_.queue->find(one.id.to_string());
            return now && now->attempts == 1;
        })) << point;
        EXPECT_EQ(world_.sink->message_count(), before + 1) << point;
        const auto left = world_.queue->find(one.id.to_string());
        ASSERT_TRUE(left);
        ASSERT_THAT(left->story.envelope.recipients, SizeIs(1)) << point;
        EXPECT_EQ(left->story.envelope.recipients[0].address, "user1@gw.test");
        EXPECT_GE(left->due, world_.clock.wall() + 50s);
    }
}

TEST_F(DelivererTest, NoMemoryBehindADoubtCountsIt) {
    base::FaultPoints::allow();
    make({60s, 3600s});
    script("DOT = cut");
    ASSERT_TRUE(base::FaultPoints::arm("queue.after_hop_answer", 1, "memory"));
    put(item(users(1)));
    ASSERT_TRUE(run_until([&] { return attempts() == std::vector<std::uint32_t>{1}; }));
    EXPECT_EQ(waiting()[0].story.envelope.recipients[0].doubts, 1U);
    EXPECT_GE(waiting()[0].due, world_.clock.wall() + 50min);
}

/// So many that each attempt asks for other ones: in ten attempts everybody was in doubt four times.
TEST_F(DelivererTest, EachOfAListIsInDoubtAFewTimes) {
    script("DOT = cut");
    const auto list = item(users(250));
    put(list);
    const auto now = [&] { return world_.queue->find(list.id.to_string()).value(); };
    for (std::uint32_t round = 1; round <= 10; ++round) {
        make({60s, 3600s});
        ASSERT_TRUE(run_until([&] { return now().attempts == round; })) << round;
        world_.clock.advance(2h);
    }
    const auto& recipients = now().story.envelope.recipients;
    EXPECT_THAT(recipients, SizeIs(250)) << "nobody is given up";
    for (const auto& one : recipients) EXPECT_EQ(one.doubts, 4U) << one.address;
}

class OneConnection : public DelivererTest {
  protected:
    OneConnection() : DelivererTest(WorldPlan{.max_connections = 1, .wait_for_connection = 1}) {}
};

TEST_F(OneConnection, WhereAllAreBusyNothingIsCounted) {
    world_.hops.set_make_room(nullptr);
    make();
    std::optional<act::delivery::HopSession> taken;
    const auto hold = [&]() -> net::Task<void> {
        auto session = co_await world_.hops.open(*world_.next_hops.pick("gw.test"), base::SteadyTime::max());
        if (session) taken.emplace(std::move(*session));
    };
    net::asio::co_spawn(world_.io, hold(), net::asio::detached);
    while (!taken) world_.io.run_for(10ms);
    world_.io.restart();
    put(item(users(1)));
    is_cut_short_ = true;
    EXPECT_FALSE(run_until([&] { return attempts() != std::vector<std::uint32_t>{0}; }, 2500ms));
    EXPECT_THAT(waiting()[0].story.steps, SizeIs(0));
    EXPECT_EQ(world_.sink->message_count(), 0U);
    taken.reset();
    while (!deliverer_->is_idle()) world_.io.run_for(50ms);
    world_.io.restart();
}

TEST_F(DelivererTest, AllOfAListHearOnceThatItIsLate) {
    make({60s, 3600s});
    script("RCPT = 450 4.2.1 later");
    const auto list = item(users(250));
    put(list);
    const auto tries = [&] { return world_.queue->find(list.id.to_string())->attempts; };
    ASSERT_TRUE(run_until([&] { return tries() == 1; }));
    const auto told = [&] {
        std::set<std::string> out;
        std::size_t count = 0;
        for (const auto& one : waiting()) {
            if (!one.is_notice) continue;
            const auto text = world_.queue->content(one.id).value();
            const std::string name = "Final-Recipient: rfc822; ";
            for (auto at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) {
                out.insert(text.substr(at, text.find('\r', at) - at));
                ++count;
            }
        }
        return std::pair(out.size(), count);
    };
    EXPECT_EQ(told(), std::pair(std::size_t{0}, std::size_t{0}));
    for (std::uint32_t round = 2; round <= 4; ++round) {
        world_.clock.advance(5h);
        make({60s, 3600s});
        ASSERT_TRUE(run_until([&] { return tries() == round; }));
    }
    EXPECT_EQ(told(), std::pair(std::size_t{250}, std::size_t{250}));
}

}  // namespace
}  // namespace gatehouse::pipeline
