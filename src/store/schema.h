// The format number of each store in a SQLite file, from the first commit on, and the steps between formats.
// One file may hold several stores (tracking and the quarantine index), each with its own number in the table
// store_formats. Called once by each owner right after opening; single-threaded, by the only writer.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/database.h"

namespace gatehouse::store {

/// Leads from one format to the next: SQL, and what SQL cannot say. Runs inside the one transaction.
struct SchemaStep {
    std::string_view sql;
    base::Result<void> (*run)(Database& database) = nullptr;
};

struct Schema {
    std::string_view name;              ///< "tracking"
    std::span<const SchemaStep> steps;  ///< steps[n] leads from format n to n + 1; format 0 = nothing yet

    std::uint32_t format() const { return static_cast<std::uint32_t>(steps.size()); }
};

/// Makes the store, or migrates an older one after keeping a copy of the file (FILE.before-NAME-N, N = the
/// format that is made). A newer one: Fault::refused.
base::Result<void> bring_to_format(Database& database, const Schema& schema);

/// For readers: Fault::refused unless the store has exactly this format.
base::Result<void> check_format(Database& database, const Schema& schema);

/// The copies kept of a database file, sorted.
std::vector<std::string> copies_of(const std::string& path);

}  // namespace gatehouse::store
