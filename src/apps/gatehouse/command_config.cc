// gatehouse config check|show|reference|origin
#include <fmt/format.h>

#include "apps/common/control_client.h"
#include "apps/gatehouse/commands.h"
#include "settings/text/render.h"

#include <boost/json.hpp>
#include <cstdio>

namespace gatehouse::apps {

int command_config(const Globals& globals, const std::string& verb, const std::string& key) {
    if (verb == "reference") {
        fmt::print("{}", settings::text::reference(catalogue()));
        return 0;
    }
    const auto config = load_config(find_config(globals.config));
    if (!config) {
        if (globals.json) {
            fmt::print("{}\n", boost::json::serialize(boost::json::object{
                                   {"valid", false}, {"error", config.error().sentence}}));
        }
        report(config.error());
        return 2;
    }
    if (verb == "check") {
        if (globals.json) {
            fmt::print(
                "{}\n",
                boost::json::serialize(boost::json::object{
                    {"valid", true}, {"config", config->origin_name()}, {"revision", config->revision.id}}));
        } else {
            fmt::print("{}: no fault found; revision {}\n", config->origin_name(), config->revision.id);
        }
        return 0;
    }
    if (verb == "show") {
        fmt::print("{}", settings::text::show(catalogue(), config->trees));
        return 0;
    }
    const auto origin = catalogue().origin(config->trees, key);
    if (!origin) {
        report(origin.error());
        return 2;
    }
    if (globals.json) {
        fmt::print("{}\n", boost::json::serialize(boost::json::object{{"key", key}, {"origin", *origin}}));
    } else {
        fmt::print("{}: {}\n", key, *origin);
    }
    return 0;
}

}  // namespace gatehouse::apps
