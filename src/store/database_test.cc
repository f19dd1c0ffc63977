#include "store/database.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <set>

#include "base/digest.h"
#include "store/testing.h"

namespace gatehouse::store {
namespace {

using base::Fault;

Database must_open(const std::string& path, const DatabaseOptions& options = {}) {
    auto database = Database::open(path, options);
    if (!database) throw std::runtime_error(database.error().sentence);
    return std::move(*database);
}

TEST(Database, KeepsEveryKindOfValue) {
    const TemporaryFolder folder;
    auto database = must_open(folder / "a.db");
    ASSERT_TRUE(database.run("CREATE TABLE t(n INTEGER, t TEXT, b BLOB) STRICT"));
    const std::string odd("a\0b\xff", 4);
    auto insert = database.prepare("INSERT INTO t VALUES(?1, ?2, ?3)").value();
    ASSERT_TRUE(insert.bind(1, -5).bind_text(2, odd).bind_blob(3, odd).run());
    ASSERT_TRUE(insert.bind_null(1).bind_text(2, std::string_view()).bind_blob(3, std::string_view()).run());
    EXPECT_EQ(database.changes(), 1);
    EXPECT_EQ(database.last_row(), 2);
    auto select = database.prepare("SELECT n, t, b FROM t ORDER BY rowid").value();
    ASSERT_TRUE(select.step().value());
    EXPECT_EQ(select.integer(0), -5);
    EXPECT_EQ(select.bytes(1), odd);
    EXPECT_EQ(select.bytes(2), odd);
    ASSERT_TRUE(select.step().value());
    EXPECT_TRUE(select.is_null(0));
    EXPECT_FALSE(select.is_null(1)) << "an empty text is not NULL";
    EXPECT_FALSE(select.is_null(2));
    EXPECT_EQ(select.bytes(1), "");
    EXPECT_FALSE(select.step().value());
    EXPECT_EQ(database.integer("SELECT count(*) FROM t").value(), 2);
    EXPECT_EQ(database.integer("SELECT n FROM t WHERE n=77").value(), std::nullopt);
}

TEST(Database, FaultsAreSentences) {
    const TemporaryFolder folder;
    auto database = must_open(folder / "a.db");
    EXPECT_EQ(database.run("CREATE TABEL t").error().fault, Fault::internal);
    EXPECT_FALSE(database.prepare("SELECT * FROM nothing"));
    auto statement = database.prepare("SELECT ?1").value();
    EXPECT_FALSE(statement.bind(2, 1).run()) << "a parameter that does not exist";
    EXPECT_TRUE(statement.bind(1, 1).run()) << "usable after a fault";
    EXPECT_EQ(Database::open(folder / "none.db", {.read_only = true}).error().fault, Fault::not_found);
    EXPECT_EQ(Database::open(folder / "no/such/folder.db", {}).error().fault, Fault::unavailable);
}

TEST(Database, DamagedFilesSaySo) {
    const TemporaryFolder folder;
    write_content(folder / "a.db", std::string(5000, 'x'));
    const auto garbage = Database::open(folder / "a.db", {});
    ASSERT_FALSE(garbage);
    EXPECT_EQ(garbage.error().fault, Fault::malformed);
    EXPECT_NE(garbage.error().sentence.find("a.db"), std::string::npos);

    {
        auto database = must_open(folder / "b.db");
        ASSERT_TRUE(database.run("CREATE TABLE t(a); INSERT INTO t VALUES(randomblob(90000))"));
        ASSERT_TRUE(database.checkpoint());
    }
    auto bytes = content_of(folder / "b.db");
    for (std::size_t i = 4096; i < bytes.size(); ++i) bytes[i] = 'y';
    write_content(folder / "b.db", bytes);
    auto database = Database::open(folder / "b.db", {});
    ASSERT_TRUE(database);
    EXPECT_EQ(database->integer("SELECT length(a) FROM t").error().fault, Fault::malformed);
}

TEST(Database, FilesBelongToTheGroup) {
    const TemporaryFolder folder;
    const auto before = ::umask(077);
    {
        auto database = must_open(folder / "a.db");
        ASSERT_TRUE(database.run("CREATE TABLE t(a)"));
        for (const auto* name : {"a.db", "a.db-wal", "a.db-shm"}) {
            struct stat status{};
            ASSERT_EQ(::stat((folder / name).c_str(), &status), 0) << name;
            EXPECT_EQ(status.st_mode & 07777U, 0660U) << name;
        }
    }
    ::umask(before);
}

TEST(Database, ReadersSeeCommitsAndCannotWrite) {
    const TemporaryFolder folder;
    auto writer = must_open(folder / "a.db");
    ASSERT_TRUE(writer.run("CREATE TABLE t(a); INSERT INTO t VALUES(1)"));
    auto reader = must_open(folder / "a.db", {.read_only = true});
    EXPECT_EQ(reader.integer("SELECT count(*) FROM t").value(), 1);
    ASSERT_TRUE(writer.run("INSERT INTO t VALUES(2)"));
    EXPECT_EQ(reader.integer("SELECT count(*) FROM t").value(), 2);
    EXPECT_EQ(reader.run("DELETE FROM t").error().fault, Fault::unavailable);
}

TEST(Database, TransactionsRollBackUnlessCommitted) {
    const TemporaryFolder folder;
    auto database = must_open(folder / "a.db");
    ASSERT_TRUE(database.run("CREATE TABLE t(a)"));
    {
        auto transaction = Transaction::begin(database);
        ASSERT_TRUE(transaction);
        ASSERT_TRUE(database.run("INSERT INTO t VALUES(1)"));
    }
    EXPECT_EQ(database.integer("SELECT count(*) FROM t").value(), 0);
    {
        auto transaction = Transaction::begin(database);
        ASSERT_TRUE(database.run("INSERT INTO t VALUES(1)"));
        ASSERT_TRUE(transaction->commit());
    }
    EXPECT_EQ(database.integer("SELECT count(*) FROM t").value(), 1);
}

TEST(Database, WaitsForALockAndThenGivesUp) {
    const TemporaryFolder folder;
    auto one = must_open(folder / "a.db");
    ASSERT_TRUE(one.run("CREATE TABLE t(a)"));
    auto two = must_open(folder / "a.db", {.busy_timeout = std::chrono::milliseconds(20)});
    auto held = Transaction::begin(one);
    ASSERT_TRUE(held);
    EXPECT_EQ(Transaction::begin(two).error().fault, Fault::timed_out);
    ASSERT_TRUE(held->commit());
    EXPECT_TRUE(Transaction::begin(two));
}

TEST(Database, DeadlinesEndLongSearches) {
    const TemporaryFolder folder;
    auto database = must_open(folder / "a.db");
    const std::string_view endless =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT count(*) FROM n";
    database.set_deadline(std::chrono::steady_clock::now());
    EXPECT_EQ(database.integer(endless).error().fault, Fault::timed_out);
    database.set_deadline(std::nullopt);
    EXPECT_EQ(database.integer("SELECT 7").value(), 7);
}

TEST(Database, CheckpointEmptiesTheLog) {
    const TemporaryFolder folder;
    auto database = must_open(folder / "a.db", {.durability = Durability::full, .secure_delete = true});
    ASSERT_TRUE(database.run("CREATE TABLE t(a); INSERT INTO t VALUES('a secret to be erased')"));
    EXPECT_GT(std::filesystem::file_size(folder / "a.db-wal"), 0U);
    ASSERT_TRUE(database.run("DELETE FROM t"));
    ASSERT_TRUE(database.checkpoint());
    EXPECT_EQ(std::filesystem::file_size(folder / "a.db-wal"), 0U);
    EXPECT_EQ(content_of(folder / "a.db").find("a secret"), std::string::npos);
}

TEST(Database, SecureDeletionLeavesNothingWhenPagesMerge) {
    const TemporaryFolder folder;
    auto database = must_open(folder / "a.db", {.secure_delete = true});
    ASSERT_TRUE(database.run("CREATE TABLE t(id INTEGER PRIMARY KEY, key BLOB)"));
    const auto key = [](std::uint64_t n) { return base::sha256(std::to_string(n)); };
    constexpr std::uint64_t kKeys = 4001;  // a prime, so that the walk below meets each once, out of order
    auto insert = database.prepare("INSERT INTO t VALUES(?1, ?2)").value();
    auto remove = database.prepare("DELETE FROM t WHERE id=?1").value();
    ASSERT_TRUE(database.run("BEGIN"));
    for (std::uint64_t n = 0; n < kKeys; ++n) {
        const std::uint64_t id = n * 1597 % kKeys;
        ASSERT_TRUE(insert.bind(1, static_cast<std::int64_t>(id)).bind_blob(2, key(id)).run());
    }
    ASSERT_TRUE(database.run("COMMIT"));
    ASSERT_TRUE(database.checkpoint());
    std::set<std::string> gone;
    for (std::uint64_t n = 0; n + 100 < kKeys; ++n) {
        const std::uint64_t id = n * 787 % kKeys;
        ASSERT_TRUE(remove.bind(1, static_cast<std::int64_t>(id)).run());
        gone.insert(key(id));
    }
    ASSERT_TRUE(database.checkpoint());
    const auto file = content_of(folder / "a.db");
    std::size_t left = 0;
    for (const auto& one : gone) left += file.find(one) == std::string::npos ? 0 : 1;
    EXPECT_EQ(left, 0U);
    EXPECT_EQ(database.integer("SELECT count(*) FROM t").value(), 100);
}

TEST(Database, FullDiskIsAFaultAndNothingIsLost) {
    const auto disk = SmallDisk::mount(512);
    if (!disk) GTEST_SKIP() << "needs the right to mount";
    auto database = must_open(disk->path() + "/a.db", {.durability = Durability::full});
    ASSERT_TRUE(database.run("CREATE TABLE t(a); INSERT INTO t VALUES(1)"));
    disk->fill(0);
    EXPECT_EQ(database.run("INSERT INTO t VALUES(randomblob(200000))").error().fault, Fault::unavailable);
    {
        auto transaction = Transaction::begin(database);
        ASSERT_TRUE(transaction);
        EXPECT_FALSE(database.run("INSERT INTO t VALUES(randomblob(9000000))"));
    }
    disk->free();
    EXPECT_TRUE(database.run("INSERT INTO t VALUES(2)"));
    EXPECT_EQ(database.integer("SELECT count(*) FROM t").value(), 2);
}

}  // namespace
}  // namespace gatehouse::store
