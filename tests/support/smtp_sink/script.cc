#include "support/smtp_sink/script.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace gatehouse::test {
namespace {

using base::fail;
using base::Fault;

constexpr std::array<std::string_view, 12> kStages{"CONNECT", "EHLO", "HELO", "STARTTLS", "TLS",  "MAIL",
                                                   "RCPT",    "DATA", "BODY", "DOT",      "RSET", "QUIT"};

struct Ending {
    std::string_view word;
    Then then;
};
constexpr std::array kEndings = {
    Ending{"cut", Then::cut},
    Ending{"stall", Then::stall},
    Ending{"reset", Then::reset},
};

base::Result<std::string> unescape(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            out += text[i];
            continue;
        }
        const char kind = ++i < text.size() ? text[i] : ' ';
        if (kind == 'r') out += '\r';
        if (kind == 'n') out += '\n';
        if (kind == '0') out += '\0';
        if (kind == '\\') out += '\\';
        if (std::string_view("rn0\\").contains(kind)) continue;
        const auto byte = kind == 'x' ? base::from_hex(text.substr(i + 1, 2)) : std::nullopt;
        if (!byte || byte->size() != 1) return fail(Fault::usage, "\"{}\" has an unknown escape", text);
        out += *byte;
        i += 2;
    }
    return out;
}

/// "450 4.2.0 a\nb" as the wire form of a reply.
base::Result<Action> parse_reply(std::string_view text) {
    const auto code = base::parse_unsigned(text.substr(0, 3));
    if (!code || text.size() < 3 || (text.size() > 3 && text[3] != ' ')) {
        return fail(Fault::usage, "\"{}\" is no action of the sink", text);
    }
    Action action{Say::bytes, {}, static_cast<int>(*code), Then::go_on};
    GATEHOUSE_TRY(const std::string lines, unescape(text.substr(std::min<std::size_t>(4, text.size()))));
    const auto split = base::split(lines, '\n');
    for (std::size_t i = 0; i < split.size(); ++i) {
        action.bytes += text.substr(0, 3);
        action.bytes += i + 1 < split.size() ? '-' : ' ';
        action.bytes += split[i];
        action.bytes += "\r\n";
    }
    return action;
}

base::Result<Action> parse_action(std::string_view text) {
    for (const auto& ending : kEndings) {
        if (text == ending.word) return Action{Say::nothing, {}, 0, ending.then};
        const std::string suffix = " then " + std::string(ending.word);
        if (!text.ends_with(suffix)) continue;
        GATEHOUSE_TRY(auto action, parse_action(text.substr(0, text.size() - suffix.size())));
        action.then = ending.then;
        return action;
    }
    if (text == "ok") return Action{};
    if (text == "garbage") return Action{Say::garbage, {}, 0, Then::go_on};
    if (text == "endless") return Action{Say::endless, {}, 0, Then::go_on};
    if (!text.starts_with("raw ")) return parse_reply(text);
    GATEHOUSE_TRY(auto bytes, unescape(text.substr(4)));
    return Action{Say::bytes, std::move(bytes), 0, Then::go_on};
}

}  // namespace

base::Result<Rule> Script::parse_rule(std::string_view line) {
    const auto equals = line.find('=');
    if (equals == std::string_view::npos)
        return fail(Fault::usage, "\"{}\" is no rule such as RCPT 1 = 450 no", line);
    auto words = base::split(base::trim(line.substr(0, equals)), ' ');
    std::erase(words, "");
    Rule rule;
    if (words.size() > 2 && words[0] == "hop") {
        rule.hop = base::parse_unsigned(words[1]).value_or(0);
        if (rule.hop == 0) return fail(Fault::usage, "\"{}\" names no hop", line);
        words.erase(words.begin(), words.begin() + 2);
    }
    const auto stage = std::find(kStages.begin(), kStages.end(), words.empty() ? "" : words[0]);
    if (stage == kStages.end() || words.size() > 2) return fail(Fault::usage, "\"{}\" names no stage", line);
    rule.stage = static_cast<Stage>(stage - kStages.begin());
    if (words.size() == 2) {
        rule.number = base::parse_unsigned(words[1]);
        if (!rule.number) return fail(Fault::usage, "\"{}\": {} is no number", line, words[1]);
    }
    GATEHOUSE_TRY(rule.action, parse_action(base::trim(line.substr(equals + 1))));
    return rule;
}

base::Result<void> Script::add_line(std::string_view line) {
    line = base::trim(line);
    if (line.empty() || line.front() == '#') return {};
    const auto equals = line.find('=');
    if (equals != std::string_view::npos && base::trim(line.substr(0, equals)) == "offer") {
        offers.clear();
        for (const auto word : base::split(line.substr(equals + 1), ',')) {
            if (!base::trim(word).empty()) offers.emplace_back(base::trim(word));
        }
        return {};
    }
    GATEHOUSE_TRY(auto rule, parse_rule(line));
    rules.push_back(std::move(rule));
    return {};
}

base::Result<void> Script::add_lines(std::string_view text) {
    for (const auto line : base::split(text, '\n')) GATEHOUSE_CHECK(add_line(line));
    return {};
}

const Action* Script::find(Stage stage, std::size_t number) const {
    const Action* always = nullptr;
    for (const auto& rule : rules) {
        if (rule.stage != stage) continue;
        if (rule.number == number) return &rule.action;
        if (!rule.number) always = &rule.action;
    }
    return always;
}

}  // namespace gatehouse::test
