#include "apps/gatehouse/own_gateway.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <thread>

#include "apps/common/config.h"
#include "apps/common/control_client.h"
#include "apps/gatehouse/child.h"
#include "apps/gatehouse/print.h"
#include "base/fd.h"
#include "base/text.h"

namespace gatehouse::apps {

namespace json = boost::json;
using base::Fault;
using base::Result;

namespace {

constexpr auto kStartTime =
    std::chrono::seconds(120);  // a full database of clamd takes half a minute to load
constexpr auto kPause = std::chrono::milliseconds(50);
constexpr unsigned kFileMode = 0644;

std::string configuration(const GatewayPlan& plan) {
    return fmt::format(
        "[smtp]\nlisten = [\"127.0.0.1:0\"]\nhostname = \"gateway.example\"\nrelay_domains = "
        "[\"example.com\"]\n\n[admin]\nlisten = \"off\"\n\n[paths]\nstate = \"state\"\n\n[store]\nurl = "
        "\"sqlite:state/gatehouse.db\"\n\n[antivirus]\nclamd = \"{}\"\n\n[delivery]\ncut_through = "
        "{}\n\n[[next_hop]]\ndomain = \"*\"\naddress = \"{}\"\n",
        plan.clamd ? "managed" : "off", plan.cut_through, plan.next_hop.to_string());
}

std::optional<json::object> row_of(const Config& config, const std::string& role) {
    pb::ControlRequest request;
    request.mutable_status();
    json::object row;
    const auto end =
        ask_role(config, role, request, {[&](std::string_view text) { row = parse_row(text); }, {}});
    if (!end || end->exit_class() != 0) return std::nullopt;
    return row;
}

const json::value* find(const json::object& row, std::string_view key) {
    return row.if_contains(key);
}

bool engine_is_up(const json::object& front) {
    const auto* engine = find(front, "engine");
    if (engine == nullptr || !engine->is_object()) return false;
    const auto* condition = find(engine->get_object(), "condition");
    return condition != nullptr && cell(*condition) == "up";
}

/// Where it takes mail, as soon as it does.
std::optional<base::Endpoint> ready_at(const Config& config, const GatewayPlan& plan) {
    const auto supervisor = row_of(config, "gatehouse");
    if (!supervisor) return std::nullopt;
    const auto front = row_of(config, "front");
    const auto* ready = front ? find(*front, "ready") : nullptr;
    if (ready == nullptr || !ready->is_bool() || !ready->get_bool()) return std::nullopt;
    if (plan.clamd && !engine_is_up(*front)) return std::nullopt;
    const auto* listen = find(*supervisor, "listen");
    if (listen == nullptr || !listen->is_array() || listen->get_array().empty()) return std::nullopt;
    const auto endpoint = base::Endpoint::parse(cell(listen->get_array().front()));
    return endpoint ? std::optional(*endpoint) : std::nullopt;
}

/// The last line that it wrote.
std::string last_word(const std::string& log) {
    constexpr std::size_t kMost = 1 << 20;
    const auto text = base::read_file(log, kMost);
    if (!text) return "";
    const auto lines = base::split(base::trim(*text), '\n');
    return base::printable(lines.back(), 300);
}

}  // namespace

Result<OwnGateway> OwnGateway::start(const GatewayPlan& plan) {
    const std::string file = plan.folder + "/gatehouse.toml";
    const std::string log = plan.folder + "/log";
    GATEHOUSE_CHECK(base::replace_file(file, configuration(plan), kFileMode));
    GATEHOUSE_TRY(const auto config, load_places(file));
    GATEHOUSE_TRY(const auto program, program_beside("gatehouse"));
    GATEHOUSE_TRY(auto process, Process::start({program, "run", "--config", file}, log));
    const auto by = std::chrono::steady_clock::now() + kStartTime;
    while (std::chrono::steady_clock::now() < by && process.is_running()) {
        if (const auto endpoint = ready_at(config, plan)) return OwnGateway(std::move(process), *endpoint);
        std::this_thread::sleep_for(kPause);
    }
    return base::fail(Fault::unavailable, "the gateway of the bench did not become ready: {}",
                      last_word(log));
}

}  // namespace gatehouse::apps
