// A next hop that refuses, stalls, cuts and lies, at each stage of its SMTP, and is well again afterwards.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <thread>

#include "faults/rows.h"

namespace gatehouse::faults {

using namespace std::chrono_literals;

namespace {

struct Deed {
    const char* name;
    const char* about;
    const char* action;
};
constexpr std::array kDeeds{
    Deed{"later", "answers 4xx", "450 4.3.2 not now"},
    Deed{"refuse", "answers 5xx", "550 5.3.0 no"},
    Deed{"stall", "says nothing any more", "stall"},
    Deed{"cut", "closes the connection", "cut"},
    Deed{"garbage", "sends noise", "garbage then cut"},
    Deed{"lie", "answers what does not belong there", nullptr},
};

struct Stage {
    const char* name;
    const char* rule;  ///< as script.h has it
    const char* lie;
    bool is_of_connections = false;  ///< only a new connection comes there
};
constexpr std::array kStages{
    Stage{"connect", "CONNECT", "354 go on", true},
    Stage{"ehlo", "EHLO", "354 go on", true},
    Stage{"mail", "MAIL", "354 go on"},
    Stage{"rcpt", "RCPT", "354 go on"},
    Stage{"data", "DATA", "250 2.0.0 taken"},
    Stage{"body", "BODY 100", "354 go on then cut"},
    Stage{"dot", "DOT", "354 go on"},
};

/// A reply within the content is one to the dot for whoever reads it, so nobody takes the content after it.
std::string rules_for(const Stage& stage, const Deed& deed) {
    std::string action = deed.action == nullptr ? stage.lie : deed.action;
    const std::string name = stage.name;
    if (name == "body" && (action[0] == '4' || action[0] == '5')) action += " then cut";
    std::string rules = fmt::format("{} = {}\n", stage.rule, action);
    if (name == "ehlo") rules += fmt::format("HELO = {}\n", action);
    return rules;
}

Row misbehave(const Stage& stage, const Deed& deed, int seconds) {
    WorldPlan plan;
    plan.delivery =
        "connect_timeout = 1\ncommand_timeout = 1\ndata_timeout = 1\nfinal_timeout = 2\n"
        "queued_final_timeout = 2\nwait_for_connection = 1";
    World world(fmt::format("hop.{}.{}", deed.name, stage.name), plan);
    if (!world.start()) return world.finish();
    const auto before = world.connections_to_inner();
    world.script_inner(rules_for(stage, deed));
    std::this_thread::sleep_for(std::clamp<std::chrono::milliseconds>(seconds * 200ms, 800ms, 2s));
    const auto by = Steady::now() + 10s;
    while (stage.is_of_connections && world.connections_to_inner() == before && Steady::now() < by)
        std::this_thread::sleep_for(10ms);
    const auto connections = world.connections_to_inner();
    world.script_inner("");
    world.recover(Steady::now());
    if (stage.is_of_connections && connections == before) world.fail("no connection was made meanwhile");
    return world.finish();
}

}  // namespace

std::vector<Spec> hop_rows() {
    std::vector<Spec> rows;
    for (const auto& deed : kDeeds) {
        for (const auto& stage : kStages) {
            rows.push_back({fmt::format("hop.{}.{}", deed.name, stage.name),
                            fmt::format("the next hop {} at {}", deed.about, stage.name),
                            [&deed, &stage](int seconds) { return misbehave(stage, deed, seconds); }});
        }
    }
    return rows;
}

}  // namespace gatehouse::faults
