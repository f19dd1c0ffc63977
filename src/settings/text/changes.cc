#include "settings/text/changes.h"

#include <fmt/format.h>

#include <algorithm>

namespace gatehouse::settings::text {

using base::Reload;
using base::Value;

namespace {

std::string text_of(const Value* value) {
    return value == nullptr ? std::string() : value->to_string();
}

bool is_live(const base::Field& field) {
    return field.options.reload == Reload::live;
}

void compare_array(const Entry& entry, const Trees& before, const Trees& after, std::vector<Change>& out) {
    const auto& table = *entry.table;
    const auto* old_value = base::find_path(before.of(entry.file), table.name);
    const auto* new_value = base::find_path(after.of(entry.file), table.name);
    if (text_of(old_value) == text_of(new_value)) return;
    const bool all_live = std::all_of(table.fields.begin(), table.fields.end(), is_live);
    out.push_back({entry.file, std::string(table.name), all_live ? Reload::live : Reload::restart});
}

void compare_table(const Entry& entry, const Trees& before, const Trees& after, std::vector<Change>& out) {
    const auto& table = *entry.table;
    const auto defaults = base::defaults_of(table);
    for (std::size_t i = 0; i < table.fields.size(); ++i) {
        const auto& field = table.fields[i];
        const std::string key = fmt::format("{}.{}", table.name, field.name);
        const auto shown = [&](const Trees& trees) {
            const auto* found = base::find_path(trees.of(entry.file), key);
            return found == nullptr ? defaults[i].to_string() : text_of(found);
        };
        if (shown(before) != shown(after)) out.push_back({entry.file, key, field.options.reload});
    }
}

}  // namespace

std::vector<Change> changes(const Catalogue& catalogue, const Trees& before, const Trees& after) {
    std::vector<Change> out;
    for (const auto& entry : catalogue.entries()) {
        if (catalogue.is_inside_an_array(entry.file, entry.table->name))
            continue;  // the array is compared as a whole
        if (entry.table->is_array) {
            compare_array(entry, before, after, out);
        } else {
            compare_table(entry, before, after, out);
        }
    }
    return out;
}

}  // namespace gatehouse::settings::text
