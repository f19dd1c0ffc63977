#include "base/memory_budget.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

namespace gatehouse::base {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

TEST(MemoryBudget, SharesGrowAndGiveBack) {
    MemoryBudget budget(kMiB);
    {
        MemoryShare share(budget);
        EXPECT_TRUE(share.grow_to(0));
        EXPECT_EQ(budget.used(), 0U);
        EXPECT_TRUE(share.grow_to(10));
        const auto held = share.held();
        EXPECT_GE(held, 10U);
        EXPECT_TRUE(share.grow_to(held));
        EXPECT_EQ(share.held(), held);
        EXPECT_EQ(budget.used(), held);
    }
    EXPECT_EQ(budget.used(), 0U);
}

TEST(MemoryBudget, RefusesWhatIsNotThere) {
    MemoryBudget budget(kMiB);
    MemoryShare first(budget);
    MemoryShare second(budget);
    EXPECT_FALSE(first.grow_to(kMiB + 1));
    EXPECT_FALSE(first.grow_to(UINT64_MAX));
    EXPECT_EQ(budget.used(), 0U);
    EXPECT_TRUE(first.grow_to(kMiB));  // to the last byte, though no step more is left
    EXPECT_FALSE(second.grow_to(1));
    first.release();
    EXPECT_TRUE(second.grow_to(1));
    budget.set_limit(1);
    EXPECT_FALSE(second.grow_to(second.held() + 1));
}

TEST(MemoryBudget, WhatIsLargerThanAllOfItGoesAlone) {
    MemoryBudget budget(100);
    MemoryShare small(budget);
    ASSERT_TRUE(small.grow_to(1));
    MemoryShare large(budget);
    EXPECT_FALSE(large.grow_alone(1000));
    small.release();
    EXPECT_TRUE(large.grow_alone(1000));
    EXPECT_EQ(budget.used(), 1000U);
    EXPECT_FALSE(small.grow_to(1));
    large.release();
    EXPECT_EQ(budget.used(), 0U);
}

TEST(MemoryBudget, SharesMove) {
    MemoryBudget budget(kMiB);
    MemoryShare first(budget);
    ASSERT_TRUE(first.grow_to(1000));
    MemoryShare second(std::move(first));
    MemoryShare third(budget);
    ASSERT_TRUE(third.grow_to(5000));
    third = std::move(second);
    EXPECT_EQ(budget.used(), third.held());
}

TEST(MemoryBudget, CountsAcrossThreads) {
    MemoryBudget budget(kMiB);
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int n = 0; n < 2000; ++n) {
                MemoryShare share(budget);
                EXPECT_TRUE(share.grow_to(100'000));
                EXPECT_LE(budget.used(), kMiB);
            }
        });
    }
    threads.clear();
    EXPECT_EQ(budget.used(), 0U);
}

TEST(CgroupMemoryLimit, TakesTheLowestAlongThePath) {
    namespace fs = std::filesystem;
    const fs::path root = fs::temp_directory_path() / ("gatehouse-cgroup-" + std::to_string(::getpid()));
    fs::create_directories(root / "a/b/c");
    std::ofstream(root / "a/memory.max") << "1000000\n";
    std::ofstream(root / "a/b/memory.max") << "max\n";
    std::ofstream(root / "a/b/c/memory.max") << "2000000\n";
    EXPECT_EQ(cgroup_memory_limit(root, "/a/b/c"), 1'000'000U);
    EXPECT_EQ(cgroup_memory_limit(root, "/"), std::nullopt);
    EXPECT_EQ(cgroup_memory_limit(root, ""), std::nullopt);
    EXPECT_EQ(cgroup_memory_limit(root, "/none/of/these"), std::nullopt);
    std::ofstream(root / "memory.limit_in_bytes") << "500000";
    EXPECT_EQ(cgroup_memory_limit(root, "/a/b/c"), 500'000U);
    fs::remove_all(root);
}

TEST(DefaultMemoryLimit, IsSomething) {
    EXPECT_GT(default_memory_limit(), kMiB);
}

}  // namespace
}  // namespace gatehouse::base
