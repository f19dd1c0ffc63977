// Death, failure and stalls at the named points (base/fault_point.h). Every point must really be reached.
#include <fmt/format.h>

#include <thread>

#include "base/fault_point.h"
#include "faults/rows.h"

namespace gatehouse::faults {

using namespace std::chrono_literals;

namespace {

constexpr int kStallSeconds = 3;
constexpr std::array kStalled{"queue.before_commit", "front.before_journal", "front.before_item",
                              "front.after_item_file", "loader.before_commit"};

bool arm(World& world, const std::string& point, std::chrono::milliseconds passings,
         const std::string& action) {
    const auto done = world.gateway().command({"fault", point, std::to_string(passings.count()), action});
    if (done.exit_code != 0) world.fail("could not be armed: " + done.err);
    return done.exit_code == 0;
}

Row die_at(const std::string& point) {
    World world("point." + point, {});
    if (!world.start()) return world.finish();
    const auto pids = world.processes_named("gatehouse-front");
    const int most = point.starts_with("loader") ? 2 : 10;
    if (pids.size() != 1) world.fail("there is no front");
    const auto alive = Steady::now();
    if (!world.row().failed.empty() || !arm(world, point, world.some_time(1, most), "kill"))
        return world.finish();
    if (!world.wait_for_death(pids[0], alive, 15s)) {
        world.fail("the point was not reached");
        return world.finish();
    }
    world.recover(Steady::now());
    std::this_thread::sleep_for(200ms);
    return world.finish();
}

/// Each point fails several times while mail passes; then everything dies and starts, so that nothing that
/// was refused comes back from a disk.
Row fail_at_all() {
    World world("error.all_points", {});
    if (!world.start()) return world.finish();
    for (int round = 0; round < 2; ++round) {
        for (const auto point : base::kFaultPointNames) {
            if (!arm(world, std::string(point), world.some_time(1, 3), "error")) return world.finish();
            std::this_thread::sleep_for(world.some_time(10, 60));
        }
    }
    std::this_thread::sleep_for(500ms);
    if (world.recover(Steady::now())) world.kill_all_and_start();
    world.row().random_kills = 0;
    return world.finish();
}

Row stall_at(const std::string& point) {
    World world("stall." + point, {});
    if (!world.start()) return world.finish();
    if (!arm(world, point, 1ms, fmt::format("stall:{}", kStallSeconds))) return world.finish();
    const auto begun = Steady::now();
    std::this_thread::sleep_until(begun + std::chrono::seconds(kStallSeconds));
    world.recover(begun + std::chrono::seconds(kStallSeconds));
    return world.finish();
}

}  // namespace

std::vector<Spec> point_rows() {
    std::vector<Spec> rows;
    for (const auto name : base::kFaultPointNames) {
        const std::string point(name);
        rows.push_back(
            {"point." + point, "the front dies at " + point, [point](int) { return die_at(point); }});
    }
    rows.push_back({"error.all_points", "every point fails in turn, then all die and start",
                    [](int) { return fail_at_all(); }});
    for (const std::string point : kStalled) {
        rows.push_back({"stall." + point, fmt::format("{} s without progress at {}", kStallSeconds, point),
                        [point](int) { return stall_at(point); }});
    }
    return rows;
}

}  // namespace gatehouse::faults
