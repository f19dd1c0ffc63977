#include "store/schema.h"

#include <filesystem>

#include "base/fd.h"

namespace gatehouse::store {
namespace {

using base::fail;
using base::Fault;

base::Result<std::uint32_t> format_of(Database& database, std::string_view name) {
    GATEHOUSE_TRY(
        const auto has_table,
        database.integer("SELECT 1 FROM sqlite_schema WHERE type='table' AND name='store_formats'"));
    if (!has_table) return 0U;
    GATEHOUSE_TRY(auto statement, database.prepare("SELECT number FROM store_formats WHERE name=?1"));
    GATEHOUSE_TRY(const bool row, statement.bind_text(1, name).step());
    if (!row) return 0U;
    const std::int64_t number = statement.integer(0);
    if (number < 0 || number > 1'000'000) {
        return fail(Fault::malformed, "the database {} has no sensible format number for {}", database.path(),
                    name);
    }
    return static_cast<std::uint32_t>(number);
}

std::unexpected<base::Error> too_new(const Database& database, const Schema& schema, std::uint32_t found) {
    return fail(
        Fault::refused,
        "{} holds {} in format {}, but this Gatehouse knows formats up to {}: start the newer Gatehouse "
        "that wrote it, or put the copy {}.before-{}-{} back",
        database.path(), schema.name, found, schema.format(), database.path(), schema.name,
        schema.format() + 1);
}

base::Result<void> run_steps(Database& database, const Schema& schema, std::uint32_t from) {
    GATEHOUSE_TRY(auto transaction, Transaction::begin(database));
    GATEHOUSE_CHECK(
        database.run("CREATE TABLE IF NOT EXISTS store_formats("
                     "name TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT, WITHOUT ROWID"));
    for (const auto& step : schema.steps.subspan(from)) {
        if (!step.sql.empty()) GATEHOUSE_CHECK(database.run(std::string(step.sql)));
        if (step.run != nullptr) GATEHOUSE_CHECK(step.run(database));
    }
    GATEHOUSE_TRY(auto note, database.prepare("INSERT OR REPLACE INTO store_formats VALUES(?1, ?2)"));
    GATEHOUSE_CHECK(note.bind_text(1, schema.name).bind(2, schema.format()).run());
    return transaction.commit();
}

}  // namespace

base::Result<void> bring_to_format(Database& database, const Schema& schema) {
    GATEHOUSE_TRY(const auto found, format_of(database, schema.name));
    if (found > schema.format()) return too_new(database, schema, found);
    if (found == schema.format()) return {};
    if (found != 0) {
        const auto copy = fmt::format("{}.before-{}-{}", database.path(), schema.name, schema.format());
        GATEHOUSE_CHECK(database.copy_to(copy));
    }
    return run_steps(database, schema, found);
}

base::Result<void> check_format(Database& database, const Schema& schema) {
    GATEHOUSE_TRY(const auto found, format_of(database, schema.name));
    if (found > schema.format()) return too_new(database, schema, found);
    if (found < schema.format()) {
        return fail(Fault::refused,
                    "{} holds {} in the older format {}: start the gateway once, it brings it to {}",
                    database.path(), schema.name, found, schema.format());
    }
    return {};
}

std::vector<std::string> copies_of(const std::string& path) {
    const std::filesystem::path file(path);
    const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
    const std::string beginning = file.filename().string() + ".before-";
    std::vector<std::string> out;
    for (const auto& name : base::list_folder(folder.string()).value_or(std::vector<std::string>())) {
        if (name.starts_with(beginning) && !name.ends_with("-wal") && !name.ends_with("-shm")) {
            out.push_back((folder / name).string());
        }
    }
    return out;
}

}  // namespace gatehouse::store
