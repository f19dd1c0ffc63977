#include "apps/gatehouse/print.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "base/clock.h"
#include "base/field_table.h"
#include "base/text.h"

namespace gatehouse::apps {

namespace json = boost::json;

std::string cell(const json::value& value) {
    if (value.is_string()) return std::string(value.get_string());
    if (value.is_array()) {
        std::string out;
        for (const auto& member : value.get_array()) out += (out.empty() ? "" : ", ") + cell(member);
        return out;
    }
    if (value.is_null()) return "";
    if (value.is_bool()) return value.get_bool() ? "yes" : "no";
    return json::serialize(value);
}

json::object parse_row(std::string_view text) {
    boost::system::error_code error;
    auto value = json::parse(text, error);
    return !error && value.is_object() ? std::move(value.get_object()) : json::object();
}

void print_table(const std::vector<Column>& all_columns, const std::vector<json::object>& rows) {
    if (rows.empty()) return;
    std::vector<Column> columns;
    for (const auto& column : all_columns) {
        const auto has_cell = [&](const json::object& row) {
            const auto* value = row.if_contains(column.key);
            return value != nullptr && !cell(*value).empty();
        };
        if (!column.hides_when_empty || std::any_of(rows.begin(), rows.end(), has_cell))
            columns.push_back(column);
    }
    std::vector<std::vector<std::string>> cells;
    std::vector<std::size_t> widths;
    for (const auto& column : columns) widths.push_back(column.title.size());
    for (const auto& row : rows) {
        auto& line = cells.emplace_back();
        for (std::size_t i = 0; i < columns.size(); ++i) {
            const auto* value = row.if_contains(columns[i].key);
            std::string text = value == nullptr ? "" : cell(*value);
            if (text.size() > columns[i].most)
                text = std::string(base::cut_text(text, columns[i].most - 2)) + "..";
            widths[i] = std::max(widths[i], text.size());
            line.push_back(std::move(text));
        }
    }
    for (std::size_t i = 0; i < columns.size(); ++i) fmt::print("{:<{}}  ", columns[i].title, widths[i]);
    fmt::print("\n");
    for (const auto& line : cells) {
        for (std::size_t i = 0; i < line.size(); ++i) fmt::print("{:<{}}  ", line[i], widths[i]);
        fmt::print("\n");
    }
}

void print_object(const json::object& object, int depth) {
    for (const auto& [key, value] : object) {
        const std::string indent(static_cast<std::size_t>(depth) * 2, ' ');
        const bool is_list_of_objects =
            value.is_array() && !value.get_array().empty() && value.get_array().front().is_object();
        if (value.is_object()) {
            fmt::print("{}{}:\n", indent, std::string_view(key));
            print_object(value.get_object(), depth + 1);
        } else if (is_list_of_objects) {
            fmt::print("{}{}:\n", indent, std::string_view(key));
            for (const auto& member : value.get_array()) {
                std::string line;
                for (const auto& [name, inner] : member.as_object()) {
                    const std::string text = cell(inner);
                    if (!text.empty())
                        line +=
                            fmt::format("{}{} {}", line.empty() ? "" : ", ", std::string_view(name), text);
                }
                fmt::print("{}  - {}\n", indent, line);
            }
        } else {
            fmt::print("{}{}: {}\n", indent, std::string_view(key), cell(value));
        }
    }
}

std::optional<std::int64_t> parse_since(const std::string& text) {
    if (const auto time = base::parse_rfc3339(text); time) return time->time_since_epoch().count();
    if (const auto day = base::parse_rfc3339(text + "T00:00:00Z"); day)
        return day->time_since_epoch().count();
    const auto seconds = base::parse_quantity(text, "s");
    if (!seconds || base::is_digit(text.back())) return std::nullopt;
    const base::Clock clock;
    return (clock.wall() - std::chrono::seconds(*seconds)).time_since_epoch().count();
}

}  // namespace gatehouse::apps
