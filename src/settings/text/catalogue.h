// All settings of the program: which tables there are, in which of the three files each lives, and the checks
// over a whole file that no single module could make (unknown tables, keys of another file, keys of features
// that are not built yet). Made once in apps from the explicit list of every module's FieldTables, then read
// by all threads. Structs are filled afterwards with base::fill_from(). Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/field_table.h"
#include "base/result.h"
#include "base/value.h"

namespace gatehouse::settings::text {

/// A key lives in one file (interfaces.md): what a process needs to start; the features; the rules.
enum class File { gatehouse, settings, policy };
inline constexpr File kFiles[] = {File::gatehouse, File::settings, File::policy};
/// "gatehouse.toml": the name by which sentences call the file, wherever it really stands.
std::string_view file_name(File file);

struct Entry {
    File file = File::gatehouse;
    const base::FieldTable* table = nullptr;
    /// Another module checks the contents ([[rule]] is decide's); the fields here are for the manual.
    bool checked_elsewhere = false;
};

/// The three parsed files; one that does not exist is an empty Value.
struct Trees {
    base::Value gatehouse;
    base::Value settings;
    base::Value policy;
    const base::Value& of(File file) const;
};

class Catalogue {
  public:
    /// Several entries may name the same table (of one file or of two): their keys are put together.
    explicit Catalogue(std::vector<Entry> entries) : entries_(std::move(entries)) {}

    const std::vector<Entry>& entries() const { return entries_; }

    /// True for a table that stands within an array table: it is shown and compared with that.
    bool is_inside_an_array(File file, std::string_view name) const;
    /// All entries of one table.
    std::vector<const Entry*> find(File file, std::string_view path) const;

    /// The first fault of a file: unknown table or key (with the nearest known one), a key of another file,
    /// wrong type or range, or a value that would switch on what this version does not have.
    base::Result<void> check(File file, const base::Value& tree) const;

    /// Where a key's value or a table was written ("settings.toml:12"), or "built-in default". Within array
    /// tables every place, separated by ", ". An unknown key is an error with the nearest known one.
    base::Result<std::string> origin(const Trees& trees, std::string_view dotted_key) const;

  private:
    struct Member;
    base::Result<void> check_table(File file, const std::string& path, const base::Value& value) const;
    base::Result<void> check_member(const Member& member) const;
    base::Result<void> check_subtable(const Member& member, bool is_array) const;
    std::unexpected<base::Error> unknown(const Member& member) const;
    std::string other_file_of(const Member& member) const;
    std::vector<std::string> names_below(File file, std::string_view path) const;
    bool is_known(File file, std::string_view dotted) const;
    bool is_parent(File file, std::string_view path) const;

    std::vector<Entry> entries_;
};

}  // namespace gatehouse::settings::text
