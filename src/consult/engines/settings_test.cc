#include "consult/engines/settings.h"

#include <gtest/gtest.h>

namespace gatehouse::consult::engines {
namespace {

using base::Value;

base::Result<AntivirusSettings> filled(std::string key, Value::Data data) {
    AntivirusSettings out;
    const base::Place place{"gatehouse.toml", 3};
    const Value table(Value::Table{{std::move(key), Value(std::move(data), place)}}, place);
    GATEHOUSE_CHECK(base::fill(kAntivirusTable, table, &out));
    return out;
}

TEST(AntivirusSettings, Modes) {
    EXPECT_EQ(parse_clamd_mode("managed")->kind, ClamdMode::Kind::managed);
    EXPECT_EQ(parse_clamd_mode("off")->kind, ClamdMode::Kind::off);
    const auto external = parse_clamd_mode("unix:/run/clamav/clamd.ctl");
    ASSERT_TRUE(external);
    EXPECT_EQ(external->kind, ClamdMode::Kind::external);
    EXPECT_EQ(external->socket, "/run/clamav/clamd.ctl");
    for (const auto* wrong : {"", "unix:", "Managed", "tcp:127.0.0.1:3310", "on", "true"}) {
        EXPECT_FALSE(parse_clamd_mode(wrong)) << wrong;
    }
}

TEST(AntivirusSettings, TheTableFillsThem) {
    EXPECT_EQ(filled("clamd", std::string("unix:/x"))->clamd, "unix:/x");
    EXPECT_EQ(filled("scratch_size", std::string("2 GiB"))->scratch_size, 2LL << 30);
    EXPECT_EQ(filled("scan_timeout", std::string("2 min"))->scan_timeout, 120);
    EXPECT_TRUE(filled("bytecode", true)->bytecode);
}

TEST(AntivirusSettings, FaultsNameFileLineAndWhatIsAllowed) {
    EXPECT_EQ(filled("clamd", std::string("on")).error().sentence,
              "gatehouse.toml:3: clamd: managed, off or unix:PATH");
    EXPECT_EQ(filled("databse", std::string("x")).error().sentence,
              "gatehouse.toml:3: unknown key antivirus.databse; did you mean database?");
    EXPECT_FALSE(filled("scan_timeout", std::int64_t{0}));
    EXPECT_FALSE(filled("scratch_size", std::int64_t{1}));
}

TEST(AntivirusSettings, DefaultsPassTheirOwnRules) {
    for (const auto& field : kAntivirusFields) {
        AntivirusSettings object;
        const auto value = field.read(&object);
        EXPECT_TRUE(field.assign(&object, value, field)) << field.name;
        EXPECT_FALSE(field.help.empty()) << field.name;
    }
}

TEST(AntivirusSettings, ThreadsDefaultToTheCores) {
    AntivirusSettings settings;
    EXPECT_GE(engine_threads(settings), 1U);
    settings.threads = 7;
    EXPECT_EQ(engine_threads(settings), 7U);
}

}  // namespace
}  // namespace gatehouse::consult::engines
