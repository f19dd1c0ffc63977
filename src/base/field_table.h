// Settings as plain structs with one field table each. From the table come validation, the reference manual,
// `config show`, later the console's form and the audit diff: the name, help, range and unit stand only here.
//
//   struct SmtpSettings { std::int64_t max_recipients = 5000; };
//   inline constexpr std::array kSmtpFields = {
//       field<&SmtpSettings::max_recipients>("max_recipients", "recipients of one message, beyond: 452",
//       {.min = 1}),
//   };
//   inline constexpr FieldTable kSmtpTable = make_table<SmtpSettings>("smtp", "the SMTP server",
//   kSmtpFields);
//
// Tables are constexpr and shared by all threads. Default values are the struct's member initialisers.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/value.h"

namespace gatehouse::base {

/// When a changed value counts.
enum class Reload {
    live,     ///< at `gatehouse reload`
    restart,  ///< at `gatehouse restart all`
};

enum class FieldKind { boolean, integer, real, text, list };

struct FieldOptions {
    std::int64_t min = std::numeric_limits<std::int64_t>::min();
    std::int64_t max = std::numeric_limits<std::int64_t>::max();
    /// "bytes", "s", "ms" ...: an integer in this unit. Bytes and times may also be written "30 MiB", "10
    /// min".
    std::string_view unit = {};
    /// For text and the members of lists: the only words allowed; empty = any.
    std::span<const std::string_view> choices = {};
    /// For text and the members of lists: a rule of its own, e.g. an address; null = none.
    Result<void> (*check)(std::string_view text) = nullptr;
    /// A single string is taken for a list of one.
    bool secret = false;
    Reload reload = Reload::restart;
};

struct Field {
    std::string_view name;
    std::string_view help;
    FieldKind kind;
    FieldOptions options;
    Result<void> (*assign)(void* object, const Value& value, const Field& field);
    Value (*read)(const void* object);
};

struct FieldTable {
    std::string_view name;  ///< the TOML table, e.g. "smtp"; dotted for sub-tables ("ip_filtering.dha")
    std::string_view help;
    std::span<const Field> fields;
    bool is_array = false;  ///< [[name]]: any number of them
    /// A defaulted object rendered field by field, for the reference.
    std::vector<Value> (*defaults)(std::span<const Field> fields) = nullptr;

    const Field* find(std::string_view field) const;
    std::vector<std::string> names() const;
};

/// One per field; an array table without defaults gives empty ones.
std::vector<Value> defaults_of(const FieldTable& table);

/// Fills `object` from a TOML table; keys that are absent keep their defaults. The first fault wins and names
/// file, line, key, what is allowed, and for an unknown key the nearest known one.
Result<void> fill(const FieldTable& table, const Value& from, void* object);

/// As fill(), but `tree` is a whole file: the table is looked up by its dotted name. Absent = defaults.
/// Tables inside it that are none of its keys belong to other FieldTables and are passed over.
Result<void> fill_from(const FieldTable& table, const Value& tree, void* object);

/// The value at a dotted path of tables, or null.
const Value* find_path(const Value& tree, std::string_view dotted);

/// Type, range, choices and the field's own rule, with no object to fill.
Result<void> check_value(const Field& field, const Value& value);

/// "30 MiB" in `unit` (see FieldOptions::unit), digits alone count in `unit` itself; nullopt when it is
/// neither or too large.
std::optional<std::int64_t> parse_quantity(std::string_view text, std::string_view unit);

/// What is allowed, in words: "an integer from 1 to 5000", "one of refuse, normalise".
std::string describe(const Field& field);

namespace detail {

Result<void> assign_boolean(bool& to, const Value& value, const Field& field);
Result<void> assign_integer(std::int64_t& to, const Value& value, const Field& field);
Result<void> assign_real(double& to, const Value& value, const Field& field);
Result<void> assign_text(std::string& to, const Value& value, const Field& field);
Result<void> assign_list(std::vector<std::string>& to, const Value& value, const Field& field);
Value read_list(const std::vector<std::string>& list);

template <typename T>
struct MemberOf;
template <typename Object, typename Member>
struct MemberOf<Member Object::*> {
    using ObjectType = Object;
    using MemberType = Member;
};

constexpr FieldKind kind_of(const bool*) {
    return FieldKind::boolean;
}
constexpr FieldKind kind_of(const std::int64_t*) {
    return FieldKind::integer;
}
constexpr FieldKind kind_of(const double*) {
    return FieldKind::real;
}
constexpr FieldKind kind_of(const std::string*) {
    return FieldKind::text;
}
constexpr FieldKind kind_of(const std::vector<std::string>*) {
    return FieldKind::list;
}

inline Result<void> assign_any(bool& to, const Value& v, const Field& f) {
    return assign_boolean(to, v, f);
}
inline Result<void> assign_any(std::int64_t& to, const Value& v, const Field& f) {
    return assign_integer(to, v, f);
}
inline Result<void> assign_any(double& to, const Value& v, const Field& f) {
    return assign_real(to, v, f);
}
inline Result<void> assign_any(std::string& to, const Value& v, const Field& f) {
    return assign_text(to, v, f);
}
inline Result<void> assign_any(std::vector<std::string>& to, const Value& v, const Field& f) {
    return assign_list(to, v, f);
}
template <typename T>
Value read_any(const T& from) {
    return Value(Value::Data(from));
}
inline Value read_any(const std::vector<std::string>& from) {
    return read_list(from);
}

}  // namespace detail

template <auto Member>
constexpr Field field(std::string_view name, std::string_view help, FieldOptions options = {}) {
    using Traits = detail::MemberOf<decltype(Member)>;
    using Object = typename Traits::ObjectType;
    using Type = typename Traits::MemberType;
    return Field{
        name,
        help,
        detail::kind_of(static_cast<const Type*>(nullptr)),
        options,
        [](void* object, const Value& value, const Field& self) {
            return detail::assign_any(static_cast<Object*>(object)->*Member, value, self);
        },
        [](const void* object) { return detail::read_any(static_cast<const Object*>(object)->*Member); }};
}

template <typename Object>
constexpr FieldTable make_table(std::string_view name, std::string_view help, std::span<const Field> fields,
                                bool is_array = false) {
    return FieldTable{name, help, fields, is_array, [](std::span<const Field> all) {
                          const Object object{};
                          std::vector<Value> out;
                          for (const auto& one : all) out.push_back(one.read(&object));
                          return out;
                      }};
}

}  // namespace gatehouse::base
