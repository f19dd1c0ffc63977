// Settings of features that this version does not have yet. Their names are known from the start, so that a
// file written for a later version is understood, and a value that would switch such a feature on is an error
// instead of a silence. When a feature is built its rows here are deleted and its module brings a FieldTable.
// Constant data, used by the Catalogue and by the reference.
#pragma once

#include <span>
#include <string_view>

#include "base/field_table.h"
#include "settings/text/catalogue.h"

namespace gatehouse::settings::text {

struct LaterKey {
    base::Field field;  ///< name, kind, choices, range; nothing to assign to
    /// The only value that leaves the feature off, as Value::to_string() writes it; empty = a mere parameter,
    /// which may have any value that will be valid one day.
    std::string_view off;
};

struct LaterTable {
    File file = File::settings;
    std::string_view name;   ///< dotted, as FieldTable::name
    std::string_view title;  ///< "Web Reputation is", for "... not in this version"
    std::span<const LaterKey> keys;
    bool is_array = false;
};

std::span<const LaterTable> later_tables();
const LaterTable* find_later(File file, std::string_view name);
const LaterKey* find_later_key(const LaterTable& table, std::string_view key);

/// Whether a value may stand in this version.
base::Result<void> check_later(const LaterTable& table, std::string_view key, const base::Value& value);

}  // namespace gatehouse::settings::text
