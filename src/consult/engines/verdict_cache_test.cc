#include "consult/engines/verdict_cache.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "base/digest.h"

namespace gatehouse::consult::engines {
namespace {

using namespace std::chrono_literals;
using message::AnswerState;

const base::SteadyTime kNow{};

Judgement found(std::string name) {
    return {.state = AnswerState::found, .name = std::move(name), .gap_reason = {}, .repeatable = true};
}

VerdictCache::Limits roomy() {
    return {.entries = 1000, .bytes = 1 << 20, .age = 1h};
}

TEST(VerdictCache, FindsWhatItKept) {
    VerdictCache cache(roomy());
    const auto digest = base::sha256("a");
    const VerdictKey key{.sha256 = digest, .engine = 1, .generation = 5};
    EXPECT_FALSE(cache.find(key, kNow));
    cache.keep(key, found("X"), kNow);
    const auto got = cache.find(key, kNow);
    ASSERT_TRUE(got);
    EXPECT_EQ(got->state, AnswerState::found);
    EXPECT_EQ(got->name, "X");
    const auto counters = cache.counters();
    EXPECT_EQ(counters.hits, 1U);
    EXPECT_EQ(counters.misses, 1U);
    EXPECT_EQ(counters.entries, 1U);
    EXPECT_GT(counters.bytes, 0U);
}

TEST(VerdictCache, EveryPartOfTheKeyCounts) {
    VerdictCache cache(roomy());
    const auto digest = base::sha256("a");
    const auto other = base::sha256("b");
    cache.keep({.sha256 = digest, .engine = 1, .generation = 5}, found("X"), kNow);
    EXPECT_FALSE(cache.find({.sha256 = other, .engine = 1, .generation = 5}, kNow));
    EXPECT_FALSE(cache.find({.sha256 = digest, .engine = 2, .generation = 5}, kNow));
    EXPECT_FALSE(cache.find({.sha256 = digest, .engine = 1, .generation = 6}, kNow));
    EXPECT_TRUE(cache.find({.sha256 = digest, .engine = 1, .generation = 5}, kNow));
}

TEST(VerdictCache, KeysThatAreNoKeys) {
    VerdictCache cache(roomy());
    const auto digest = base::sha256("a");
    for (const VerdictKey key : {VerdictKey{.sha256 = "", .engine = 1, .generation = 5},
                                 VerdictKey{.sha256 = "short", .engine = 1, .generation = 5},
                                 VerdictKey{.sha256 = digest, .engine = 1, .generation = 0}}) {
        cache.keep(key, found("X"), kNow);
        EXPECT_FALSE(cache.find(key, kNow));
    }
    EXPECT_EQ(cache.counters().entries, 0U);
}

TEST(VerdictCache, OnlyDefiniteJudgementsAreKept) {
    VerdictCache cache(roomy());
    const auto digest = base::sha256("a");
    const VerdictKey key{.sha256 = digest, .engine = 1, .generation = 5};
    cache.keep(key, {.state = AnswerState::unavailable, .name = {}, .gap_reason = {}, .repeatable = true},
               kNow);
    EXPECT_FALSE(cache.find(key, kNow));
    cache.keep(
        key, {.state = AnswerState::not_scanned, .name = "x", .gap_reason = "timed_out", .repeatable = false},
        kNow);
    EXPECT_FALSE(cache.find(key, kNow));
    cache.keep(
        key, {.state = AnswerState::not_scanned, .name = "x", .gap_reason = "encrypted", .repeatable = true},
        kNow);
    ASSERT_TRUE(cache.find(key, kNow));
    cache.keep(key, {.state = AnswerState::clean, .name = {}, .gap_reason = {}, .repeatable = true}, kNow);
    EXPECT_EQ(cache.find(key, kNow)->state, AnswerState::clean) << "the newer judgement replaces";
    EXPECT_EQ(cache.counters().entries, 1U);
}

TEST(VerdictCache, EntriesGrowOld) {
    VerdictCache cache(roomy());
    const auto digest = base::sha256("a");
    const VerdictKey key{.sha256 = digest, .engine = 1, .generation = 5};
    cache.keep(key, found("X"), kNow);
    EXPECT_TRUE(cache.find(key, kNow + 1h));
    EXPECT_FALSE(cache.find(key, kNow + 1h + 1s));
    EXPECT_EQ(cache.counters().entries, 0U);
    EXPECT_EQ(cache.counters().bytes, 0U);
}

TEST(VerdictCache, BoundedByEntries) {
    VerdictCache cache({.entries = 160, .bytes = 1 << 30, .age = 1h});
    for (int i = 0; i < 10'000; ++i) {
        const auto digest = base::sha256(std::to_string(i));
        cache.keep({.sha256 = digest, .engine = 1, .generation = 5}, found("X"), kNow);
    }
    EXPECT_LE(cache.counters().entries, 160U);
    EXPECT_GT(cache.counters().entries, 100U);
    const auto last = base::sha256("9999");
    EXPECT_TRUE(cache.find({.sha256 = last, .engine = 1, .generation = 5}, kNow));
}

TEST(VerdictCache, BoundedByBytes) {
    VerdictCache cache({.entries = 1'000'000, .bytes = 65'536, .age = 1h});
    for (int i = 0; i < 10'000; ++i) {
        const auto digest = base::sha256(std::to_string(i));
        cache.keep({.sha256 = digest, .engine = 1, .generation = 5}, found(std::string(100, 'x')), kNow);
    }
    EXPECT_LE(cache.counters().bytes, 64U * 1024);
    EXPECT_GT(cache.counters().entries, 50U);
}

TEST(VerdictCache, TheLeastRecentlyUsedGoesFirst) {
    VerdictCache cache({.entries = 32, .bytes = 1 << 20, .age = 1h});  // two in each shard
    std::vector<std::string> same_shard;
    for (int i = 0; same_shard.size() < 3; ++i) {
        auto digest = base::sha256(std::to_string(i));
        if (static_cast<unsigned char>(digest.front()) % 16 == 0) same_shard.push_back(std::move(digest));
    }
    const auto key = [&](std::size_t i) {
        return VerdictKey{.sha256 = same_shard[i], .engine = 1, .generation = 5};
    };
    cache.keep(key(0), found("0"), kNow);
    cache.keep(key(1), found("1"), kNow);
    EXPECT_TRUE(cache.find(key(0), kNow));
    cache.keep(key(2), found("2"), kNow);
    EXPECT_TRUE(cache.find(key(0), kNow));
    EXPECT_FALSE(cache.find(key(1), kNow));
    EXPECT_TRUE(cache.find(key(2), kNow));
}

TEST(VerdictCache, NoEntriesMeansOff) {
    for (const auto limits : {VerdictCache::Limits{.entries = 0, .bytes = 1 << 20, .age = 1h},
                              VerdictCache::Limits{.entries = 100, .bytes = 0, .age = 1h}}) {
        VerdictCache cache(limits);
        const auto digest = base::sha256("a");
        cache.keep({.sha256 = digest, .engine = 1, .generation = 5}, found("X"), kNow);
        EXPECT_EQ(cache.counters().entries, 0U);
        EXPECT_EQ(cache.counters().bytes, 0U);
    }
}

TEST(VerdictCache, ManyThreads) {
    VerdictCache cache({.entries = 500, .bytes = 1 << 20, .age = 1h});
    std::vector<std::jthread> threads;
    threads.reserve(4);
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&cache, t] {
            for (int i = 0; i < 5000; ++i) {
                const auto name = std::to_string(i % 700);
                const auto digest = base::sha256(name);
                const VerdictKey key{.sha256 = digest, .engine = 1, .generation = 5};
                if (const auto got = cache.find(key, kNow)) {
                    ASSERT_EQ(got->name, name);
                } else {
                    cache.keep(key, found(name), kNow);
                }
                if (i % 100 == t) cache.counters();
            }
        });
    }
    threads.clear();
    EXPECT_EQ(cache.counters().hits + cache.counters().misses, 20'000U);
    EXPECT_LE(cache.counters().entries, 512U);
}

}  // namespace
}  // namespace gatehouse::consult::engines
