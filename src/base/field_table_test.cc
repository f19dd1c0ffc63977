#include "base/field_table.h"

#include <gtest/gtest.h>

#include <array>

namespace gatehouse::base {
namespace {

struct Example {
    bool on = true;
    std::int64_t size = 100;
    std::int64_t wait = 30;
    std::string mode = "refuse";
    std::vector<std::string> hosts;
};

constexpr std::array<std::string_view, 2> kModes{"refuse", "normalise"};
constexpr std::array kFields = {
    field<&Example::on>("on", "a switch"),
    field<&Example::size>("size", "a size", {.min = 1, .max = 1 << 30, .unit = "bytes"}),
    field<&Example::wait>("wait", "a time", {.min = 0, .unit = "s"}),
    field<&Example::mode>("mode", "what to do", {.choices = kModes}),
    field<&Example::hosts>("hosts", "names"),
};
constexpr FieldTable kTable = make_table<Example>("example", "an example", kFields);

Value table(std::string key, Value::Data data) {
    const Place place{"test.toml", 7};
    return Value(Value::Table{{std::move(key), Value(std::move(data), place)}}, place);
}

std::string sentence(std::string key, Value::Data data) {
    Example example;
    const auto filled = fill(kTable, table(std::move(key), std::move(data)), &example);
    return filled ? "" : filled.error().sentence;
}

TEST(FieldTable, FillsAndKeepsDefaults) {
    Example example;
    ASSERT_TRUE(fill(kTable, table("size", std::string("30 KiB")), &example));
    EXPECT_EQ(example.size, 30 * 1024);
    EXPECT_EQ(example.mode, "refuse");
    ASSERT_TRUE(fill(kTable, table("wait", std::string("10 min")), &example));
    EXPECT_EQ(example.wait, 600);
    ASSERT_TRUE(fill(kTable, table("hosts", std::string("one")), &example));
    EXPECT_EQ(example.hosts, std::vector<std::string>{"one"});
}

TEST(FieldTable, NamesPlaceKeyRangeAndNearest) {
    EXPECT_EQ(sentence("siez", std::int64_t{1}), "test.toml:7: unknown key example.siez; did you mean size?");
    EXPECT_EQ(sentence("size", std::int64_t{0}),
              "test.toml:7: size must be an integer from 1 to 1073741824 (bytes), not 0");
    EXPECT_EQ(sentence("mode", std::string("accept")),
              "test.toml:7: mode must be one of refuse, normalise, not \"accept\"");
    EXPECT_EQ(sentence("on", std::int64_t{1}), "test.toml:7: on must be true or false, not an integer");
    EXPECT_EQ(sentence("size", std::string("5 parsec")),
              "test.toml:7: size must be an integer from 1 to 1073741824 (bytes), not \"5 parsec\"");
}

TEST(FieldTable, RendersDefaults) {
    const auto defaults = kTable.defaults(kTable.fields);
    ASSERT_EQ(defaults.size(), 5U);
    EXPECT_EQ(defaults[3].to_string(), "\"refuse\"");
    EXPECT_EQ(defaults[4].to_string(), "[]");
}

TEST(FieldTable, FillsFromAWholeFile) {
    Example example;
    const Value inner(Value::Table{{"x", Value(Value::Data(true))}});
    const Value tree(Value::Table{
        {"example", Value(Value::Table{{"size", Value(Value::Data(std::int64_t{5}))}, {"inner", inner}})}});
    ASSERT_TRUE(fill_from(kTable, tree, &example));
    EXPECT_EQ(example.size, 5);
    EXPECT_EQ(find_path(tree, "example.inner.x")->to_string(), "true");
    EXPECT_EQ(find_path(tree, "example.none.x"), nullptr);
    EXPECT_TRUE(fill_from(kTable, Value(), &example));
    const Value unknown(Value::Table{{"example", table("siez", std::int64_t{1})}});
    EXPECT_FALSE(fill_from(kTable, unknown, &example));
}

TEST(FieldTable, ChecksAValueAlone) {
    const auto value = [](Value::Data data) { return Value(std::move(data)); };
    EXPECT_TRUE(check_value(*kTable.find("on"), value(true)));
    EXPECT_FALSE(check_value(*kTable.find("on"), value(std::string("true"))));
    EXPECT_TRUE(check_value(*kTable.find("size"), value(std::string("1 MiB"))));
    EXPECT_FALSE(check_value(*kTable.find("size"), value(std::int64_t{0})));
    EXPECT_FALSE(check_value(*kTable.find("mode"), value(std::string("x"))));
    EXPECT_TRUE(check_value(*kTable.find("hosts"), value(Value::Array{value(std::string("x"))})));
}

TEST(FieldTable, ReadsQuantities) {
    EXPECT_EQ(parse_quantity("30 MiB", "bytes"), 30 << 20);
    EXPECT_EQ(parse_quantity("30", "bytes"), 30);
    EXPECT_EQ(parse_quantity("2h", "s"), 7200);
    EXPECT_EQ(parse_quantity("2 h", "bytes"), std::nullopt);
    EXPECT_EQ(parse_quantity("-1", "s"), std::nullopt);
    EXPECT_EQ(parse_quantity("", "s"), std::nullopt);
    EXPECT_EQ(parse_quantity("9223372036854775807 GiB", "bytes"), std::nullopt);
    EXPECT_EQ(parse_quantity("9223372036854775808", "bytes"), std::nullopt);
}

}  // namespace
}  // namespace gatehouse::base
