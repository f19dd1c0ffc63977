// The one file that knows toml++. Its exceptions end here.
#include <toml++/toml.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.h"
#include "settings/text/nesting.h"
#include "settings/text/parse.h"

namespace gatehouse::settings::text {
namespace {

using base::Fault;
using base::Place;
using base::Result;
using base::Value;

class Converter {
  public:
    explicit Converter(std::string_view file) : file_(file) {}

    // Recursion is bounded by kMaxDepth, which is counted here for headers, dotted keys and lists together.
    Result<Value> convert(const toml::node& node, std::uint32_t line, std::size_t depth) const {
        const auto own = static_cast<std::uint32_t>(node.source().begin.line);
        const Place place{file_, file_ == kBuiltIn ? 0 : own != 0 ? own : line};
        if (depth > kMaxDepth) {
            return base::fail(Fault::limit, "{}: tables or lists nest deeper than {}", place.to_string(),
                              kMaxDepth);
        }
        if (const auto* table = node.as_table()) return convert_table(*table, place, depth);
        if (const auto* array = node.as_array()) return convert_array(*array, place, depth);
        auto value = scalar(node);
        if (value) return Value(*std::move(value), place);
        return base::fail(Fault::usage, "{}: a date or time must stand in quotes", place.to_string());
    }

  private:
    Result<Value> convert_table(const toml::table& table, const Place& place, std::size_t depth) const {
        std::vector<std::pair<const toml::key*, const toml::node*>> members;
        for (const auto& [key, node] : table) members.emplace_back(&key, &node);
        // toml++ sorts by name; people expect the order they wrote.
        std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) {
            return a.first->source().begin < b.first->source().begin;
        });
        Value::Table out;
        out.reserve(members.size());
        for (const auto& [key, node] : members) {
            const auto line = static_cast<std::uint32_t>(key->source().begin.line);
            GATEHOUSE_TRY(auto value, convert(*node, line, depth + 1));
            out.emplace_back(std::string(key->str()), std::move(value));
        }
        return Value(std::move(out), place);
    }

    Result<Value> convert_array(const toml::array& array, const Place& place, std::size_t depth) const {
        Value::Array out;
        out.reserve(array.size());
        for (const auto& node : array) {
            GATEHOUSE_TRY(auto value, convert(node, place.line, depth + 1));
            out.push_back(std::move(value));
        }
        return Value(std::move(out), place);
    }

    /// Nothing for dates and times: no setting is one, and hostname = 2026-01-01 would be a word otherwise.
    static std::optional<Value::Data> scalar(const toml::node& node) {
        if (const auto* text = node.as_string()) return text->get();
        if (const auto* integer = node.as_integer()) return integer->get();
        if (const auto* real = node.as_floating_point()) return real->get();
        if (const auto* boolean = node.as_boolean()) return boolean->get();
        return std::nullopt;
    }

    std::string file_;
};

}  // namespace

base::Result<base::Value> parse(std::string_view toml, std::string_view file_name) {
    if (toml.size() > kMaxText) {
        return base::fail(Fault::limit, "{}: {} bytes are more than the {} that settings may have", file_name,
                          toml.size(), kMaxText);
    }
    GATEHOUSE_CHECK(check_nesting(toml, file_name));
    try {
        const toml::table root = toml::parse(toml, std::string_view());
        return Converter(file_name).convert(root, 1, 0);
    } catch (const toml::parse_error& error) {
        const auto& at = error.source().begin;
        return base::fail(Fault::usage, "{}:{}:{}: {}", file_name, static_cast<std::uint32_t>(at.line),
                          static_cast<std::uint32_t>(at.column), base::printable(error.description()));
    } catch (const std::exception& error) {
        return base::fail(Fault::internal, "{}: the TOML reader gave up: {}", file_name, error.what());
    }
}

}  // namespace gatehouse::settings::text
