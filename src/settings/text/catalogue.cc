#include "settings/text/catalogue.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/other_names.h"
#include "base/text.h"
#include "settings/text/later.h"
#include "settings/text/parse.h"

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

/// Every place where a dotted key is written; in lists of tables on the way, that of each member.
std::vector<std::string> places_of(const Value& tree, std::string_view dotted) {
    std::vector<const Value*> here{&tree};
    for (const auto step : base::split(dotted, '.')) {
        std::vector<const Value*> found;
        for (const Value* at : here) {
            if (const auto* member = at->find(step)) found.push_back(member);
            if (at->array() == nullptr) continue;
            for (const auto& one : *at->array()) {
                if (const auto* member = one.find(step)) found.push_back(member);
            }
        }
        here = std::move(found);
    }
    std::vector<std::string> out;
    for (const Value* at : here) {
        const auto* tables = at->array();
        if (tables == nullptr || tables->empty() || tables->front().table() == nullptr) {
            out.push_back(at->place().to_string());
            continue;
        }
        for (const auto& one : *tables) out.push_back(one.place().to_string());
    }
    out.erase(std::unique(out.begin(), out.end()), out.end());
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
        // A table that is built in part answers for itself, but for the keys that come later.
        const bool is_ours = find_later_key(*later, member.key) ||
                             (find(member.file, member.path).empty() && other_file_of(member).empty());
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
    for (const File file : kFiles) {
        const auto* later = find_later(file, member.full());
        if (later == nullptr || !later->is_array || file == member.file) continue;
        return base::fail(Fault::usage, "{}: {} not in this version, and will live in {} (leave [{}] out)",
                          member.place(), later->title, file_name(file), shown);
    }
    if (const auto owner = other_file_of(member); !owner.empty()) {
        return base::fail(Fault::usage, "{}: {} lives in {}, not in {}", member.place(), name, owner,
                          file_name(member.file));
    }
    auto hint = base::did_you_mean(member.path, member.key, {});
    const auto near = base::nearest(member.key, names_below(member.file, member.path));
    if (hint.empty() && near) hint = fmt::format("; did you mean {}?", join(member.path, *near));
    return base::fail(Fault::usage, "{}: unknown {} {}{}", member.place(), is_table ? "table" : "key", name,
                      hint);
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

bool Catalogue::is_inside_an_array(File file, std::string_view name) const {
    for (auto dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
        const auto outer = find(file, name.substr(0, dot));
        if (!outer.empty() && outer.front()->table->is_array) return true;
    }
    return false;
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

bool Catalogue::is_known(File file, std::string_view dotted) const {
    if (!find(file, dotted).empty() || is_parent(file, dotted)) return true;
    const auto dot = dotted.rfind('.');
    if (dot == std::string_view::npos) return false;
    const auto path = dotted.substr(0, dot);
    const auto key = dotted.substr(dot + 1);
    for (const Entry* entry : find(file, path)) {
        if (entry->table->find(key) != nullptr) return true;
    }
    const auto* later = find_later(file, path);
    return later != nullptr && find_later_key(*later, key) != nullptr;
}

Result<std::string> Catalogue::origin(const Trees& trees, std::string_view dotted_key) const {
    bool is_known_somewhere = false;
    for (const File file : kFiles) {
        if (!is_known(file, dotted_key)) continue;
        is_known_somewhere = true;
        const auto places = places_of(trees.of(file), dotted_key);
        if (!places.empty()) return fmt::format("{}", fmt::join(places, ", "));
    }
    if (is_known_somewhere) return std::string(kBuiltIn);
    std::vector<std::string> all;
    for (const auto& entry : entries_) {
        for (const auto& field : entry.table->names()) all.push_back(join(entry.table->name, field));
    }
    const auto dot = dotted_key.rfind('.');
    const bool has_table = dot != std::string_view::npos;
    auto hint = base::did_you_mean(has_table ? dotted_key.substr(0, dot) : std::string_view(),
                                   has_table ? dotted_key.substr(dot + 1) : dotted_key, {});
    if (hint.empty()) hint = base::did_you_mean("", dotted_key, all);
    return base::fail(Fault::usage, "unknown key {}{}", base::printable(dotted_key, 120), hint);
}

}  // namespace gatehouse::settings::text
