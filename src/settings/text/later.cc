#include "settings/text/later.h"

#include <algorithm>
#include <array>

#include "base/other_names.h"
#include "base/text.h"

namespace gatehouse::settings::text {
namespace {

using base::Field;
using base::FieldKind;
using base::FieldOptions;
using Words = std::span<const std::string_view>;

constexpr Field known(std::string_view name, FieldKind kind, FieldOptions options = {}) {
    return Field{name, "", kind, options, nullptr, nullptr};
}
constexpr LaterKey flag(std::string_view name) {
    return {known(name, FieldKind::boolean), "false"};
}
constexpr LaterKey word(std::string_view name, Words choices, std::string_view off = {}) {
    return {known(name, FieldKind::text, {.choices = choices}), off};
}
constexpr LaterKey text(std::string_view name) {
    return {known(name, FieldKind::text), ""};
}
constexpr LaterKey number(std::string_view name, FieldOptions options) {
    return {known(name, FieldKind::integer, options), ""};
}
constexpr LaterKey list(std::string_view name, std::string_view off = {}, Words choices = {}) {
    return {known(name, FieldKind::list, {.choices = choices}), off};
}

constexpr std::array<std::string_view, 3> kLevels{"low", "medium", "high"};
constexpr std::array<std::string_view, 3> kUntested{"bypass", "apply", "analyze"};
constexpr std::array<std::string_view, 3> kRemote{"off", "prefix", "full"};
constexpr std::array<std::string_view, 2> kServices{"standard", "advanced"};
constexpr std::array<std::string_view, 2> kReputationActions{"intelligent", "custom"};
constexpr std::array<std::string_view, 4> kManagerLogs{"virus", "spam", "web_reputation", "content"};
constexpr std::array<std::string_view, 3> kModes{"off", "embedded", "remote"};
constexpr std::array<std::string_view, 4> kSubmit{"executable", "script", "macro_document", "flagged"};

constexpr std::array kWebReputation{
    flag("enabled"),  word("level", kLevels), word("untested", kUntested), word("remote", kRemote, "\"off\""),
    list("approved"),
};
constexpr std::array kIntelliTrap{flag("enabled"), flag("send_samples")};
constexpr std::array kEmailReputation{
    flag("enabled"),
    word("service", kServices),
    text("standard_zone"),
    text("dynamic_zone"),
    text("text"),
    word("action", kReputationActions),
    number("code", {.min = 400, .max = 599}),
    number("timeout_ms", {.min = 1, .max = 60'000}),
};
// An approved or blocked list that nobody reads would be a promise broken in silence.
constexpr std::array kIpFiltering{flag("enabled"), list("approved", "[]"), list("blocked", "[]"),
                                  list("known_hosts", "[]")};
constexpr std::array kIpProfiler{flag("enabled")};
constexpr std::array kMailAuth{
    flag("enabled"),
    word("spf", {}, "\"none\""),
    word("dkim", {}, "\"none\""),
    word("dmarc", {}, "\"none\""),
    word("arc", {}, "\"none\""),
    flag("dmarc_enforce"),
    list("enforced", "[]"),
    list("exceptions"),
};
constexpr std::array kControlManager{
    flag("enabled"),
    text("server"),
    number("poll_seconds", {.min = 30, .max = 86'400}),
    list("send", "", kManagerLogs),
};
constexpr std::array kSmartFeedback{
    LaterKey{known("level", FieldKind::integer, {.min = 0, .max = 2}), "0"},
    text("industry"),
    text("server"),
};
constexpr std::array kVirtualAnalyzer{
    word("mode", kModes, "\"off\""),
    list("submit", "", kSubmit),
    word("security_level", kLevels),
    number("hold_seconds", {.min = 0, .max = 86'400}),
    text("on_timeout"),
};

constexpr std::array kDns{list("servers", "[]"), text("trust_anchor"),
                          number("timeout_ms", {.min = 1, .max = 60'000})};

constexpr LaterTable feature(std::string_view name, std::string_view title, std::span<const LaterKey> keys) {
    return {File::settings, name, title, keys, false};
}
constexpr LaterTable array_of(File file, std::string_view name, std::string_view title) {
    return {file, name, title, {}, true};
}

constexpr std::array kTables{
    LaterTable{File::gatehouse, "dns", "the DNS outlet is", kDns, false},
    feature("web_reputation", "Web Reputation is", kWebReputation),
    feature("intellitrap", "IntelliTrap is", kIntelliTrap),
    feature("email_reputation", "Email Reputation is", kEmailReputation),
    feature("ip_filtering", "IP filtering is", kIpFiltering),
    feature("ip_profiler.spam", "the IP profiler is", kIpProfiler),
    feature("ip_profiler.virus", "the IP profiler is", kIpProfiler),
    feature("ip_profiler.dha", "the IP profiler is", kIpProfiler),
    feature("ip_profiler.bounce", "the IP profiler is", kIpProfiler),
    feature("ip_profiler.throttle", "the IP profiler is", kIpProfiler),
    feature("mail_auth", "mail authentication is", kMailAuth),
    array_of(File::settings, "mail_auth.sender", "mail authentication is"),
    feature("control_manager", "Control Manager is", kControlManager),
    feature("smart_feedback", "Smart Feedback is", kSmartFeedback),
    feature("virtual_analyzer", "the Virtual Analyzer is", kVirtualAnalyzer),
    feature("privacy", "retention per class of data is", {}),
    array_of(File::policy, "address_group", "address groups are"),
    array_of(File::policy, "area", "quarantine areas of your own are"),
};

std::vector<std::string> key_names(const LaterTable& table) {
    std::vector<std::string> out;
    for (const auto& key : table.keys) out.emplace_back(key.field.name);
    return out;
}

}  // namespace

std::span<const LaterTable> later_tables() {
    return kTables;
}

const LaterTable* find_later(File file, std::string_view name) {
    const auto at = std::find_if(kTables.begin(), kTables.end(), [&](const LaterTable& table) {
        return table.file == file && table.name == name;
    });
    return at == kTables.end() ? nullptr : &*at;
}

const LaterKey* find_later_key(const LaterTable& table, std::string_view key) {
    const auto at = std::find_if(table.keys.begin(), table.keys.end(),
                                 [&](const LaterKey& known_key) { return known_key.field.name == key; });
    return at == table.keys.end() ? nullptr : &*at;
}

base::Result<void> check_later(const LaterTable& table, std::string_view key, const base::Value& value) {
    const LaterKey* known_key = find_later_key(table, key);
    const std::string place = value.place().to_string();
    if (known_key == nullptr) {
        return base::fail(base::Fault::usage, "{}: unknown key {}.{} ({} not in this version){}", place,
                          table.name, base::printable(key, 80), table.title,
                          base::did_you_mean(table.name, key, key_names(table)));
    }
    GATEHOUSE_CHECK(base::check_value(known_key->field, value));
    if (known_key->off.empty() || value.to_string() == known_key->off) return {};
    return base::fail(base::Fault::usage, "{}: {}.{} = {}: {} not in this version (leave it out or {})",
                      place, table.name, key, base::printable(value.to_string(), 80), table.title,
                      known_key->off);
}

}  // namespace gatehouse::settings::text
