#include "store/key_value.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

#include "store/testing.h"

namespace gatehouse::store {
namespace {

using base::Fault;

KeyValueStore must_open(const std::string& path, const KeyValueOptions& options = {}) {
    auto store = KeyValueStore::open(path, options);
    if (!store) throw std::runtime_error(store.error().sentence);
    return std::move(*store);
}

void put(KeyValueStore& store, const std::string& key, const std::string& value) {
    const KeyValue pair{key, value};
    ASSERT_TRUE(store.put(std::span(&pair, 1)));
}

std::vector<std::string> keys(const KeyValueStore& store, std::string_view from = "",
                              std::string_view to = "") {
    std::vector<std::string> out;
    EXPECT_TRUE(store.visit(from, to, [&](std::string_view key, std::string_view) {
        out.emplace_back(key);
        return true;
    }));
    return out;
}

using Keys = std::vector<std::string>;

TEST(KeyValueStore, KeepsWhatWasPut) {
    const TemporaryFolder folder;
    {
        auto store = must_open(folder / "kv");
        const std::vector<KeyValue> pairs{{"a", "1"}, {"b", std::string(100'000, 'z')}, {"a", "2"}};
        ASSERT_TRUE(store.put(pairs));
        EXPECT_EQ(store.get("a").value(), "2");
        EXPECT_EQ(store.get("none").value(), std::nullopt);
        ASSERT_TRUE(store.remove("a"));
        EXPECT_EQ(store.get("a").value(), std::nullopt);
        ASSERT_TRUE(store.sync());
    }
    auto store = must_open(folder / "kv");
    EXPECT_EQ(store.get("b").value(), std::string(100'000, 'z'));
    EXPECT_GE(store.approximate_count(), 1U);
}

TEST(KeyValueStore, RangesAndPrefixesAreInOrder) {
    const TemporaryFolder folder;
    auto store = must_open(folder / "kv");
    for (const auto* key : {"b", "a", "ab", "ac", "c", "a\xff", "\xff\xff"}) put(store, key, "v");
    EXPECT_EQ(keys(store), (Keys{"a", "ab", "ac", "a\xff", "b", "c", "\xff\xff"}));
    EXPECT_EQ(keys(store, "ab", "b"), (Keys{"ab", "ac", "a\xff"}));
    Keys found;
    const auto collect = [&](std::string_view key, std::string_view value) {
        EXPECT_EQ(value, "v");
        found.emplace_back(key);
        return found.size() < 3;
    };
    ASSERT_TRUE(store.visit_prefix("a", collect));
    EXPECT_EQ(found, (Keys{"a", "ab", "ac"})) << "the visitor ended it";
    found.clear();
    ASSERT_TRUE(store.visit_prefix("a\xff", collect));
    ASSERT_TRUE(store.visit_prefix("\xff\xff", collect));
    EXPECT_EQ(found, (Keys{"a\xff", "\xff\xff"}));
    ASSERT_TRUE(store.remove_range("", "b"));
    EXPECT_EQ(keys(store), (Keys{"b", "c", "\xff\xff"}));
    ASSERT_TRUE(store.remove_range("c", "a")) << "an empty range is nothing to do";
    EXPECT_EQ(keys(store).size(), 3U);
}

TEST(KeyValueStore, OwnKeysCannotBeTouched) {
    const TemporaryFolder folder;
    auto store = must_open(folder / "kv");
    const std::string own(1, '\0');
    put(store, own + own, "v");
    put(store, own + "a", "v");
    EXPECT_FALSE(store.get(own));
    EXPECT_FALSE(store.remove(own));
    EXPECT_EQ(keys(store), (Keys{own + own, own + "a"})) << "not shown either";
    ASSERT_TRUE(store.remove_range("", "b"));
    EXPECT_EQ(keys(store), Keys{});
    const KeyValue empty{"", "v"};
    EXPECT_FALSE(store.put(std::span(&empty, 1)));
    const KeyValue first{own, "v"};
    EXPECT_FALSE(store.put(std::span(&first, 1)));
}

TEST(KeyValueStore, OneProcessAtATime) {
    const TemporaryFolder folder;
    auto store = must_open(folder / "kv");
    EXPECT_EQ(KeyValueStore::open(folder / "kv", {}).error().fault, Fault::unavailable);
}

base::Result<void> upper_case(KeyValueStore& store, std::uint32_t from) {
    EXPECT_EQ(from, 1U);
    const KeyValue pair{"a", "NEW"};
    return store.put(std::span(&pair, 1));
}
base::Result<void> fails(KeyValueStore&, std::uint32_t) {
    return base::fail(Fault::internal, "made to fail");
}

TEST(KeyValueStore, FormatsAreMigratedOrRefused) {
    const TemporaryFolder folder;
    {
        auto store = must_open(folder / "kv");
        put(store, "a", "old");
    }
    EXPECT_EQ(KeyValueStore::open(folder / "kv", {.format = 2}).error().fault, Fault::refused);
    EXPECT_EQ(KeyValueStore::open(folder / "kv", {.format = 2, .migrate = &fails}).error().sentence,
              "made to fail");
    {
        auto store = must_open(folder / "kv", {.format = 2, .migrate = &upper_case});
        EXPECT_EQ(store.get("a").value(), "NEW");
    }
    {
        auto copy = must_open(folder / "kv.before-2");
        EXPECT_EQ(copy.get("a").value(), "old");
    }
    const auto newer = KeyValueStore::open(folder / "kv", {.format = 1});
    ASSERT_FALSE(newer);
    EXPECT_EQ(newer.error().fault, Fault::refused);
    EXPECT_NE(newer.error().sentence.find("start the newer Gatehouse"), std::string::npos);
    EXPECT_TRUE(KeyValueStore::open(folder / "kv", {.format = 2}));
}

TEST(KeyValueStore, DamageIsNamed) {
    const TemporaryFolder folder;
    {
        auto store = must_open(folder / "kv");
        put(store, "a", "1");
    }
    write_content(folder / "kv/CURRENT", "nonsense");
    const auto damaged = KeyValueStore::open(folder / "kv", {});
    ASSERT_FALSE(damaged);
    EXPECT_EQ(damaged.error().fault, Fault::malformed);
}

}  // namespace
}  // namespace gatehouse::store
