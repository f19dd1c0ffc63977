#include "consult/engines/clamd_asker.h"

#include <gtest/gtest.h>

#include "consult/engines/engine_monitor.h"
#include "consult/engines/engine_test_support.h"
#include "consult/engines/settings.h"
#include "support/fake_clamd.h"

namespace gatehouse::consult::engines {
namespace {

using namespace std::chrono_literals;
using message::AnswerState;
using testing::FakeClamd;
using testing::FakeStep;
using Kind = testing::FakeStep::Kind;

class ClamdAskerTest : public ::testing::Test {
  protected:
    void serve(const FakeStep& step) {
        fake_.emplace(folder_ / "clamd.sock", [step](const std::string& content) {
            if (content == generation_probe())
                return FakeStep{.text = "fd[9]: " + generation_name(5) + " FOUND"};
            return step;
        });
    }
    message::Answer ask(std::string_view content = "hello", std::chrono::milliseconds patience = 60s) {
        const auto file = sealed(content);
        const message::Question question{
            .kind = message::QuestionKind::engine_part, .asked = std::string(kClamdName), .where = "2:a.zip"};
        return run(io_, asker_.ask(question, subject_of(file, content), clock_.steady() + patience));
    }
    void up(std::uint64_t generation = 5) { engine_.state.note_up(generation, "ClamAV", clock_.steady()); }

    TestFolder folder_;
    base::Clock clock_;
    ClamdEngine engine_{test_options(folder_ / "clamd.sock"), base::Fd(), clock_.steady()};
    std::optional<FakeClamd> fake_;
    net::Io io_;
    ClamdAsker asker_{io_, clock_, engine_};
    EngineMonitor monitor_{io_, clock_, engine_};
};

TEST_F(ClamdAskerTest, AnswersCarryTheirQuestionAndDatabase) {
    up(0xab);
    serve({.text = "fd[9]: Worm.UNOFFICIAL FOUND"});
    const auto answer = ask();
    EXPECT_EQ(answer.question.asked, "clamd");
    EXPECT_EQ(answer.question.where, "2:a.zip");
    EXPECT_EQ(answer.state, AnswerState::found);
    EXPECT_EQ(answer.name, "Worm");
    EXPECT_EQ(answer.database, "00000000000000ab");
    EXPECT_FALSE(answer.from_cache);
    EXPECT_GT(answer.micros, 0U);
}

TEST_F(ClamdAskerTest, TheSecondTimeItIsRemembered) {
    up();
    serve({.text = "fd[9]: Worm FOUND"});
    EXPECT_FALSE(ask("a").from_cache);
    const auto again = ask("a");
    EXPECT_TRUE(again.from_cache);
    EXPECT_EQ(again.state, AnswerState::found);
    EXPECT_EQ(again.name, "Worm");
    EXPECT_FALSE(ask("b").from_cache);
    EXPECT_EQ(fake_->scans(), 2U);
}

TEST_F(ClamdAskerTest, RememberedVerdictsCountWhileTheEngineIsDown) {
    up();
    serve({});
    ask("a");
    engine_.state.note_down("gone", clock_.steady());
    EXPECT_EQ(ask("a").state, AnswerState::clean) << "same bytes, same databases";
    EXPECT_EQ(ask("b").state, AnswerState::unavailable);
}

TEST_F(ClamdAskerTest, ANewGenerationIsAskedAnew) {
    up(5);
    serve({});
    ask("a");
    up(6);
    const auto answer = ask("a");
    EXPECT_FALSE(answer.from_cache);
    EXPECT_EQ(answer.database, "0000000000000006");
}

TEST_F(ClamdAskerTest, UnavailableIsNeverRemembered) {
    EXPECT_EQ(ask("a").state, AnswerState::unavailable);
    up();
    serve({});
    const auto answer = ask("a");
    EXPECT_FALSE(answer.from_cache);
    EXPECT_EQ(answer.state, AnswerState::clean);
}

TEST_F(ClamdAskerTest, ContentThatKeepsKillingTheEngineIsNotAskedAgain) {
    up();
    serve({.kind = Kind::close});
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ask("poison").state, AnswerState::unavailable) << i;
    const auto answer = ask("poison");
    EXPECT_EQ(answer.state, AnswerState::not_scanned);
    EXPECT_EQ(answer.gap_reason, "refused");
    EXPECT_EQ(fake_->scans(), 3U);
    EXPECT_EQ(ask("other").state, AnswerState::unavailable) << "others are still asked";
    EXPECT_EQ(fake_->scans(), 4U);
}

TEST_F(ClamdAskerTest, AbsenceOfTheEngineCondemnsNothing) {
    for (int i = 0; i < 9; ++i) {
        up();
        EXPECT_EQ(ask("a").state, AnswerState::unavailable);
    }
    up();
    serve({});
    EXPECT_EQ(ask("a").state, AnswerState::clean);
}

TEST_F(ClamdAskerTest, CountersFollow) {
    up();
    serve({});
    ask("a");
    ask("a");
    EXPECT_EQ(engine_.counters.by_state[static_cast<std::size_t>(AnswerState::clean)], 2U);
    EXPECT_EQ(engine_.verdicts.counters().hits, 1U);
}

TEST_F(ClamdAskerTest, TheMonitorFindsItUp) {
    serve({});
    fake_->set_version("ClamAV 1.4.6/27500/Mon Jan  5 09:00:00 2026");
    run(io_, monitor_.check());
    EXPECT_TRUE(engine_.state.is_up());
    EXPECT_EQ(engine_.state.generation(), 5U);
    EXPECT_EQ(engine_.state.status().version, "ClamAV 1.4.6/27500/Mon Jan  5 09:00:00 2026");
    EXPECT_EQ(ask().state, AnswerState::clean);
}

TEST_F(ClamdAskerTest, TheMonitorFindsItGone) {
    serve({});
    run(io_, monitor_.check());
    fake_.reset();
    run(io_, monitor_.check());
    EXPECT_EQ(engine_.state.status().condition, EngineCondition::down);
    EXPECT_FALSE(engine_.state.status().reason.empty());
    serve({});
    run(io_, monitor_.check());
    EXPECT_TRUE(engine_.state.is_up());
}

TEST_F(ClamdAskerTest, AnEngineThatOnlyTalksIsNotUp) {
    fake_.emplace(folder_ / "clamd.sock",
                  [](const std::string&) { return FakeStep{.text = "Can't create temporary file ERROR"}; });
    run(io_, monitor_.check());
    EXPECT_FALSE(engine_.state.is_up());
}

TEST_F(ClamdAskerTest, SomebodyElsesEngineGetsAGenerationFromItsVersion) {
    fake_.emplace(folder_ / "clamd.sock", [](const std::string&) { return FakeStep{}; });
    run(io_, monitor_.check());
    const auto first = engine_.state.generation();
    EXPECT_TRUE(engine_.state.is_up());
    EXPECT_NE(first, 0U);
    fake_->set_version("ClamAV 1.4.0/27501/Tue Jan  6 09:00:00 2026");
    run(io_, monitor_.check());
    EXPECT_NE(engine_.state.generation(), first);
}

TEST_F(ClamdAskerTest, TheMonitorRunsUntilItIsStopped) {
    serve({});
    bool ended = false;
    net::asio::co_spawn(io_, monitor_.run(), [&ended](const std::exception_ptr&) { ended = true; });
    while (!engine_.state.is_up() && io_.run_one() > 0) {
    }
    EXPECT_TRUE(engine_.state.is_up());
    monitor_.stop();
    while (!ended && io_.run_one() > 0) {
    }
    EXPECT_TRUE(ended);
}

TEST_F(ClamdAskerTest, StoppingTheMonitorEndsItsQuestion) {
    fake_.emplace(folder_ / "clamd.sock", [](const std::string&) { return FakeStep{.kind = Kind::silence}; });
    bool ended = false;
    net::asio::co_spawn(io_, monitor_.run(), [&ended](const std::exception_ptr&) { ended = true; });
    while (fake_->scans() == 0) io_.run_one_for(1ms);
    monitor_.stop();
    while (!ended && io_.run_one() > 0) {
    }
    EXPECT_TRUE(ended);
    EXPECT_FALSE(engine_.state.is_up());
    fake_->release();
}

TEST(EngineOptions, SlotsKeepTheThreadsBusy) {
    AntivirusSettings settings;
    settings.threads = 8;
    EXPECT_EQ(engine_options(settings, "s", 1, 1).slots, 16U);
    EXPECT_EQ(engine_options(settings, "s", 1, 4).slots, 4U);
    EXPECT_EQ(engine_options(settings, "s", 1, 100).slots, 2U);
    EXPECT_EQ(engine_options(settings, "s", 1, 0).slots, 16U);
    EXPECT_EQ(engine_options(settings, "s", 77, 0).max_file_bytes, 77U);
}

}  // namespace
}  // namespace gatehouse::consult::engines
