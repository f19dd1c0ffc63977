// A plain tree of configuration data with the place each value was written at: what settings/text makes from
// TOML and what field tables and the policy checker read. Nothing in it knows a file format.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace gatehouse::base {

/// Where a value stands, for error sentences: "gatehouse.toml:12".
struct Place {
    std::string file;
    std::uint32_t line = 0;
    std::string to_string() const;
};

class Value {
  public:
    using Array = std::vector<Value>;
    using Table = std::vector<std::pair<std::string, Value>>;  // in the order written; keys are unique
    using Data = std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Table>;

    Value() = default;
    Value(Data data, Place place) : data_(std::move(data)), place_(std::move(place)) {}
    explicit Value(Data data) : data_(std::move(data)) {}

    const Data& data() const { return data_; }
    Data& data() { return data_; }
    const Place& place() const { return place_; }

    bool is_empty() const { return std::holds_alternative<std::monostate>(data_); }
    const bool* boolean() const { return std::get_if<bool>(&data_); }
    const std::int64_t* integer() const { return std::get_if<std::int64_t>(&data_); }
    const double* real() const { return std::get_if<double>(&data_); }
    const std::string* text() const { return std::get_if<std::string>(&data_); }
    const Array* array() const { return std::get_if<Array>(&data_); }
    const Table* table() const { return std::get_if<Table>(&data_); }

    /// The member of a table, or null.
    const Value* find(std::string_view key) const;
    /// "a string", "an integer", "a table": for error sentences.
    std::string_view kind_name() const;
    /// TOML-like single-line rendering, keys in written order: for `config show` and digests of a revision.
    std::string to_string() const;

  private:
    Data data_;
    Place place_;
};

}  // namespace gatehouse::base
