#include "decide/make_action.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/ip_address.h"
#include "base/text.h"
#include "decide/local_time.h"
#include "decide/policy.h"
#include "decide/rule_text.h"

namespace gatehouse::decide {
namespace {

using base::Fault;
using base::Result;
using base::Value;
using message::Action;
using message::ActionKind;

constexpr std::size_t kMaxReply = 200;  // with code and reference well below RFC 5321's 512
constexpr std::size_t kMaxHeaderName = 64;
constexpr std::size_t kMaxHeaderText = 500;
constexpr std::size_t kMaxTag = 100;

ActionKind kind_of(std::string_view verb) {
    if (verb == "reject") return ActionKind::reject;
    if (verb == "defer") return ActionKind::defer;
    if (verb == "delete") return ActionKind::remove;
    if (verb == "quarantine") return ActionKind::quarantine;
    if (verb == "tag_subject") return ActionKind::tag_subject;
    if (verb == "x_header") return ActionKind::x_header;
    if (verb == "postpone") return ActionKind::postpone;
    if (verb == "hand_off") return ActionKind::hand_off;
    return ActionKind::deliver;
}

bool is_printable_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

/// "550 5.7.1 words" of the class wanted; 421 would close the session and is not for policy.
bool is_whole_reply(std::string_view text, char wanted) {
    if (text.size() < 11 || text[0] != wanted || text[1] != '5' || !base::is_digit(text[2])) return false;
    const auto words = base::split(text, ' ');
    const auto digits = base::split(words.at(1), '.');
    return text[3] == ' ' && words.size() >= 3 && digits.size() == 3 && digits[0] == std::string(1, wanted) &&
           base::parse_unsigned(digits[1]) && base::parse_unsigned(digits[2]);
}

Result<std::string> make_reply(ActionKind kind, std::string_view text) {
    const bool is_reject = kind == ActionKind::reject;
    const std::string_view code = is_reject ? "550 5.7.1 " : "451 4.7.1 ";
    if (text.empty()) {
        return std::string(code) + (is_reject ? "Message refused by policy" : "Try again later");
    }
    if (text.size() > kMaxReply || !is_printable_ascii(text)) {
        return base::fail(Fault::usage, "text must be at most {} characters of plain ASCII", kMaxReply);
    }
    if (!base::is_digit(text.front())) return fmt::format("{}{}", code, text);
    if (is_whole_reply(text, is_reject ? '5' : '4')) return std::string(text);
    return base::fail(Fault::usage, "a text that begins with a code must be like \"{}Words\"", code);
}

Result<void> check_header(const ActionText& from) {
    const std::string_view name = from.name;
    const bool is_name = name.size() > 2 && name.size() <= kMaxHeaderName && base::istarts_with(name, "X-") &&
                         std::all_of(name.begin(), name.end(),
                                     [](char c) { return base::is_alnum(c) || c == '-' || c == '_'; });
    if (!is_name) return base::fail(Fault::usage, "name must be a header field such as X-Checked");
    if (base::istarts_with(name, "X-Gatehouse-")) {
        return base::fail(Fault::usage, "X-Gatehouse- fields are written by Gatehouse alone");
    }
    if (from.text.empty() || from.text.size() > kMaxHeaderText || !is_printable_ascii(from.text)) {
        return base::fail(Fault::usage, "text must be 1 to {} characters of plain ASCII", kMaxHeaderText);
    }
    return {};
}

Result<void> check_tag(std::string_view text) {
    const bool has_control = std::any_of(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
    if (!text.empty() && text.size() <= kMaxTag && !has_control && base::is_valid_utf8(text)) return {};
    return base::fail(Fault::usage, "text must be 1 to {} bytes without control characters", kMaxTag);
}

Result<Action> finish(const ActionText& from) {
    Action action{kind_of(from.verb), "", "", ""};
    switch (action.kind) {
        case ActionKind::reject:
        case ActionKind::defer: {
            GATEHOUSE_TRY(action.text, make_reply(action.kind, from.text));
            return action;
        }
        case ActionKind::quarantine:
            action.area = from.area;
            return action;
        case ActionKind::tag_subject:
            GATEHOUSE_CHECK(check_tag(from.text));
            action.text = from.text;
            return action;
        case ActionKind::x_header:
            GATEHOUSE_CHECK(check_header(from));
            action.name = from.name;
            action.text = from.text;
            return action;
        case ActionKind::postpone:
            if (!parse_time_of_day(from.at))
                return base::fail(Fault::usage, "at must be a time of day such as \"22:00\"");
            action.text = from.at;
            return action;
        case ActionKind::hand_off: {
            const auto endpoint = base::Endpoint::parse(from.host);
            if (!endpoint || endpoint->port == 0) {
                return base::fail(
                    Fault::usage,
                    "host must be an IP address with a port, such as \"192.0.2.1:25\" (names need "
                    "the DNS outlet, which is not in this version)");
            }
            action.text = endpoint->to_string();
            return action;
        }
        case ActionKind::deliver:
        case ActionKind::remove:
            return action;
    }
    return action;
}

/// A key that means nothing for this action would be a wish silently dropped.
Result<void> check_keys(const std::string& verb, const Value& value) {
    const auto is_needed = [&](std::string_view key) {
        if (key == "area") return verb == "quarantine";
        if (key == "name") return verb == "x_header";
        if (key == "host") return verb == "hand_off";
        if (key == "at") return verb == "postpone";
        if (key == "text") {
            return verb == "x_header" || verb == "tag_subject" || verb == "reject" || verb == "defer";
        }
        return true;
    };
    for (const auto& [key, member] : *value.table()) {
        if (is_needed(key)) continue;
        return base::fail(Fault::usage, "{}: {} means nothing for the action {}", member.place().to_string(),
                          key, verb);
    }
    return {};
}

/// Where the value says nothing about itself: "policy.toml:3: tag_subject: text must be ...".
base::Error at(const Value& value, std::string_view verb, const base::Error& error) {
    return {error.fault, fmt::format("{}: {}: {}", value.place().to_string(), verb, error.sentence)};
}

Result<ActionText> read_action(const Value& value) {
    ActionText text;
    if (value.text() != nullptr) {
        GATEHOUSE_CHECK(kActionTable.find("action")->assign(&text, value, *kActionTable.find("action")));
        return text;
    }
    GATEHOUSE_CHECK(base::fill(kActionTable, value, &text));
    if (text.verb.empty()) {
        return base::fail(Fault::usage, "{}: what the rule does needs action = one of {}",
                          value.place().to_string(), fmt::join(kActionVerbs, ", "));
    }
    GATEHOUSE_CHECK(check_keys(text.verb, value));
    return text;
}

}  // namespace

Result<std::optional<Action>> make_action(const Value& value) {
    if (value.text() != nullptr && *value.text() == "deliver") {
        return base::fail(Fault::usage,
                          "{}: deliver is what happens after the last rule; do_not_intercept goes on to the "
                          "next rule",
                          value.place().to_string());
    }
    GATEHOUSE_TRY(const auto text, read_action(value));
    if (text.verb == "do_not_intercept") return std::nullopt;
    auto action = finish(text);
    if (!action) return std::unexpected(at(value, text.verb, action.error()));
    return std::optional(*std::move(action));
}

std::optional<Action> exception_action(std::string_view verb) {
    if (verb == "do_not_intercept") return std::nullopt;
    ActionText text;
    text.verb = verb;
    const auto action = finish(text);
    return action ? std::optional(*action) : std::nullopt;
}

}  // namespace gatehouse::decide
