#include "consult/engines/database_folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/fd.h"
#include "consult/engines/clamd_reply.h"

namespace gatehouse::consult::engines {
namespace {

namespace fs = std::filesystem;

class DatabaseFolder : public ::testing::Test {
  protected:
    DatabaseFolder() {
        root_ = fs::temp_directory_path() / ("gatehouse db " + std::to_string(::getpid()));
        fs::remove_all(root_);
        fs::create_directories(engine());
        fs::create_directories(given());
    }
    ~DatabaseFolder() override { fs::remove_all(root_); }

    fs::path engine() const { return root_ / "engine"; }
    fs::path given() const { return root_ / "given"; }
    void put(const fs::path& path, std::string_view text) const { std::ofstream(path) << text; }
    std::set<std::string> listed() const {
        std::set<std::string> out;
        for (const auto& entry : fs::directory_iterator(engine() / "db")) out.insert(entry.path().filename());
        return out;
    }
    bool install() const {
        const auto done = install_database(engine(), given(), survey_database(given()));
        EXPECT_TRUE(done) << done.error().sentence;
        return done.value_or(false);
    }

    fs::path root_;
};

TEST_F(DatabaseFolder, NoFolderMeansOurOwnAlone) {
    const auto set = survey_database("");
    EXPECT_TRUE(set.files.empty());
    EXPECT_EQ(set.problem, "");
    const auto done = install_database(engine(), "", set);
    ASSERT_TRUE(done) << done.error().sentence;
    EXPECT_TRUE(*done);
    EXPECT_EQ(listed(), std::set<std::string>{"gatehouse.ndb"});
}

TEST_F(DatabaseFolder, AMissingFolderIsAProblemNotAFailure) {
    const auto set = survey_database(root_ / "nowhere");
    EXPECT_TRUE(set.files.empty());
    EXPECT_TRUE(set.problem.contains("nowhere")) << set.problem;
    EXPECT_TRUE(survey_database(given()).problem.contains("holds no database"));
}

TEST_F(DatabaseFolder, TakesDatabasesOnly) {
    put(given() / "a.ndb", "x");
    put(given() / "notes.txt", "x");
    put(given() / "gatehouse.ndb", "somebody else's");
    fs::create_directories(given() / "folder.ndb");
    fs::create_symlink(given() / "nothing", given() / "dangling.ndb");
    ASSERT_EQ(::mkfifo((given() / "pipe.ndb").c_str(), 0600), 0);
    const auto set = survey_database(given());
    ASSERT_EQ(set.files.size(), 1U);
    EXPECT_EQ(set.files.front().name, "a.ndb");
    EXPECT_TRUE(set.problem.contains("3 files")) << set.problem;
}

TEST_F(DatabaseFolder, InstallsLinksAndOurOwnFile) {
    put(given() / "a.ndb", "x");
    EXPECT_TRUE(install());
    EXPECT_EQ(listed(), (std::set<std::string>{"a.ndb", "gatehouse.ndb"}));
    EXPECT_TRUE(fs::is_symlink(engine() / "db" / "a.ndb"));
    const auto own = base::read_file(engine() / "db" / "gatehouse.ndb", 10'000);
    ASSERT_TRUE(own);
    EXPECT_TRUE(own->contains(generation_name(survey_database(given()).generation)));
}

TEST_F(DatabaseFolder, TheSecondTimeNothingChanges) {
    put(given() / "a.ndb", "x");
    EXPECT_TRUE(install());
    EXPECT_FALSE(install());
    put(given() / "b.ndb", "y");
    EXPECT_TRUE(install());
    EXPECT_EQ(listed(), (std::set<std::string>{"a.ndb", "b.ndb", "gatehouse.ndb"}));
    fs::remove(given() / "a.ndb");
    EXPECT_TRUE(install());
    EXPECT_EQ(listed(), (std::set<std::string>{"b.ndb", "gatehouse.ndb"}));
}

TEST_F(DatabaseFolder, KeepsTheSetBeforeAndNoMore) {
    for (int i = 0; i < 5; ++i) {
        put(given() / (std::to_string(i) + ".ndb"), "x");
        EXPECT_TRUE(install());
    }
    int folders = 0;
    for (const auto& entry : fs::directory_iterator(engine())) {
        folders += entry.path().filename().string().starts_with("db.") ? 1 : 0;
    }
    EXPECT_EQ(folders, 2);
}

TEST_F(DatabaseFolder, RepairsAHalfMadeSet) {
    put(given() / "a.ndb", "x");
    EXPECT_TRUE(install());
    fs::remove(engine() / "db" / "gatehouse.ndb");
    EXPECT_TRUE(install());
    EXPECT_TRUE(listed().contains("gatehouse.ndb"));
}

TEST_F(DatabaseFolder, ReadableWhateverTheUmask) {
    const auto before = ::umask(077);
    EXPECT_TRUE(install());
    ::umask(before);
    struct stat info{};
    ASSERT_EQ(::stat((engine() / "db").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0755U);
    ASSERT_EQ(::stat((engine() / "db" / "gatehouse.ndb").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0644U);
}

TEST_F(DatabaseFolder, AtMostAThousandFiles) {
    for (int i = 0; i < 1010; ++i) put(given() / (std::to_string(i) + ".ndb"), "x");
    const auto set = survey_database(given());
    EXPECT_EQ(set.files.size(), 1000U);
    EXPECT_TRUE(set.problem.contains("10 files")) << set.problem;
}

}  // namespace
}  // namespace gatehouse::consult::engines
