// The walls of the house, as tests that fail: floors, purity, who may dial, who may link what, one adapter
// per library, and the house rules on size that a program can count.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <sstream>

#include "base/text.h"
#include "source_tree.h"

namespace gatehouse::walls {
namespace {

const std::string kSourceRoot = GATEHOUSE_SOURCE_ROOT;

const Floors& floors() {
    static const Floors kFloors = Floors::read(read_text(kSourceRoot + "/docs/architecture.md"));
    return kFloors;
}

const std::vector<SourceFile>& sources() {
    static const std::vector<SourceFile> kSources = read_sources(kSourceRoot);
    return kSources;
}

/// Tests and what only tests of a module share.
bool is_test(const std::string& path) {
    const std::string name = std::filesystem::path(path).filename().string();
    return name.ends_with("_test.cc") || name.starts_with("test_") || name.ends_with("_test_support.h") ||
           name == "testing.h";
}

TEST(Walls, TheFloorTableIsRead) {
    EXPECT_EQ(floors().floor_of("base"), 0);
    EXPECT_EQ(floors().floor_of("apps"), 7);
    EXPECT_EQ(floors().floor_of("inspect/detect/loop"), 3);
    EXPECT_EQ(floors().module_of("inspect/detect/loop/loop.cc"), "inspect/detect/loop");
    EXPECT_GT(sources().size(), 10U);
}

TEST(Walls, EveryFileBelongsToAModuleOfTheTable) {
    for (const auto& file : sources()) EXPECT_NE(floors().module_of(file.path), "") << file.path;
}

TEST(Walls, IncludesPointDownNeverUpOrAcross) {
    for (const auto& file : sources()) {
        const auto from = floors().module_of(file.path);
        for (const auto& include : file.includes) {
            if (!include.quoted) continue;
            if (is_test(file.path) && include.target.starts_with("support/")) continue;  // tests/support
            const auto to = floors().module_of(include.target);
            if (to == from) continue;
            EXPECT_NE(to, "") << include.file << ":" << include.line << " includes " << include.target
                              << ", which belongs to no module (write the path from src/)";
            EXPECT_GT(floors().floor_of(from), floors().floor_of(to))
                << include.file << ":" << include.line << ": " << from << " may not include " << to;
        }
    }
}

TEST(Walls, LinksPointDownToo) {
    const auto closures = read_link_closures(GATEHOUSE_BUILD_ROOT);
    ASSERT_GE(closures.size(), 3U);
    std::map<std::string, std::string> module_of_target;
    for (const auto& [name, targets] : closures) {
        if (!name.starts_with("module ")) continue;
        std::string target = "gatehouse_" + name.substr(7);
        std::replace(target.begin(), target.end(), '/', '_');
        module_of_target[target] = name.substr(7);
    }
    for (const auto& [name, targets] : closures) {
        if (!name.starts_with("module ")) continue;
        for (const auto& target : targets) {
            if (!module_of_target.contains(target)) continue;
            EXPECT_GT(floors().floor_of(name.substr(7)), floors().floor_of(module_of_target[target]))
                << name << " links " << target;
        }
    }
}

// --- purity
// -------------------------------------------------------------------------------------------------------

bool is_pure(const std::string& module) {
    if (module == "inspect/worker" || module == "inspect/pool") return false;
    return module == "message" || module.starts_with("inspect/") || module == "decide" ||
           module == "replay" || module == "consult/auth" || module == "receive/smtp" ||
           module == "settings/text" || module == "act/notify";
}

/// Pure files of modules that are not.
bool is_pure_file(const std::string& path) {
    static const std::set<std::string> kPure{"back_off", "item", "keys", "schedule", "window"};
    const std::filesystem::path file(path);
    return floors().module_of(path) == "act/queue" && kPure.contains(file.stem().string());
}

TEST(Walls, PureModulesHaveNoClockFileOrSocket) {
    static const std::set<std::string> kForbidden{
        "fstream",      "iostream",  "cstdio",     "filesystem",    "fcntl.h",          "unistd.h", "poll.h",
        "thread",       "mutex",     "ctime",      "time.h",        "stdio.h",          "future",   "netdb.h",
        "base/clock.h", "base/fd.h", "base/log.h", "base/random.h", "base/fd_passing.h"};
    static const std::regex kCalls(
        R"((system_clock|steady_clock|high_resolution_clock)::now|std::getenv|[^_a-z]rand\()");
    for (const auto& file : sources()) {
        const bool is_one = is_pure(floors().module_of(file.path)) || is_pure_file(file.path);
        if (!is_one || is_test(file.path)) continue;
        for (const auto& include : file.includes) {
            EXPECT_FALSE(kForbidden.contains(include.target) || include.target.starts_with("sys/") ||
                         include.target.starts_with("boost/asio") || include.target.starts_with("net/"))
                << include.file << ":" << include.line << " includes " << include.target;
        }
        EXPECT_FALSE(std::regex_search(file.text, kCalls))
            << file.path << " reads a clock, the environment or chance";
    }
}

// --- who may link what
// --------------------------------------------------------------------------------------------

TEST(Walls, OnlyDeliveryAndTheDoorDial) {
    static const std::set<std::string> kMay{"module act/delivery", "module consult/door"};
    for (const auto& [name, targets] : read_link_closures(GATEHOUSE_BUILD_ROOT)) {
        if (!name.starts_with("module ") || kMay.contains(name)) continue;
        EXPECT_FALSE(targets.contains("gatehouse_net_dial")) << name << " links net/dial";
    }
    for (const auto& file : sources()) {
        const auto module = floors().module_of(file.path);
        if (module == "net/dial" || kMay.contains("module " + module) || is_test(file.path)) continue;
        for (const auto& include : file.includes) {
            EXPECT_FALSE(include.target.starts_with("net/dial"))
                << include.file << " includes " << include.target;
        }
    }
}

TEST(Walls, TheInspectorLinksNeitherNetNorStore) {
    const auto closures = read_link_closures(GATEHOUSE_BUILD_ROOT);
    const auto inspector = closures.find("app inspector");
    if (inspector == closures.end()) GTEST_SKIP() << "no inspector in this build";
    for (const auto& target : inspector->second) {
        EXPECT_FALSE(target.starts_with("gatehouse_net") || target.starts_with("gatehouse_store") ||
                     target.find("SQLite") != std::string::npos ||
                     target.find("RocksDB") != std::string::npos || target == "OpenSSL::SSL")
            << "gatehouse-inspector links " << target;
    }
}

// --- one adapter per library
// --------------------------------------------------------------------------------------

struct Library {
    std::string_view headers;  ///< a regular expression over the include
    std::set<std::string> adapters;
};

const std::vector<Library>& libraries() {
    static const std::vector<Library> kLibraries{
#include "third_party.inc"
    };
    return kLibraries;
}

TEST(Walls, AThirdPartyHeaderStandsInItsAdapterOnly) {
    for (const auto& library : libraries()) {
        const std::regex headers{std::string(library.headers)};
        for (const auto& file : sources()) {
            if (is_test(file.path) || library.adapters.contains(file.path)) continue;
            for (const auto& include : file.includes) {
                if (include.quoted) continue;
                EXPECT_FALSE(std::regex_match(include.target, headers))
                    << include.file << ":" << include.line << " includes <" << include.target
                    << ">, whose adapter is another file (tests/walls/third_party.inc)";
            }
        }
    }
}

// --- size
// ---------------------------------------------------------------------------------------------------------

TEST(Walls, FilesAreAtMost600Lines) {
    for (const auto& file : sources()) {
        if (is_test(file.path)) continue;
        const auto lines = std::count(file.text.begin(), file.text.end(), '\n');
        EXPECT_LE(lines, 600) << file.path;
    }
}

TEST(Walls, LifeTellsTheWholeStoryInUnder150Lines) {
    for (const auto& file : sources()) {
        if (file.path != "pipeline/life.cc") continue;
        EXPECT_LT(std::count(file.text.begin(), file.text.end(), '\n'), 150);
    }
}

TEST(Walls, EveryModuleHasAReadme) {
    for (const auto& [name, targets] : read_link_closures(GATEHOUSE_BUILD_ROOT)) {
        if (!name.starts_with("module ")) continue;
        const auto text = read_text(kSourceRoot + "/src/" + name.substr(7) + "/README.md");
        EXPECT_FALSE(text.empty()) << name << " has no README.md";
        EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 80) << name << ": a README is at most one page";
    }
}

TEST(Walls, NoPlainEicarStandsInTheRepositoryOrInAProgram) {
    namespace fs = std::filesystem;
    const std::string marker = std::string("EICAR-STANDARD-") + "ANTIVIRUS-TEST-FILE";
    const std::set<std::string> kNotOurs{".git", "build", "shared", "var", "node_modules"};
    const auto look = [&](const fs::path& path) {
        EXPECT_EQ(read_text(path.string()).find(marker), std::string::npos) << path;
    };
    for (fs::recursive_directory_iterator at(kSourceRoot), end; at != end; ++at) {
        if (at->is_directory() && kNotOurs.contains(at->path().filename().string())) {
            at.disable_recursion_pending();
        } else if (at->is_regular_file()) {
            look(at->path());
        }
    }
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(std::string(GATEHOUSE_BUILD_ROOT) + "/bin", none)) {
        if (entry.is_regular_file()) look(entry.path());
    }
}

}  // namespace
}  // namespace gatehouse::walls
