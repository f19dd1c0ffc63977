#include "act/queue/schedule.h"

#include <gtest/gtest.h>

#include <random>

#include "act/queue/back_off.h"

namespace gatehouse::act::queue {
namespace {

using namespace std::chrono_literals;

base::WallTime at(std::int64_t seconds) {
    return base::WallTime(std::chrono::seconds(seconds));
}

base::ItemId id(std::uint32_t number) {
    return {base::Reference::make(at(1'600'000'000 + number), 0, number), 1};
}

/// A store for the schedule to read.
struct Shelf {
    std::map<std::pair<std::uint32_t, Age>, std::set<Turn>> turns;
    std::size_t loads = 0;

    Schedule::Load load() {
        return [this](std::uint32_t lane, Age age, const std::optional<Turn>& from,
                      std::size_t most) -> std::optional<std::vector<Turn>> {
            ++loads;
            const auto& all = turns[{lane, age}];
            std::vector<Turn> out;
            for (auto i = from ? all.upper_bound(*from) : all.begin(); i != all.end() && out.size() < most;
                 ++i)
                out.push_back(*i);
            return out;
        };
    }
};

TEST(Keys, ComeBackAsTheyWere) {
    const TurnKey key{7, Age::tried, {at(1'700'000'000), id(3)}};
    const auto back = turn_from(turn_key(key));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->lane, 7U);
    EXPECT_EQ(back->age, Age::tried);
    EXPECT_EQ(back->turn, key.turn);
    EXPECT_EQ(id_from(id_bytes(id(5))), id(5));
    EXPECT_FALSE(turn_from("s"));
    EXPECT_FALSE(turn_from(turn_key(key) + "x"));
    auto damaged = turn_key(key);
    damaged[5] = 2;  // an age that there is not: its key could never be removed again
    EXPECT_FALSE(turn_from(damaged));
    damaged = turn_key(key);
    damaged[6] = '\xFF';  // long before 1970
    EXPECT_FALSE(turn_from(damaged));
    EXPECT_LT(turn_key({7, Age::tried, {at(1), id(9)}}), turn_key({7, Age::tried, {at(2), id(1)}}));
    EXPECT_EQ(lane_of(lane_key(70'000)), 70'000U);
}

TEST(BackOff, FollowsTheListWithALittleChance) {
    const std::vector<std::chrono::seconds> times{60s, 300s, 3600s};
    for (std::uint32_t random : {0U, 1U, 999'999'999U, 4'294'967'295U}) {
        for (const auto& [attempts, middle] : {std::pair{1U, 60s}, {2U, 300s}, {3U, 3600s}, {50U, 3600s}}) {
            const auto wait = back_off(times, attempts, random);
            EXPECT_GE(wait, middle * 9 / 10);
            EXPECT_LE(wait, middle * 11 / 10);
        }
    }
    EXPECT_NE(back_off(times, 1, 5), back_off(times, 1, 1500));
    EXPECT_GE(back_off({}, 3, 0), 54min) << "no list is no reason to fall over";
}

TEST(BackOff, AgeEndsNothingBeforeTheListWasTried) {
    const std::vector<std::chrono::seconds> times{60s, 300s, 3600s};
    EXPECT_EQ(least_attempts(times, 120h), 3U);
    EXPECT_EQ(least_attempts(times, 1h), 2U);
    EXPECT_EQ(least_attempts(std::vector<std::chrono::seconds>{7200s}, 1h), 1U);
}

class ScheduleTest : public ::testing::Test {
  protected:
    void add(std::uint32_t lane, Age age, std::int64_t due, std::uint32_t number) {
        const TurnKey key{lane, age, {at(due), id(number)}};
        shelf_.turns[{lane, age}].insert(key.turn);
        schedule_.insert(key, false);
    }
    /// The number of the next item, 0 = none.
    std::uint32_t take(std::int64_t now, base::SteadyTime steady = {}) {
        const auto taken = schedule_.take(at(now), steady, shelf_.load());
        if (!taken) return 0;
        for (std::uint32_t i = 1; i < 5000; ++i) {
            if (id(i) == taken->turn.id) return i;
        }
        return 0;
    }
    void done(std::uint32_t lane, Age age, std::int64_t due, std::uint32_t number) {
        schedule_.leave(id(number));
        shelf_.turns[{lane, age}].erase({at(due), id(number)});
    }

    Schedule schedule_{3, 30h};
    Shelf shelf_;
};

TEST_F(ScheduleTest, TheEarliestThatIsDueAndNobodyTwice) {
    schedule_.add_lane(1, "*");
    add(1, Age::fresh, 20, 2);
    add(1, Age::fresh, 10, 1);
    add(1, Age::fresh, 30, 3);
    EXPECT_EQ(take(9), 0U);
    EXPECT_EQ(take(25), 1U);
    EXPECT_EQ(take(25), 2U);
    EXPECT_EQ(take(25), 0U);
}

TEST_F(ScheduleTest, NoMoreAtATimeThanALaneMayHave) {
    schedule_.add_lane(1, "*");
    for (std::uint32_t i = 1; i <= 5; ++i) add(1, Age::fresh, 10, i);
    EXPECT_EQ(take(10), 1U);
    EXPECT_EQ(take(10), 2U);
    EXPECT_EQ(take(10), 3U);
    EXPECT_EQ(take(10), 0U);
    done(1, Age::fresh, 10, 2);
    EXPECT_EQ(take(10), 4U);
}

TEST_F(ScheduleTest, FreshGoesFirstAndTheOldHaveTheirShare) {
    schedule_.add_lane(1, "*");
    for (std::uint32_t i = 1; i <= 8; ++i) {
        add(1, Age::fresh, 10, i);
        add(1, Age::tried, 1, 100 + i);
    }
    std::vector<std::uint32_t> order;
    for (int i = 0; i < 8; ++i) {
        order.push_back(take(10));
        schedule_.leave(id(order.back()));
    }
    EXPECT_EQ(order, (std::vector<std::uint32_t>{1, 2, 3, 101, 4, 5, 6, 102}));
}

TEST_F(ScheduleTest, LanesTakeTurns) {
    schedule_.add_lane(1, "a");
    schedule_.add_lane(2, "b");
    for (std::uint32_t i = 1; i <= 3; ++i) {
        add(1, Age::fresh, 10, i);
        add(2, Age::fresh, 10, 10 + i);
    }
    std::vector<std::uint32_t> order;
    for (int i = 0; i < 4; ++i) order.push_back(take(10));
    EXPECT_EQ(order, (std::vector<std::uint32_t>{1, 11, 2, 12}));
}

TEST_F(ScheduleTest, AClockThatWentBackHoldsNobodyUp) {
    schedule_.add_lane(1, "*");
    add(1, Age::tried, 1'000'000'000, 1);
    EXPECT_EQ(take(1'000'000'000 - 29 * 3600), 0U) << "an ordinary wait";
    EXPECT_EQ(take(1'000'000), 1U);
}

TEST_F(ScheduleTest, WhatAnOperatorWorksOnIsNotTaken) {
    schedule_.add_lane(1, "*");
    add(1, Age::fresh, 10, 1);
    const Schedule::UnderWay mine{{1, Age::fresh, {at(10), id(1)}}, false, Schedule::Hands::operators, 5};
    EXPECT_TRUE(schedule_.claim(mine));
    EXPECT_FALSE(schedule_.claim(mine));
    EXPECT_EQ(take(10), 0U);
    schedule_.give_back(id(1));
    EXPECT_EQ(take(10), 1U);
    EXPECT_EQ(schedule_.lanes().at(1).waiting, 0U);
    EXPECT_EQ(schedule_.lanes().at(1).under_way, 1U);
}

/// What the store shows of an item between a change and the word of it is not its turn.
TEST_F(ScheduleTest, ATurnThatWasReadWhileItChangedIsNobodys) {
    schedule_.add_lane(1, "*");
    for (std::uint32_t i = 1; i <= 3; ++i) add(1, Age::fresh, 10, i);
    const Schedule::UnderWay mine{{1, Age::fresh, {at(10), id(2)}}, false, Schedule::Hands::operators, 5};
    EXPECT_TRUE(schedule_.claim(mine));
    EXPECT_EQ(take(10), 1U) << "the load reads the turn of 2, too";
    EXPECT_EQ(take(10), 3U);
    const TurnKey later{1, Age::tried, {at(500), id(2)}};
    schedule_.leave(id(2));
    shelf_.turns[{1, Age::fresh}].erase({at(10), id(2)});
    shelf_.turns[{1, Age::tried}].insert(later.turn);
    schedule_.insert(later, false);
    EXPECT_EQ(take(10), 0U);
    EXPECT_EQ(schedule_.lanes().at(1).waiting, 1U);
    schedule_.leave(id(1));
    schedule_.leave(id(3));
    EXPECT_EQ(take(500), 2U);
    EXPECT_EQ(schedule_.lanes().at(1).waiting, 0U);
    // The same of one that is being put: it is in the store before it is known.
    EXPECT_TRUE(schedule_.claim({{1, Age::fresh, {at(10), id(4)}}, false, Schedule::Hands::intake, 5}));
    shelf_.turns[{1, Age::fresh}].insert({at(10), id(4)});
    EXPECT_EQ(take(500), 0U);
    schedule_.leave(id(4));
    schedule_.insert({1, Age::fresh, {at(10), id(4)}}, false);
    EXPECT_EQ(take(500), 4U);
}

TEST_F(ScheduleTest, AStoreThatCannotBeReadNowIsReadLater) {
    schedule_.add_lane(1, "*");
    add(1, Age::fresh, 10, 1);
    const Schedule::Load broken = [](auto, auto, const auto&, auto) { return std::nullopt; };
    EXPECT_FALSE(schedule_.take(at(10), {}, broken));
    EXPECT_EQ(take(10), 1U);
}

TEST_F(ScheduleTest, WhatRestsHoldsNobodyUpAndComesBack) {
    schedule_.add_lane(1, "*");
    for (std::uint32_t i = 1; i <= 3; ++i) add(1, Age::fresh, 10, i);
    const base::SteadyTime start{};
    EXPECT_EQ(take(10, start), 1U);
    EXPECT_TRUE(schedule_.rest(id(1), start + 1s));
    EXPECT_EQ(schedule_.lanes().at(1).waiting, 3U);
    EXPECT_EQ(schedule_.lanes().at(1).under_way, 0U);
    EXPECT_EQ(take(10, start), 2U);
    EXPECT_EQ(take(10, start), 3U);
    EXPECT_EQ(take(10, start), 0U);
    EXPECT_EQ(take(10, start + 1s), 1U);
    EXPECT_TRUE(schedule_.rest(id(1), start + 2s));
    EXPECT_TRUE(schedule_.claim({{1, Age::fresh, {at(10), id(1)}}, false, Schedule::Hands::operators, 5}));
    EXPECT_EQ(take(10, start + 9s), 0U) << "an operator has it";
    schedule_.leave(id(1));
    EXPECT_EQ(schedule_.lanes().at(1).waiting, 0U);
}

TEST_F(ScheduleTest, ADamagedItemIsCountedAndAnOperatorMayHaveIt) {
    schedule_.add_lane(1, "*");
    add(1, Age::fresh, 10, 1);
    EXPECT_EQ(take(10), 1U);
    schedule_.set_aside(id(1));
    EXPECT_EQ(take(10), 0U);
    EXPECT_EQ(schedule_.lanes().at(1).damaged, 1U);
    EXPECT_TRUE(schedule_.damaged().contains(id(1)));
    EXPECT_TRUE(schedule_.claim({{1, Age::fresh, {at(10), id(1)}}, false, Schedule::Hands::operators, 5}));
    schedule_.leave(id(1));
    EXPECT_EQ(schedule_.lanes().at(1).damaged, 0U);
    EXPECT_EQ(schedule_.lanes().at(1).waiting, 0U);
}

TEST_F(ScheduleTest, OneAtATimeFindsOutWhetherALaneIsUpAgain) {
    schedule_.add_lane(1, "*");
    for (std::uint32_t i = 1; i <= 5; ++i) add(1, Age::fresh, 10, i);
    const base::SteadyTime start{};
    EXPECT_EQ(take(10, start), 1U);
    schedule_.lane_down(1, start + 30s);
    schedule_.give_back(id(1));
    EXPECT_EQ(take(10, start + 29s), 0U);
    EXPECT_TRUE(schedule_.hurry({1, Age::fresh, {at(10), id(4)}}));
    EXPECT_EQ(take(10, start + 29s), 4U) << "its sender must hear of it";
    schedule_.leave(id(4));
    EXPECT_EQ(take(10, start + 30s), 1U);
    EXPECT_EQ(take(10, start + 31s), 0U) << "the first has not come back yet";
    EXPECT_TRUE(schedule_.lane_up(1));
    EXPECT_FALSE(schedule_.lane_up(1));
    EXPECT_EQ(take(10, start + 31s), 2U);
    EXPECT_EQ(take(10, start + 31s), 3U);
}

TEST_F(ScheduleTest, WhatWasReadBesideAnInsertIsReadAgain) {
    schedule_.add_lane(1, "*");
    add(1, Age::fresh, 10, 1);
    auto& lane = schedule_.lanes().at(1);
    const Schedule::Wanted wanted{1, Age::fresh, std::nullopt, 256, lane.inserts};
    const auto read = shelf_.load()(1, Age::fresh, std::nullopt, 256).value();
    add(1, Age::fresh, 11, 2);
    EXPECT_FALSE(schedule_.load(wanted, read)) << "it would be missed for good";
    EXPECT_TRUE(schedule_.load({1, Age::fresh, std::nullopt, 256, lane.inserts},
                               shelf_.load()(1, Age::fresh, std::nullopt, 256).value()));
    shelf_.turns.clear();
    EXPECT_EQ(take(20), 1U);
    EXPECT_EQ(take(20), 2U);
}

// The item had been changed between an operator's look and the claim, and the new turn came up meanwhile.
TEST_F(ScheduleTest, AClaimUnderAnOldTurnLosesNoItem) {
    schedule_.add_lane(1, "*");
    add(1, Age::fresh, 10, 1);
    EXPECT_EQ(take(10), 1U);
    done(1, Age::fresh, 10, 1);
    add(1, Age::tried, 10, 1);
    const TurnKey old{1, Age::fresh, {at(10), id(1)}};
    ASSERT_TRUE(schedule_.claim({old, false, Schedule::Hands::operators}));
    EXPECT_EQ(take(11), 0U);
    schedule_.correct({1, Age::tried, {at(10), id(1)}}, false, 0);
    EXPECT_EQ(take(11), 0U) << "an operator has it";
    schedule_.give_back(id(1));
    EXPECT_EQ(schedule_.lanes()[1].waiting, 1U);
    EXPECT_EQ(take(12), 1U);
}

TEST_F(ScheduleTest, ATurnThatIsNoneGivesWayToTheRealOne) {
    schedule_.add_lane(1, "*");
    add(1, Age::fresh, 10, 1);  // what is left of a claim that could not be read
    add(1, Age::tried, 11, 1);
    --schedule_.lanes()[1].waiting;
    EXPECT_EQ(take(20), 1U);
    EXPECT_EQ(take(20), 0U) << "the real turn is popped in vain";
    schedule_.forget_turn(id(1), TurnKey{1, Age::tried, {at(11), id(1)}});
    EXPECT_EQ(schedule_.lanes()[1].waiting, 1U);
    EXPECT_EQ(take(20), 1U);
    EXPECT_EQ(schedule_.lanes()[1].waiting, 0U);
}

/// Against a model: any order of arrivals and departures gives every item once, in the order of due times.
TEST(ScheduleProperty, AWindowOnManyItemsMissesNone) {
    std::mt19937 random(7);
    Schedule schedule(100'000, 30h);
    Shelf shelf;
    schedule.add_lane(1, "*");
    std::set<Turn> model;
    std::uint32_t next = 1;
    std::set<base::ItemId> given;
    const auto arrive = [&] {
        const TurnKey key{1, Age::fresh, {at(static_cast<std::int64_t>(random() % 5000)), id(next++)}};
        shelf.turns[{1, Age::fresh}].insert(key.turn);
        schedule.insert(key, false);
        model.insert(key.turn);
    };
    for (int i = 0; i < 2000; ++i) arrive();
    std::size_t windowed = 0;
    while (!model.empty()) {
        if (next < 4000 && random() % 3 == 0) arrive();
        const auto taken = schedule.take(at(5000), {}, shelf.load());
        ASSERT_TRUE(taken);
        EXPECT_EQ(taken->turn, *model.begin());
        EXPECT_TRUE(given.insert(taken->turn.id).second);
        model.erase(model.begin());
        shelf.turns[{1, Age::fresh}].erase(taken->turn);
        schedule.leave(taken->turn.id);
        ++windowed;
    }
    EXPECT_EQ(windowed, next - 1);
    EXPECT_GT(shelf.loads, 3U) << "the window was smaller than the queue";
}

}  // namespace
}  // namespace gatehouse::act::queue
