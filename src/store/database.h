// SQLite with owners: database, statement, transaction. Used by record, act/quarantine and later settings.
// Always in WAL mode; files are 0660. A Database and its Statements belong to one thread at a time, and must
// not cross a fork. Errors: Fault::malformed = the file is damaged, timed_out = somebody else held the lock
// for longer than busy_timeout or the deadline passed, unavailable = disk full, I/O error or no permission.
// This header names no SQLite type but by forward declaration; sqlite3.h stands in database.cc alone.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace gatehouse::store {

enum class Durability {
    normal,  ///< survives any kill of ours; a power cut may lose the last commits, never the file
    full,    ///< a commit is on stable storage when it returns
};

struct DatabaseOptions {
    bool read_only = false;
    Durability durability = Durability::normal;
    bool secure_delete = false;  ///< overwrite what is deleted with zeros
    std::chrono::milliseconds busy_timeout{10'000};
    std::int64_t cache_kib = 2048;
    std::int64_t checkpoint_pages = 1000;  ///< pages in the WAL that start a checkpoint
};

/// A prepared statement. Parameters count from 1, columns from 0. A fault while binding is reported by step.
class Statement {
  public:
    Statement& bind(int at, std::int64_t value);
    Statement& bind_text(int at, std::string_view value);
    Statement& bind_blob(int at, std::string_view value);
    Statement& bind_null(int at);

    /// True = there is a row to read.
    base::Result<bool> step();
    /// Steps to the end and makes it ready for the next use, also after an error.
    base::Result<void> run();
    /// Ready for the next use; parameters are forgotten.
    void reset();

    std::int64_t integer(int column) const;
    /// Text or blob, byte for byte; empty for NULL.
    std::string bytes(int column) const;
    bool is_null(int column) const;

  private:
    friend class Database;
    struct Closer {
        void operator()(sqlite3_stmt* statement) const;
    };
    explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
    void note(int code);
    std::unique_ptr<sqlite3_stmt, Closer> statement_;
    int bind_error_ = 0;
};

class Database {
  public:
    static base::Result<Database> open(const std::string& path, const DatabaseOptions& options);

    /// One or several statements without parameters.
    base::Result<void> run(const std::string& sql);
    base::Result<Statement> prepare(std::string_view sql);
    /// The first column of the first row; nullopt when there is none.
    base::Result<std::optional<std::int64_t>> integer(std::string_view sql);

    /// Moves the whole WAL into the file and cuts it to zero bytes; Fault::timed_out when a reader or writer
    /// was in the way for that long. Synced to disk when it returns.
    base::Result<void> checkpoint(std::chrono::milliseconds patience = std::chrono::milliseconds(1000));
    /// A whole, consistent copy, synced. An existing file of that name is replaced.
    base::Result<void> copy_to(const std::string& path);
    /// Statements that run past it end with Fault::timed_out; nullopt = no deadline.
    void set_deadline(std::optional<std::chrono::steady_clock::time_point> deadline);

    std::int64_t changes() const;
    std::int64_t last_row() const;
    const std::string& path() const { return state_->path; }

  private:
    struct Closer {
        void operator()(sqlite3* database) const;
    };
    // At a fixed address: SQLite's call-backs point to it.
    struct State {
        std::string path;
        std::chrono::milliseconds busy_timeout{0};
        std::optional<std::chrono::steady_clock::time_point> deadline;
        std::chrono::steady_clock::time_point busy_since;
        std::unique_ptr<sqlite3, Closer> handle;
    };
    explicit Database(std::unique_ptr<State> state) : state_(std::move(state)) {}
    static int on_busy(void* state, int times);
    static int on_progress(void* state);
    base::Result<void> configure(const DatabaseOptions& options);
    std::unique_ptr<State> state_;
};

/// Rolls back unless committed. BEGIN IMMEDIATE: a lock is waited for here, not in the middle.
class Transaction {
  public:
    static base::Result<Transaction> begin(Database& database);
    Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
    Transaction& operator=(Transaction&&) = delete;
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    ~Transaction();

    base::Result<void> commit();

  private:
    explicit Transaction(Database& database) : database_(&database) {}
    Database* database_;
};

}  // namespace gatehouse::store
