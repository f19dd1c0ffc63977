// Against the real clamd where it is installed; else those tests skip.
#include "consult/engines/clamd_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/text.h"
#include "consult/engines/clamd_asker.h"
#include "consult/engines/clamd_control.h"
#include "consult/engines/clamd_reply.h"
#include "consult/engines/engine_monitor.h"
#include "consult/engines/engine_test_support.h"
#include "consult/engines/engine_watch.h"
#include "support/eicar.h"

namespace gatehouse::consult::engines {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using message::AnswerState;

/// 0755
constexpr fs::perms kForAll = fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec |
                              fs::perms::others_read | fs::perms::others_exec;

std::string trimmed(const fs::path& path) {
    return std::string(base::trim(base::read_file(path, 1 << 20).value_or("")));
}

class EngineProcess : public ::testing::Test {
  protected:
    EngineProcess() {
        fs::create_directories(folder_ / "given");
        // The engine's user must be able to reach its folder.
        fs::permissions(folder_.path(), kForAll);
        plan_.folder = folder_ / "engine";
        plan_.config = {.limits = clamd_limits_for(base::BudgetLimits{}, 100ULL << 20, 20), .threads = 2};
        plan_.scratch_bytes = 64ULL << 20;
        plan_.user = find_engine_user({"nobody"});
    }
    std::string given(std::string_view name) const { return (folder_.path() / "given" / name).string(); }
    void put(std::string_view name, std::string_view text) const { std::ofstream(given(name)) << text; }

    TestFolder folder_;
    ClamdPlan plan_;
};

TEST_F(EngineProcess, AProgramThatIsNotThereIsSaid) {
    plan_.program = folder_ / "no such clamd";
    const auto engine = ManagedClamd::start(plan_);
    ASSERT_FALSE(engine);
    EXPECT_TRUE(engine.error().sentence.contains("clamd cannot be executed")) << engine.error().sentence;
}

TEST_F(EngineProcess, AnEngineThatEndsAtOnceIsNoticed) {
    plan_.program = "/bin/false";
    auto engine = ManagedClamd::start(plan_);
    ASSERT_TRUE(engine) << engine.error().sentence;
    std::optional<int> status;
    while (!(status = engine->poll_exit())) std::this_thread::sleep_for(1ms);
    EXPECT_EQ(describe_exit(*status), "ended with status 1");
    EXPECT_FALSE(engine->is_running());
    engine->stop(1s);
}

TEST_F(EngineProcess, StopKillsWhatDoesNotListen) {
    const auto script = folder_ / "deaf";
    std::ofstream(script) << "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1; done\n";
    fs::permissions(script, kForAll);
    plan_.program = script;
    auto engine = ManagedClamd::start(plan_);
    ASSERT_TRUE(engine) << engine.error().sentence;
    const auto pid = engine->pid();
    engine->stop(50ms);
    EXPECT_FALSE(engine->is_running());
    EXPECT_EQ(::kill(pid, 0), -1);
}

TEST_F(EngineProcess, WhatTheChildInherits) {
    const auto script = folder_ / "look";
    std::ofstream(script)
        << "#!/bin/sh\nls /proc/self/fd; cat /proc/self/status; cat /proc/self/limits; env; "
           "exec sleep 1000\n";
    fs::permissions(script, kForAll);
    plan_.program = script;
    const base::Fd secret = sealed("not for the engine");
    auto engine = ManagedClamd::start(plan_);
    ASSERT_TRUE(engine) << engine.error().sentence;
    const base::Fd log = engine->take_log();
    std::string said;
    while (!said.contains("LC_ALL=C") || !said.contains("TZ=UTC0") || !said.contains("PATH=")) {
        std::string block(4096, '\0');
        const ssize_t got = ::read(log.get(), block.data(), block.size());
        if (got > 0) said.append(block.data(), static_cast<std::size_t>(got));
        if (got == 0) break;
        if (got < 0) std::this_thread::sleep_for(1ms);
    }
    // 0 1 2, the lock, and the one that `ls` itself has open.
    EXPECT_TRUE(said.starts_with("0\n1\n2\n3\n4\nName:")) << said.substr(0, 60);
    EXPECT_TRUE(said.contains("NoNewPrivs:\t1")) << said;
    EXPECT_TRUE(said.contains("CapEff:\t0000000000000000"));
    EXPECT_TRUE(said.contains("CapPrm:\t0000000000000000"));
    EXPECT_FALSE(said.contains("HOME="));
    EXPECT_NE(said.find("Max core file size        0"), std::string::npos);
    EXPECT_TRUE(fs::exists("/proc/" + std::to_string(engine->pid())));
}

TEST_F(EngineProcess, ASecondOneInTheSameFolderTakesThePlaceOfASurvivor) {
    const auto script = folder_ / "clamd";  // a name that counts as an engine of ours
    fs::copy_file("/bin/sleep", script);
    plan_.program = script;
    auto first = ManagedClamd::start(plan_);
    ASSERT_TRUE(first) << first.error().sentence;
    ASSERT_EQ(trimmed(folder_ / "engine/lock"), std::to_string(first->pid()));
    // `sleep -c clamd.conf` ends by itself; hold the lock as a stranger would.
    first->stop(0ms);
    const auto lock_path = folder_ / "engine/lock";
    const base::Fd stranger(::open(lock_path.c_str(), O_RDWR));
    ASSERT_EQ(::flock(stranger.get(), LOCK_EX | LOCK_NB), 0);
    const auto second = ManagedClamd::start(plan_);
    ASSERT_FALSE(second);
    EXPECT_TRUE(second.error().sentence.starts_with("another engine runs in")) << second.error().sentence;
}

// --- the real one
// ---------------------------------------------------------------------------------------------------

class RealClamd : public EngineProcess {
  protected:
    void SetUp() override {
        if (!find_clamd()) GTEST_SKIP() << "clamd is not installed";
    }
    void start() {
        auto started = ManagedClamd::start(plan_);
        ASSERT_TRUE(started) << started.error().sentence;
        managed_.emplace(std::move(*started));
        ClamdEngine::Options options = test_options(managed_->socket());
        options.max_file_bytes = plan_.config.limits.file_bytes;
        options.scan_timeout = 20s;
        engine_.emplace(options, managed_->take_log(), clock_.steady());
        asker_.emplace(io_, clock_, *engine_);
        monitor_.emplace(io_, clock_, *engine_);
        wait_for(managed_->database().generation);
    }
    void wait_for(std::uint64_t generation) {
        const auto end = clock_.steady() + 60s;
        while (clock_.steady() < end) {
            run(io_, monitor_->check());
            if (engine_->state.is_up() && engine_->state.generation() == generation) return;
            engine_->log.drain(clock_.steady());
            ASSERT_FALSE(managed_->poll_exit()) << "clamd ended: " << engine_->log.last_complaint();
            std::this_thread::sleep_for(5ms);
        }
        FAIL() << "not ready: " << engine_->state.status().reason;
    }
    message::Answer ask(std::string_view content) {
        const auto file = sealed(content);
        return run(io_, asker_->ask({.kind = {}, .asked = "clamd", .where = {}}, subject_of(file, content),
                                    clock_.steady() + 60s));
    }
    void expect_eicar(std::string_view content, std::string_view what) {
        const auto answer = ask(content);
        EXPECT_EQ(answer.state, AnswerState::found) << what << ": " << answer.name;
        EXPECT_EQ(answer.name, "Eicar-Test-Signature") << what;
    }

    base::Clock clock_;
    net::Io io_;
    std::optional<ManagedClamd> managed_;
    std::optional<ClamdEngine> engine_;
    std::optional<ClamdAsker> asker_;
    std::optional<EngineMonitor> monitor_;
};

TEST_F(RealClamd, FindsEicarHoweverItIsWrapped) {
    ASSERT_NO_FATAL_FAILURE(start());
    const auto eicar = testing::eicar();
    expect_eicar(eicar, "plain");
    expect_eicar("some text before " + eicar + " and after", "inside text");
    expect_eicar(testing::stored_zip("test.com", eicar), "zip");
    expect_eicar(testing::mail_with("test.com", eicar), "mail, base64");
    expect_eicar(testing::mail_with("test.zip", testing::stored_zip("test.com", eicar)), "mail, zip");
    const auto inner = testing::mail_with("test.com", eicar);
    expect_eicar("Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n" + inner,
                 "nested mail");
    EXPECT_EQ(ask("nothing to see").state, AnswerState::clean);
    EXPECT_EQ(ask(testing::mail_with("good.zip", testing::stored_zip("good.txt", "good"))).state,
              AnswerState::clean);
    EXPECT_EQ(ask("").state, AnswerState::clean);
}

TEST_F(RealClamd, RunsConfined) {
    ASSERT_NO_FATAL_FAILURE(start());
    const std::string proc = "/proc/" + std::to_string(managed_->pid());
    const auto status = trimmed(proc + "/status");
    EXPECT_TRUE(status.contains("NoNewPrivs:\t1"));
    EXPECT_TRUE(status.contains("CapEff:\t0000000000000000"));
    if (::geteuid() == 0) {
        EXPECT_TRUE(status.contains(fmt::format("Uid:\t{0}\t{0}", plan_.user->uid))) << status;
    }
    const auto& confinement = managed_->confinement();
    EXPECT_EQ(confinement.missing.empty(), confinement.no_network && confinement.private_scratch);
    if (confinement.no_network) {
        EXPECT_NE(fs::read_symlink(proc + "/ns/net"), fs::read_symlink("/proc/self/ns/net"));
        const auto interfaces = trimmed(proc + "/net/dev");
        EXPECT_EQ(std::count(interfaces.begin(), interfaces.end(), ':'), 1)
            << "loopback alone, and that down";
    }
    if (confinement.private_scratch) {
        EXPECT_TRUE(trimmed(proc + "/mountinfo").contains("gatehouse-scratch"));
        EXPECT_FALSE(trimmed("/proc/self/mountinfo").contains("gatehouse-scratch"));
    }
    struct stat info{};
    ASSERT_EQ(::stat(managed_->socket().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0007U, 0U) << "not for others";
}

TEST_F(RealClamd, EncryptedAndOverTheLimitsAreGapsNotViruses) {
    plan_.config.limits.recursion = 10;
    plan_.config.limits.file_bytes = 4 << 20;
    ASSERT_NO_FATAL_FAILURE(start());
    auto locked = testing::stored_zip("secret.txt", std::string(64, 'x'));
    locked[6] = 1;  // general purpose flag, bit 0: encrypted (APPNOTE 4.4.4), in both headers
    locked[locked.rfind("PK\x01\x02") + 8] = 1;
    auto answer = ask(locked);
    EXPECT_EQ(answer.state, AnswerState::not_scanned) << answer.name;
    EXPECT_EQ(answer.gap_reason, "encrypted");
    EXPECT_TRUE(ask(locked).from_cache);

    std::string deep = "Subject: x\r\n\r\nhello\r\n";
    for (int i = 0; i < 30; ++i)
        deep.insert(0, "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n");
    answer = ask(deep);
    EXPECT_EQ(answer.state, AnswerState::not_scanned) << answer.name;
    EXPECT_EQ(answer.gap_reason, "too_deep");
}

TEST_F(RealClamd, AVirusBehindAGapIsStillFound) {
    ASSERT_NO_FATAL_FAILURE(start());
    auto locked = testing::stored_zip("secret.txt", std::string(64, 'x'));
    locked[6] = 1;
    locked[locked.rfind("PK\x01\x02") + 8] = 1;
    std::string mail = testing::mail_with("locked.zip", locked);
    mail.resize(mail.size() - 7);  // without the closing "--b--"
    mail += "--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
            testing::base64(testing::eicar()) + "--b--\r\n";
    expect_eicar(mail, "after an encrypted zip");
}

TEST_F(RealClamd, AFullScratchFolderIsNeverClean) {
    plan_.scratch_bytes = 1 << 20;
    plan_.config.limits.scan_bytes = 400 << 20;
    ASSERT_NO_FATAL_FAILURE(start());
    if (!managed_->confinement().private_scratch) GTEST_SKIP() << "the scratch folder is the disk's here";
    std::string content(3 << 20, 'a');
    for (std::size_t i = 0; i < content.size(); i += 57) content[i] = static_cast<char>('a' + i % 23);
    content += testing::eicar();
    const auto answer = ask(testing::mail_with("big.bin", content));
    EXPECT_NE(answer.state, AnswerState::clean) << "clamd says OK to the part it could not write";
    EXPECT_GT(engine_->log.shortages(), 0U);
    EXPECT_EQ(ask(testing::mail_with("small.bin", "small")).state, AnswerState::clean);
}

TEST_F(RealClamd, OperatorsDatabasesAreLoadedAndReloaded) {
    plan_.database = folder_ / "given";
    put("own.ndb", "Test.One:0:*:" + base::to_hex("first pattern") + "\n");
    ASSERT_NO_FATAL_FAILURE(start());
    EXPECT_EQ(ask("the first pattern").name, "Test.One");
    EXPECT_EQ(ask("the second pattern").state, AnswerState::clean);
    EXPECT_TRUE(ask("the second pattern").from_cache);
    EXPECT_FALSE(managed_->refresh_database().value());

    put("more.ndb", "Test.Two:0:*:" + base::to_hex("second pattern") + "\n");
    const auto refreshed = managed_->refresh_database();
    ASSERT_TRUE(refreshed) << refreshed.error().sentence;
    EXPECT_TRUE(*refreshed);
    ASSERT_NO_FATAL_FAILURE(wait_for(managed_->database().generation));
    const auto answer = ask("the second pattern");
    EXPECT_EQ(answer.name, "Test.Two") << "a remembered clean of the old databases must not count";
    EXPECT_FALSE(answer.from_cache);
    expect_eicar(testing::eicar(), "after the reload");
}

TEST_F(RealClamd, ABrokenDatabaseKeepsTheOldSet) {
    plan_.database = folder_ / "given";
    ASSERT_NO_FATAL_FAILURE(start());
    const auto before = engine_->state.generation();
    put("broken.ndb", "this is no signature\n");
    EXPECT_TRUE(managed_->refresh_database().value());
    const auto end = clock_.steady() + 30s;
    while (engine_->log.last_complaint().empty() && clock_.steady() < end) {
        std::this_thread::sleep_for(5ms);
        engine_->log.drain(clock_.steady());
    }
    run(io_, monitor_->check());
    EXPECT_EQ(engine_->state.generation(), before)
        << "the probe names what is loaded, not what was asked for";
    expect_eicar(testing::eicar(), "still");
    EXPECT_FALSE(engine_->log.last_complaint().empty());
}

TEST_F(RealClamd, ABrokenDatabaseAtTheStartIsNamed) {
    plan_.database = folder_ / "given";
    put("broken.ndb", "this is no signature\n");
    auto started = ManagedClamd::start(plan_);
    ASSERT_TRUE(started);
    EngineLog log(started->take_log());
    std::optional<int> status;
    while (!(status = started->poll_exit())) std::this_thread::sleep_for(1ms);
    log.drain(clock_.steady());
    EXPECT_EQ(describe_exit(*status), "ended with status 1");
    EXPECT_TRUE(log.last_complaint().contains("Malformed database")) << log.last_complaint();
}

TEST_F(RealClamd, KilledInTheMiddleOfAScanIsUnavailableThenBack) {
    ASSERT_NO_FATAL_FAILURE(start());
    const auto file = sealed(std::string(60 << 20, 'x') + "end");  // long enough to be killed in
    std::optional<message::Answer> answer;
    net::asio::co_spawn(
        io_,
        asker_->ask({.kind = {}, .asked = "clamd", .where = {}},
                    Subject{.fd = file.get(), .size = 1, .sha256 = {}}, clock_.steady() + 60s),
        [&](const std::exception_ptr&, message::Answer got) { answer = std::move(got); });
    io_.restart();
    io_.poll();
    ASSERT_FALSE(answer);
    ASSERT_EQ(::kill(managed_->pid(), SIGKILL), 0);
    io_.restart();
    while (!answer && io_.run_one() > 0) {
    }
    EXPECT_EQ(answer->state, AnswerState::unavailable);
    while (!managed_->poll_exit()) std::this_thread::sleep_for(1ms);
    EXPECT_EQ(ask("anything").state, AnswerState::unavailable);
    EXPECT_FALSE(engine_->state.is_up());
    EXPECT_TRUE(engine_->state.is_expected_back(600s, clock_.steady()));

    auto again = ManagedClamd::start(plan_);
    ASSERT_TRUE(again) << again.error().sentence;
    *managed_ = std::move(*again);
    engine_->log.replace_pipe(managed_->take_log());
    ASSERT_NO_FATAL_FAILURE(wait_for(managed_->database().generation));
    expect_eicar(testing::eicar(), "after the restart");
}

TEST_F(RealClamd, ASurvivorIsEndedBeforeTheNextStarts) {
    ASSERT_NO_FATAL_FAILURE(start());
    const auto first = managed_->pid();
    auto second = ManagedClamd::start(plan_);
    ASSERT_TRUE(second) << second.error().sentence;
    EXPECT_NE(second->pid(), first);
    int status = 0;
    EXPECT_EQ(::waitpid(first, &status, 0), first);
    EXPECT_EQ(describe_exit(status), "was killed by signal 9");
    const auto end = clock_.steady() + 60s;
    while (!probe_clamd(second->socket(), 1s) && clock_.steady() < end) std::this_thread::sleep_for(5ms);
    EXPECT_TRUE(probe_clamd(second->socket(), 1s));
}

TEST_F(RealClamd, BlockingQuestions) {
    ASSERT_NO_FATAL_FAILURE(start());
    EXPECT_EQ(ask_clamd(managed_->socket(), "PING", 5s).value_or(""), "PONG");
    const auto probe = probe_clamd(managed_->socket(), 5s);
    ASSERT_TRUE(probe) << probe.error().sentence;
    EXPECT_TRUE(probe->version.starts_with("ClamAV ")) << probe->version;
    EXPECT_EQ(probe->generation, managed_->database().generation);
    managed_->stop(5s);
    EXPECT_FALSE(ask_clamd(managed_->socket(), "PING", 5s));
}

TEST_F(RealClamd, AStuckEngineIsNoticed) {
    ASSERT_NO_FATAL_FAILURE(start());
    EngineWatch watch(managed_->socket(), 10s, 60s);
    auto now = clock_.steady();
    EXPECT_FALSE(watch.is_stuck(now));
    // Behind the watch's probe in clamd's queue of one thread or two; both are answered when these are.
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(probe_clamd(managed_->socket(), 30s));
    EXPECT_FALSE(watch.is_stuck(now + 1s)) << "it answers";
    ASSERT_EQ(::kill(managed_->pid(), SIGSTOP), 0);
    EXPECT_FALSE(watch.is_stuck(now + 20s)) << "only asked";
    EXPECT_FALSE(watch.is_stuck(now + 79s));
    EXPECT_TRUE(watch.is_stuck(now + 81s));
    ASSERT_EQ(::kill(managed_->pid(), SIGCONT), 0);
}

TEST_F(EngineProcess, AnEngineThatDoesNotListenIsNotStuck) {
    EngineWatch watch(folder_ / "nowhere.sock", 10s, 60s);
    for (int i = 0; i < 500; ++i) EXPECT_FALSE(watch.is_stuck(base::SteadyTime(std::chrono::seconds(i))));
}

TEST_F(RealClamd, ManyQuestionsAtOnce) {
    ASSERT_NO_FATAL_FAILURE(start());
    constexpr std::size_t kQuestions = 6;  // 2 slots, 4 waiting
    for (int round = 0; round < 20; ++round) {
        std::vector<message::Answer> answers;
        std::vector<base::Fd> files;
        for (std::size_t i = 0; i < kQuestions; ++i) {
            const std::string content =
                fmt::format("{} {} {}", round, i, i % 2 == 0 ? testing::eicar() : "good");
            files.push_back(sealed(content));
            net::asio::co_spawn(
                io_,
                asker_->ask({.kind = {}, .asked = "clamd", .where = std::to_string(i)},
                            subject_of(files.back(), content), clock_.steady() + 60s),
                [&](const std::exception_ptr&, message::Answer got) { answers.push_back(std::move(got)); });
        }
        io_.restart();
        while (answers.size() < kQuestions && io_.run_one() > 0) {
        }
        for (const auto& answer : answers) {
            const bool bad = std::stoi(answer.question.where) % 2 == 0;
            EXPECT_EQ(answer.state, bad ? AnswerState::found : AnswerState::clean) << answer.name;
        }
    }
}

}  // namespace
}  // namespace gatehouse::consult::engines
