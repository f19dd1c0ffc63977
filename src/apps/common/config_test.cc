#include "apps/common/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "inspect/engine/catalogue.h"
#include "ipc/control.pb.h"
#include "store/testing.h"

namespace gatehouse::apps {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// A variable of the environment for one test.
class Environment {
  public:
    Environment(std::string name, const char* value) : name_(std::move(name)) {
        if (const char* old = std::getenv(name_.c_str()); old != nullptr) old_ = old;
        set(value);
    }
    ~Environment() { set(old_ ? old_->c_str() : nullptr); }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;

  private:
    void set(const char* value) const {
        if (value == nullptr) ::unsetenv(name_.c_str());
        if (value != nullptr) ::setenv(name_.c_str(), value, 1);
    }
    std::string name_;
    std::optional<std::string> old_;
};

class ConfigTest : public ::testing::Test {
  protected:
    void SetUp() override {
        before_ = fs::current_path();
        fs::current_path(folder_.path());
    }
    void TearDown() override { fs::current_path(before_); }

    static base::Result<Config> read(const std::string& gatehouse, const std::string& settings = {},
                                     const std::string& policy = {}) {
        return Config::read({"/etc/gatehouse/gatehouse.toml", "/etc/gatehouse", gatehouse, settings, policy},
                            inspect::engine::all_evidence());
    }
    static std::string error_of(const base::Result<Config>& config) {
        EXPECT_FALSE(config);
        return config ? "" : config.error().sentence;
    }
    void write(const std::string& path, const std::string& text = {}) const {
        fs::create_directories(fs::path(folder_ / path).parent_path());
        store::write_content(folder_ / path, text);
    }

    store::TemporaryFolder folder_;
    fs::path before_;
    Environment no_config_{"GATEHOUSE_CONFIG", nullptr};
    Environment no_testing_{"GATEHOUSE_TESTING", nullptr};
};

// --- finding
// ------------------------------------------------------------------------------------------------------

TEST_F(ConfigTest, TheFirstThatIsThereIsTaken) {
    const bool has_system = fs::exists("/etc/gatehouse/gatehouse.toml");
    EXPECT_EQ(find_config(""), has_system ? "/etc/gatehouse/gatehouse.toml" : "");
    write("var/gatehouse.toml");
    EXPECT_EQ(find_config(""), "var/gatehouse.toml");
    write("gatehouse.toml");
    EXPECT_EQ(find_config(""), "gatehouse.toml");
    {
        const Environment empty("GATEHOUSE_CONFIG", "");
        EXPECT_EQ(find_config(""), "gatehouse.toml");
        const Environment named("GATEHOUSE_CONFIG", "/else/where.toml");
        EXPECT_EQ(find_config(""), "/else/where.toml") << "named, so it is taken, there or not";
        EXPECT_EQ(find_config("mine.toml"), "mine.toml") << "--config before all others";
    }
}

TEST_F(ConfigTest, AFileThatIsNamedHasToBeThere) {
    const auto missing = load_config("nowhere.toml");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().fault, base::Fault::usage);
    EXPECT_THAT(missing.error().sentence, HasSubstr("nowhere.toml"));
    const auto none = load_config("");
    ASSERT_TRUE(none) << none.error().sentence;
    EXPECT_EQ(none->origin_name(), "built-in defaults");
    EXPECT_EQ(none->state_path(""), folder_ / "var");
}

TEST_F(ConfigTest, TheOtherTwoFilesStandBesideIt) {
    write("conf/gatehouse.toml", "[paths]\npolicy = \"rules/mine.toml\"\n");
    write("conf/settings.toml", "[general]\ninternal_addresses = [\"here.test\"]\n");
    write("conf/rules/mine.toml",
          "[[rule]]\nname = \"Only\"\nwhen = { any = [\"spam\"] }\nthen = [\"reject\"]\n");
    const auto config = load_config("conf/gatehouse.toml");
    ASSERT_TRUE(config) << config.error().sentence;
    EXPECT_THAT(config->texts.settings, HasSubstr("here.test"));
    EXPECT_THAT(config->texts.policy, HasSubstr("Only"));
    EXPECT_EQ(config->state_path("run"), folder_ / "conf/var/run");
    write("conf/rules/mine.toml", "[[rule]]\nname = \n");
    EXPECT_THAT(error_of(load_config("conf/gatehouse.toml")), HasSubstr("conf/rules/mine.toml:2"));
}

// --- paths and names
// ------------------------------------------------------------------------------------------------

TEST_F(ConfigTest, RelativePathsCountFromTheFolderOfTheFile) {
    EXPECT_EQ(path_beside("/etc/gatehouse", "var"), "/etc/gatehouse/var");
    EXPECT_EQ(path_beside("/etc/gatehouse", "/srv/state"), "/srv/state");
    EXPECT_EQ(path_beside(".", "policy.toml"), "./policy.toml");
}

TEST_F(ConfigTest, TheDatabaseFollowsTheStateFolderUntilItIsNamed) {
    const auto defaults = read("").value();
    EXPECT_EQ(defaults.state_path(""), "/etc/gatehouse/var");
    EXPECT_EQ(defaults.state_path("items"), "/etc/gatehouse/var/items");
    EXPECT_EQ(defaults.database_path(), "/etc/gatehouse/var/gatehouse.db");
    const auto moved = read("[paths]\nstate = \"/srv/gatehouse\"\n").value();
    EXPECT_EQ(moved.state_path("items"), "/srv/gatehouse/items");
    EXPECT_EQ(moved.database_path(), "/srv/gatehouse/gatehouse.db");
    const auto named =
        read("[paths]\nstate = \"/srv/gatehouse\"\n[store]\nurl = \"sqlite:db/mine.db\"\n").value();
    EXPECT_EQ(named.database_path(), "/etc/gatehouse/db/mine.db");
    const auto absolute = read("[store]\nurl = \"sqlite:/srv/mine.db\"\n").value();
    EXPECT_EQ(absolute.database_path(), "/srv/mine.db");
}

TEST_F(ConfigTest, EachRoleHasAUserOfItsOwnWhenRootStartsIt) {
    auto config = read("").value();
    if (::geteuid() != 0) {
        EXPECT_EQ(config.role_uid("front"), 0U);
        GTEST_SKIP() << "needs root";
    }
    std::set<unsigned> uids;
    for (const std::string role : {"front", "inspector", "door", "admin", "engine", "sink"}) {
        EXPECT_NE(config.role_uid(role), 0U) << role;
        uids.insert(config.role_uid(role));
    }
    EXPECT_EQ(uids.size(), 6U);
    EXPECT_EQ(config.role_uid("nobody we know"), 0U);
    EXPECT_NE(config.group_id(), 0U);
    config.roles_stay_root = true;
    EXPECT_EQ(config.role_uid("front"), 0U);
}

TEST_F(ConfigTest, TheEngineIsOffElsewhereOrBelowTheState) {
    EXPECT_EQ(engine_socket(read("[antivirus]\nclamd = \"off\"\n").value()).value(), "");
    EXPECT_EQ(engine_socket(read("[antivirus]\nclamd = \"unix:/run/clamd.sock\"\n").value()).value(),
              "/run/clamd.sock");
    EXPECT_THAT(engine_socket(read("[antivirus]\nclamd = \"managed\"\n").value()).value(),
                StartsWith("/etc/gatehouse/var/engine"));
}

TEST_F(ConfigTest, ARoleReadsWhatTheSupervisorRead) {
    const auto config = read("[smtp]\nhostname = \"gw.test\"\n[process]\nnode = 7\n").value();
    pb::RoleStart start;
    config.write_start(start);
    const auto of_role = Config::from_start(start);
    ASSERT_TRUE(of_role) << of_role.error().sentence;
    EXPECT_EQ(of_role->hostname(), "gw.test");
    EXPECT_EQ(of_role->process.node, 7);
    EXPECT_EQ(of_role->revision.id, config.revision.id);
    EXPECT_EQ(of_role->database_path(), config.database_path());
    EXPECT_EQ(of_role->inspector.process.hostname, "gw.test");
}

// --- what is refused
// ------------------------------------------------------------------------------------------------

TEST_F(ConfigTest, AFixedClockIsForTestsOnly) {
    const std::string text = "[testing]\nfixed_clock = \"2026-01-01T00:00:00Z\"\n";
    EXPECT_THAT(error_of(read(text)), HasSubstr("refused unless GATEHOUSE_TESTING=1"));
    const Environment testing("GATEHOUSE_TESTING", "1");
    EXPECT_TRUE(read(text));
    const auto no_time = read("[testing]\nfixed_clock = \"yesterday\"\n");
    EXPECT_THAT(error_of(no_time), HasSubstr("yesterday"));
}

TEST_F(ConfigTest, WhatIsNotInThisVersionSaysSo) {
    EXPECT_TRUE(read("[delivery]\ncut_through = false\n"));
    EXPECT_THAT(error_of(read("[store]\nurl = \"postgresql://db/gatehouse\"\n")),
                AllOf(HasSubstr("PostgreSQL is not in this version"), HasSubstr("gatehouse.toml:2")));
    EXPECT_THAT(error_of(read("[store]\nurl = \"sqlite:\"\n")), HasSubstr("sqlite:PATH"));
    EXPECT_THAT(error_of(read("[store]\nurl = \"gatehouse.db\"\n")), HasSubstr("sqlite:PATH"));
}

TEST_F(ConfigTest, QueuedMailIsTriedAgainAfterSomeTime) {
    EXPECT_THAT(error_of(read("[delivery]\nretry = []\n")),
                AllOf(HasSubstr("gatehouse.toml:2"), HasSubstr("delivery.retry is empty")));
    EXPECT_THAT(error_of(read("[delivery]\nretry = [\"9000000000000000 s\"]\n")),
                AllOf(HasSubstr("retry"), HasSubstr("30 d")));
}

TEST_F(ConfigTest, EveryFaultIsOneOfTheOperatorsWords) {
    for (const std::string text :
         {"[smtp\n", "[smtp]\nlisten = 25\n", "[smtp]\nlistn = []\n", "[nothing]\na = 1\n",
          "[process]\nthreads = 65\n", "[queue]\nconcurrency = 0\n",
          "[[next_hop]]\naddress = \"mail.example.com\"\n"}) {
        const auto config = read(text);
        ASSERT_FALSE(config) << text;
        EXPECT_EQ(config.error().fault, base::Fault::usage) << config.error().sentence;
    }
}

TEST_F(ConfigTest, ARuleMayOnlyNameEvidenceThatExists) {
    const auto rule = [](const std::string& word) {
        return "[[rule]]\nname = \"Mine\"\nwhen = { any = [\"" + word + "\"] }\nthen = [\"reject\"]\n";
    };
    EXPECT_TRUE(read("", "", rule("antivirus.match")));
    const auto unknown = error_of(read("", "", rule("antivirus.mach")));
    EXPECT_THAT(unknown, AllOf(HasSubstr("policy.toml:3"), HasSubstr("antivirus.mach"),
                               HasSubstr("did you mean antivirus.match?")));
}

// --- a running gateway
// ----------------------------------------------------------------------------------------------

TEST_F(ConfigTest, PortsStateAndStoreNeedAFullStop) {
    const auto running = read("").value();
    EXPECT_TRUE(running.check_exchange(read("[limits]\nidle_timeout = 200\n").value()));
    for (const std::string text :
         {"[smtp]\nlisten = [\"127.0.0.1:2599\"]\n", "[admin]\nlisten = \"127.0.0.1:8499\"\n",
          "[paths]\nstate = \"elsewhere\"\n", "[store]\nurl = \"sqlite:other.db\"\n",
          "[process]\nthreads = 63\n"}) {
        const auto done = running.check_exchange(read(text).value());
        ASSERT_FALSE(done) << text;
        EXPECT_EQ(done.error().fault, base::Fault::usage);
        EXPECT_THAT(done.error().sentence, HasSubstr("full stop and start"));
    }
}

}  // namespace
}  // namespace gatehouse::apps
