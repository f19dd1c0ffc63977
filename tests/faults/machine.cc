// What the machine under a gateway can do to it: no disk space, no descriptors, no memory, another time.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "faults/rows.h"
#include "faults/tmpfs.h"
#include "support/gateway/smtp_talk.h"

namespace gatehouse::faults {

using namespace std::chrono_literals;

namespace {

constexpr int kTenDays = 10 * 24 * 3600;
constexpr std::uint64_t kDisk = 64U << 20;
constexpr int kFewFiles = 200;

std::chrono::milliseconds fault_time(int seconds) {
    return std::clamp<std::chrono::milliseconds>(seconds * 300ms, 1s, 5s);
}

/// The file system of the state folder has no byte left, or less than queue.reserve.
Row full_disk(const std::string& name, std::uint64_t reserve, int seconds) {
    WorldPlan plan;
    plan.tables = fmt::format("[queue]\nreserve = {}\n", reserve);
    World world(name, plan);
    const auto disk = SmallDisk::mount(world.gateway().state(), kDisk);
    if (!disk) {
        world.row().skipped = disk.error().sentence;
        return world.finish();
    }
    if (world.start()) {
        (*disk)->fill();
        std::this_thread::sleep_for(fault_time(seconds));
        (*disk)->free();
        world.recover(Steady::now());
        std::this_thread::sleep_for(500ms);
    }
    auto row = world.finish();
    if (row.failed.empty() && row.judged.answers[static_cast<std::size_t>(Answer::later)] == 0)
        row.failed = "no client was put off: the disk was not full";
    world.gateway().stop();  // before its disk goes
    return row;
}

/// The programs, with a front that may open few files: a limit that was lowered stays low.
void make_poor_front(const std::string& folder) {
    namespace fs = std::filesystem;
    for (const std::string name : {"gatehouse", "gatehouse-admin", "gatehouse-inspector"})
        fs::copy_file(testing::program_folder() + "/" + name, folder + "/" + name);
    const std::string front = folder + "/gatehouse-front";
    std::ofstream(front) << fmt::format("#!/bin/sh\nulimit -n {}\nexec {}/gatehouse-front \"$@\"\n",
                                        kFewFiles, testing::program_folder());
    fs::permissions(front, fs::perms::owner_all | fs::perms::group_exec | fs::perms::group_read |
                               fs::perms::others_exec | fs::perms::others_read);
}

std::size_t open_files(pid_t pid) {
    std::error_code error;
    const std::filesystem::directory_iterator files(fmt::format("/proc/{}/fd", pid), error);
    return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

/// Idle clients take all files that the front may open.
Row no_descriptors(int seconds) {
    const testing::TemporaryFolder programs;
    make_poor_front(programs.path());
    WorldPlan plan;
    plan.programs = programs.path();
    plan.load.senders = 6;
    World world("descriptors", plan);
    if (!world.start()) return world.finish();
    const auto fronts = world.processes_named("gatehouse-front");
    std::vector<std::unique_ptr<testing::SmtpTalk>> idle;
    for (int i = 0; i < kFewFiles; ++i)
        idle.push_back(std::make_unique<testing::SmtpTalk>(world.gateway().smtp_port(), 1));
    const auto until = Steady::now() + fault_time(seconds);
    std::size_t open = 0;  // at most; it changes with every client that comes and goes
    while (Steady::now() < until) {
        if (fronts.size() == 1) open = std::max(open, open_files(fronts[0]));
        std::this_thread::sleep_for(5ms);
    }
    idle.clear();
    world.recover(Steady::now());
    if (open + 1 < kFewFiles) world.fail(fmt::format("only {} of {} files were open", open, kFewFiles));
    if (world.processes_named("gatehouse-front") != fronts) world.fail("the front did not survive it");
    return world.finish();
}

/// More mail at once than limits.memory holds.
Row no_memory(int seconds) {
    constexpr std::size_t kLarge = 400'000;
    WorldPlan plan;
    plan.tables = "[limits]\nmemory = 2097152\n";
    plan.load.senders = 8;
    World world("memory", plan);
    if (!world.start()) return world.finish();
    world.load().set_size(kLarge);
    std::this_thread::sleep_for(std::min<std::chrono::milliseconds>(fault_time(seconds), 2s));
    world.load().set_size(plan.load.size);
    world.recover(Steady::now());
    auto row = world.finish();
    if (row.failed.empty() && row.judged.answers[static_cast<std::size_t>(Answer::later)] == 0)
        row.failed = "no client was put off: the memory was enough";
    return row;
}

Row move_clock(const std::string& name, int step) {
    World world(name, {});
    if (!world.start()) return world.finish();
    // Some mail waits while the time changes.
    world.script_inner("CONNECT = cut\nMAIL = 450 4.3.2 not now");
    std::this_thread::sleep_for(300ms);
    const auto moved = world.gateway().command({"clock", std::to_string(step)});
    if (moved.exit_code != 0) world.fail("the clock could not be moved: " + moved.err);
    std::this_thread::sleep_for(300ms);
    world.script_inner("");
    world.recover(Steady::now());
    std::this_thread::sleep_for(500ms);
    return world.finish();
}

}  // namespace

std::vector<Spec> machine_rows() {
    return {
        {"disk.full", "no byte is left on the disk, then there is room again",
         [](int seconds) { return full_disk("disk.full", 0, seconds); }},
        {"disk.reserve", "the reserve of the disk is used up, then there is room again",
         [](int seconds) { return full_disk("disk.reserve", kDisk / 4, seconds); }},
        {"descriptors", "the front can open no more files", no_descriptors},
        {"memory", "limits.memory is used up by large messages", no_memory},
        {"clock.forward", "the wall clock jumps ten days ahead",
         [](int) { return move_clock("clock.forward", kTenDays); }},
        {"clock.backward", "the wall clock jumps ten days back",
         [](int) { return move_clock("clock.backward", -kTenDays); }},
    };
}

}  // namespace gatehouse::faults
