#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <thread>

#include "act/quarantine/quarantine.h"
#include "act/quarantine/testing.h"

namespace gatehouse::act::quarantine {
namespace {

using base::Fault;

std::string message_of(std::uint32_t n) {
    return std::to_string(n) + std::string(n * 7919 % 200'000, 'm');
}

TEST(QuarantineCrash, KilledAtAnyMomentItKeepsWhatWasAcknowledged) {
    if (!store::can_fork()) GTEST_SKIP() << "other threads are running";
    const store::TemporaryFolder folder;
    std::set<std::uint32_t> acknowledged;
    constexpr std::uint32_t kRoom = 1000;
    constexpr std::uint32_t kRounds = 15;
    for (std::uint32_t round = 0; round < kRounds; ++round) {
        const auto said = store::run_and_kill(round * 9973 % 60'000, [&](const auto& say) {
            auto quarantine = must_open(folder.path());
            for (std::uint32_t n = round * kRoom; n < (round + 1) * kRoom; ++n) {
                if (!quarantine->put(example_item(n), message_of(n))) ::_exit(2);
                say(std::to_string(n) + "\n");
            }
        });
        for (const auto& line : store::lines_of(said))
            acknowledged.insert(static_cast<std::uint32_t>(std::stoul(line)));
    }
    auto quarantine = must_open(folder.path());
    const auto items = quarantine->list({.limit = ListFilter::kMaxLimit}).value();
    std::set<std::string> listed;
    for (const auto& item : items) {
        EXPECT_FALSE(item.damaged) << item.info.id.to_string();
        EXPECT_TRUE(listed.insert(item.info.subject).second);
    }
    for (const auto n : acknowledged) {
        EXPECT_TRUE(listed.contains(example_item(n).subject));
        EXPECT_EQ(read_item(*quarantine, example_item(n).id).value(), message_of(n));
    }
    EXPECT_LE(listed.size(), acknowledged.size() + kRounds) << "one in each round may not have been said";
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder / "items/quarantine")) {
        files += entry.path().filename() == "lock" ? 0 : 1;
    }
    EXPECT_EQ(files, listed.size()) << "no orphan is left";
}

TEST(QuarantineCrash, KilledWhileDeletingNothingComesBack) {
    if (!store::can_fork()) GTEST_SKIP() << "other threads are running";
    const store::TemporaryFolder folder;
    constexpr std::uint32_t kItems = 120;
    {
        auto quarantine = must_open(folder.path());
        for (std::uint32_t n = 0; n < kItems; ++n)
            ASSERT_TRUE(quarantine->put(example_item(n), message_of(n)));
    }
    std::uint32_t next = 0;
    for (useconds_t round = 0; round < 10; ++round) {
        const auto said = store::run_and_kill(round * 1777 % 15'000, [&](const auto& say) {
            auto quarantine = must_open(folder.path());
            for (std::uint32_t n = next; n < kItems; ++n) {
                if (!quarantine->remove(example_item(n).id, {{}, "admin", "deleted", ""})) ::_exit(2);
                say(std::to_string(n) + "\n");
            }
        });
        const auto lines = store::lines_of(said);
        if (!lines.empty()) next = static_cast<std::uint32_t>(std::stoul(lines.back())) + 1;
    }
    auto quarantine = must_open(folder.path());
    for (std::uint32_t n = 0; n < next; ++n) {
        EXPECT_EQ(read_item(*quarantine, example_item(n).id).error().fault, Fault::not_found);
        EXPECT_FALSE(
            std::filesystem::exists(folder / "items/quarantine/" + example_item(n).id.to_file_name()));
    }
    for (std::uint32_t n = next + 1; n < kItems; ++n)
        EXPECT_TRUE(read_item(*quarantine, example_item(n).id)) << n;
}

TEST(QuarantineCrash, AFullDiskLeavesNothingHalf) {
    const auto disk = store::SmallDisk::mount(2048);
    if (!disk) GTEST_SKIP() << "needs the right to mount";
    auto quarantine = must_open(disk->path());
    ASSERT_TRUE(quarantine->put(example_item(0), "x"));
    disk->fill(300'000);
    EXPECT_EQ(quarantine->put(example_item(1), std::string(1'000'000, 'y')).error().fault,
              Fault::unavailable);
    EXPECT_TRUE(quarantine->put(example_item(2), std::string(50'000, 'z'))) << "what fits is still taken";
    std::uint32_t n = 3;
    while (quarantine->put(example_item(n), std::string(3000, 'w'))) ++n;
    disk->free();
    EXPECT_TRUE(quarantine->put(example_item(n), std::string(3000, 'w'))) << "the same id once there is room";
    EXPECT_TRUE(quarantine->put(example_item(1), std::string(1'000'000, 'y')));
    const auto items = quarantine->list({.limit = 1000}).value();
    EXPECT_EQ(items.size(), n + 1);
    for (const auto& item : items) EXPECT_FALSE(item.damaged);
    quarantine.reset();
    EXPECT_EQ(must_open(disk->path())->orphans_removed(), 0U);
}

TEST(QuarantineCrash, ManyThreadsPutAndRead) {
    const store::TemporaryFolder folder;
    auto quarantine = must_open(folder.path());
    constexpr std::uint32_t kThreads = 4;
    constexpr std::uint32_t kEach = 25;
    {
        std::vector<std::jthread> threads;
        threads.reserve(kThreads);
        for (std::uint32_t t = 0; t < kThreads; ++t) {
            threads.emplace_back([&, t] {
                for (std::uint32_t n = t * kEach; n < (t + 1) * kEach; ++n) {
                    EXPECT_TRUE(quarantine->put(example_item(n), message_of(n)));
                    EXPECT_EQ(read_item(*quarantine, example_item(n).id).value(), message_of(n));
                    if (n % 3 == 0) {
                        EXPECT_TRUE(quarantine->remove(example_item(n).id, {}));
                    }
                }
            });
        }
    }
    EXPECT_EQ(quarantine->list({.limit = 1000}).value().size(), 66U);
}

}  // namespace
}  // namespace gatehouse::act::quarantine
