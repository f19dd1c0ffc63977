// SIGKILL at random instants: one role at a time, and all at once.
#include <fmt/format.h>

#include <filesystem>
#include <thread>

#include "faults/rows.h"

namespace gatehouse::faults {

using namespace std::chrono_literals;

namespace {

constexpr int kLeastKills = 3;
/// The supervisor waits ever longer for what dies soon after its start; a whole new one begins anew.
constexpr int kKillsOfOneSupervisor = 4;

int kills_in(int seconds) {
    return std::max(kLeastKills, seconds + seconds / 2);
}

WorldPlan plan_for(const std::string& role) {
    WorldPlan plan;
    plan.with_engine = role == "clamd";
    return plan;
}

/// Any process of the role; of the inspectors the one or the other.
bool kill_one(World& world, const std::string& process) {
    const auto by = Steady::now() + 30s;
    auto pids = world.processes_named(process);
    while (pids.empty() && Steady::now() < by) {
        std::this_thread::sleep_for(10ms);
        pids = world.processes_named(process);
    }
    if (pids.empty()) {
        world.fail("there was no " + process + " to kill");
        return false;
    }
    const auto which =
        static_cast<std::size_t>(world.some_time(0, static_cast<int>(pids.size()) - 1).count());
    world.kill(pids[which], process == "gatehouse-front");
    return world.recover(Steady::now());
}

Row kill_role(const std::string& role, int seconds) {
    World world("kill." + role, plan_for(role));
    if (!world.start()) return world.finish();
    if (role == "clamd" && !world.gateway().wait_engine(30)) world.fail("the engine did not start");
    const std::string process = role == "clamd" ? role : "gatehouse-" + role;
    const int wanted = kills_in(seconds);
    for (int i = 0; i < wanted && world.row().failed.empty(); ++i) {
        std::this_thread::sleep_for(world.some_time(20, 400));
        if (i % (kKillsOfOneSupervisor + 1) == kKillsOfOneSupervisor)
            world.kill_all_and_start();
        else
            kill_one(world, process);
    }
    return world.finish();
}

Row kill_everything(int seconds) {
    World world("kill.all", {});
    if (!world.start()) return world.finish();
    const int wanted = kills_in(seconds);
    for (int i = 0; i < wanted && world.row().failed.empty(); ++i) {
        std::this_thread::sleep_for(world.some_time(20, 400));
        world.kill_all_and_start();
    }
    return world.finish();
}

Row without_engine() {
    Row row{.fault = "kill.clamd"};
    row.skipped = "clamd is not installed (apt install clamav-daemon)";
    return row;
}

}  // namespace

bool has_engine() {
    return std::filesystem::exists("/usr/sbin/clamd");
}

std::vector<Spec> kill_rows() {
    std::vector<Spec> rows;
    for (const std::string role : {"front", "inspector", "admin", "clamd"}) {
        rows.push_back({"kill." + role, "SIGKILL of " + role + " at random instants", [role](int seconds) {
                            if (role == "clamd" && !has_engine()) return without_engine();
                            return kill_role(role, seconds);
                        }});
    }
    rows.push_back({"kill.all", "SIGKILL of every process at once, and a new start", kill_everything});
    return rows;
}

}  // namespace gatehouse::faults
