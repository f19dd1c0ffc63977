// The one adapter of SQLite.
#include "store/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <thread>
#include <utility>

#include "base/fd.h"

namespace gatehouse::store {

using base::fail;
using base::Fault;

namespace {

constexpr mode_t kFileMode = 0660;
constexpr int kStepsBetweenChecks = 20'000;  // of SQLite's virtual machine, well under a millisecond

base::Error error_of(int code, std::string_view path, std::string_view message) {
    switch (code & 0xFF) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return {Fault::malformed,
                    fmt::format(
                        "the database {} is damaged ({}): stop Gatehouse, move the file with its -wal and "
                        "-shm files away (keep them), and start again or put a copy back",
                        path, message)};
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return {Fault::timed_out, fmt::format("the database {} was locked for too long", path)};
        case SQLITE_INTERRUPT:
            return {Fault::timed_out,
                    fmt::format("the search in {} took too long: narrow it, for example by time", path)};
        case SQLITE_FULL:
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
        case SQLITE_READONLY:
        case SQLITE_AUTH:
            return {Fault::unavailable, fmt::format("cannot use the database {}: {}", path, message)};
        case SQLITE_TOOBIG:
        case SQLITE_NOMEM:
            return {Fault::limit, fmt::format("too much for the database {}: {}", path, message)};
        default:
            return {Fault::internal, fmt::format("the database {} answered: {}", path, message)};
    }
}

std::unexpected<base::Error> failed(sqlite3* database, int code, std::string_view path) {
    const bool has_message = database != nullptr && sqlite3_errcode(database) != SQLITE_OK;
    return std::unexpected(
        error_of(code, path, has_message ? sqlite3_errmsg(database) : sqlite3_errstr(code)));
}

/// SQLite gives the -wal and -shm files the mode of the database file, so the mode is set before it opens.
base::Result<void> make_file(const std::string& path) {
    const base::Fd made(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode));
    if (!made) {
        if (errno == EEXIST) return {};
        return base::fail_errno(Fault::unavailable, fmt::format("cannot make the database {}", path), errno);
    }
    if (::fchmod(made.get(), kFileMode) != 0) {
        return base::fail_errno(Fault::unavailable, fmt::format("cannot set the mode of {}", path), errno);
    }
    return {};
}

}  // namespace

void Statement::Closer::operator()(sqlite3_stmt* statement) const {
    sqlite3_finalize(statement);
}

void Statement::note(int code) {
    if (bind_error_ == SQLITE_OK) bind_error_ = code;
}

Statement& Statement::bind(int at, std::int64_t value) {
    note(sqlite3_bind_int64(statement_.get(), at, value));
    return *this;
}

Statement& Statement::bind_text(int at, std::string_view value) {
    // An empty view may have no pointer, which SQLite would take for NULL.
    const char* data = value.data() == nullptr ? "" : value.data();
    note(sqlite3_bind_text64(statement_.get(), at, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
    return *this;
}

Statement& Statement::bind_blob(int at, std::string_view value) {
    const char* data = value.data() == nullptr ? "" : value.data();
    note(sqlite3_bind_blob64(statement_.get(), at, data, value.size(), SQLITE_TRANSIENT));
    return *this;
}

Statement& Statement::bind_null(int at) {
    note(sqlite3_bind_null(statement_.get(), at));
    return *this;
}

base::Result<bool> Statement::step() {
    auto* database = sqlite3_db_handle(statement_.get());
    const char* name = sqlite3_db_filename(database, "main");
    const std::string_view path = name == nullptr ? "" : name;
    if (bind_error_ != SQLITE_OK)
        return std::unexpected(error_of(bind_error_, path, sqlite3_errstr(bind_error_)));
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return failed(database, code, path);
}

base::Result<void> Statement::run() {
    auto row = step();
    while (row && *row) row = step();
    reset();
    if (!row) return std::unexpected(std::move(row).error());
    return {};
}

void Statement::reset() {
    sqlite3_reset(statement_.get());
    sqlite3_clear_bindings(statement_.get());
    bind_error_ = SQLITE_OK;
}

std::int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
}

std::string Statement::bytes(int column) const {
    // The pointer first: asking for it may convert, and only then is the length right.
    const void* data = sqlite3_column_blob(statement_.get(), column);
    const int size = sqlite3_column_bytes(statement_.get(), column);
    return data == nullptr ? std::string()
                           : std::string(static_cast<const char*>(data), static_cast<std::size_t>(size));
}

bool Statement::is_null(int column) const {
    return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

void Database::Closer::operator()(sqlite3* database) const {
    sqlite3_close_v2(database);
}

int Database::on_busy(void* state, int times) {
    auto* self = static_cast<State*>(state);
    const auto now = std::chrono::steady_clock::now();
    if (times == 0) self->busy_since = now;
    if (now - self->busy_since >= self->busy_timeout) return 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return 1;
}

int Database::on_progress(void* state) {
    const auto* self = static_cast<const State*>(state);
    return self->deadline && std::chrono::steady_clock::now() >= *self->deadline ? 1 : 0;
}

base::Result<Database> Database::open(const std::string& path, const DatabaseOptions& options) {
    std::error_code error;
    if (options.read_only && !std::filesystem::exists(path, error)) {
        return fail(Fault::not_found, "there is no database {}", path);
    }
    if (!options.read_only) GATEHOUSE_CHECK(make_file(path));
    auto state = std::make_unique<State>();
    state->path = path;
    state->busy_timeout = options.busy_timeout;
    sqlite3* handle = nullptr;
    const int access = options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    const int code =
        sqlite3_open_v2(path.c_str(), &handle, access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
    state->handle.reset(handle);
    if (code != SQLITE_OK) return failed(handle, code, path);
    sqlite3_busy_handler(handle, &Database::on_busy, state.get());
    sqlite3_progress_handler(handle, kStepsBetweenChecks, &Database::on_progress, state.get());
    Database database(std::move(state));
    GATEHOUSE_CHECK(database.configure(options));
    return database;
}

base::Result<void> Database::configure(const DatabaseOptions& options) {
    // The first statement that reads the file: a damaged one says so here.
    GATEHOUSE_TRY(const auto version, integer("PRAGMA schema_version"));
    if (!version) return fail(Fault::malformed, "the database {} holds nothing readable", path());
    GATEHOUSE_CHECK(run(fmt::format(
        "PRAGMA cache_size=-{}; PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF;", options.cache_kib)));
    if (options.read_only) return {};
    GATEHOUSE_TRY(auto wal, prepare("PRAGMA journal_mode=WAL"));
    GATEHOUSE_TRY(const bool row, wal.step());
    if (!row || wal.bytes(0) != "wal") {
        return fail(Fault::unavailable,
                    "the database {} cannot use write-ahead logging there: is it on a network disk?", path());
    }
    return run(fmt::format("PRAGMA synchronous={}; PRAGMA secure_delete={}; PRAGMA wal_autocheckpoint={};",
                           options.durability == Durability::full ? "FULL" : "NORMAL",
                           options.secure_delete ? "ON" : "OFF", options.checkpoint_pages));
}

base::Result<void> Database::run(const std::string& sql) {
    const int code = sqlite3_exec(state_->handle.get(), sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return failed(state_->handle.get(), code, path());
    return {};
}

base::Result<Statement> Database::prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(state_->handle.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) return failed(state_->handle.get(), code, path());
    return Statement(statement);
}

base::Result<std::optional<std::int64_t>> Database::integer(std::string_view sql) {
    GATEHOUSE_TRY(auto statement, prepare(sql));
    GATEHOUSE_TRY(const bool row, statement.step());
    if (!row || statement.is_null(0)) return std::nullopt;
    return statement.integer(0);
}

base::Result<void> Database::checkpoint(std::chrono::milliseconds patience) {
    const auto usual = std::exchange(state_->busy_timeout, patience);
    const int code =
        sqlite3_wal_checkpoint_v2(state_->handle.get(), "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
    state_->busy_timeout = usual;
    if (code != SQLITE_OK) return failed(state_->handle.get(), code, path());
    return {};
}

base::Result<void> Database::copy_to(const std::string& to) {
    const std::string temporary = to + ".new";
    std::error_code error;
    std::filesystem::remove(temporary, error);
    GATEHOUSE_CHECK(make_file(temporary));
    GATEHOUSE_TRY(auto statement, prepare("VACUUM INTO ?1"));
    GATEHOUSE_CHECK(statement.bind_text(1, temporary).run());
    const base::Fd copy(::open(temporary.c_str(), O_RDONLY | O_CLOEXEC));
    if (!copy || ::fsync(copy.get()) != 0 || ::rename(temporary.c_str(), to.c_str()) != 0) {
        return base::fail_errno(Fault::unavailable, fmt::format("cannot keep the copy {}", to), errno);
    }
    const auto folder = std::filesystem::path(to).parent_path();
    return base::sync_folder(folder.empty() ? "." : folder.string());
}

void Database::set_deadline(std::optional<std::chrono::steady_clock::time_point> deadline) {
    state_->deadline = deadline;
}

std::int64_t Database::changes() const {
    return sqlite3_changes64(state_->handle.get());
}

std::int64_t Database::last_row() const {
    return sqlite3_last_insert_rowid(state_->handle.get());
}

base::Result<Transaction> Transaction::begin(Database& database) {
    GATEHOUSE_CHECK(database.run("BEGIN IMMEDIATE"));
    return Transaction(database);
}

base::Result<void> Transaction::commit() {
    GATEHOUSE_CHECK(database_->run("COMMIT"));
    database_ = nullptr;
    return {};
}

Transaction::~Transaction() {
    // SQLite may have rolled back by itself (disk full); then there is nothing left to roll back.
    if (database_ != nullptr) (void)database_->run("ROLLBACK");
}

}  // namespace gatehouse::store
