#include "store/schema.h"

#include <gtest/gtest.h>

#include <array>

#include "store/testing.h"

namespace gatehouse::store {
namespace {

using base::Fault;

base::Result<void> fill_length(Database& database) {
    return database.run("UPDATE t SET length = length(name)");
}
base::Result<void> fails(Database&) {
    return base::fail(Fault::internal, "made to fail");
}

constexpr SchemaStep kFirst{"CREATE TABLE t(name TEXT) STRICT"};
constexpr SchemaStep kSecond{"ALTER TABLE t ADD COLUMN length INTEGER", &fill_length};
constexpr std::array kOld{kFirst};
constexpr std::array kNew{kFirst, kSecond};
constexpr std::array kBroken{kFirst, SchemaStep{"ALTER TABLE t ADD COLUMN length INTEGER", &fails}};
constexpr std::array kOther{SchemaStep{"CREATE TABLE other(a INTEGER) STRICT"}};
constexpr Schema kOldSchema{"thing", kOld};
constexpr Schema kNewSchema{"thing", kNew};
constexpr Schema kBrokenSchema{"thing", kBroken};

Database open_with(const std::string& path, const Schema& schema) {
    auto database = Database::open(path, {});
    if (!database) throw std::runtime_error(database.error().sentence);
    const auto ready = bring_to_format(*database, schema);
    if (!ready) throw std::runtime_error(ready.error().sentence);
    return std::move(*database);
}

TEST(Schema, NewStoresStartAtTheNewestFormat) {
    const TemporaryFolder folder;
    auto database = open_with(folder / "a.db", kNewSchema);
    EXPECT_EQ(database.integer("SELECT number FROM store_formats WHERE name='thing'").value(), 2);
    EXPECT_TRUE(database.run("INSERT INTO t VALUES('a', 1)"));
    EXPECT_TRUE(bring_to_format(database, kNewSchema)) << "again is no change";
    EXPECT_TRUE(check_format(database, kNewSchema));
    EXPECT_TRUE(copies_of(folder / "a.db").empty());
}

TEST(Schema, OlderFormatsAreMigratedAndACopyIsKept) {
    const TemporaryFolder folder;
    {
        auto database = open_with(folder / "a.db", kOldSchema);
        ASSERT_TRUE(database.run("INSERT INTO t VALUES('abc')"));
        EXPECT_EQ(check_format(database, kNewSchema).error().fault, Fault::refused);
    }
    auto database = open_with(folder / "a.db", kNewSchema);
    EXPECT_EQ(database.integer("SELECT length FROM t").value(), 3);
    const auto copies = copies_of(folder / "a.db");
    ASSERT_EQ(copies.size(), 1U);
    EXPECT_EQ(copies[0], folder / "a.db.before-thing-2");
    auto copy = open_with(copies[0], kOldSchema);
    EXPECT_EQ(copy.integer("SELECT count(*) FROM t").value(), 1);
    EXPECT_FALSE(copy.integer("SELECT length FROM t"));
}

TEST(Schema, AFailedMigrationLeavesTheOldFormat) {
    const TemporaryFolder folder;
    auto database = open_with(folder / "a.db", kOldSchema);
    EXPECT_EQ(bring_to_format(database, kBrokenSchema).error().sentence, "made to fail");
    EXPECT_FALSE(database.integer("SELECT length FROM t"));
    EXPECT_TRUE(check_format(database, kOldSchema));
    EXPECT_TRUE(bring_to_format(database, kNewSchema));
}

TEST(Schema, NewerFormatsAreRefusedWithAdvice) {
    const TemporaryFolder folder;
    (void)open_with(folder / "a.db", kNewSchema);
    auto database = Database::open(folder / "a.db", {}).value();
    const auto refused = bring_to_format(database, kOldSchema);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::refused);
    EXPECT_NE(refused.error().sentence.find("start the newer Gatehouse"), std::string::npos);
    EXPECT_EQ(check_format(database, kOldSchema).error().fault, Fault::refused);
}

TEST(Schema, StoresOfOneFileHaveNumbersOfTheirOwn) {
    const TemporaryFolder folder;
    (void)open_with(folder / "a.db", kOldSchema);
    auto database = open_with(folder / "a.db", {"other", kOther});
    EXPECT_TRUE(check_format(database, kOldSchema));
    EXPECT_EQ(database.integer("SELECT number FROM store_formats WHERE name='other'").value(), 1);
    EXPECT_TRUE(copies_of(folder / "a.db").empty()) << "a new store in an old file is no migration";
}

}  // namespace
}  // namespace gatehouse::store
