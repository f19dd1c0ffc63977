#include "apps/gatehouse/status_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "apps/gatehouse/print.h"
#include "base/text.h"
#include "base/time.h"

namespace gatehouse::apps {

namespace json = boost::json;

namespace {

constexpr double kMebibyte = 1024.0 * 1024;

const json::object& row_of(const StatusView& view, std::string_view role) {
    static const json::object kNone;
    const auto at = std::find_if(view.rows.begin(), view.rows.end(), [&](const json::object& row) {
        const auto* name = row.if_contains("role");
        return name != nullptr && name->is_string() && std::string_view(name->get_string()) == role;
    });
    return at == view.rows.end() ? kNone : *at;
}

std::string text(const json::object& row, std::string_view key) {
    const auto* value = row.if_contains(key);
    return value == nullptr ? "" : base::printable(cell(*value), 1000);
}

bool is(const json::object& row, std::string_view key, bool wanted) {
    const auto* value = row.if_contains(key);
    return value != nullptr && value->is_bool() && value->get_bool() == wanted;
}

std::uint64_t number(const json::object& row, std::string_view key) {
    const auto* value = row.if_contains(key);
    boost::system::error_code error;
    const auto out = value == nullptr ? 0 : value->to_number<std::uint64_t>(error);
    return error ? 0 : out;
}

const json::object& part(const json::object& row, std::string_view key) {
    static const json::object kNone;
    const auto* value = row.if_contains(key);
    return value != nullptr && value->is_object() ? value->get_object() : kNone;
}

/// The objects of a list.
std::vector<json::object> list(const json::object& row, std::string_view key) {
    std::vector<json::object> out;
    const auto* value = row.if_contains(key);
    if (value == nullptr || !value->is_array()) return out;
    for (const auto& member : value->get_array()) {
        if (member.is_object()) out.push_back(member.get_object());
    }
    return out;
}

std::vector<std::string> words(const json::object& row, std::string_view key) {
    std::vector<std::string> out;
    const auto* value = row.if_contains(key);
    if (value == nullptr || !value->is_array()) return out;
    for (const auto& member : value->get_array()) out.push_back(base::printable(cell(member), 1000));
    return out;
}

std::string with(std::string_view before, const std::string& what, std::string_view after = "") {
    return what.empty() ? "" : fmt::format("{}{}{}", before, what, after);
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::optional<std::int64_t> days_since(const std::string& time, base::WallTime now) {
    const auto parsed = base::parse_rfc3339(time);
    if (!parsed) return std::nullopt;
    return std::chrono::floor<std::chrono::days>(now - *parsed).count();
}

bool is_managed(const json::object& engine) {
    return text(engine, "clamd") == "managed";
}

void add_role_problems(const StatusView& view, std::vector<std::string>& out) {
    const auto& supervisor = row_of(view, "supervisor");
    if (is(supervisor, "stopping", true)) out.emplace_back("the gateway is being stopped");
    for (const auto& role : list(supervisor, "roles")) {
        const std::string problem = text(role, "problem");
        if (is(role, "ready", false)) {
            out.push_back(fmt::format("{} is not ready{}", text(role, "name"), with(": ", problem)));
        } else if (!problem.empty()) {
            out.push_back(fmt::format("{}: {}", text(role, "name"), problem));
        }
    }
    for (const auto& row : view.rows) {
        if (const auto error = text(row, "error"); !error.empty())
            out.push_back(fmt::format("{} does not answer: {}", text(row, "role"), error));
    }
    const auto& front = row_of(view, "front");
    if (is(front, "ready", false) && text(front, "error").empty())
        out.emplace_back("the front takes no mail now: its inspectors are not ready, or it is being drained");
}

void add_engine_problems(const StatusView& view, std::vector<std::string>& out) {
    constexpr std::int64_t kOldDays = 3;
    const auto& keeper = part(row_of(view, "supervisor"), "engine");
    const auto& engine = part(row_of(view, "front"), "engine");
    if (const auto own = text(keeper, "problem"); !own.empty()) out.push_back("malware engine: " + own);
    const std::string condition = text(engine, "condition");
    if (!condition.empty() && condition != "up")
        out.push_back(
            fmt::format("the malware engine is {}{}", condition, with(": ", text(engine, "reason"))));
    const std::string problem = text(keeper, "database_problem");
    if (!problem.empty()) out.push_back(problem);
    if (problem.empty() && is_managed(keeper) && keeper.contains("pid") &&
        number(keeper, "database_files") == 0)
        out.emplace_back("the malware engine has no virus database and knows the EICAR test file only");
    const auto age = days_since(text(keeper, "database_built"), view.now);
    if (age && *age > kOldDays) out.push_back(fmt::format("the virus databases are {} days old", *age));
    for (const auto& missing : words(keeper, "confinement_missing"))
        out.push_back("confinement of the malware engine: " + missing);
}

void add_other_problems(const StatusView& view, std::vector<std::string>& out) {
    constexpr std::uint64_t kLeast = 512ULL << 20;
    const auto& front = row_of(view, "front");
    for (const auto& hop : list(front, "next_hops")) {
        if (is(hop, "down", true)) {
            out.push_back(fmt::format("next hop {} ({}) cannot be reached{}", text(hop, "domain"),
                                      text(hop, "address"), with(": ", text(hop, "reason"))));
        }
    }
    for (const auto& step : list(front, "sandbox")) {
        if (is(step, "applied", false))
            out.push_back(fmt::format("sandbox: {} is missing{}", text(step, "step"),
                                      with(" (", text(step, "note"), ")")));
    }
    for (const auto& note : words(row_of(view, "supervisor"), "notes")) {
        // Told above from what the engine has now.
        if (!note.contains("EICAR")) out.push_back(note);
    }
    if (view.disk && (view.disk->free < kLeast || view.disk->free < view.disk->total / 20)) {
        out.push_back(fmt::format("the disk of the state folder is nearly full: {:.0f} MiB free",
                                  static_cast<double>(view.disk->free) / kMebibyte));
    }
}

std::string up_time(std::uint64_t seconds) {
    if (seconds < 120) return fmt::format("{} s", seconds);
    if (seconds < 7200) return fmt::format("{} min", seconds / 60);
    if (seconds < 172'800) return fmt::format("{} h", seconds / 3600);
    return fmt::format("{} days", seconds / 86'400);
}

void write_roles(std::string& out, const StatusView& view) {
    const auto& supervisor = row_of(view, "supervisor");
    out += fmt::format("roles      supervisor (pid {})", text(supervisor, "pid"));
    for (const auto& role : list(supervisor, "roles")) {
        const auto restarts = number(role, "restarts");
        const std::string pid = text(role, "pid");
        out += fmt::format(", {} ({}{}{})", text(role, "name"), pid.empty() ? "down" : "pid " + pid,
                           is(role, "ready", true) ? "" : ", not ready",
                           restarts == 0 ? "" : ", " + counted(restarts, "restart", "restarts"));
    }
    out += "\n";
}

void write_engine(std::string& out, const StatusView& view) {
    const auto& keeper = part(row_of(view, "supervisor"), "engine");
    const auto& engine = part(row_of(view, "front"), "engine");
    out += fmt::format("engine     clamd {}{}{}\n", text(keeper, "clamd"),
                       with(", ", text(engine, "condition")), with(", ", text(engine, "version")));
    if (!keeper.contains("database_files")) return;
    const std::string built = text(keeper, "database_built");
    const auto age = days_since(built, view.now);
    out += fmt::format(
        "           {}, {}{}{}{}\n", counted(number(keeper, "database_files"), "database", "databases"),
        counted(number(keeper, "signatures"), "signature", "signatures"), with(", built ", built),
        age ? fmt::format(" ({} days old)", *age) : "", with(", generation ", text(engine, "generation")));
}

void write_mail(std::string& out, const StatusView& view) {
    const auto& front = row_of(view, "front");
    if (!front.contains("sessions")) return;
    out += fmt::format("mail       {}, {}, {} since the start\n",
                       counted(number(front, "sessions"), "open session", "open sessions"),
                       counted(number(front, "messages"), "message", "messages"),
                       counted(number(front, "refusals"), "refusal", "refusals"));
    out += fmt::format("memory     {:.1f} of {:.0f} MiB in flight\n",
                       static_cast<double>(number(front, "memory_in_flight")) / kMebibyte,
                       static_cast<double>(number(front, "memory_limit")) / kMebibyte);
    out += fmt::format("inspectors {} started, {} crashed\n", number(front, "inspectors_started"),
                       number(front, "inspectors_crashed"));
}

void write_queue(std::string& out, const StatusView& view) {
    std::string lanes;
    for (const auto& lane : list(row_of(view, "front"), "queue")) {
        lanes += fmt::format("{}{}: {} waiting", lanes.empty() ? "" : "; ", text(lane, "next_hop"),
                             number(lane, "waiting") + number(lane, "under_way"));
        if (number(lane, "held") > 0) lanes += fmt::format(", {} held", number(lane, "held"));
        if (number(lane, "damaged") > 0) lanes += fmt::format(", {} damaged", number(lane, "damaged"));
    }
    out += fmt::format("queue     {}\n", lanes.empty() ? "empty" : lanes);
}

void write_hops(std::string& out, const StatusView& view) {
    bool is_first = true;
    for (const auto& hop : list(row_of(view, "front"), "next_hops")) {
        const bool is_down = is(hop, "down", true);
        out +=
            fmt::format("{} {} -> {} (tls {}){}\n", is_first ? "next hops " : "          ",
                        text(hop, "domain"), text(hop, "address"), text(hop, "tls"), is_down ? " DOWN" : "");
        is_first = false;
    }
    if (is_first) out += "next hops  none\n";
}

void write_sandbox(std::string& out, const StatusView& view) {
    const auto& front = row_of(view, "front");
    const auto steps = list(front, "sandbox");
    const auto missing = std::count_if(steps.begin(), steps.end(),
                                       [](const json::object& step) { return is(step, "applied", false); });
    if (!steps.empty()) {
        out += fmt::format("sandbox    {} of {} steps in force\n",
                           static_cast<std::ptrdiff_t>(steps.size()) - missing, steps.size());
    }
    if (!view.verbose) return;
    for (const auto& step : steps) {
        out += fmt::format("           {} {}{}\n", is(step, "applied", true) ? "yes" : "NO ",
                           text(step, "step"), with(": ", text(step, "note")));
    }
    out += with("           refused calls: ", text(front, "sandbox_refused"), "\n");
    out += with("           system calls allowed: ", text(front, "system_calls_allowed"), "\n");
}

}  // namespace

std::vector<std::string> status_problems(const StatusView& view) {
    std::vector<std::string> out;
    add_role_problems(view, out);
    add_engine_problems(view, out);
    add_other_problems(view, out);
    return out;
}

std::string status_text(const StatusView& view) {
    const auto& supervisor = row_of(view, "supervisor");
    const auto& front = row_of(view, "front");
    std::string out = fmt::format("Gatehouse {}, up {}\n", text(supervisor, "version"),
                                  up_time(number(supervisor, "up_seconds")));
    if (is(supervisor, "demo", true)) out += "DEMO: a sink takes the place of your mail server\n";
    const auto problems = status_problems(view);
    if (problems.empty()) out += "OK\n";
    if (!problems.empty()) out += counted(problems.size(), "problem", "problems") + ":\n";
    for (const auto& problem : problems) out += "  - " + problem + "\n";
    out += fmt::format("\nconfig     {}{}\n", text(supervisor, "config"),
                       with(", revision ", text(front, "revision")));
    out += fmt::format("state      {}", text(supervisor, "state"));
    if (view.disk) {
        constexpr double kGibibyte = 1024 * kMebibyte;
        out +=
            fmt::format(", disk {:.1f} of {:.1f} GiB free", static_cast<double>(view.disk->free) / kGibibyte,
                        static_cast<double>(view.disk->total) / kGibibyte);
    }
    out += "\n";
    write_roles(out, view);
    out += fmt::format("listening  {}{}{}\n", text(supervisor, "listen"),
                       with(" as ", text(front, "hostname")), with("; https://", text(supervisor, "admin")));
    write_hops(out, view);
    write_queue(out, view);
    write_engine(out, view);
    write_mail(out, view);
    write_sandbox(out, view);
    return out;
}

}  // namespace gatehouse::apps
