#include "settings/text/catalogue.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "settings/text/later.h"

namespace gatehouse::settings::text {

using base::Fault;
using base::Result;
using base::Value;

namespace {

std::string join(std::string_view path, std::string_view key) {
    return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

bool is_below(std::string_view name, std::string_view path) {
    return path.empty() || (name.size() > path.size() && name.starts_with(path) && name[path.size()] == '.');
}

/// "spam" of "ip_profiler.spam" below "ip_profiler".
std::string next_step(std::string_view name, std::string_view path) {
    const auto rest = name.substr(path.empty() ? 0 : path.size() + 1);
    return std::string(rest.substr(0, rest.find('.')));
}

std::unexpected<base::Error> wrong_shape(const std::string& name, const Value& value, bool is_array) {
    return base::fail(Fault::usage, "{}: {} must be {}, not {}", value.place().to_string(), name,
                      is_array ? fmt::format("tables written as [[{}]]", name) : std::string("a table"),
                      value.kind_name());
}

/// Every place where `key` is written in `at`, a table or a list of tables.
std::vector<std::string> places_of(const Value* at, std::string_view key) {
    std::vector<std::string> out;
    if (at == nullptr) return out;
    if (const auto* found = at->find(key)) out.push_back(found->place().to_string());
    if (const auto* array = at->array()) {
        for (const auto& member : *array) {
            if (const auto* found = member.find(key)) out.push_back(found->place().to_string());
        }
    }
    return out;
}

}  // namespace

struct Catalogue::Member {
    File file;
    std::string path;  // of the table that holds it; empty = the file itself
    std::string key;
    const Value& value;
    std::string full() const { return join(path, key); }
    std::string place() const { return value.place().to_string(); }
};

std::string_view file_name(File file) {
    switch (file) {
        case File::gatehouse:
            return "gatehouse.toml";
        case File::settings:
            return "settings.toml";
        case File::policy:
            return "policy.toml";
    }
    return "";
}

const Value& Trees::of(File file) const {
    switch (file) {
        case File::gatehouse:
            return gatehouse;
        case File::settings:
            return settings;
        case File::policy:
            return policy;
    }
    return gatehouse;
}

Result<void> Catalogue::check(File file, const Value& tree) const {
    if (tree.is_empty()) return {};
    if (tree.table() == nullptr) return wrong_shape(std::string(file_name(file)), tree, false);
    return check_table(file, "", tree);
}

// Recursion follows the names of known tables, so its depth is that of the longest of them.
Result<void> Catalogue::check_table(File file, const std::string& path, const Value& value) const {
    for (const auto& [key, member] : *value.table()) {
        GATEHOUSE_CHECK(check_member({file, path, key, member}));
    }
    return {};
}

Result<void> Catalogue::check_member(const Member& member) const {
    const std::string full = member.full();
    if (const auto tables = find(member.file, full); !tables.empty()) {
        if (tables.front()->checked_elsewhere) return {};
        return check_subtable(member, tables.front()->table->is_array);
    }
    if (const auto* later = find_later(member.file, full)) {
        if (!later->is_array) return check_subtable(member, false);
        if (member.value.array() != nullptr && member.value.array()->empty()) return {};
        return base::fail(Fault::usage, "{}: [[{}]]: {} not in this version (leave it out)", member.place(),
                          full, later->title);
    }
    if (is_parent(member.file, full)) return check_subtable(member, false);
    for (const Entry* entry : find(member.file, member.path)) {
        if (const auto* field = entry->table->find(member.key))
            return base::check_value(*field, member.value);
    }
    if (const auto* later = find_later(member.file, member.path)) {
        const bool is_ours = find_later_key(*later, member.key) || other_file_of(member).empty();
        if (is_ours) return check_later(*later, member.key, member.value);
    }
    return unknown(member);
}

Result<void> Catalogue::check_subtable(const Member& member, bool is_array) const {
    const std::string full = member.full();
    if (!is_array) {
        if (member.value.table() == nullptr) return wrong_shape(full, member.value, false);
        return check_table(member.file, full, member.value);
    }
    if (member.value.array() == nullptr) return wrong_shape(full, member.value, true);
    for (const auto& one : *member.value.array()) {
        if (one.table() == nullptr) return wrong_shape(full, one, true);
        GATEHOUSE_CHECK(check_table(member.file, full, one));
    }
    return {};
}

std::unexpected<base::Error> Catalogue::unknown(const Member& member) const {
    const bool is_table = member.value.table() != nullptr || (member.path.empty() && member.value.array());
    const std::string shown = base::printable(member.full(), 120);
    const std::string name = is_table ? fmt::format("[{}]", shown) : shown;
    if (const auto owner = other_file_of(member); !owner.empty()) {
        return base::fail(Fault::usage, "{}: {} lives in {}, not in {}", member.place(), name, owner,
                          file_name(member.file));
    }
    const auto near = base::nearest(member.key, names_below(member.file, member.path));
    return base::fail(Fault::usage, "{}: unknown {} {}{}", member.place(), is_table ? "table" : "key", name,
                      near ? fmt::format("; did you mean {}?", join(member.path, *near)) : std::string());
}

/// The other file that has this key or table, or "".
std::string Catalogue::other_file_of(const Member& member) const {
    const std::string full = member.full();
    for (const File file : kFiles) {
        if (file == member.file) continue;
        bool is_there = !find(file, full).empty() || is_parent(file, full) || find_later(file, full);
        for (const Entry* entry : find(file, member.path))
            is_there |= entry->table->find(member.key) != nullptr;
        const auto* later = find_later(file, member.path);
        is_there |= later != nullptr && find_later_key(*later, member.key) != nullptr;
        if (is_there) return std::string(file_name(file));
    }
    return "";
}

std::vector<std::string> Catalogue::names_below(File file, std::string_view path) const {
    std::vector<std::string> out;
    for (const auto& entry : entries_) {
        if (entry.file != file) continue;
        const auto name = entry.table->name;
        if (is_below(name, path)) out.push_back(next_step(name, path));
        if (name == path) {
            for (auto& field : entry.table->names()) out.push_back(std::move(field));
        }
    }
    for (const auto& later : later_tables()) {
        if (later.file != file) continue;
        if (is_below(later.name, path)) out.push_back(next_step(later.name, path));
    }
    return out;
}

std::vector<const Entry*> Catalogue::find(File file, std::string_view path) const {
    std::vector<const Entry*> out;
    for (const auto& entry : entries_) {
        if (entry.file == file && entry.table->name == path) out.push_back(&entry);
    }
    return out;
}

bool Catalogue::is_parent(File file, std::string_view path) const {
    const auto below = [&](File at, std::string_view name) {
        return at == file && !path.empty() && is_below(name, path);
    };
    const auto later = later_tables();
    return std::any_of(entries_.begin(), entries_.end(),
                       [&](const Entry& entry) { return below(entry.file, entry.table->name); }) ||
           std::any_of(later.begin(), later.end(),
                       [&](const LaterTable& table) { return below(table.file, table.name); });
}

Result<std::string> Catalogue::origin(const Trees& trees, std::string_view dotted_key) const {
    const auto dot = dotted_key.rfind('.');
    const auto path = dotted_key.substr(0, dot == std::string_view::npos ? 0 : dot);
    const auto key = dot == std::string_view::npos ? dotted_key : dotted_key.substr(dot + 1);
    for (const File file : kFiles) {
        bool is_known = false;
        for (const Entry* entry : find(file, path)) is_known |= entry->table->find(key) != nullptr;
        if (const auto* later = find_later(file, path)) is_known |= find_later_key(*later, key) != nullptr;
        if (!is_known) continue;
        const auto places = places_of(base::find_path(trees.of(file), path), key);
        return places.empty() ? std::string("default") : fmt::format("{}", fmt::join(places, ", "));
    }
    std::vector<std::string> all;
    for (const auto& entry : entries_) {
        for (const auto& field : entry.table->names()) all.push_back(join(entry.table->name, field));
    }
    const auto near = base::nearest(dotted_key, all);
    return base::fail(Fault::not_found, "unknown key {}{}", base::printable(dotted_key, 120),
                      near ? fmt::format("; did you mean {}?", *near) : std::string());
}

}  // namespace gatehouse::settings::text
