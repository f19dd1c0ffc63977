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

}  // namespace
}  // namespace gatehouse::base
