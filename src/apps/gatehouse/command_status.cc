// gatehouse status
#include <fmt/format.h>

#include <cstdio>

#include "apps/common/control_client.h"
#include "apps/gatehouse/commands.h"
#include "apps/gatehouse/print.h"

namespace gatehouse::apps {

namespace json = boost::json;

int command_status(const Globals& globals) {
    const auto config = load_config(find_config(globals.config));
    if (!config) return report(config.error());
    int code = 0;
    for (const std::string role : {"gatehouse", "front", "admin"}) {
        if (role == "admin" && config->admin.listen == "off") continue;
        pb::ControlRequest request;
        request.mutable_status();
        std::vector<std::string> rows;
        const auto end =
            ask_role(*config, role, request, {[&](std::string_view row) { rows.emplace_back(row); }, {}});
        // The supervisor's no is everybody's.
        if (!end && role == "gatehouse") return report(end.error());
        if (end && end->exit_class() != 0 && role == "gatehouse") return report_end(*end);
        if (!end || end->exit_class() != 0) {
            code = 3;
            const std::string why = end ? end->sentence() : end.error().sentence;
            rows.push_back(json::serialize(json::object{{"role", role}, {"ready", false}, {"error", why}}));
        }
        for (const auto& row : rows) {
            if (globals.json) {
                fmt::print("{}\n", row);
                continue;
            }
            const auto object = parse_row(row);
            const auto* name = object.if_contains("role");
            if (const auto* demo = object.if_contains("demo");
                demo != nullptr && demo->is_bool() && demo->get_bool()) {
                fmt::print("DEMO: a sink takes the place of your mail server\n");
            }
            fmt::print("--- {}\n", name == nullptr ? role : cell(*name));
            print_object(object);
        }
    }
    return code;
}

}  // namespace gatehouse::apps
