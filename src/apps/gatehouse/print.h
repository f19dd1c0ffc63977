// What the commands write on a terminal: rows as a table, one object as indented lines, or JSON lines with
// --json.
#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::apps {

struct Column {
    std::string_view key;
    std::string_view title;
    std::size_t most;               ///< longest cell; the rest is cut
    bool hides_when_empty = false;  ///< no column when no row has anything in it
};

/// Writes nothing for no rows.
void print_table(const std::vector<Column>& columns, const std::vector<boost::json::object>& rows);
/// "key: value" lines, nested by indentation.
void print_object(const boost::json::object& object, int depth = 0);
std::string cell(const boost::json::value& value);
boost::json::object parse_row(std::string_view json);

/// "2h", "30d", "15min" before now, or a UTC date or time; microseconds since 1970.
std::optional<std::int64_t> parse_since(const std::string& text);

}  // namespace gatehouse::apps
