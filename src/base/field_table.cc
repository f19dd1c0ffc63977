#include "base/field_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/other_names.h"
#include "base/text.h"

namespace gatehouse::base {
namespace {

struct UnitFactor {
    std::string_view base;    // the field's unit
    std::string_view suffix;  // as written by the operator, lower case
    std::int64_t factor;
};

constexpr std::array kUnits = {
    UnitFactor{"bytes", "b", 1},
    UnitFactor{"bytes", "bytes", 1},
    UnitFactor{"bytes", "kib", 1LL << 10},
    UnitFactor{"bytes", "mib", 1LL << 20},
    UnitFactor{"bytes", "gib", 1LL << 30},
    UnitFactor{"bytes", "kb", 1000},
    UnitFactor{"bytes", "mb", 1000LL * 1000},
    UnitFactor{"bytes", "gb", 1000LL * 1000 * 1000},
    UnitFactor{"ms", "ms", 1},
    UnitFactor{"ms", "s", 1000},
    UnitFactor{"ms", "min", 60LL * 1000},
    UnitFactor{"s", "s", 1},
    UnitFactor{"s", "min", 60},
    UnitFactor{"s", "h", 3600},
    UnitFactor{"s", "d", 86400},
    UnitFactor{"min", "min", 1},
    UnitFactor{"min", "h", 60},
    UnitFactor{"h", "h", 1},
    UnitFactor{"h", "d", 24},
    UnitFactor{"days", "d", 1},
    UnitFactor{"days", "days", 1},
};

std::unexpected<Error> wrong(const Value& value, const Field& field, std::string_view got) {
    return fail(Fault::usage, "{}: {} must be {}, not {}", value.place().to_string(), field.name,
                describe(field), got);
}

Result<void> check_word(const std::string& word, const Value& value, const Field& field) {
    const auto& choices = field.options.choices;
    if (!choices.empty() && std::find(choices.begin(), choices.end(), word) == choices.end()) {
        return wrong(value, field, fmt::format("\"{}\"", printable(word, 80)));
    }
    if (field.options.check == nullptr) return {};
    if (auto good = field.options.check(word); !good) {
        return fail(Fault::usage, "{}: {}: {}", value.place().to_string(), field.name, good.error().sentence);
    }
    return {};
}

std::string range_words(const FieldOptions& options) {
    constexpr auto kLowest = std::numeric_limits<std::int64_t>::min();
    constexpr auto kHighest = std::numeric_limits<std::int64_t>::max();
    if (options.min != kLowest && options.max != kHighest) {
        return fmt::format(" from {} to {}", options.min, options.max);
    }
    if (options.min != kLowest) return fmt::format(" of at least {}", options.min);
    if (options.max != kHighest) return fmt::format(" of at most {}", options.max);
    return "";
}

bool holds_tables(const Value& value) {
    if (value.table() != nullptr) return true;
    return value.array() != nullptr && !value.array()->empty() && value.array()->front().table() != nullptr;
}

Result<void> fill_members(const FieldTable& table, const Value& from, void* object, bool pass_over_tables) {
    const auto* members = from.table();
    if (members == nullptr) {
        return fail(Fault::usage, "{}: {} must be a table, not {}", from.place().to_string(), table.name,
                    from.kind_name());
    }
    for (const auto& [key, value] : *members) {
        const Field* field = table.find(key);
        if (field == nullptr && pass_over_tables && holds_tables(value)) continue;
        if (field == nullptr) {
            return fail(Fault::usage, "{}: unknown key {}.{}{}", value.place().to_string(), table.name,
                        printable(key, 80), did_you_mean(table.name, key, table.names()));
        }
        GATEHOUSE_CHECK(field->assign(object, value, *field));
    }
    return {};
}

}  // namespace

const Field* FieldTable::find(std::string_view field) const {
    const auto at =
        std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.name == field; });
    return at == fields.end() ? nullptr : &*at;
}

std::vector<std::string> FieldTable::names() const {
    std::vector<std::string> out;
    for (const auto& field : fields) out.emplace_back(field.name);
    return out;
}

std::string describe(const Field& field) {
    const auto& options = field.options;
    switch (field.kind) {
        case FieldKind::boolean:
            return "true or false";
        case FieldKind::real:
            return "a number" + range_words(options);
        case FieldKind::integer: {
            std::string words = "an integer" + range_words(options);
            if (!options.unit.empty()) words += fmt::format(" ({})", options.unit);
            return words;
        }
        case FieldKind::text:
        case FieldKind::list:
            break;
    }
    const std::string_view noun = field.kind == FieldKind::list ? "a list of " : "";
    if (options.choices.empty()) return field.kind == FieldKind::list ? "a list of strings" : "a string";
    return fmt::format("{}one of {}", noun, fmt::join(options.choices, ", "));
}

Result<void> fill(const FieldTable& table, const Value& from, void* object) {
    return fill_members(table, from, object, false);
}

Result<void> fill_from(const FieldTable& table, const Value& tree, void* object) {
    const Value* at = find_path(tree, table.name);
    return at == nullptr ? Result<void>() : fill_members(table, *at, object, true);
}

const Value* find_path(const Value& tree, std::string_view dotted) {
    const Value* at = &tree;
    for (const auto step : split(dotted, '.')) {
        at = at->find(step);
        if (at == nullptr) return nullptr;
    }
    return at;
}

Result<void> check_value(const Field& field, const Value& value) {
    bool boolean = false;
    std::int64_t integer = 0;
    double real = 0;
    std::string text;
    std::vector<std::string> list;
    switch (field.kind) {
        case FieldKind::boolean:
            return detail::assign_boolean(boolean, value, field);
        case FieldKind::integer:
            return detail::assign_integer(integer, value, field);
        case FieldKind::real:
            return detail::assign_real(real, value, field);
        case FieldKind::text:
            return detail::assign_text(text, value, field);
        case FieldKind::list:
            return detail::assign_list(list, value, field);
    }
    return {};
}

std::optional<std::int64_t> parse_quantity(std::string_view text, std::string_view unit) {
    text = trim(text);
    const auto digits =
        static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
    const auto number = parse_unsigned(text.substr(0, digits));
    const std::string suffix = lower(trim(text.substr(digits)));
    if (!number) return std::nullopt;
    constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
    if (suffix.empty() && *number <= static_cast<std::uint64_t>(kMost)) {
        return static_cast<std::int64_t>(*number);
    }
    for (const auto& known : kUnits) {
        if (known.base != unit || known.suffix != suffix) continue;
        if (*number > static_cast<std::uint64_t>(kMost / known.factor)) return std::nullopt;
        return static_cast<std::int64_t>(*number) * known.factor;
    }
    return std::nullopt;
}

namespace detail {

Result<void> assign_boolean(bool& to, const Value& value, const Field& field) {
    if (value.boolean() == nullptr) return wrong(value, field, value.kind_name());
    to = *value.boolean();
    return {};
}

Result<void> assign_integer(std::int64_t& to, const Value& value, const Field& field) {
    std::optional<std::int64_t> number;
    if (value.integer() != nullptr) number = *value.integer();
    if (value.text() != nullptr && !field.options.unit.empty())
        number = parse_quantity(*value.text(), field.options.unit);
    if (!number) {
        return wrong(value, field,
                     value.text() != nullptr ? value.to_string() : std::string(value.kind_name()));
    }
    if (*number < field.options.min || *number > field.options.max)
        return wrong(value, field, value.to_string());
    to = *number;
    return {};
}

Result<void> assign_real(double& to, const Value& value, const Field& field) {
    double number = 0;
    if (value.real() != nullptr) {
        number = *value.real();
    } else if (value.integer() != nullptr) {
        number = static_cast<double>(*value.integer());
    } else {
        return wrong(value, field, value.kind_name());
    }
    const bool in_range = std::isfinite(number) && number >= static_cast<double>(field.options.min) &&
                          number <= static_cast<double>(field.options.max);
    if (!in_range) return wrong(value, field, value.to_string());
    to = number;
    return {};
}

Result<void> assign_text(std::string& to, const Value& value, const Field& field) {
    if (value.text() == nullptr) return wrong(value, field, value.kind_name());
    GATEHOUSE_CHECK(check_word(*value.text(), value, field));
    to = *value.text();
    return {};
}

Result<void> assign_list(std::vector<std::string>& to, const Value& value, const Field& field) {
    std::vector<std::string> list;
    if (value.text() != nullptr) {
        GATEHOUSE_CHECK(check_word(*value.text(), value, field));
        list.push_back(*value.text());
    } else if (value.array() != nullptr) {
        for (const auto& member : *value.array()) {
            if (member.text() == nullptr)
                return wrong(member, field, fmt::format("a list with {}", member.kind_name()));
            GATEHOUSE_CHECK(check_word(*member.text(), member, field));
            list.push_back(*member.text());
        }
    } else {
        return wrong(value, field, value.kind_name());
    }
    to = std::move(list);
    return {};
}

Value read_list(const std::vector<std::string>& list) {
    Value::Array out;
    for (const auto& member : list) out.emplace_back(Value::Data(member));
    return Value(Value::Data(std::move(out)));
}

}  // namespace detail

std::vector<Value> defaults_of(const FieldTable& table) {
    return table.defaults == nullptr ? std::vector<Value>(table.fields.size()) : table.defaults(table.fields);
}

}  // namespace gatehouse::base
