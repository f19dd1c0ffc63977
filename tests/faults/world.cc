#include "faults/world.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <thread>

namespace gatehouse::faults {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using test::Sink;
using test::SinkMessage;
using test::SinkOptions;
using testing::GatewayPlan;

namespace {

constexpr auto kRecoverWithin = 30s;
constexpr auto kSettleWithin = 20s;
/// Who is killed closes its connections first, and its memory takes its time to go.
constexpr auto kDying = 500ms;
constexpr std::size_t kWarmUp = 20;  // messages before the fault

constexpr const char* kPolicy =
    "[[rule]]\nname = \"kept\"\nroute = { recipients = [\"held@gw.test\"] }\nwhen = \"always\"\nthen = "
    "\"quarantine\"\n";

/// 'R', 'S', 'Z' ... of /proc/PID/stat; 0 = there is no such process.
char state_of(pid_t pid) {
    std::ifstream file(fmt::format("/proc/{}/stat", pid));
    std::string text;
    std::getline(file, text);
    const auto end = text.rfind(')');
    return end == std::string::npos || end + 2 >= text.size() ? '\0' : text[end + 2];
}

bool is_alive(pid_t pid) {
    const char state = state_of(pid);
    return state != '\0' && state != 'Z' && state != 'X';
}

std::optional<Place> place_of(std::string_view address) {
    if (address == kInnerRecipient) return Place::inner;
    if (address == kOuterRecipient) return Place::outer;
    if (address == kHeldRecipient) return Place::quarantine;
    return std::nullopt;
}

}  // namespace

SinkOptions World::noting(Place hop) {
    SinkOptions options;
    options.keep = false;
    options.on_message = [this, hop](const SinkMessage& message) {
        const auto name = find_name(message.raw);
        if (name && message.code / 100 == 2) ledger_.arrived(hop, *name);
    };
    return options;
}

/// A sender who was told that his message did not arrive has not lost it.
SinkOptions World::noting_notices() {
    SinkOptions options;
    options.keep = false;
    options.on_message = [this](const SinkMessage& message) {
        const auto name = find_name(message.raw);
        if (!name || !message.raw.contains("\r\nAction: failed\r\n")) return;
        for (const auto* address : {kInnerRecipient, kOuterRecipient}) {
            if (!message.raw.contains(fmt::format("\r\nFinal-Recipient: rfc822; {}\r\n", address))) continue;
            ledger_.kept(*place_of(address), *name);
            ++returned_;
        }
    };
    return options;
}

GatewayPlan World::gateway_plan(const WorldPlan& plan, const Sink& inner, const Sink& outer,
                                const Sink& notices) {
    GatewayPlan out;
    out.next_hops = {notices.endpoint().to_string()};
    out.gatehouse = fmt::format(
        "[[next_hop]]\ndomain = \"gw.test\"\naddress = \"{}\"\n\n[[next_hop]]\ndomain = "
        "\"example.com\"\naddress = "
        "\"{}\"\n\n[delivery]\ndown_time = 0\nwarn_hours = 0\nretry = [\"1 s\"]\n{}\n\n{}\n",
        inner.endpoint().to_string(), outer.endpoint().to_string(), plan.delivery, plan.tables);
    out.policy = kPolicy;
    out.programs = plan.programs;
    if (plan.with_engine) out.clamd = "managed";
    return out;
}

World::World(std::string fault, const WorldPlan& plan)
    : row_{.fault = std::move(fault)},
      inner_(Sink::start(noting(Place::inner)).value()),
      outer_(Sink::start(noting(Place::outer)).value()),
      notices_(Sink::start(noting_notices()).value()),
      load_plan_(plan.load),
      gateway_(gateway_plan(plan, *inner_, *outer_, *notices_)),
      random_(std::random_device{}()) {}

World::~World() {
    load_.reset();
}

bool World::start() {
    if (!gateway_.start()) {
        fail("the gateway did not start: " + gateway_.why());
        return false;
    }
    port_ = gateway_.smtp_port();
    load_ = std::make_unique<Load>(load_plan_, [this] { return port_.load(); }, ledger_);
    const auto by = Steady::now() + kRecoverWithin;
    while (ledger_.accepted() < kWarmUp) {
        if (Steady::now() > by) {
            fail("no mail passed before the fault");
            return false;
        }
        std::this_thread::sleep_for(5ms);
    }
    return true;
}

void World::script_inner(const std::string& rules) {
    test::Script script;
    if (!script.add_lines(rules)) fail("the sink does not understand: " + rules);
    inner_->set_script(std::move(script));
}

std::vector<pid_t> World::processes_named(const std::string& name) const {
    constexpr std::size_t kLongest = 15;
    std::vector<pid_t> out;
    for (const pid_t pid : gateway_.processes()) {
        std::ifstream file(fmt::format("/proc/{}/comm", pid));
        std::string comm;
        std::getline(file, comm);
        if (comm == name.substr(0, kLongest) && is_alive(pid)) out.push_back(pid);
    }
    return out;
}

bool World::kill(pid_t pid, bool takes_mail) {
    const auto from = Steady::now();
    if (pid <= 1 || ::kill(pid, SIGKILL) != 0) return false;
    ++row_.random_kills;
    while (is_alive(pid) && Steady::now() < from + 5s) std::this_thread::sleep_for(1ms);
    if (takes_mail) ledger_.died({from, Steady::now()});
    return true;
}

bool World::wait_for_death(pid_t front, Time alive, milliseconds at_most) {
    const auto by = Steady::now() + at_most;
    const auto begun = alive;
    while (Steady::now() < by) {
        const auto now = Steady::now();
        if (!is_alive(front)) {
            ledger_.died({std::max(begun, alive - kDying), now});
            return true;
        }
        alive = now;
        std::this_thread::sleep_for(1ms);
    }
    return false;
}

bool World::kill_all_and_start() {
    const auto from = Steady::now();
    gateway_.kill_all();
    ++row_.random_kills;
    const auto dead = Steady::now();
    ledger_.died({from, dead});
    if (!gateway_.start()) {
        fail("did not start again: " + gateway_.why());
        return false;
    }
    port_ = gateway_.smtp_port();
    return recover(dead);
}

bool World::recover(Time end) {
    const auto by = Steady::now() + kRecoverWithin;
    while (Steady::now() < by) {
        if (const auto after = ledger_.recovered(end); after) {
            row_.recovery = std::max(row_.recovery.value_or(0ms), *after);
            return true;
        }
        std::this_thread::sleep_for(5ms);
    }
    fail("no message was accepted after the fault");
    return false;
}

milliseconds World::some_time(int least_ms, int most_ms) {
    return milliseconds(std::uniform_int_distribution<int>(least_ms, most_ms)(random_));
}

void World::fail(std::string sentence) {
    if (row_.failed.empty()) row_.failed = std::move(sentence);
}

/// Until nothing waits any more, or it is clear that something does.
void World::settle() {
    const auto by = Steady::now() + kSettleWithin;
    while (Steady::now() < by) {
        const auto listed = gateway_.command({"queue", "list", "--json", "--limit", "1"});
        if (listed.exit_code <= 1 && !listed.out.contains("\"id\"")) return;
        gateway_.command({"queue", "flush"});
        std::this_thread::sleep_for(200ms);
    }
}

/// Who waits first, who arrived last: what moves meanwhile is seen at its end.
void World::count_kept() {
    std::size_t waiting = 0;
    for (const auto& item : gateway_.rows({"queue", "list", "--limit", "1000000"})) {
        const auto name = find_name(item.at("message_id").as_string());
        const auto& notice = item.at("notice");
        if (!name || (notice.is_bool() && notice.get_bool())) continue;
        ++waiting;
        for (const auto& to : item.at("to").as_array()) {
            const auto place = place_of(to.as_string());
            if (place) ledger_.kept(*place, *name);
        }
    }
    if (waiting > 0)
        row_.note += fmt::format("{}{} in the queue at the end", row_.note.empty() ? "" : "; ", waiting);
    for (const auto& item : gateway_.rows({"quarantine", "list", "--limit", "10000"})) {
        const auto name = find_name(item.at("message_id").as_string());
        if (!name) continue;
        const auto& damaged = item.at("damaged");
        if (damaged.is_bool() && damaged.get_bool()) continue;
        ledger_.kept(Place::quarantine, *name);
    }
}

Row World::finish() {
    if (load_) load_->stop();
    if (row_.failed.empty() || gateway_.supervisor() > 0) {
        settle();
        count_kept();
    }
    if (returned_ > 0)
        row_.note +=
            fmt::format("{}{} returned to the sender", row_.note.empty() ? "" : "; ", returned_.load());
    row_.judged = judge(ledger_.seen());
    return std::move(row_);
}

}  // namespace gatehouse::faults
