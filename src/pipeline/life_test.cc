// The walk of one message with everything that can go wrong around it: the client hears 250 only where the
// next hop or the quarantine has the message and the journal knows.
#include <atomic>
#include <set>
#include <thread>

#include "base/fault_point.h"
#include "net/started.h"
#include "pipeline/test_world.h"
#include "record/testing.h"

namespace gatehouse::pipeline {
namespace {

using message::AnswerState;
using message::Outcome;
using test::FakeWorker;
using test::honest_facts;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr const char* kAntivirus = R"(
[[rule]]
name = "Global antivirus rule"
kind = "antivirus"
when = { any = ["antivirus.match"] }
then = ["quarantine"]
)";

WorldPlan with_antivirus() {
    WorldPlan plan;
    plan.policy = kAntivirus;
    return plan;
}

auto saying(AnswerState state, const std::string& name = "") {
    return [state, name](const message::Question&) { return answered(state, name); };
}

/// A fault at this point, once.
void arm(const char* point) {
    base::FaultPoints::allow();
    ASSERT_TRUE(base::FaultPoints::arm(point, 1, "error"));
}

TEST(Life, WhatIsCleanIsTheNextHops) {
    World world(with_antivirus());
    EXPECT_THAT(world.deliver({"b@gw.test", "c@gw.test"}), StartsWith("250 2.0.0 accepted, ref "));
    EXPECT_EQ(world.sink->message_count(), 1U);
    EXPECT_THAT(world.tracked(), ElementsAre("b@gw.test delivered", "c@gw.test delivered"));
    EXPECT_EQ(world.memory.used(), 0U);
}

TEST(Life, AVirusIsQuarantined) {
    World world(with_antivirus());
    world.engine.says = saying(AnswerState::found, "Eicar-Test");
    EXPECT_THAT(world.deliver(), StartsWith("250 2.0.0"));
    EXPECT_EQ(world.sink->message_count(), 0U);
    EXPECT_THAT(world.tracked(), ElementsAre("b@gw.test quarantined"));
    EXPECT_THAT(world.quarantine->list({}).value(), SizeIs(1));
}

TEST(Life, AnEngineThatIsAwayDefersWithinItsGraceAndIsNeverClean) {
    World world(with_antivirus());
    world.engine.says = saying(AnswerState::unavailable);
    EXPECT_THAT(world.deliver(), StartsWith("451"));
    EXPECT_THAT(world.tracked(), ElementsAre("b@gw.test deferred"));
    world.engine.is_coming_back = false;
    EXPECT_THAT(world.deliver({"late@gw.test"}), StartsWith("250"));
    EXPECT_THAT(world.tracked(), Contains("late@gw.test quarantined"));
    EXPECT_EQ(world.sink->message_count(), 0U);
}

TEST(Life, WhatNobodyCouldInspectIsUnscannable) {
    WorldPlan plan = with_antivirus();
    plan.inspectors = [](FakeWorker& worker) { (void)worker.request(); };
    World world(std::move(plan));
    EXPECT_THAT(world.deliver(), StartsWith("250"));
    EXPECT_THAT(world.tracked(), ElementsAre("b@gw.test quarantined"));
    EXPECT_EQ(world.rows().at(0).verdict, message::Verdict::unscannable);
    EXPECT_EQ(world.sink->message_count(), 0U);
}

TEST(Life, WhatNobodyHadTimeForStaysWithTheClient) {
    WorldPlan plan = with_antivirus();
    plan.inspect.wait = 1;
    World world(std::move(plan));
    world.zygote.set_barren(true);
    EXPECT_THAT(world.deliver(), StartsWith("451 4.3.2"));
    EXPECT_THAT(world.tracked(), ElementsAre("b@gw.test deferred"));
    EXPECT_EQ(world.sink->message_count(), 0U);
}

/// Not all are refused, so nobody is told in the session: who is refused alone is kept, never bounced.
TEST(Life, RecipientsWithDifferentDecisionsGoTheirOwnWays) {
    WorldPlan plan;
    plan.policy = R"(
[[rule]]
name = "one"
when = { any = ["antivirus.match"] }
then = ["reject"]
route = { recipients = ["one@gw.test"] }
)";
    World world(std::move(plan));
    world.engine.says = saying(AnswerState::found, "Eicar-Test");
    EXPECT_THAT(world.deliver({"one@gw.test", "two@gw.test"}), StartsWith("250 2.0.0"));
    EXPECT_THAT(world.tracked(), ElementsAre("one@gw.test quarantined", "two@gw.test queued"));
    EXPECT_EQ(world.sink->message_count(), 0U) << "a Deliverer sends it";
    EXPECT_THAT(world.queue->list({}).value(), SizeIs(1));
    EXPECT_THAT(world.deliver({"one@gw.test"}), StartsWith("550"));
}

TEST(Life, AQuarantineThatCannotBeWrittenIsNoReceipt) {
    World world(with_antivirus());
    world.engine.says = saying(AnswerState::found, "Eicar-Test");
    arm("front.before_item");
    EXPECT_THAT(world.deliver(), StartsWith("451 4.3.0"));
    EXPECT_THAT(world.tracked(), ElementsAre("b@gw.test deferred"));
    EXPECT_THAT(world.quarantine->list({}).value(), IsEmpty());
}

// --- the next hop

TEST(Life, TheNextHopsWordIsPassedOn) {
    WorldPlan plan;
    plan.hop = "DOT 1 = 552 5.3.4 too much for me\nDOT 2 = 452 4.3.1 not now\nDATA 3 = 451 4.3.0 later";
    World world(std::move(plan));
    world.engine.says = saying(AnswerState::clean);
    EXPECT_THAT(world.deliver({"b1@gw.test"}), StartsWith("552 5.3.4"));
    EXPECT_THAT(world.deliver({"b2@gw.test"}), StartsWith("452 4.3.1"));
    EXPECT_THAT(world.deliver({"b3@gw.test"}), StartsWith("451 4.3.0"));
    EXPECT_THAT(world.tracked(),
                ElementsAre("b1@gw.test rejected", "b2@gw.test deferred", "b3@gw.test deferred"));
}

TEST(Life, ASilentNextHopIsInDoubt) {
    WorldPlan plan;
    plan.hop = "DOT = stall";
    World world(std::move(plan));
    EXPECT_THAT(world.deliver(), StartsWith("451 4.4.2"));
    EXPECT_THAT(world.tracked(), ElementsAre("b@gw.test in_doubt"));
    EXPECT_THAT(world.rows().at(0).next_hop, HasSubstr("127.0.0.1:"));
}

TEST(Life, WhatCannotBeRewrittenIsNotDelivered) {
    WorldPlan plan;
    plan.inspectors = [](FakeWorker& worker) {
        worker.serve([&](const pb::InspectorRequest& request) {
            auto answer = honest_facts(request);
            if (request.has_rewrite()) {
                answer.mutable_failed()->set_sentence("cannot");
            } else {
                answer.mutable_facts()->add_stripped_headers("X-Spam-Status");
            }
            worker.send(answer);
        });
    };
    World world(std::move(plan));
    EXPECT_THAT(world.deliver(), StartsWith("451 4.3.0"));
    EXPECT_EQ(world.sink->message_count(), 0U);
    EXPECT_THAT(world.tracked(), ElementsAre("b@gw.test deferred"));
    EXPECT_EQ(world.memory.used(), 0U);
}

// --- the journal

WorldPlan with_a_small_journal() {
    WorldPlan plan = with_antivirus();
    plan.max_journal_bytes = 100'000;
    return plan;
}

void fill_the_journal(World& world) {
    for (std::uint32_t i = 0; world.recorder->is_writable() && i < 10'000; ++i) {
        EXPECT_TRUE(world.recorder->append(record::example_record(i)));
    }
    EXPECT_FALSE(world.recorder->is_writable());
}

TEST(Life, WithoutAJournalNothingIsTaken) {
    World world(with_a_small_journal());
    fill_the_journal(world);
    EXPECT_THAT(world.deliver(), StartsWith("451 4.3.0 not recorded"));
    EXPECT_THAT(world.hop_commands(), IsEmpty());
}

net::Task<void> send_while_the_journal_fills(World& world, Transaction& transaction, Reply& reply) {
    const std::vector<std::string> recipients{"b@gw.test"};
    const bool is_open = co_await world.open(transaction, recipients, reply);
    EXPECT_TRUE(is_open);
    fill_the_journal(world);
    transaction.envelope.size = world.mail.size();
    reply = co_await world.life.message(transaction, test::sealed(world.mail));
}

TEST(Life, TheNextHopGetsNothingThatCouldNotBeRecorded) {
    World world(with_a_small_journal());
    const auto transaction = world.make_transaction();
    Reply reply;
    world.play(send_while_the_journal_fills(world, *transaction, reply));
    EXPECT_THAT(wire(reply), StartsWith("451 4.3.0 not recorded"));
    EXPECT_EQ(world.sink->message_count(), 0U);
    for (const auto& command : world.hop_commands()) EXPECT_THAT(command, Not(HasSubstr("DATA")));
    EXPECT_THAT(world.tracked(), Contains("b@gw.test deferred")) << "there is room kept for that";
}

TEST(Life, WhatTheNextHopHasTakenStaysTakenThoughTheJournalFails) {
    World world(with_antivirus());
    arm("front.before_journal");
    EXPECT_THAT(world.deliver(), StartsWith("250"));
    EXPECT_EQ(world.sink->message_count(), 1U);
}

TEST(Life, WhatTheNextHopHasTakenStaysTakenThoughMemoryIsOut) {
    for (const char* point : {"front.after_hop_answer", "front.before_journal", "front.after_journal"}) {
        World world(with_antivirus());
        base::FaultPoints::allow();
        ASSERT_TRUE(base::FaultPoints::arm(point, 1, "memory"));
        EXPECT_THAT(world.deliver(), StartsWith("250")) << point;
        EXPECT_EQ(world.sink->message_count(), 1U) << point;
        EXPECT_THAT(world.tracked(), ElementsAre("b@gw.test delivered")) << point;
    }
}

TEST(Life, WhatIsNotRecordedIsTakenOutOfTheQueueAgain) {
    auto plan = with_antivirus();
    plan.hop = "CONNECT = cut";
    World world(std::move(plan));
    arm("front.before_journal");
    EXPECT_THAT(world.deliver(), StartsWith("451 4.3.0"));
    for (int i = 0; i < 100 && !world.queue->list({}).value().empty(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_THAT(world.queue->list({}).value(), SizeIs(0));
    EXPECT_EQ(world.queue->counts().at(0).waiting, 0U);
}

TEST(Life, AQuarantinedMessageThatIsNotRecordedIsNoReceipt) {
    World world(with_antivirus());
    world.engine.says = saying(AnswerState::found, "Eicar-Test");
    arm("front.before_journal");
    EXPECT_THAT(world.deliver(), StartsWith("451 4.3.0"));
    EXPECT_THAT(world.quarantine->list({}).value(), IsEmpty()) << "the client brings it again";
}

net::Task<void> ask_for_success(World& world, Transaction& transaction, Reply& reply) {
    reply = co_await world.life.mail(transaction);
    const message::Recipient recipient{"b@gw.test", message::kNotifySuccess, ""};
    reply = co_await world.life.rcpt(transaction, recipient);
    transaction.envelope.recipients.push_back(recipient);
    transaction.envelope.size = world.mail.size();
    reply = co_await world.life.message(transaction, test::sealed(world.mail));
    const auto waiting = world.queue->list({}).value();  // before anything else runs
    transaction.steps.push_back({"waiting", waiting.size(), ""});
}

WorldPlan without_dsn() {
    auto plan = with_antivirus();
    plan.hop = "offer = PIPELINING";
    return plan;
}

TEST(Life, AReportOfSuccessIsStoredBeforeTheClientHearsItsReply) {
    World world(without_dsn());
    const auto transaction = world.make_transaction();
    Reply reply;
    world.play(ask_for_success(world, *transaction, reply));
    EXPECT_THAT(wire(reply), StartsWith("250"));
    EXPECT_EQ(transaction->steps.back().at_us, 1U) << "already then";
    EXPECT_THAT(world.tracked(), ElementsAre("a@example.org queued", "b@gw.test delivered"));
    EXPECT_EQ(world.queue->counts().at(0).waiting, 1U);
}

TEST(Life, AReportThatCannotBeStoredCostsNoMail) {
    World world(without_dsn());
    arm("queue.before_commit");
    const auto transaction = world.make_transaction();
    Reply reply;
    world.play(ask_for_success(world, *transaction, reply));
    EXPECT_THAT(wire(reply), StartsWith("250"));
    EXPECT_EQ(transaction->steps.back().at_us, 0U);
    EXPECT_THAT(world.tracked(), ElementsAre("b@gw.test delivered"));
}

// --- what has no end

net::Task<void> stop_when(World& world, Transaction& transaction, std::function<bool()> is_time) {
    Reply reply;
    const std::vector<std::string> recipients{"b@gw.test"};
    const bool is_open = co_await world.open(transaction, recipients, reply);
    EXPECT_TRUE(is_open);
    transaction.envelope.size = world.mail.size();
    net::Started<Reply> walk(world.io, world.life.message(transaction, test::sealed(world.mail)));
    net::Timer pause(world.io);
    while (!is_time()) {
        pause.expires_after(std::chrono::milliseconds(5));
        co_await pause.async_wait(net::kTuple);
    }
    world.life.unfinished(transaction);
    const auto rows = world.rows();
    EXPECT_THAT(rows, SizeIs(1));
    if (rows.empty()) co_return;
    EXPECT_EQ(rows[0].steps.back().name, "stop");
    transaction.steps.push_back({"seen", 0, std::string(message::to_string(rows[0].outcome))});
    co_await walk.wait();
}

TEST(Life, AStopWhileTheNextHopHasTheContentIsInDoubt) {
    WorldPlan plan;
    plan.hop = "DOT = stall";
    World world(std::move(plan));
    const auto transaction = world.make_transaction();
    world.play(stop_when(world, *transaction, [&] { return world.sink->message_count() == 1; }));
    EXPECT_EQ(transaction->steps.back().result, "in_doubt");
}

TEST(Life, AStopBeforeThatIsNot) {
    std::atomic<bool> is_asked{false};
    std::atomic<bool> may_answer{false};
    WorldPlan plan;
    plan.inspectors = [&](FakeWorker& worker) {
        worker.serve([&](const pb::InspectorRequest& request) {
            is_asked = true;
            while (!may_answer) std::this_thread::sleep_for(std::chrono::milliseconds(1));
            worker.send(honest_facts(request));
        });
    };
    World world(std::move(plan));
    const auto transaction = world.make_transaction();
    world.play(stop_when(world, *transaction, [&] {
        if (is_asked) may_answer = true;
        return is_asked.load();
    }));
    EXPECT_EQ(transaction->steps.back().result, "aborted");
    EXPECT_THAT(world.tracked(), ElementsAre("b@gw.test delivered")) << "it came to its end after all";
}

TEST(Life, AnExceptionLeavesNothingBehind) {
    World world(with_antivirus());
    world.engine.says = [](const message::Question&) -> message::Answer {
        throw std::runtime_error("a bug");
    };
    auto transaction = world.make_transaction();
    Reply reply;
    EXPECT_THROW(world.play(world.send(*transaction, {"b@gw.test"}, reply)), std::runtime_error);
    world.life.aborted(std::move(transaction), receive::smtp::AbortReason::closed, {});
    EXPECT_THAT(world.tracked(), ElementsAre("b@gw.test aborted"));
    EXPECT_EQ(world.sink->message_count(), 0U);
    EXPECT_EQ(world.memory.used(), 0U);
    EXPECT_EQ(world.hops.counts().busy, 0U);
    EXPECT_EQ(world.inspectors.counts().busy, 0U);
}

// --- refusals

net::Task<void> send_with_refusals(World& world, Transaction& transaction, Reply& reply) {
    const std::vector<std::string> recipients{"b@gw.test", "c@gw.test"};
    const bool is_open = co_await world.open(transaction, recipients, reply);
    EXPECT_TRUE(is_open);
    for (const char* address : {"x@elsewhere.test", "y@elsewhere.test", "x@elsewhere.test"}) {
        world.life.refused(transaction.envelope, {"rcpt", address, {550, "5.7.1", "relaying denied"}});
    }
    EXPECT_THAT(world.tracked(), ElementsAre("x@elsewhere.test refused", "y@elsewhere.test refused"));
    transaction.envelope.size = world.mail.size();
    reply = co_await world.life.message(transaction, test::sealed(world.mail));
}

TEST(Life, ARefusedRecipientIsOneRowAndNobodyElses) {
    World world(with_antivirus());
    const auto transaction = world.make_transaction();
    Reply reply;
    world.play(send_with_refusals(world, *transaction, reply));
    EXPECT_THAT(wire(reply), StartsWith("250"));
    EXPECT_THAT(world.tracked(), ElementsAre("b@gw.test delivered", "c@gw.test delivered",
                                             "x@elsewhere.test refused", "y@elsewhere.test refused"));
    const auto stored = world.recorder->find_record(transaction->envelope.reference.to_string());
    ASSERT_TRUE(stored);
    EXPECT_TRUE(stored->record.inspected) << "what `explain` finds is the message";
}

}  // namespace
}  // namespace gatehouse::pipeline
