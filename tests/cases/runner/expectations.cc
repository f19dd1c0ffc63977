#include "expectations.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <regex>
#include <vector>

#include "base/text.h"

namespace gatehouse::cases {
namespace {

namespace json = boost::json;

/// Every value the path leads to.
std::vector<json::value> reach(const json::value& from, const std::vector<std::string_view>& steps) {
    std::vector<json::value> now{from};
    for (const auto step : steps) {
        std::vector<json::value> next;
        for (const auto& value : now) {
            if (step == "count" && value.is_array()) {
                next.emplace_back(value.get_array().size());
                continue;
            }
            const auto take = [&](const json::value& holder) {
                const auto* member = holder.is_object() ? holder.get_object().if_contains(step) : nullptr;
                if (member != nullptr) next.push_back(*member);
            };
            if (value.is_array()) {
                for (const auto& element : value.get_array()) take(element);
            } else {
                take(value);
            }
        }
        now = std::move(next);
    }
    std::vector<json::value> flat;
    for (const auto& value : now) {
        if (value.is_array()) {
            for (const auto& element : value.get_array()) flat.push_back(element);
            if (value.get_array().empty()) flat.emplace_back(json::array());
        } else {
            flat.push_back(value);
        }
    }
    return flat;
}

std::string word_of(const json::value& value) {
    if (value.is_string()) return std::string(value.get_string());
    return json::serialize(value);
}

bool compare(const std::string& op, const json::value& value, const std::string& wanted) {
    const std::string word = word_of(value);
    if (op == "=") return word == wanted;
    if (op == "contains") return word.find(wanted) != std::string::npos;
    if (op == "matches") return std::regex_search(word, std::regex(wanted));
    const double left = std::strtod(word.c_str(), nullptr);
    const double right = std::strtod(wanted.c_str(), nullptr);
    if (op == ">") return left > right;
    if (op == "<") return left < right;
    if (op == ">=") return left >= right;
    return left <= right;
}

}  // namespace

bool holds(const Expectation& expectation, const json::value& outcome) {
    const auto reached = reach(outcome, base::split(expectation.path, '.'));
    const auto any = [&](const std::string& op) {
        return std::any_of(reached.begin(), reached.end(),
                           [&](const json::value& value) { return compare(op, value, expectation.value); });
    };
    if (expectation.op == "exists") return !reached.empty();
    if (expectation.op == "!=") return !any("=");
    if (expectation.op == "!contains") return !any("contains");
    return any(expectation.op);
}

std::string disagreements(const CaseFile& file, const json::value& outcome) {
    std::string out;
    const auto tell = [&](const Expectation& item, std::string_view what) {
        out +=
            fmt::format("{}:{}: {}: {} {} {}\n", file.path, item.line, what, item.path, item.op, item.value);
        for (const auto& value : reach(outcome, base::split(item.path, '.'))) {
            out += fmt::format("    it is {}\n", word_of(value).substr(0, 300));
        }
    };
    // What is not there at all would let every "must not" pass.
    const auto is_known = [&](const Expectation& item) {
        const auto name = base::split(item.path, '.').front();
        return outcome.is_object() && outcome.get_object().contains(name);
    };
    for (const auto& item : file.refuse) {
        if (!is_known(item)) tell(item, "speaks of what is not there");
    }
    for (const auto& item : file.expect) {
        if (!holds(item, outcome)) tell(item, "does not hold");
    }
    for (const auto& item : file.refuse) {
        if (holds(item, outcome)) tell(item, "holds, and must not");
    }
    return out;
}

}  // namespace gatehouse::cases
