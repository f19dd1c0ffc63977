#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "act/queue/testing.h"

namespace gatehouse::act::queue {
namespace {

using ::testing::ElementsAre;
using testing::item;
using testing::QueueTest;
using ::testing::SizeIs;

std::vector<base::ItemId> ids(const base::Result<std::vector<QueueItem>>& items) {
    std::vector<base::ItemId> out;
    for (const auto& one : items.value()) out.push_back(one.id);
    return out;
}

TEST_F(QueueTest, ListsByLaneAndByWhatIsHeld) {
    std::vector<QueueItem> many;
    for (std::uint32_t i = 1; i <= 400; ++i) many.push_back(item(i, i % 2 == 0 ? "even" : "odd"));
    many[250].due += std::chrono::hours(1);
    ASSERT_TRUE(put(many));
    ASSERT_TRUE(queue_->hold(many[0].id));
    ASSERT_TRUE(queue_->hold(many[1].id));
    EXPECT_THAT(queue_->list({.lane = "even", .limit = 1000}).value(), SizeIs(200));
    EXPECT_THAT(queue_->list({.lane = "even", .held = false, .limit = 1000}).value(), SizeIs(199));
    EXPECT_THAT(ids(queue_->list({.held = true})), ElementsAre(many[0].id, many[1].id));
    EXPECT_THAT(ids(queue_->list({.lane = "odd", .held = true})), ElementsAre(many[0].id));
    EXPECT_THAT(ids(queue_->list({.lane = "odd", .after = many[249].id, .limit = 2})),
                ElementsAre(many[250].id, many[252].id));
    EXPECT_THAT(ids(queue_->list({.held = false, .limit = 1})), ElementsAre(many[2].id));
    EXPECT_THAT(queue_->list({.lane = "none"}).value(), SizeIs(0));
    EXPECT_THAT(ids(queue_->list({.lane = "even", .sender = "Sender14@"})), ElementsAre(many[13].id));
}

TEST_F(QueueTest, EachGoesOnBehindAPageAndSaysThatItIsAtWork) {
    std::vector<QueueItem> many;
    for (std::uint32_t i = 1; i <= 250; ++i) many.push_back(item(i));
    ASSERT_TRUE(put(many));
    int words = 0;
    std::vector<base::ItemId> seen;
    const auto look = [&](const QueueItem& one) {
        seen.push_back(one.id);
        return true;
    };
    ASSERT_TRUE(queue_->each({}, look, [&] { ++words; }));
    EXPECT_GE(words, 3);
    ASSERT_THAT(seen, SizeIs(250));
    EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
    queue_->stop_long_work();
    EXPECT_EQ(queue_->each({}, look).error().fault, base::Fault::unavailable);
    EXPECT_EQ(queue_->flush({}).error().fault, base::Fault::unavailable);
}

/// One byte of one item's file is wrong: the others are listed, found, tried and removed, and it is, too.
class DamagedFile : public QueueTest {
  protected:
    void SetUp() override {
        for (auto& one : items_) {
            one.story.envelope.sender = std::string(1500, 's') + one.id.to_string() + "@example.org";
            one.due = clock_.wall() + std::chrono::hours(1);
        }
        ASSERT_TRUE(put(items_));
        ASSERT_TRUE(queue_->scrub());
        queue_.reset();
        ASSERT_EQ(damage("sssss" + items_[1].id.to_string()), 1);
        open();
    }
    int damage(const std::string& text) {
        int changed = 0;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ / "queue")) {
            if (!entry.is_regular_file()) continue;
            std::fstream file(entry.path(), std::ios::binary | std::ios::in | std::ios::out);
            const std::string all((std::istreambuf_iterator<char>(file)), {});
            const auto place = all.find(text);
            if (place == std::string::npos) continue;
            file.clear();
            file.seekp(static_cast<std::streamoff>(place));
            file.write("X", 1);
            ++changed;
        }
        return changed;
    }
    std::vector<QueueItem> items_{item(1), item(2), item(3)};
};

TEST_F(DamagedFile, IsNoEndOfAList) {
    for (const QueueFilter& filter : {QueueFilter{}, QueueFilter{.lane = "*"}}) {
        const auto all = queue_->list(filter).value();
        ASSERT_THAT(all, SizeIs(3));
        EXPECT_EQ(all[1].id, items_[1].id);
        EXPECT_FALSE(all[0].is_damaged);
        EXPECT_TRUE(all[1].is_damaged);
        EXPECT_FALSE(all[2].is_damaged);
    }
    EXPECT_EQ(queue_->flush({}).value(), 2U);
}

TEST_F(DamagedFile, IsFoundAndCanBeRemoved) {
    const auto seen = queue_->find(items_[1].id.to_string()).value();
    EXPECT_TRUE(seen.is_damaged);
    EXPECT_FALSE(queue_->find(items_[2].id.to_string())->is_damaged);
    ASSERT_TRUE(queue_->remove(seen, {}));
    EXPECT_THAT(ids(queue_->list({})), ElementsAre(items_[0].id, items_[2].id));
    open();
    EXPECT_EQ(counts().waiting, 2U);
    EXPECT_EQ(queue_->content(seen.id).error().fault, base::Fault::not_found);
}

TEST_F(DamagedFile, KeepsNoSenderFromHearingOfItsOwn) {
    auto first = queue_->find(items_[0].id.to_string()).value();
    ASSERT_TRUE(queue_->release(first.id));
    first = queue_->take(clock_.wall()).value();
    queue_->lane_down(first, clock_.steady() + std::chrono::hours(24));
    queue_->give_back(first, {});
    clock_.advance(std::chrono::hours(5));
    EXPECT_TRUE(queue_->tidy(std::chrono::hours(4)));
    std::set<base::ItemId> hurried;
    while (const auto one = queue_->take(clock_.wall())) hurried.insert(one->id);
    EXPECT_TRUE(hurried.contains(items_[2].id)) << "the one behind it";
}

TEST_F(QueueTest, APostponedItemThatIsReleasedIsNotLate) {
    auto one = item(1);
    one.is_postponed = true;
    one.queued -= std::chrono::hours(5);
    one.due = one.queued + std::chrono::hours(14);
    ASSERT_TRUE(put({one}));
    ASSERT_TRUE(queue_->release(one.id));
    const auto taken = queue_->take(clock_.wall());
    ASSERT_TRUE(taken);
    EXPECT_FALSE(is_overdue(*taken, clock_.wall() + std::chrono::hours(1), std::chrono::hours(4)));
}

}  // namespace
}  // namespace gatehouse::act::queue
