// gatehouse status
#include <fmt/format.h>
#include <sys/statvfs.h>

#include <cstdio>

#include "apps/gatehouse/print.h"
#include "apps/gatehouse/report.h"
#include "apps/gatehouse/status_text.h"
#include "base/clock.h"

namespace gatehouse::apps {

namespace json = boost::json;

namespace {

std::optional<DiskSpace> disk_of(const std::string& folder) {
    struct statvfs space{};
    if (::statvfs(folder.c_str(), &space) != 0) return std::nullopt;
    return DiskSpace{space.f_bavail * space.f_frsize, space.f_blocks * space.f_frsize};
}

json::object failed_row(const std::string& role, const std::string& why, int code) {
    return {{"role", role == "gatehouse" ? "supervisor" : role},
            {"ready", false},
            {"error", why},
            {"exit", code}};
}

/// The role's rows, or one that says why there are none; 0 or the exit code.
int ask_status(const Config& config, const std::string& role, std::vector<json::object>& rows) {
    pb::ControlRequest request;
    request.mutable_status();
    const auto end =
        ask_role(config, role, request, {[&](std::string_view row) { rows.push_back(parse_row(row)); }, {}});
    if (end && end->exit_class() == 0) return 0;
    rows.push_back(failed_row(role, end ? end->sentence() : end.error().sentence, 3));
    return 3;
}

}  // namespace

int command_status(const Globals& globals, bool verbose) {
    const auto config = load_places(find_config(globals.config));
    if (!config) return report(globals, config.error());
    StatusView view;
    view.verbose = verbose;
    int code = 0;
    for (const std::string role : {"gatehouse", "front", "admin"}) {
        if (role == "admin" && config->admin.listen == "off") continue;
        code = std::max(code, ask_status(*config, role, view.rows));
        if (role == "gatehouse" && code != 0) break;  // the supervisor's no is everybody's
    }
    if (globals.json) {
        for (const auto& row : view.rows) fmt::print("{}\n", json::serialize(row));
    }
    if (view.rows.size() == 1 && code != 0) {
        fmt::print(stderr, "gatehouse: {}\n", cell(view.rows.front().at("error")));
        return code;
    }
    if (globals.json) return code;
    view.disk = disk_of(config->state_path(""));
    view.now = base::Clock().wall();
    fmt::print("{}", status_text(view));
    return code;
}

}  // namespace gatehouse::apps
