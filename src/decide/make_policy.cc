#include "decide/make_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/other_names.h"
#include "base/text.h"
#include "decide/findings.h"
#include "decide/make_action.h"
#include "decide/rule_text.h"
#include "decide/rulings.h"
#include "message/expression_list.h"

namespace gatehouse::decide {
namespace {

using base::Fault;
using base::Result;
using base::Value;
using message::Action;
/// What conditions may name.
struct Known {
    std::span<const base::EvidenceInfo> evidence;  ///< empty = anything
    std::vector<std::string> lists;                ///< of expressions
};

/// A rule's TOML table in its four pieces; null = not written.
struct RuleTables {
    Value plain;
    const Value* route = nullptr;
    const Value* when = nullptr;
    const Value* actions = nullptr;
};

Result<RuleTables> take_apart(const Value& value) {
    RuleTables out;
    auto names = kRuleTable.names();
    names.insert(names.end(), {"route", "when", "then"});
    Value::Table plain;
    for (const auto& [key, member] : *value.table()) {
        if (key == "route") {
            out.route = &member;
        } else if (key == "when") {
            out.when = &member;
        } else if (key == "then") {
            out.actions = &member;
        } else if (kRuleTable.find(key) != nullptr) {
            plain.emplace_back(key, member);
        } else {
            return base::fail(Fault::usage, "{}: unknown key rule.{}{}", member.place().to_string(),
                              base::printable(key, 80), base::did_you_mean(kRuleTable.name, key, names));
        }
    }
    out.plain = Value(std::move(plain), value.place());
    return out;
}

Result<AddressList> make_list(const std::vector<std::string>& patterns) {
    return AddressList::make(patterns);
}

Result<Route> make_route(const Value* value) {
    Route route;
    if (value == nullptr) return route;
    RouteText text;
    GATEHOUSE_CHECK(base::fill(kRouteTable, *value, &text));
    const auto at = std::find(kDirections.begin(), kDirections.end(), text.direction);
    route.direction = static_cast<Direction>(at - kDirections.begin());
    GATEHOUSE_TRY(route.senders, make_list(text.senders));
    GATEHOUSE_TRY(route.recipients, make_list(text.recipients));
    GATEHOUSE_TRY(route.users, make_list(text.users));
    return route;
}

Result<void> check_list(const Term& term, const Value& place, const Known& known) {
    const auto name = list_of(term);
    if (std::ranges::find(known.lists, name) != known.lists.end()) return {};
    const auto near = base::nearest(name, known.lists);
    return base::fail(Fault::usage, "{}: there is no [[expression_list]] with name = \"{}\"{}",
                      place.place().to_string(), base::printable(name, 80),
                      near ? fmt::format("; did you mean {}?", *near) : std::string());
}

Result<void> check_known(const Term& term, const Value& place, const Known& known) {
    if (!list_of(term).empty()) return check_list(term, place, known);
    if (term.kind != TermKind::evidence || known.evidence.empty()) return {};
    const auto is_meant = [&](std::string_view id) {
        return term.is_group ? id.starts_with(term.word) : id == term.word;
    };
    std::vector<std::string> ids{std::string(kAntivirusMatch.id)};
    for (const auto& info : known.evidence) ids.emplace_back(info.id);
    if (std::any_of(ids.begin(), ids.end(), is_meant)) return {};
    const auto near = base::nearest(term.word, ids);
    return base::fail(Fault::usage, "{}: nothing in this version gives the evidence {}{}{}",
                      place.place().to_string(), term.word, term.is_group ? "*" : "",
                      near ? fmt::format("; did you mean {}?", *near) : std::string());
}

/// The texts of one list; their syntax was checked by the field table.
Result<std::vector<Term>> make_terms(const Value* list, double threshold, const Known& known) {
    std::vector<Term> terms;
    if (list == nullptr) return terms;
    const Value::Array single{*list};
    const Value::Array& members = list->array() != nullptr ? *list->array() : single;
    for (const auto& member : members) {
        GATEHOUSE_TRY(auto term, parse_term(*member.text()));
        GATEHOUSE_CHECK(check_known(term, member, known));
        if (term.uses_threshold) term.number = threshold;
        terms.push_back(std::move(term));
    }
    return terms;
}

Result<Condition> make_condition(const Value& value, double threshold, const Known& known) {
    Condition condition;
    if (value.text() != nullptr && *value.text() == "always") return condition;
    if (value.table() == nullptr) {
        return base::fail(Fault::usage,
                          "{}: when must be a table with any, all or none, or \"always\", not {}",
                          value.place().to_string(), value.kind_name());
    }
    WhenText text;
    GATEHOUSE_CHECK(base::fill(kWhenTable, value, &text));
    GATEHOUSE_TRY(condition.any, make_terms(value.find("any"), threshold, known));
    GATEHOUSE_TRY(condition.all, make_terms(value.find("all"), threshold, known));
    GATEHOUSE_TRY(condition.none, make_terms(value.find("none"), threshold, known));
    if (condition.any.empty() && condition.all.empty() && condition.none.empty()) {
        return base::fail(
            Fault::usage,
            "{}: when names no condition; write when = \"always\" for a rule that matches every "
            "message",
            value.place().to_string());
    }
    return condition;
}

Result<std::vector<Action>> make_actions(const Value& value, std::string_view rule) {
    const Value::Array single{value};
    const Value::Array& members = value.array() != nullptr ? *value.array() : single;
    std::vector<Action> actions;
    std::optional<Action> terminal;
    for (const auto& member : members) {
        GATEHOUSE_TRY(auto action, make_action(member));
        if (!action) continue;
        if (!is_terminal(action->kind)) {
            actions.push_back(*std::move(action));
            continue;
        }
        if (terminal) {
            return base::fail(Fault::usage, "{}: rule \"{}\": {} and {} exclude each other",
                              member.place().to_string(), rule, to_string(terminal->kind),
                              to_string(action->kind));
        }
        terminal = std::move(action);
    }
    if (members.empty()) {
        return base::fail(Fault::usage, "{}: rule \"{}\" does nothing; write then = [\"do_not_intercept\"]",
                          value.place().to_string(), rule);
    }
    if (terminal) actions.push_back(*std::move(terminal));
    return actions;
}

std::unexpected<base::Error> lacks(const Value& rule, std::string_view name, std::string_view key,
                                   std::string_view hint) {
    return base::fail(Fault::usage, "{}: rule \"{}\" has no {}; {}", rule.place().to_string(), name, key,
                      hint);
}

Result<Rule> make_rule(const Value& value, double threshold, const Known& known) {
    if (value.table() == nullptr) {
        return base::fail(Fault::usage, "{}: a rule must be a table written as [[rule]], not {}",
                          value.place().to_string(), value.kind_name());
    }
    GATEHOUSE_TRY(const auto tables, take_apart(value));
    RuleText text;
    GATEHOUSE_CHECK(base::fill(kRuleTable, tables.plain, &text));
    if (text.name.empty())
        return base::fail(Fault::usage, "{}: rule without name", value.place().to_string());
    if (tables.when == nullptr) {
        return lacks(value, text.name, "when",
                     "write when = \"always\" for a rule that matches every message");
    }
    if (tables.actions == nullptr) {
        return lacks(value, text.name, "then", "write then = [\"do_not_intercept\"] to do nothing");
    }
    Rule rule;
    rule.name = text.name;
    rule.enabled = text.enabled;
    rule.notes = text.notes;
    rule.place = value.place();
    rule.kind = static_cast<RuleKind>(std::find(kRuleKinds.begin(), kRuleKinds.end(), text.kind) -
                                      kRuleKinds.begin());
    GATEHOUSE_TRY(rule.route, make_route(tables.route));
    GATEHOUSE_TRY(rule.when, make_condition(*tables.when, threshold, known));
    GATEHOUSE_TRY(rule.actions, make_actions(*tables.actions, rule.name));
    return rule;
}

Result<void> check_names(const std::vector<Rule>& rules) {
    std::map<std::string_view, const Rule*> seen;
    for (const auto& rule : rules) {
        const auto [at, is_new] = seen.emplace(rule.name, &rule);
        if (is_new) continue;
        return base::fail(Fault::usage, "{}: the name \"{}\" is already that of the rule at {}",
                          rule.place.to_string(), rule.name, at->second->place.to_string());
    }
    return {};
}

Result<void> check_policy_keys(const Value& policy) {
    if (policy.is_empty()) return {};
    if (policy.table() == nullptr) {
        return base::fail(Fault::usage, "the policy must be [[rule]] tables, not {}", policy.kind_name());
    }
    const std::vector<std::string> tables{std::string(kRuleTable.name),
                                          std::string(message::kExpressionListTable.name)};
    for (const auto& [key, member] : *policy.table()) {
        if (std::ranges::find(tables, key) != tables.end()) continue;
        return base::fail(Fault::usage, "{}: unknown table {}{}", member.place().to_string(),
                          base::printable(key, 80), base::did_you_mean("", key, tables));
    }
    return {};
}

Result<void> read_settings(const Value& tree, Policy& policy) {
    AntispamSettings antispam;
    GATEHOUSE_CHECK(base::fill_from(kGeneralTable, tree, &policy.general));
    GATEHOUSE_CHECK(base::fill_from(kAntivirusTable, tree, &policy.antivirus));
    GATEHOUSE_CHECK(base::fill_from(kExceptionTable, tree, &policy.exceptions));
    GATEHOUSE_CHECK(base::fill_from(kAntispamTable, tree, &antispam));
    if (const auto good = check_threshold(antispam.threshold); !good) {
        return base::fail(good.error().fault, "{}: {}",
                          base::find_path(tree, "antispam.threshold")->place().to_string(),
                          good.error().sentence);
    }
    policy.spam_threshold = antispam.effective_threshold();
    GATEHOUSE_TRY(policy.internal, make_list(policy.general.internal_addresses));
    return {};
}

bool asks_for_malware(const Term& term) {
    if (term.kind == TermKind::verdict) return term.word == message::to_string(message::Verdict::virus);
    if (term.kind != TermKind::evidence) return false;
    return term.is_group ? kAntivirusMatch.id.starts_with(term.word) : term.word == kAntivirusMatch.id;
}

void note_dangers(Policy& policy) {
    const auto is_antivirus = [](const Rule& rule) { return rule.kind == RuleKind::antivirus; };
    const auto stops_malware = [](const Rule& rule) {
        const auto& when = rule.when;
        return rule.enabled && !rule.actions.empty() &&
               (std::any_of(when.any.begin(), when.any.end(), asks_for_malware) ||
                std::any_of(when.all.begin(), when.all.end(), asks_for_malware));
    };
    if (!policy.has_exceptions()) {
        const bool is_there = std::any_of(policy.rules.begin(), policy.rules.end(), is_antivirus);
        policy.warnings.push_back(fmt::format(
            "{} kind = \"antivirus\", so no scanning exception acts: mail that is malformed, encrypted, over "
            "the limits or could not be scanned, also while the malware engine is away, goes on like clean "
            "mail",
            is_there ? "every rule is disabled that has" : "no rule has"));
    }
    if (std::none_of(policy.rules.begin(), policy.rules.end(), stops_malware)) {
        policy.warnings.emplace_back("no enabled rule acts on antivirus.match: malware is delivered");
    }
}

}  // namespace

bool is_terminal(message::ActionKind kind) {
    return kind != message::ActionKind::tag_subject && kind != message::ActionKind::x_header &&
           kind != message::ActionKind::postpone;
}

bool is_kept_or_sent(message::ActionKind outcome) {
    return outcome == message::ActionKind::deliver || outcome == message::ActionKind::quarantine ||
           outcome == message::ActionKind::hand_off;
}

Result<void> check_rule_name(std::string_view name) {
    constexpr std::size_t kMaxName = 100;
    const bool is_good = !name.empty() && name.size() <= kMaxName && base::printable(name) == name;
    if (name == kLoopRuling || name.starts_with(kExceptionPrefix)) {
        return base::fail(Fault::usage, "\"{}\" is the name of what happens without a rule", name);
    }
    if (is_good) return {};
    return base::fail(Fault::usage, "a name is 1 to {} bytes of text without control characters", kMaxName);
}

Result<void> check_area(std::string_view name) {
    if (name == kDefaultArea) return {};
    return base::fail(Fault::usage, "{} is the one quarantine area of this version, not \"{}\"", kDefaultArea,
                      base::printable(name, 80));
}

Result<Policy> make_policy(const message::Revision& revision, std::span<const base::EvidenceInfo> known_ids) {
    Policy policy;
    policy.revision = revision.id;
    GATEHOUSE_CHECK(read_settings(revision.settings, policy));
    GATEHOUSE_CHECK(check_policy_keys(revision.policy));
    GATEHOUSE_TRY(const auto lists, message::read_expression_lists(revision.policy));
    policy.expressions = message::digest_of(lists);
    Known known{known_ids, {}};
    for (const auto& list : lists) known.lists.push_back(list.name);
    const Value* rules = revision.policy.find(kRuleTable.name);
    if (rules != nullptr && rules->array() == nullptr) {
        return base::fail(Fault::usage, "{}: rules are written as [[rule]], not as {}",
                          rules->place().to_string(), rules->kind_name());
    }
    for (std::size_t i = 0; rules != nullptr && i < rules->array()->size(); ++i) {
        const Value& value = rules->array()->at(i);
        if (i == kMaxRules) {
            return base::fail(Fault::limit, "{}: a policy has at most {} rules", value.place().to_string(),
                              kMaxRules);
        }
        GATEHOUSE_TRY(auto rule, make_rule(value, policy.spam_threshold, known));
        if (rule.enabled && rule.kind == RuleKind::antivirus && !policy.antivirus_rule)
            policy.antivirus_rule = i;
        policy.rules.push_back(std::move(rule));
    }
    GATEHOUSE_CHECK(check_names(policy.rules));
    note_dangers(policy);
    return policy;
}

}  // namespace gatehouse::decide
