#include "apps/common/config.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "base/fd.h"
#include "base/text.h"
#include "base/time.h"
#include "consult/engines/clamd_process.h"
#include "decide/default_policy.h"
#include "decide/make_policy.h"
#include "decide/settings.h"
#include "ipc/control.pb.h"
#include "settings/text/parse.h"

namespace gatehouse::apps {

using base::Fault;
using base::Result;
using settings::text::Entry;
using settings::text::File;

namespace {

std::string machine_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
    return name.data();
}

Result<void> fill_structs(Config& config) {
    const auto& tree = config.trees.gatehouse;
    GATEHOUSE_CHECK(base::fill_from(receive::smtp::smtp_table(), tree, &config.smtp));
    GATEHOUSE_CHECK(base::fill_from(receive::smtp::limit_table(), tree, &config.limits));
    GATEHOUSE_CHECK(base::fill_from(act::delivery::kDeliveryTable, tree, &config.delivery));
    GATEHOUSE_CHECK(base::fill_from(act::queue::kQueueTable, tree, &config.queue));
    GATEHOUSE_CHECK(base::fill_from(admin::kAdminTable, tree, &config.admin));
    GATEHOUSE_CHECK(base::fill_from(consult::engines::kAntivirusTable, tree, &config.antivirus));
    GATEHOUSE_CHECK(base::fill_from(inspect::pool::kInspectTable, tree, &config.inspect));
    GATEHOUSE_CHECK(base::fill_from(kPathTable, tree, &config.paths));
    GATEHOUSE_CHECK(base::fill_from(kStoreTable, tree, &config.store));
    GATEHOUSE_CHECK(base::fill_from(kProcessTable, tree, &config.process));
    GATEHOUSE_CHECK(base::fill_from(kTestingTable, tree, &config.testing));
    GATEHOUSE_CHECK(base::fill_from(record::kRetentionTable, config.trees.settings, &config.retention));
    for (const auto& bound : inspect::engine::bind(config.inspector)) {
        if (bound.table == &inspect::engine::kProcessTable) continue;
        GATEHOUSE_CHECK(base::fill_from(*bound.table, config.trees.settings, bound.object));
    }
    return {};
}

void derive_inspector(Config& config) {
    auto& process = config.inspector.process;
    process.hostname = config.hostname();
    process.max_message = config.smtp.max_message_size + (1LL << 20);
    process.require_sandbox = config.inspect.require_sandbox;
}

Result<void> check_clock(const Config& config) {
    if (config.testing.fixed_clock.empty()) return {};
    const std::string at = config.at(File::gatehouse, "testing.fixed_clock");
    if (const auto time = base::parse_rfc3339(config.testing.fixed_clock); !time)
        return base::fail(Fault::usage, "{}testing.fixed_clock: {}", at, time.error().sentence);
    if (config.is_testing()) return {};
    return base::fail(Fault::usage, "{}testing.fixed_clock is refused unless GATEHOUSE_TESTING=1", at);
}

/// What no single table can check.
Result<void> check_whole(const Config& config) {
    GATEHOUSE_CHECK(check_clock(config));
    const auto& smtp = config.smtp;
    const bool has_certificate = !smtp.tls_certificate.empty() && smtp.tls_certificate != "none";
    if (has_certificate != !smtp.tls_key.empty()) {
        const std::string_view given = has_certificate ? "smtp.tls_certificate" : "smtp.tls_key";
        return base::fail(Fault::usage, "{}smtp.tls_certificate and smtp.tls_key go together: {} is missing",
                          config.at(File::gatehouse, given),
                          has_certificate ? "smtp.tls_key" : "smtp.tls_certificate");
    }
    constexpr std::size_t kMostListeners = 100;  // handed to the front in one piece
    if (smtp.listen.size() * config.front_threads() > kMostListeners) {
        return base::fail(Fault::usage,
                          "{}smtp.listen: {} addresses with {} event loops are more than {} listeners; "
                          "name fewer addresses or set process.threads lower",
                          config.at(File::gatehouse, "smtp.listen"), smtp.listen.size(),
                          config.front_threads(), kMostListeners);
    }
    GATEHOUSE_CHECK(
        receive::smtp::make_machine_settings(config.smtp, config.limits, config.hostname(), false));
    if (const auto times = act::delivery::retry_times(config.delivery); !times) {
        return base::fail(Fault::usage, "{}{}", config.at(File::gatehouse, "delivery.retry"),
                          times.error().sentence);
    }
    return {};
}

}  // namespace

std::string path_beside(const std::string& folder, const std::string& path) {
    return std::filesystem::path(path).is_absolute() ? path : (std::filesystem::path(folder) / path).string();
}

Result<std::string> engine_socket(const Config& config) {
    using consult::engines::ClamdMode;
    GATEHOUSE_TRY(const auto mode, consult::engines::parse_clamd_mode(config.antivirus.clamd));
    if (mode.kind == ClamdMode::Kind::off) return "";
    if (mode.kind == ClamdMode::Kind::external) return mode.socket;
    return consult::engines::clamd_socket(config.state_path("engine"));
}

Result<void> check_store_url(std::string_view text) {
    if (text.starts_with("postgresql:") || text.starts_with("postgres:")) {
        return base::fail(Fault::usage, "PostgreSQL is not in this version; use \"sqlite:PATH\"");
    }
    if (!text.starts_with("sqlite:") || text.size() <= 7) {
        return base::fail(Fault::usage, "must be \"sqlite:PATH\", not \"{}\"", base::printable(text, 80));
    }
    return {};
}

const settings::text::Catalogue& catalogue() {
    static const settings::text::Catalogue kCatalogue = [] {
        std::vector<Entry> entries{
            {File::gatehouse, &receive::smtp::smtp_table()},
            {File::gatehouse, &receive::smtp::limit_table()},
            {File::gatehouse, &act::delivery::kNextHopTable},
            {File::gatehouse, &act::delivery::kDeliveryTable},
            {File::gatehouse, &act::queue::kQueueTable},
            {File::gatehouse, &kStoreTable},
            {File::gatehouse, &kPathTable},
            {File::gatehouse, &admin::kAdminTable},
            {File::gatehouse, &inspect::pool::kInspectTable},
            {File::gatehouse, &consult::engines::kAntivirusTable},
            {File::gatehouse, &kProcessTable},
            {File::gatehouse, &kTestingTable},
        };
        static inspect::engine::Settings detectors;
        for (const auto& bound : inspect::engine::bind(detectors)) {
            if (bound.table != &inspect::engine::kProcessTable)
                entries.push_back({File::settings, bound.table});
        }
        decide::add_tables(entries);
        entries.push_back({File::settings, &record::kRetentionTable});
        return settings::text::Catalogue(std::move(entries));
    }();
    return kCatalogue;
}

Result<Config> Config::read(ConfigTexts texts, std::span<const base::EvidenceInfo> known) {
    Config config;
    config.texts = std::move(texts);
    const auto& t = config.texts;
    GATEHOUSE_TRY(
        config.trees.gatehouse,
        settings::text::parse(t.gatehouse, t.path.empty() ? std::string(settings::text::kBuiltIn) : t.path));
    GATEHOUSE_CHECK(catalogue().check(File::gatehouse, config.trees.gatehouse));
    GATEHOUSE_CHECK(fill_structs(config));  // paths are needed for the names of the other two
    const auto name_of = [&](bool is_built_in, const std::string& path) {
        return is_built_in ? std::string(settings::text::kBuiltIn) : path_beside(t.folder, path);
    };
    GATEHOUSE_TRY(config.trees.settings,
                  settings::text::parse(t.settings, name_of(t.settings_is_built_in, config.paths.settings)));
    GATEHOUSE_TRY(config.trees.policy,
                  settings::text::parse(t.policy, name_of(t.policy_is_built_in, config.paths.policy)));
    GATEHOUSE_CHECK(catalogue().check(File::settings, config.trees.settings));
    GATEHOUSE_CHECK(catalogue().check(File::policy, config.trees.policy));
    GATEHOUSE_CHECK(fill_structs(config));
    const auto* hops = config.trees.gatehouse.find("next_hop");
    GATEHOUSE_TRY(config.next_hops, act::delivery::NextHops::read(hops == nullptr ? base::Value() : *hops));
    config.revision = message::make_revision(config.trees.settings, config.trees.policy);
    GATEHOUSE_TRY(const auto policy, decide::make_policy(config.revision, known));
    for (const auto& warning : policy.warnings) {
        config.warnings.push_back(
            fmt::format("{}: {}", name_of(t.policy_is_built_in, config.paths.policy), warning));
    }
    derive_inspector(config);
    GATEHOUSE_CHECK(check_whole(config));
    return config;
}

Result<Config> Config::read_places(ConfigTexts texts) {
    Config config;
    config.texts = std::move(texts);
    const auto& t = config.texts;
    GATEHOUSE_TRY(config.trees.gatehouse, settings::text::parse(t.gatehouse, t.path));
    const auto& tree = config.trees.gatehouse;
    GATEHOUSE_CHECK(base::fill_from(kPathTable, tree, &config.paths));
    GATEHOUSE_CHECK(base::fill_from(kStoreTable, tree, &config.store));
    GATEHOUSE_CHECK(base::fill_from(admin::kAdminTable, tree, &config.admin));
    return config;
}

std::string Config::at(File file, std::string_view dotted_key) const {
    const auto* value = base::find_path(trees.of(file), dotted_key);
    return value == nullptr ? std::string() : value->place().to_string() + ": ";
}

std::string Config::state_path(const std::string& below) const {
    const std::string state = path_beside(texts.folder, paths.state);
    return below.empty() ? state : (std::filesystem::path(state) / below).string();
}

std::string Config::database_path() const {
    const std::string written = store.url.substr(std::string_view("sqlite:").size());
    // The default names the default state folder; it follows when only paths.state is set.
    if (store.url == StoreSettings().url && paths.state != PathSettings().state)
        return state_path("gatehouse.db");
    return path_beside(texts.folder, written);
}

std::size_t Config::front_threads() const {
    if (process.threads > 0) return static_cast<std::size_t>(process.threads);
    return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, 64);
}

std::string Config::time_zone() const {
    const auto* zone = base::find_path(trees.settings, "general.time_zone");
    return zone != nullptr && zone->text() != nullptr ? *zone->text() : "UTC";
}

std::string Config::hostname() const {
    return smtp.hostname.empty() ? machine_name() : smtp.hostname;
}

consult::engines::ClamdLimits Config::engine_limits() const {
    return consult::engines::clamd_limits_for(inspector.budget(),
                                              static_cast<std::uint64_t>(inspector.process.max_message),
                                              static_cast<std::uint64_t>(antivirus.scan_timeout));
}

std::chrono::seconds Config::engine_time() const {
    constexpr std::int64_t kForItsTurn = 5;
    return std::chrono::seconds(antivirus.scan_timeout + kForItsTurn);
}

bool Config::is_testing() const {
    const char* value = std::getenv("GATEHOUSE_TESTING");
    return value != nullptr && std::string_view(value) == "1";
}

std::string Config::demo_sink_address() const {
    const auto* hop = next_hops.pick("example.com");
    return hop == nullptr ? "127.0.0.1:2526" : hop->addresses.front().to_string();
}

unsigned Config::group_id() const {
    constexpr unsigned kFixedGroup = 61840;
    const auto* group = ::getgrnam("gatehouse");  // start-up only, one thread
    return group != nullptr ? group->gr_gid : kFixedGroup;
}

unsigned Config::engine_group() const {
    const auto* user = ::getpwnam("gatehouse-engine");
    return user != nullptr && user->pw_gid != group_id() ? user->pw_gid : role_uid("engine");
}

unsigned Config::role_uid(const std::string& role) const {
    static constexpr std::array<std::string_view, 6> kRoles{"front", "inspector", "door",
                                                            "admin", "engine",    "sink"};
    constexpr unsigned kFixedBase = 61841;
    if (::geteuid() != 0 || roles_stay_root) return 0;
    const auto at = std::find(kRoles.begin(), kRoles.end(), role);
    if (at == kRoles.end()) return 0;
    const auto* user = ::getpwnam(("gatehouse-" + role).c_str());
    return user != nullptr ? user->pw_uid : kFixedBase + static_cast<unsigned>(at - kRoles.begin());
}

void Config::write_start(pb::RoleStart& start) const {
    start.mutable_gatehouse()->set_name(texts.path);
    start.mutable_gatehouse()->set_text(texts.gatehouse);
    start.mutable_settings()->set_name(texts.folder);
    start.mutable_settings()->set_text(texts.settings);
    start.mutable_policy()->set_text(texts.policy);
    start.set_state(state_path(""));
    start.set_testing(is_testing());
    start.set_hostname(hostname());
}

Result<Config> Config::from_start(const pb::RoleStart& start) {
    return read({start.gatehouse().name(), start.settings().name(), start.gatehouse().text(),
                 start.settings().text(), start.policy().text()});
}

Result<void> Config::check_exchange(const Config& fresh) const {
    const bool same = fresh.smtp.listen == smtp.listen && fresh.admin.listen == admin.listen &&
                      fresh.state_path("") == state_path("") && fresh.database_path() == database_path() &&
                      fresh.front_threads() == front_threads();
    if (same) return {};
    return base::fail(
        Fault::usage,
        "smtp.listen, admin.listen, paths.state, store.url and process.threads need a full stop and start; "
        "nothing was changed");
}

}  // namespace gatehouse::apps
