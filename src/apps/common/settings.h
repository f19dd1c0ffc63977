// The tables of gatehouse.toml that belong to no single module: paths, stores, what tests may change, and how
// the roles run. Every other table stands with the module that reads it; config.cc has the list of all.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/field_table.h"

namespace gatehouse::apps {

struct PathSettings {
    std::string state = "var";
    std::string settings = "settings.toml";
    std::string policy = "policy.toml";
};
inline constexpr std::array kPathFields = {
    base::field<&PathSettings::state>("state", "folder of everything Gatehouse keeps"),
    base::field<&PathSettings::settings>("settings", "the features' settings"),
    base::field<&PathSettings::policy>("policy", "the rules"),
};
inline constexpr base::FieldTable kPathTable = base::make_table<PathSettings>(
    "paths", "where files are; relative paths count from the folder of gatehouse.toml", kPathFields);

struct StoreSettings {
    std::string url = "sqlite:var/gatehouse.db";
};
base::Result<void> check_store_url(std::string_view text);
inline constexpr std::array kStoreFields = {
    base::field<&StoreSettings::url>("url", "\"sqlite:PATH\": tracking and the quarantine's index",
                                     {.check = check_store_url}),
};
inline constexpr base::FieldTable kStoreTable =
    base::make_table<StoreSettings>("store", "the front's database", kStoreFields);

struct ProcessSettings {
    std::int64_t threads = 0;
    std::int64_t node = 0;
    std::string log_level = "info";
    bool log_addresses = false;
};
inline constexpr std::array<std::string_view, 4> kLogLevels{"debug", "info", "warning", "error"};
inline constexpr std::array kProcessFields = {
    base::field<&ProcessSettings::threads>("threads", "event loops of the front; 0 = one per core",
                                           {.min = 0, .max = 64}),
    base::field<&ProcessSettings::node>("node", "this node's number, part of every message reference",
                                        {.min = 0, .max = 255}),
    base::field<&ProcessSettings::log_level>("log_level", "the least that is logged",
                                             {.choices = kLogLevels}),
    base::field<&ProcessSettings::log_addresses>("log_addresses",
                                                 "write whole addresses into the log, not domains only"),
};
inline constexpr base::FieldTable kProcessTable =
    base::make_table<ProcessSettings>("process", "how the roles run, log and keep", kProcessFields);

struct TestingSettings {
    std::string fixed_clock;
};
inline constexpr std::array kTestingFields = {
    base::field<&TestingSettings::fixed_clock>(
        "fixed_clock", "wall time at start, e.g. 2026-01-01T00:00:00Z; refused unless GATEHOUSE_TESTING=1"),
};
inline constexpr base::FieldTable kTestingTable =
    base::make_table<TestingSettings>("testing", "for tests only", kTestingFields);

}  // namespace gatehouse::apps
