#include "act/queue/queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "act/queue/testing.h"
#include "base/fault_point.h"
#include "net/test_support.h"
#include "store/testing.h"

namespace gatehouse::act::queue {
namespace {

using base::Fault;
using testing::at;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::item;
using testing::QueueTest;
using ::testing::SizeIs;
using namespace std::chrono_literals;

TEST(QueueItems, ComeBackAsTheyWere) {
    auto one = item(3);
    one.attempts = 4;
    one.is_returned = one.is_held = one.is_warned = one.is_postponed = one.is_notice = true;
    one.last = "451 later";
    one.size = 77;
    one.story.steps = {{"rcpt", 5, "250 ok"}};
    const auto back = decode(one.id, encode(one));
    ASSERT_TRUE(back);
    EXPECT_EQ(encode(*back), encode(one));
    EXPECT_EQ(back->story.envelope, one.story.envelope);
    EXPECT_EQ(back->last, one.last);
    EXPECT_EQ(back->due, one.due);
    EXPECT_EQ(decode(one.id, "rubbish\xff").error().fault, Fault::malformed);
}

TEST_F(QueueTest, WhatIsPutIsThereAfterARestart) {
    ASSERT_TRUE(put({item(1), item(2)}));
    EXPECT_EQ(counts().waiting, 2U);
    open();
    EXPECT_EQ(counts().waiting, 2U);
    const auto first = queue_->take(clock_.wall());
    ASSERT_TRUE(first);
    EXPECT_EQ(first->id, item(1).id);
    EXPECT_EQ(first->story.envelope.sender, "sender1@example.org");
    EXPECT_EQ(first->size, 14U);
    EXPECT_EQ(queue_->content(first->id).value(), "head:a message");
    EXPECT_EQ(counts().waiting, 1U);
    EXPECT_EQ(counts().under_way, 1U);
    ASSERT_TRUE(commit({.removed = {first->id}}));
    EXPECT_EQ(counts().under_way, 0U);
    EXPECT_EQ(queue_->content(first->id).error().fault, Fault::not_found);
    ASSERT_TRUE(queue_->take(clock_.wall()));
    open();
    EXPECT_EQ(counts().waiting, 1U) << "what was on its way is tried again";
}

TEST_F(QueueTest, AnAttemptPutsItBackWithANotice) {
    ASSERT_TRUE(put({item(1)}));
    auto one = queue_->take(clock_.wall()).value();
    one.attempts = 1;
    one.due = clock_.wall() + 60s;
    one.last = "450 later";
    ASSERT_TRUE(commit({.added = {{item(9, "back"), {"notice"}}}, .changed = {one}}));
    EXPECT_EQ(queue_->take(clock_.wall())->lane, "back");
    EXPECT_FALSE(queue_->take(clock_.wall()));
    clock_.advance(61s);
    const auto again = queue_->take(clock_.wall());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->attempts, 1U);
    EXPECT_EQ(again->last, "450 later");
    EXPECT_EQ(queue_->content(again->id).value(), "head:a message");
}

TEST_F(QueueTest, LargeContentGoesInPieces) {
    std::string body;
    for (int i = 0; i < 3'500'000; ++i) body += static_cast<char>('a' + i % 23);
    ASSERT_TRUE(put({item(1), item(2, "other")}, body));
    open();
    EXPECT_EQ(queue_->content(item(1).id).value(), "head:" + body);
    EXPECT_EQ(queue_->content(item(2, "other").id).value(), "head:" + body);
    const auto one = queue_->take(clock_.wall());
    ASSERT_TRUE(commit({.removed = {one->id}}));
    EXPECT_FALSE(queue_->content(one->id));
}

TEST_F(QueueTest, WhatWasNotStoredInTimeIsNeverDelivered) {
    for (const std::size_t size : {10U, 3'000'000U}) {
        const auto result = put({item(1)}, std::string(size, 'x'), clock_.steady() - 1s);
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().fault, Fault::timed_out);
        EXPECT_FALSE(queue_->take(clock_.wall()));
        open();
        EXPECT_EQ(counts().waiting, 0U);
        EXPECT_THAT(queue_->list({}).value(), SizeIs(0));
        EXPECT_FALSE(queue_->content(item(1).id));
    }
}

TEST_F(QueueTest, WhatIsStoredIsSeenWhenItsOwnerSaysSo) {
    const std::string large(3'000'000, 'x');
    const auto body = [&]() -> net::Task<void> {
        std::vector<NewItem> items{{item(1), {"some text"}}, {item(2), {"some text"}}};
        auto stored = co_await queue_->put(io_, std::move(items), base::SteadyTime::max());
        EXPECT_TRUE(stored);
        EXPECT_FALSE(queue_->take(clock_.wall()));
        EXPECT_EQ(counts().waiting, 0U);
        stored->publish();
        EXPECT_EQ(counts().waiting, 2U);
        EXPECT_EQ(queue_->take(clock_.wall())->id, item(1).id);
        std::vector<NewItem> more{{item(3), {large}}};
        auto again = co_await queue_->put(io_, std::move(more), base::SteadyTime::max());
        EXPECT_TRUE(again);
        again->take_back();
    };
    net::testing::run(io_, body());
    open();
    EXPECT_EQ(counts().waiting, 2U);
    EXPECT_FALSE(queue_->content(item(3).id));
}

TEST_F(QueueTest, WhatWasRefusedDoesNotComeBackWithTheNextStart) {
    base::FaultPoints::allow();
    ASSERT_TRUE(base::FaultPoints::arm("queue.after_commit", 1, "error"));
    EXPECT_FALSE(put({item(1)})) << "it is on the disk, and the client was told that it is not";
    ASSERT_TRUE(put({item(2)}));
    open();
    const auto items = queue_->list({}).value();
    ASSERT_THAT(items, SizeIs(1));
    EXPECT_EQ(items[0].id, item(2).id);
}

TEST_F(QueueTest, OperatorsHoldReleaseFlushAndRemove) {
    ASSERT_TRUE(put({item(1), item(2), item(3, "b")}));
    const auto one = item(1).id;
    ASSERT_TRUE(queue_->hold(one));
    EXPECT_EQ(queue_->counts().at(0).held, 1U);
    open();
    EXPECT_EQ(queue_->counts().at(0).held, 1U);
    const auto two = queue_->take(clock_.wall());
    EXPECT_EQ(two->id, item(2).id);
    EXPECT_EQ(queue_->take(clock_.wall())->id, item(3, "b").id);
    EXPECT_FALSE(queue_->take(clock_.wall())) << "one is held";
    EXPECT_EQ(queue_->hold(two->id).error().fault, Fault::unavailable) << "on its way";
    EXPECT_EQ(queue_->remove(*two, {}).error().fault, Fault::unavailable);
    ASSERT_TRUE(queue_->release(one));
    EXPECT_EQ(queue_->take(clock_.wall())->id, one);
    auto later = *two;
    later.due = clock_.wall() + 1h;
    later.attempts = 1;
    ASSERT_TRUE(commit({.changed = {later}}));
    EXPECT_FALSE(queue_->take(clock_.wall()));
    EXPECT_EQ(queue_->flush({.lane = "b"}).value(), 0U);
    EXPECT_EQ(queue_->flush({}).value(), 1U);
    EXPECT_EQ(queue_->take(clock_.wall())->id, two->id);
    queue_->give_back(*two, 0ms);
    EXPECT_EQ(queue_->remove(*two, {}).error().fault, Fault::unavailable) << "it was seen before the flush";
    const auto now = queue_->find(two->id.to_string()).value();
    ASSERT_TRUE(queue_->remove(now, {}));
    EXPECT_EQ(queue_->remove(now, {}).error().fault, Fault::not_found);
}

TEST_F(QueueTest, StepsAreAddedAndBounded) {
    ASSERT_TRUE(put({item(1)}));
    const auto id = item(1).id;
    for (std::uint64_t i = 0; i < 100; ++i) ASSERT_TRUE(queue_->add_step(id, {"viewed", i, "root"}));
    open();
    const auto steps = queue_->find(id.to_string())->story.steps;
    ASSERT_THAT(steps, SizeIs(48));
    EXPECT_EQ(steps.front().at_us, 0U);
    EXPECT_EQ(steps.back().at_us, 99U);
    const auto taken = queue_->take(clock_.wall());
    ASSERT_TRUE(taken);
    EXPECT_EQ(queue_->add_step(id, {}).error().fault, Fault::unavailable) << "on its way";
}

TEST_F(QueueTest, ListsAndFinds) {
    ASSERT_TRUE(put({item(1), item(2, "b"), item(2, "b", 2)}));
    EXPECT_THAT(queue_->list({}).value(), SizeIs(3));
    EXPECT_THAT(queue_->list({.limit = 2}).value(), SizeIs(2));
    EXPECT_THAT(queue_->list({.lane = "b"}).value(), SizeIs(2));
    EXPECT_THAT(queue_->list({.sender = "SENDER1@"}).value(), SizeIs(1));
    EXPECT_THAT(queue_->list({.recipient = "nobody"}).value(), SizeIs(0));
    EXPECT_THAT(queue_->list({.held = true}).value(), SizeIs(0));
    EXPECT_EQ(queue_->find(item(1).id.to_string())->id, item(1).id);
    EXPECT_EQ(queue_->find(item(1).id.reference.to_string())->id, item(1).id);
    const auto two = item(2, "b").id.reference.to_string();
    EXPECT_EQ(queue_->find(two + "/2")->id.group, 2U);
    EXPECT_EQ(queue_->find(two).error().fault, Fault::usage);
    EXPECT_EQ(queue_->find("zzz").error().fault, Fault::usage);
    EXPECT_EQ(queue_->find("7Q3K-M8TD-0VZ2-6XNB").error().fault, Fault::not_found);
}

TEST_F(QueueTest, AScrubLeavesNothingOfWhatWasRemoved) {
    const std::string secret = "a text that nobody else has, 4711" + std::string(5000, 'z');
    ASSERT_TRUE(put({item(1)}, secret));
    ASSERT_TRUE(put({item(2)}, "what stays" + std::string(5000, 'y')));
    EXPECT_TRUE(is_in_files("nobody else has, 4711"));
    ASSERT_TRUE(commit({.removed = {queue_->take(clock_.wall())->id}}));
    ASSERT_TRUE(queue_->scrub());
    EXPECT_FALSE(is_in_files("nobody else has, 4711"));
    EXPECT_TRUE(is_in_files("what stays"));
    EXPECT_THAT(queue_->content(item(2).id).value(), HasSubstr("what stays"));
}

TEST_F(QueueTest, AScrubLeavesNothingOfWhatWasRefusedOnItsWay) {
    base::FaultPoints::allow();
    ASSERT_TRUE(put({item(1)}));
    ASSERT_TRUE(queue_->scrub());
    const std::string secret = "a text that nobody else has, 4712" + std::string(3U << 20, 'z');
    ASSERT_TRUE(base::FaultPoints::arm("queue.before_commit", 3, "error"));
    EXPECT_FALSE(put({item(2)}, secret)) << "its third piece";
    ASSERT_TRUE(put({item(3)})) << "behind what was forgotten";
    ASSERT_TRUE(queue_->scrub());
    EXPECT_FALSE(is_in_files("nobody else has, 4712"));
}

/// What lies behind a hop that is down is not written anew for each message that passes it by.
TEST_F(QueueTest, AScrubLeavesFilesAloneThatHaveNoGarbage) {
    const auto files = [&] {
        std::set<std::string> out;
        for (const auto& entry : std::filesystem::directory_iterator(folder_ / "queue/store")) {
            if (entry.path().extension() == ".blob") out.insert(entry.path().filename());
        }
        return out;
    };
    for (std::uint32_t i = 1; i <= 5; ++i) ASSERT_TRUE(put({item(i, "down")}, std::string(50'000, 'x')));
    open();
    ASSERT_TRUE(queue_->scrub());
    const auto before = files();
    EXPECT_FALSE(before.empty());
    ASSERT_TRUE(put({item(9)}, "a text that nobody else has, 4711" + std::string(5000, 'z')));
    std::optional<QueueItem> one;
    do one = queue_->take(clock_.wall());
    while (one && one->lane != "*");
    ASSERT_TRUE(commit({.removed = {one->id}}));
    ASSERT_TRUE(queue_->scrub());
    EXPECT_EQ(files(), before);
    EXPECT_FALSE(is_in_files("nobody else has, 4711"));
    open();
    ASSERT_TRUE(queue_->remove(queue_->find(item(1).id.to_string()).value(), {}));
    ASSERT_TRUE(queue_->scrub());
    EXPECT_NE(files(), before);
}

TEST_F(QueueTest, OneProcessAtATimeAndNewerFormatsAreRefused) {
    const auto second = Queue::open({.folder = folder_ / "queue"}, clock_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().fault, Fault::unavailable);
    queue_.reset();
    {
        auto store = store::KeyValueStore::open(folder_ / "queue/store", {.format = 1});
        ASSERT_TRUE(store);
    }
    std::error_code error;
    std::filesystem::remove_all(folder_ / "queue/store", error);
    {
        ASSERT_TRUE(store::KeyValueStore::open(folder_ / "queue/store", {.format = 9}));
    }
    const auto newer = Queue::open({.folder = folder_ / "queue"}, clock_);
    ASSERT_FALSE(newer);
    EXPECT_EQ(newer.error().fault, Fault::refused);
}

TEST_F(QueueTest, ADiskThatIsNearlyFullTakesNoMore) {
    EXPECT_TRUE(queue_->has_room(1000));
    open({.reserve = 1LL << 40});
    EXPECT_FALSE(queue_->has_room(1000));
}

TEST_F(QueueTest, WhatIsBeingWrittenIsCountedAsRoom) {
    const auto free = std::filesystem::space(folder_.path()).available;
    open({.reserve = static_cast<std::int64_t>(free - (20U << 20))});
    const std::string large(5U << 20, 'x');
    int good = 0;
    int refused = 0;
    const auto one = [&](std::uint32_t number, bool is_notice) -> net::Task<void> {
        std::vector<NewItem> items{{item(number), {large}}};
        items[0].item.is_notice = is_notice;
        auto done = co_await queue_->put(io_, std::move(items), base::SteadyTime::max());
        EXPECT_TRUE(done || done.error().fault == Fault::limit);
        ++(done ? good : refused);
    };
    for (std::uint32_t i = 0; i < 60; ++i) net::testing::start(io_, one(i, false));
    net::testing::start(io_, one(100, true));
    io_.run();
    io_.restart();
    EXPECT_LT(good, 45) << "300 MiB where 20 are free; others on this disk may have left some meanwhile";
    EXPECT_GE(good, 1) << "a notice may use the reserve";
    EXPECT_EQ(good + refused, 61);
}

TEST_F(QueueTest, WhatNobodyOwnsUpToIsGone) {
    const auto body = [&]() -> net::Task<void> {
        std::vector<NewItem> items{{item(1), {"some text"}}};
        const auto stored = co_await queue_->put(io_, std::move(items), base::SteadyTime::max());
        EXPECT_TRUE(stored);
    };
    net::testing::run(io_, body());
    open();
    EXPECT_EQ(counts().waiting, 0U);
    {
        net::Io cut{1};  // a stop while it is being written
        const auto never = [&]() -> net::Task<void> {
            std::vector<NewItem> items{{item(2), {"some text"}}};
            (void)co_await queue_->put(cut, std::move(items), base::SteadyTime::max());
        };
        net::testing::start(cut, never());
        cut.poll_one();
        open();
        EXPECT_EQ(counts().waiting, 0U);
    }
}

TEST_F(QueueTest, WhatCouldNotBeTakenBackIsTriedAgain) {
    base::FaultPoints::allow();
    const auto body = [&]() -> net::Task<void> {
        std::vector<NewItem> items{{item(1), {"some text"}}};
        auto stored = co_await queue_->put(io_, std::move(items), base::SteadyTime::max());
        EXPECT_TRUE(base::FaultPoints::arm("queue.before_commit", 1, "error"));
        stored->take_back();
    };
    net::testing::run(io_, body());
    while (queue_->commits().failures == 0) std::this_thread::sleep_for(1ms);
    std::this_thread::sleep_for(20ms);
    EXPECT_THAT(queue_->list({}).value(), SizeIs(1));
    ASSERT_TRUE(queue_->tidy(0h));
    while (queue_->commits().writes < 3) std::this_thread::sleep_for(1ms);
    EXPECT_THAT(queue_->list({}).value(), SizeIs(0));
    std::this_thread::sleep_for(20ms);
    EXPECT_TRUE(put({item(1)})) << "its id is free again";
}

TEST_F(QueueTest, AClockThatWentBackHoldsNobodyUp) {
    const auto start = clock_.wall();
    ASSERT_TRUE(queue_->tidy(0h));
    clock_.advance(72h);
    ASSERT_TRUE(queue_->tidy(0h));
    auto late = item(1);  // tried while the clock was ahead
    late.attempts = 1;
    late.due = clock_.wall() + 1h;
    auto postponed = item(2);
    postponed.is_postponed = true;
    postponed.due = start + 5h;
    auto sane = item(3);
    sane.attempts = 1;
    sane.due = start + 1min;
    ASSERT_TRUE(put({late, postponed, sane}));
    clock_.advance(-72h);
    EXPECT_FALSE(queue_->take(clock_.wall()));
    ASSERT_TRUE(queue_->tidy(0h));
    std::set<base::ItemId> taken;
    while (const auto one = queue_->take(clock_.wall())) taken.insert(one->id);
    EXPECT_THAT(taken, ElementsAre(late.id, sane.id));
}

TEST_F(QueueTest, AStartMendsWhatIsDueTooLate) {
    auto late = item(1);
    late.attempts = 1;
    late.due = clock_.wall() + 72h;
    auto sane = item(2);
    sane.attempts = 1;
    sane.due = clock_.wall() + 1h;
    ASSERT_TRUE(put({late, sane}));
    open();
    ASSERT_TRUE(queue_->tidy(0h));
    EXPECT_EQ(queue_->take(clock_.wall())->id, late.id);
    EXPECT_FALSE(queue_->take(clock_.wall()));
}

TEST_F(QueueTest, TheTimeThatItWasHeldDoesNotMakeItOlder) {
    ASSERT_TRUE(put({item(1)}));
    ASSERT_TRUE(queue_->hold(item(1).id));
    clock_.advance(24h * 30);
    ASSERT_TRUE(queue_->release(item(1).id));
    const auto now = queue_->take(clock_.wall()).value();
    EXPECT_GE(now.expires, item(1).expires + 24h * 30);
    EXPECT_LT(now.expires, item(1).expires + 24h * 30 + 1min);
    EXPECT_FALSE(is_overdue(now, clock_.wall(), 4h));
}

TEST_F(QueueTest, ALaneThatIsDownRestsUntilAnOperatorSaysSo) {
    ASSERT_TRUE(put({item(1), item(2), item(3)}));
    const auto one = queue_->take(clock_.wall()).value();
    queue_->lane_down(one, clock_.steady() + 1h);
    queue_->give_back(one, 0ms);
    EXPECT_FALSE(queue_->take(clock_.wall()));
    EXPECT_EQ(queue_->flush({.lane = "other"}).value(), 0U);
    EXPECT_FALSE(queue_->take(clock_.wall()));
    EXPECT_EQ(queue_->flush({}).value(), 3U);
    EXPECT_TRUE(queue_->take(clock_.wall()));
    const auto two = queue_->take(clock_.wall()).value();
    queue_->lane_down(two, clock_.steady() + 1h);
    EXPECT_FALSE(queue_->take(clock_.wall()));
    ASSERT_TRUE(queue_->release(item(3).id));
    EXPECT_EQ(queue_->take(clock_.wall())->id, item(3).id);
}

TEST_F(QueueTest, SendersHearOfWhatWaitsForAHopThatIsDown) {
    auto expired = item(2);
    expired.expires = clock_.wall() - 1s;
    ASSERT_TRUE(put({item(1), expired, item(3)}));
    const auto one = queue_->take(clock_.wall()).value();
    queue_->lane_down(one, clock_.steady() + 1h);
    queue_->give_back(one, 0ms);
    EXPECT_FALSE(queue_->take(clock_.wall()));
    ASSERT_TRUE(queue_->tidy(0h));
    EXPECT_EQ(queue_->take(clock_.wall())->id, expired.id);
    EXPECT_FALSE(queue_->take(clock_.wall()));
}

TEST_F(QueueTest, ADamagedItemIsSeenAndCanBeRemoved) {
    ASSERT_TRUE(put({item(1), item(2)}, std::string(3'000'000, 'x')));
    queue_.reset();
    {
        auto store = store::KeyValueStore::open(folder_ / "queue/store", {.blob_bytes = 1024}).value();
        ASSERT_TRUE(store.apply(std::vector<store::Change>{{item_key(item(1).id), "rubbish\xff"}}, true));
    }
    for (const bool was_taken : {true, false}) {
        open();
        if (was_taken) {
            EXPECT_EQ(queue_->take(clock_.wall())->id, item(2).id);
            EXPECT_FALSE(queue_->take(clock_.wall()));
            EXPECT_EQ(counts().damaged, 1U);
        }
        const auto all = queue_->list({}).value();
        ASSERT_THAT(all, SizeIs(2));
        EXPECT_TRUE(all[0].is_damaged);
        EXPECT_FALSE(all[1].is_damaged);
    }
    const auto seen = queue_->find(item(1).id.to_string()).value();
    EXPECT_TRUE(seen.is_damaged);
    EXPECT_FALSE(queue_->hold(seen.id));
    ASSERT_TRUE(queue_->remove(seen, {}));
    EXPECT_THAT(queue_->list({}).value(), SizeIs(1));
    EXPECT_EQ(counts().waiting, 1U);
    EXPECT_FALSE(queue_->content(seen.id));
    open();
    EXPECT_EQ(counts().waiting, 1U);
    // One whose content is damaged, found while it was to be sent.
    queue_->set_aside(queue_->take(clock_.wall()).value());
    const auto other = queue_->find(item(2).id.to_string()).value();
    EXPECT_TRUE(other.is_damaged);
    ASSERT_TRUE(queue_->remove(other, {}));
    EXPECT_EQ(counts().damaged, 0U);
    EXPECT_EQ(counts().waiting, 0U);
}

/// Many coroutines at once share few writes, and each hears of its own.
TEST_F(QueueTest, ManyPutsShareAWrite) {
    constexpr std::uint32_t kMany = 300;
    int good = 0;
    const auto one = [&](std::uint32_t number) -> net::Task<void> {
        std::vector<NewItem> items{{item(number), {"some text"}}};
        auto done = co_await queue_->put(io_, std::move(items), base::SteadyTime::max());
        if (done) done->publish();
        good += done ? 1 : 0;
    };
    for (std::uint32_t i = 0; i < kMany; ++i) net::testing::start(io_, one(i));
    io_.run();
    io_.restart();
    EXPECT_EQ(good, static_cast<int>(kMany));
    EXPECT_EQ(queue_->commits().batches, kMany);
    EXPECT_LT(queue_->commits().writes, kMany / 3);
    std::set<base::ItemId> seen;
    while (const auto taken = queue_->take(clock_.wall())) {
        seen.insert(taken->id);
        ASSERT_TRUE(commit({.removed = {taken->id}, .durable = false}));
    }
    EXPECT_EQ(seen.size(), kMany);
}

}  // namespace
}  // namespace gatehouse::act::queue
