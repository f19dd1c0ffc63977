#include "base/value.h"

#include <fmt/format.h>

namespace gatehouse::base {
namespace {

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
            out += c;
        }
    }
    return out + '"';
}

bool is_bare_key(std::string_view key) {
    for (const char c : key) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           c == '_' || c == '-';
        if (!plain) return false;
    }
    return !key.empty();
}

struct Renderer {
    std::string operator()(std::monostate) const { return ""; }
    std::string operator()(bool value) const { return value ? "true" : "false"; }
    std::string operator()(std::int64_t value) const { return fmt::format("{}", value); }
    std::string operator()(double value) const { return fmt::format("{}", value); }
    std::string operator()(const std::string& value) const { return quoted(value); }
    std::string operator()(const Value::Array& values) const {
        std::string out = "[";
        for (const auto& value : values) {
            if (out.size() > 1) out += ", ";
            out += value.to_string();
        }
        return out + "]";
    }
    std::string operator()(const Value::Table& table) const {
        std::string out = "{";
        for (const auto& [key, value] : table) {
            if (out.size() > 1) out += ", ";
            out += (is_bare_key(key) ? key : quoted(key)) + " = " + value.to_string();
        }
        return out + "}";
    }
};

}  // namespace

std::string Place::to_string() const {
    return line == 0 ? file : fmt::format("{}:{}", file, line);
}

const Value* Value::find(std::string_view key) const {
    const auto* members = table();
    if (members == nullptr) return nullptr;
    for (const auto& [name, value] : *members) {
        if (name == key) return &value;
    }
    return nullptr;
}

std::string_view Value::kind_name() const {
    static constexpr std::string_view kNames[] = {"nothing",  "true or false", "an integer", "a number",
                                                  "a string", "a list",        "a table"};
    return kNames[data_.index()];
}

std::string Value::to_string() const {
    return std::visit(Renderer{}, data_);
}

}  // namespace gatehouse::base
