#include "message/expression_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/digest.h"
#include "base/other_names.h"
#include "base/text.h"

namespace gatehouse::message {

using base::Fault;
using base::Result;
using base::Value;

namespace {

Result<Expression> read_expression(const Value& value) {
    Expression one;
    if (value.text() != nullptr) {
        one.pattern = *value.text();
        if (const auto good = check_pattern(one.pattern); !good) {
            return base::fail(Fault::usage, "{}: expression_list.expression: {}", value.place().to_string(),
                              good.error().sentence);
        }
    } else if (value.table() != nullptr) {
        GATEHOUSE_CHECK(base::fill(kExpressionTable, value, &one));
        if (one.pattern.empty())
            return base::fail(Fault::usage, "{}: an expression without pattern", value.place().to_string());
    } else {
        return base::fail(Fault::usage, "{}: an expression must be a text or a table with pattern, not {}",
                          value.place().to_string(), value.kind_name());
    }
    one.place = value.place();
    return one;
}

Result<Value> without_expressions(const Value& value) {
    auto names = kExpressionListTable.names();
    names.emplace_back("expression");
    Value::Table plain;
    for (const auto& [key, member] : *value.table()) {
        if (key == "expression") continue;
        if (kExpressionListTable.find(key) == nullptr) {
            return base::fail(Fault::usage, "{}: unknown key expression_list.{}{}",
                              member.place().to_string(), base::printable(key, 80),
                              base::did_you_mean("expression_list", key, names));
        }
        plain.emplace_back(key, member);
    }
    return Value(std::move(plain), value.place());
}

std::uint8_t bits_of(const std::vector<std::string>& fields) {
    std::uint8_t bits = 0;
    for (std::size_t i = 0; i < kTextFields.size(); ++i) {
        if (std::ranges::find(fields, kTextFields.at(i)) != fields.end())
            bits = static_cast<std::uint8_t>(bits | (1U << i));
    }
    return bits;
}

Result<ExpressionList> read_list(const Value& value) {
    if (value.table() == nullptr) {
        return base::fail(Fault::usage, "{}: a list must be a table written as [[expression_list]], not {}",
                          value.place().to_string(), value.kind_name());
    }
    GATEHOUSE_TRY(const auto plain, without_expressions(value));
    ExpressionListText text;
    GATEHOUSE_CHECK(base::fill(kExpressionListTable, plain, &text));
    const std::string place = value.place().to_string();
    if (text.name.empty()) return base::fail(Fault::usage, "{}: expression_list without name", place);
    ExpressionList list;
    list.name = text.name;
    list.match = static_cast<ListMatch>(std::ranges::find(kListMatches, text.match) - kListMatches.begin());
    list.threshold = text.threshold;
    list.fields = bits_of(text.in);
    list.place = value.place();
    if (list.fields == 0)
        return base::fail(Fault::usage, "{}: expression_list \"{}\": in names nothing", place, list.name);
    const Value* members = value.find("expression");
    const Value::Array none;
    const Value::Array single =
        members == nullptr || members->array() != nullptr ? none : Value::Array{*members};
    const auto& array = members != nullptr && members->array() != nullptr ? *members->array() : single;
    for (const auto& member : array) {
        GATEHOUSE_TRY(auto one, read_expression(member));
        list.expressions.push_back(std::move(one));
    }
    if (!list.expressions.empty()) return list;
    return base::fail(Fault::usage, "{}: expression_list \"{}\" has no expression", place, list.name);
}

}  // namespace

Result<void> check_list_name(std::string_view name) {
    constexpr std::size_t kMaxName = 64;
    const bool is_good = !name.empty() && name.size() <= kMaxName && base::printable(name) == name &&
                         base::trim(name) == name && name.find_first_of("<>=\"") == std::string_view::npos;
    if (is_good) return {};
    return base::fail(
        Fault::usage,
        "a name is 1 to {} bytes of text without control characters, <, >, = and quotes, not \"{}\"",
        kMaxName, base::printable(name, 80));
}

Result<void> check_pattern(std::string_view pattern) {
    if (pattern.empty()) return base::fail(Fault::usage, "an expression must not be empty");
    if (pattern.size() > kMaxExpressionText)
        return base::fail(Fault::usage, "an expression has at most {} bytes", kMaxExpressionText);
    if (!base::is_valid_utf8(pattern) || pattern.find('\0') != std::string_view::npos)
        return base::fail(Fault::usage, "an expression is text in UTF-8");
    return {};
}

Result<std::vector<ExpressionList>> read_expression_lists(const Value& policy) {
    std::vector<ExpressionList> lists;
    const Value* tables = policy.find(kExpressionListTable.name);
    if (tables == nullptr) return lists;
    if (tables->array() == nullptr) {
        return base::fail(Fault::usage, "{}: lists are written as [[expression_list]], not as {}",
                          tables->place().to_string(), tables->kind_name());
    }
    std::set<std::string> names;
    std::size_t count = 0;
    for (const auto& value : *tables->array()) {
        GATEHOUSE_TRY(auto list, read_list(value));
        const std::string place = value.place().to_string();
        if (!names.insert(list.name).second)
            return base::fail(Fault::usage, "{}: there is already a list \"{}\"", place, list.name);
        count += list.expressions.size();
        if (names.size() > kMaxExpressionLists || count > kMaxExpressions) {
            return base::fail(Fault::limit, "{}: a policy has at most {} lists and {} expressions", place,
                              kMaxExpressionLists, kMaxExpressions);
        }
        lists.push_back(std::move(list));
    }
    return lists;
}

std::string digest_of(const std::vector<ExpressionList>& lists) {
    if (lists.empty()) return "";
    base::Sha256 digest;
    const auto add = [&digest](std::string_view text) {
        digest.update(fmt::format("{}:", text.size()));
        digest.update(text);
    };
    for (const auto& list : lists) {
        add(list.name);
        add(fmt::format("{} {} {} {}", static_cast<int>(list.match), list.threshold, list.fields,
                        list.expressions.size()));
        for (const auto& one : list.expressions) {
            add(one.pattern);
            add(fmt::format("{} {}", one.score, one.case_sensitive));
        }
    }
    return digest.finish();
}

}  // namespace gatehouse::message
