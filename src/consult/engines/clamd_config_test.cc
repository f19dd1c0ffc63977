#include "consult/engines/clamd_config.h"

#include <gtest/gtest.h>

#include <map>
#include <sstream>

namespace gatehouse::consult::engines {
namespace {

std::map<std::string, std::string> parsed(const ClamdConfig& config) {
    std::map<std::string, std::string> out;
    std::istringstream text(render_clamd_config(config));
    for (std::string line; std::getline(text, line);) {
        if (line.starts_with('#')) continue;
        const auto blank = line.find(' ');
        EXPECT_NE(blank, std::string::npos) << line;
        EXPECT_EQ(line.find(' ', blank + 1), std::string::npos)
            << "clamd takes no blank in a value: " << line;
        EXPECT_TRUE(out.emplace(line.substr(0, blank), line.substr(blank + 1)).second) << "twice: " << line;
    }
    return out;
}

ClamdConfig usual() {
    return {.limits = clamd_limits_for(base::BudgetLimits{}, 100ULL << 20, 60), .threads = 2};
}

TEST(ClamdConfig, LimitsStandAtOrAboveOurBudgets) {
    const base::BudgetLimits budget;
    const auto limits = clamd_limits_for(budget, 100ULL << 20, 60);
    EXPECT_GE(limits.file_bytes, 100ULL << 20);
    EXPECT_GE(limits.file_bytes, budget.max_held);
    EXPECT_GE(limits.scan_bytes, budget.max_decoded + (100ULL << 20));
    EXPECT_GE(limits.files, budget.max_parts);
    EXPECT_GE(limits.recursion, budget.max_depth);
    EXPECT_EQ(limits.scan_ms, 60'000U);
}

TEST(ClamdConfig, LimitsStayWithinWhatClamdCanDo) {
    base::BudgetLimits budget;
    budget.max_depth = 1'000'000;
    budget.max_parts = 0xFFFFFFFF;
    budget.max_decoded = ~0ULL;
    budget.max_held = ~0ULL;
    const auto limits = clamd_limits_for(budget, 1ULL << 40, 1ULL << 40);
    EXPECT_LT(limits.file_bytes, 1ULL << 31);
    EXPECT_LT(limits.scan_bytes, 1ULL << 32);
    EXPECT_LE(limits.recursion, 100U);
    EXPECT_LE(limits.scan_ms, 3'600'000U);

    budget = {.max_depth = 0, .max_parts = 0, .max_decoded = 0, .max_held = 0, .max_steps = 0};
    const auto least = clamd_limits_for(budget, 0, 0);
    for (const std::uint64_t value :
         {least.file_bytes, least.scan_bytes, least.files, least.scan_ms, std::uint64_t{least.recursion}}) {
        EXPECT_GT(value, 0U) << "0 means no limit to clamd";
    }
}

TEST(ClamdConfig, SaysWhatTheDesignAsksFor) {
    const auto config = parsed(usual());
    for (const auto* key : {"AlertExceedsMax", "AlertEncrypted", "ConcurrentDatabaseReload", "DisableCache",
                            "Foreground", "FixStaleSocket"}) {
        EXPECT_EQ(config.at(key), "yes") << key;
    }
    for (const auto* key : {"Bytecode", "BytecodeUnsigned", "HeuristicScanPrecedence", "AllowAllMatchScan",
                            "LogSyslog", "PhishingScanURLs", "ExitOnOOM"}) {
        EXPECT_EQ(config.at(key), "no") << key;
    }
    EXPECT_EQ(config.at("SelfCheck"), "0");
    EXPECT_EQ(config.at("LocalSocketMode"), "600");
    EXPECT_EQ(config.at("MaxThreads"), "2");
    EXPECT_EQ(config.at("MaxScanTime"), "60000");
    for (const auto* key : {"User", "TCPSocket", "TCPAddr", "LogFile", "PidFile", "VirusEvent"}) {
        EXPECT_FALSE(config.contains(key)) << key;
    }
}

TEST(ClamdConfig, NoSilentLimitBitesBeforeTheLoudOne) {
    const auto config = parsed(usual());
    for (const auto* key :
         {"MaxEmbeddedPE", "MaxHTMLNormalize", "MaxHTMLNoTags", "MaxScriptNormalize", "PCREMaxFileSize"}) {
        EXPECT_EQ(config.at(key), config.at("MaxFileSize")) << key;
    }
}

TEST(ClamdConfig, PathsAreRelativeToTheEnginesFolder) {
    const auto config = parsed(usual());
    for (const auto* key : {"DatabaseDirectory", "TemporaryDirectory", "LocalSocket"}) {
        EXPECT_NE(config.at(key).front(), '/') << key;
    }
}

TEST(ClamdConfig, SwitchesShow) {
    auto given = usual();
    given.bytecode = true;
    given.socket_for_group = true;
    given.threads = 0;
    const auto config = parsed(given);
    EXPECT_EQ(config.at("Bytecode"), "yes");
    EXPECT_EQ(config.at("LocalSocketMode"), "660");
    EXPECT_EQ(config.at("MaxThreads"), "1");
}

TEST(ClamdConfig, DescriptorsCoverClamdsOwnFormula) {
    const auto config = usual();
    const auto text = parsed(config);
    const auto need = 2ULL * config.limits.recursion + std::stoul(text.at("MaxQueue")) - 2 + 6;
    EXPECT_GT(clamd_descriptors(config), need);
}

}  // namespace
}  // namespace gatehouse::consult::engines
