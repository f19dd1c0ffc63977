// The TOML shape of [[rule]]: plain structs with their field tables, before make_policy turns them into the
// model. Only make_policy.cc and the manual use it.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/field_table.h"
#include "decide/address_list.h"
#include "decide/term.h"

namespace gatehouse::decide {

struct RuleText {
    std::string name;
    std::string kind = "other";
    bool enabled = true;
    std::string notes;
};

struct RouteText {
    std::string direction = "all";
    std::vector<std::string> senders;
    std::vector<std::string> recipients;
    std::vector<std::string> users;
};

struct WhenText {
    std::vector<std::string> any;
    std::vector<std::string> all;
    std::vector<std::string> none;
};

struct ActionText {
    std::string verb;
    std::string area = "default";
    std::string name;
    std::string text;
    std::string host;
    std::string at;
};

base::Result<void> check_rule_name(std::string_view name);
base::Result<void> check_area(std::string_view name);

inline constexpr std::array<std::string_view, 3> kRuleKinds{"antivirus", "other", "builtin"};
inline constexpr std::array<std::string_view, 4> kDirections{"all", "incoming", "outgoing", "both"};
inline constexpr std::array<std::string_view, 9> kActionVerbs{"do_not_intercept", "reject",      "defer",
                                                              "delete",           "quarantine",  "hand_off",
                                                              "postpone",         "tag_subject", "x_header"};

inline constexpr auto kLive = base::Reload::live;

inline constexpr std::array kRuleFields{
    base::field<&RuleText::name>("name", "shown wherever the rule acts; unique",
                                 {.check = check_rule_name, .reload = kLive}),
    base::field<&RuleText::kind>("kind",
                                 "antivirus: the scanning exceptions of [antivirus.exceptions] act with the "
                                 "first enabled rule of this "
                                 "kind, and only while there is one; builtin: came with the program",
                                 {.choices = kRuleKinds, .reload = kLive}),
    base::field<&RuleText::enabled>("enabled", "false keeps the rule without effect", {.reload = kLive}),
    base::field<&RuleText::notes>("notes", "for whoever reads the rule next", {.reload = kLive}),
};
inline constexpr auto kRuleTable = base::make_table<RuleText>(
    "rule",
    "Rules run in the order written, until one with a terminal action (reject, defer, delete, quarantine, "
    "hand_off) "
    "matches; after the last one the message is delivered.",
    kRuleFields, true);

inline constexpr std::array kRouteFields{
    base::field<&RouteText::direction>(
        "direction",
        "incoming: the recipient is one of general.internal_addresses; outgoing: the sender is; both: either",
        {.choices = kDirections, .reload = kLive}),
    base::field<&RouteText::senders>(
        "senders", "user@example.com, *@example.com, *@*.example.com, *@*, <>; none = anyone",
        {.check = check_address_pattern, .reload = kLive}),
    base::field<&RouteText::recipients>("recipients", "the same for recipients",
                                        {.check = check_address_pattern, .reload = kLive}),
    base::field<&RouteText::users>("users", "the same for the sender or the recipient",
                                   {.check = check_address_pattern, .reload = kLive}),
};
inline constexpr auto kRouteTable =
    base::make_table<RouteText>("rule.route", "Whom the rule is for; absent = everybody.", kRouteFields);

inline constexpr std::array kWhenFields{
    base::field<&WhenText::any>(
        "any",
        "at least one holds. Conditions: an evidence id (antivirus.match, packer.*, with >= 0.9 for its "
        "confidence), content.expression = LIST, gap.encrypted, gap.*, verdict.virus, spam, spam_score >= "
        "6.5, size > 10 MiB, "
        "recipients > 50",
        {.check = check_term, .reload = kLive}),
    base::field<&WhenText::all>("all", "every one holds", {.check = check_term, .reload = kLive}),
    base::field<&WhenText::none>("none", "not one holds", {.check = check_term, .reload = kLive}),
};
inline constexpr auto kWhenTable = base::make_table<WhenText>(
    "rule.when", "When the rule matches; when = \"always\" for every message.", kWhenFields);

inline constexpr std::array kActionFields{
    base::field<&ActionText::verb>("action",
                                   "what happens; do_not_intercept goes on to the next rule. A list of words "
                                   "(then = [\"quarantine\"]) will do where nothing else is said",
                                   {.choices = kActionVerbs, .reload = kLive}),
    base::field<&ActionText::area>("area", "of quarantine; only \"default\" in this version",
                                   {.check = check_area, .reload = kLive}),
    base::field<&ActionText::name>("name", "of x_header: the field, X-...", {.reload = kLive}),
    base::field<&ActionText::text>(
        "text", "of tag_subject and x_header: what to write; of reject and defer: the reply",
        {.reload = kLive}),
    base::field<&ActionText::host>("host", "of hand_off: where to, such as \"192.0.2.1:25\"",
                                   {.reload = kLive}),
    base::field<&ActionText::at>("at", "of postpone: the time of day from which it is delivered, \"22:00\"",
                                 {.reload = kLive}),
};
inline constexpr auto kActionTable =
    base::make_table<ActionText>("rule.then", "What the rule does, as tables or words.", kActionFields, true);

}  // namespace gatehouse::decide
