// gatehouse config check|show|reference|origin
#include <fmt/format.h>

#include <boost/json.hpp>
#include <cstdio>

#include "apps/gatehouse/expression_keeper.h"
#include "apps/gatehouse/report.h"
#include "decide/findings.h"
#include "decide/term.h"
#include "inspect/engine/catalogue.h"
#include "settings/text/render.h"

namespace gatehouse::apps {

namespace json = boost::json;
namespace text = settings::text;

namespace {

struct ToJson {
    json::value operator()(std::monostate) const { return nullptr; }
    json::value operator()(const base::Value::Array& list) const {
        json::array out;
        for (const auto& one : list) out.push_back(std::visit(*this, one.data()));
        return out;
    }
    json::value operator()(const base::Value::Table& table) const {
        json::object out;
        for (const auto& [key, value] : table) out[key] = std::visit(*this, value.data());
        return out;
    }
    template <typename Plain>
    json::value operator()(const Plain& plain) const {
        return json::value(plain);
    }
};

json::value json_of(const base::Value& value) {
    return std::visit(ToJson{}, value.data());
}

void print(const json::object& row) {
    fmt::print("{}\n", json::serialize(row));
}

int show(const Globals& globals, const Config& config) {
    if (!globals.json) {
        fmt::print("{}", text::show(catalogue(), config.trees));
        return 0;
    }
    for (const auto& key : text::shown_keys(catalogue(), config.trees)) {
        print({{"file", text::file_name(key.file)},
               {"key", key.key},
               {"value", json_of(key.value)},
               {"origin", key.origin}});
    }
    return 0;
}

int check(const Globals& globals, const Config& config) {
    if (const auto compiled = compile_expressions_of(config); !compiled)
        return report(globals, compiled.error());
    if (globals.json) {
        json::array warnings;
        for (const auto& warning : config.warnings) warnings.push_back(json::value(warning));
        print({{"valid", true},
               {"config", config.origin_name()},
               {"revision", config.revision.id},
               {"warnings", std::move(warnings)}});
        return 0;
    }
    for (const auto& warning : config.warnings) fmt::print("warning: {}\n", warning);
    fmt::print("{}: no fault found; revision {}\n", config.origin_name(), config.revision.id);
    return 0;
}

int reference_as_json() {
    for (const auto& key : text::reference_keys(catalogue())) {
        print({{"file", text::file_name(key.file)},
               {"table", key.table},
               {"key", key.key},
               {"meaning", key.help},
               {"allowed", key.allowed},
               {"default", json_of(key.fallback)},
               {"counts_from", key.reload == base::Reload::live ? "reload" : "restart"},
               {"secret", key.is_secret},
               {"in_this_version", !key.is_later}});
    }
    const auto evidence = [](const base::EvidenceInfo& info) {
        print({{"evidence", info.id}, {"feature", info.feature}, {"meaning", info.help}});
    };
    evidence(decide::kAntivirusMatch);
    for (const auto& info : inspect::engine::all_evidence()) evidence(info);
    for (const auto& form : decide::condition_forms())
        print({{"condition", form.written}, {"meaning", form.meaning}});
    return 0;
}

int reference(const Globals& globals) {
    if (globals.json) return reference_as_json();
    fmt::print("{}\n## Conditions of rules\n\n| condition | holds when |\n|---|---|\n",
               text::reference(catalogue()));
    for (const auto& form : decide::condition_forms())
        fmt::print("| `{}` | {} |\n", form.written, form.meaning);
    fmt::print("\n## Evidence\n\n| id | meaning |\n|---|---|\n| `{}` | {} |\n", decide::kAntivirusMatch.id,
               decide::kAntivirusMatch.help);
    for (const auto& info : inspect::engine::all_evidence())
        fmt::print("| `{}` | {} |\n", info.id, info.help);
    return 0;
}

int origin(const Globals& globals, const Config& config, const std::string& key) {
    const auto found = catalogue().origin(config.trees, key);
    if (!found) return report(globals, found.error());
    if (globals.json) {
        print({{"key", key}, {"origin", *found}});
    } else {
        fmt::print("{}: {}\n", key, *found);
    }
    return 0;
}

}  // namespace

int command_config(const Globals& globals, const std::string& verb, const std::string& key) {
    if (verb == "reference") return reference(globals);
    const auto config = load_config(find_config(globals.config));
    if (!config && globals.json && verb == "check") {
        const int code = report(config.error());
        print({{"valid", false}, {"error", config.error().sentence}, {"exit", code}});
        return code;
    }
    if (!config) return report(globals, config.error());
    if (verb == "check") return check(globals, *config);
    if (verb == "show") return show(globals, *config);
    return origin(globals, *config, key);
}

}  // namespace gatehouse::apps
