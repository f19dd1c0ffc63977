// The settings a decision reads, all in settings.toml (their tables are handed to the catalogue by apps).
// They are part of the Revision that a message takes at MAIL.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/field_table.h"
#include "decide/address_list.h"
#include "settings/text/catalogue.h"

namespace gatehouse::decide {

struct GeneralSettings {
    std::vector<std::string> internal_addresses;
    std::string time_zone = "UTC";
};

struct AntivirusSettings {
    std::int64_t grace = 600;
};

/// What to do with what cannot be scanned (IMSS: scanning exceptions).
struct ExceptionSettings {
    std::int64_t message_size = 30LL << 20;
    std::int64_t recipients = 1000;
    std::string limits = "quarantine";
    std::string malformed = "quarantine";
    std::string encrypted = "do_not_intercept";
    std::string unscannable = "quarantine";
    std::string engine_unavailable = "quarantine";
};

struct AntispamSettings {
    std::string catch_rate = "medium";
    double threshold = 0;
    /// 5.0 for medium, 4.5 for high, 7.0 for low, unless a threshold is given.
    double effective_threshold() const;
};

base::Result<void> check_time_zone(std::string_view name);
base::Result<void> check_threshold(double threshold);

inline constexpr std::array<std::string_view, 5> kExceptionActions{"do_not_intercept", "quarantine", "delete",
                                                                   "reject", "defer"};
inline constexpr std::array<std::string_view, 3> kCatchRates{"low", "medium", "high"};

inline constexpr base::FieldOptions kExceptionAction{.choices = kExceptionActions,
                                                     .reload = base::Reload::live};

inline constexpr std::array kGeneralFields{
    base::field<&GeneralSettings::internal_addresses>(
        "internal_addresses",
        "our own domains and addresses (example.com, *@*.example.com): mail to them is incoming, mail from "
        "them outgoing; none given: what permitted senders bring is outgoing, everything else incoming",
        {.check = check_address_pattern, .reload = base::Reload::live}),
    base::field<&GeneralSettings::time_zone>(
        "time_zone", "the zone of times of day in rules and reports, e.g. Europe/Berlin",
        {.check = check_time_zone}),
};
inline constexpr auto kGeneralTable =
    base::make_table<GeneralSettings>("general", "What every rule refers to.", kGeneralFields);

inline constexpr std::array kAntivirusFields{
    base::field<&AntivirusSettings::grace>(
        "grace",
        "how long mail is answered 451 while a malware engine is away, before "
        "exceptions.engine_unavailable applies",
        {.min = 0, .max = 86'400, .unit = "s", .reload = base::Reload::live}),
};
inline constexpr auto kAntivirusTable = base::make_table<AntivirusSettings>(
    "antivirus", "What decisions read about malware scanning.", kAntivirusFields);

inline constexpr std::array kExceptionFields{
    base::field<&ExceptionSettings::message_size>(
        "message_size", "a larger message, as received, is an exception before all rules; 0 = no limit",
        {.min = 0, .max = 99'999LL << 20, .unit = "bytes", .reload = base::Reload::live}),
    base::field<&ExceptionSettings::recipients>(
        "recipients", "more envelope recipients are an exception before all rules; 0 = no limit",
        {.min = 0, .max = 99'999, .reload = base::Reload::live}),
    base::field<&ExceptionSettings::limits>(
        "limits",
        "action for messages over message_size or recipients; later rules still run unless it ends them",
        kExceptionAction),
    base::field<&ExceptionSettings::malformed>(
        "malformed", "action for malformed messages; no rule runs for them", kExceptionAction),
    base::field<&ExceptionSettings::encrypted>("encrypted", "action where something is encrypted",
                                               kExceptionAction),
    base::field<&ExceptionSettings::unscannable>(
        "unscannable", "action where something could not be looked into for any other reason",
        kExceptionAction),
    base::field<&ExceptionSettings::engine_unavailable>(
        "engine_unavailable", "action when a malware engine stays away longer than antivirus.grace",
        kExceptionAction),
};
inline constexpr auto kExceptionTable = base::make_table<ExceptionSettings>(
    "antivirus.exceptions",
    "Scanning exceptions. They act only while a rule with kind = \"antivirus\" is enabled.",
    kExceptionFields);

inline constexpr std::array kAntispamFields{
    base::field<&AntispamSettings::catch_rate>(
        "catch_rate", "which score makes a message spam: low 7.0, medium 5.0, high 4.5",
        {.choices = kCatchRates, .reload = base::Reload::live}),
    base::field<&AntispamSettings::threshold>(
        "threshold", "a score of one's own from 3.0 to 10.0 instead of the catch rate's; 0 = by catch rate",
        {.min = 0, .max = 10, .reload = base::Reload::live}),
};
inline constexpr auto kAntispamTable =
    base::make_table<AntispamSettings>("antispam", "When a score makes a message spam.", kAntispamFields);

/// Every table that decide reads, for the catalogue: those above in settings.toml, those of a rule in
/// policy.toml (which make_policy checks).
void add_tables(std::vector<settings::text::Entry>& entries);

}  // namespace gatehouse::decide
