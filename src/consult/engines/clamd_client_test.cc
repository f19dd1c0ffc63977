#include "consult/engines/clamd_client.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <vector>

#include "consult/engines/engine_test_support.h"
#include "support/fake_clamd.h"

namespace gatehouse::consult::engines {
namespace {

using namespace std::chrono_literals;
using message::AnswerState;
using testing::FakeClamd;
using testing::FakeStep;
using Kind = testing::FakeStep::Kind;

class ClamdClientTest : public ::testing::Test {
  protected:
    void serve(FakeClamd::Script script) { fake_.emplace(folder_ / "clamd.sock", std::move(script)); }
    void serve(const FakeStep& step) {
        serve([step](const std::string&) { return step; });
    }
    base::SteadyTime later() const { return clock_.steady() + 60s; }
    base::SteadyTime soon() const { return clock_.steady() + 50ms; }
    ScanOutcome scan(std::string_view content, base::SteadyTime deadline) {
        const auto file = sealed(content);
        return run(io_, client_.scan(file.get(), deadline));
    }
    ScanOutcome scan(std::string_view content = "hello") { return scan(content, later()); }
    /// Starts a scan that goes on while others run.
    void start(std::vector<ScanOutcome>& outcomes, int fd, base::SteadyTime deadline) {
        net::asio::co_spawn(io_, client_.scan(fd, deadline),
                            [&outcomes](const std::exception_ptr&, ScanOutcome outcome) {
                                outcomes.push_back(std::move(outcome));
                            });
    }
    void run_until(const std::vector<ScanOutcome>& outcomes, std::size_t count) {
        io_.restart();
        while (outcomes.size() < count && io_.run_one() > 0) {
        }
    }
    void up() { engine_.state.note_up(7, "ClamAV", clock_.steady()); }

    TestFolder folder_;
    base::Clock clock_;
    ClamdEngine engine_{test_options(folder_ / "clamd.sock"), base::Fd(), clock_.steady()};
    std::optional<FakeClamd> fake_;
    net::Io io_;
    ClamdClient client_{io_, clock_, engine_};
};

TEST_F(ClamdClientTest, LoadingMeansUnavailableWithoutAsking) {
    serve(FakeStep{});
    EXPECT_EQ(scan().judgement.state, AnswerState::unavailable);
    EXPECT_EQ(fake_->connections(), 0U);
}

TEST_F(ClamdClientTest, NobodyThereMeansUnavailableAndDown) {
    up();
    const auto outcome = scan();
    EXPECT_EQ(outcome.judgement.state, AnswerState::unavailable);
    EXPECT_FALSE(outcome.failed_on_it) << "the content never reached it";
    EXPECT_FALSE(engine_.state.is_up());
}

TEST_F(ClamdClientTest, CleanAndFound) {
    up();
    serve([](const std::string& content) {
        return content == "bad" ? FakeStep{.text = "fd[9]: Worm.UNOFFICIAL FOUND"} : FakeStep{};
    });
    EXPECT_EQ(scan("good").judgement.state, AnswerState::clean);
    const auto bad = scan("bad");
    EXPECT_EQ(bad.judgement.state, AnswerState::found);
    EXPECT_EQ(bad.judgement.name, "Worm");
    for (int i = 0; i < 20; ++i) EXPECT_EQ(scan("good").judgement.state, AnswerState::clean);
    EXPECT_EQ(fake_->connections(), 1U) << "one session serves them all";
    EXPECT_EQ(client_.idle_connections(), 1U);
    EXPECT_EQ(client_.scans_in_flight(), 0U);
}

TEST_F(ClamdClientTest, ContentPassesAsDescriptor) {
    up();
    std::string seen;
    serve([&seen](const std::string& content) {
        seen = content;
        return FakeStep{};
    });
    scan("the very bytes");
    EXPECT_EQ(seen, "the very bytes");
}

TEST_F(ClamdClientTest, GapsOfTheEngineAreNotScanned) {
    up();
    serve(FakeStep{.text = "fd[9]: Heuristics.Encrypted.Zip FOUND"});
    const auto outcome = scan();
    EXPECT_EQ(outcome.judgement.state, AnswerState::not_scanned);
    EXPECT_EQ(outcome.judgement.gap_reason, "encrypted");
    EXPECT_FALSE(outcome.failed_on_it);
}

TEST_F(ClamdClientTest, WhatIsNoReadableFileIsNotSent) {
    up();
    serve(FakeStep{});
    const base::Fd write_only(::open((folder_ / "w").c_str(), O_WRONLY | O_CREAT, 0600));
    const base::Fd folder(::open(folder_.path().c_str(), O_RDONLY));
    for (const int fd : {-1, 9999, write_only.get(), folder.get()}) {
        const auto outcome = run(io_, client_.scan(fd, later()));
        EXPECT_EQ(outcome.judgement.state, AnswerState::not_scanned) << fd;
        EXPECT_EQ(outcome.judgement.gap_reason, "refused") << fd;
    }
    EXPECT_EQ(fake_->scans(), 0U);
}

TEST_F(ClamdClientTest, WhatIsLargerThanTheEngineTakesIsNotSent) {
    up();
    serve(FakeStep{});
    const auto outcome = scan(std::string((1 << 20) + 1, 'x'));
    EXPECT_EQ(outcome.judgement.state, AnswerState::not_scanned);
    EXPECT_EQ(outcome.judgement.gap_reason, "too_large");
    EXPECT_EQ(scan(std::string(1 << 20, 'x')).judgement.state, AnswerState::clean);
    EXPECT_EQ(fake_->scans(), 1U);
}

TEST_F(ClamdClientTest, SilenceEndsAtTheDeadline) {
    up();
    serve(FakeStep{.kind = Kind::silence});
    const auto outcome = scan("x", soon());
    EXPECT_EQ(outcome.judgement.state, AnswerState::unavailable);
    EXPECT_TRUE(outcome.failed_on_it);
    EXPECT_EQ(client_.idle_connections(), 0U) << "its late answer must not meet the next question";
    EXPECT_EQ(client_.scans_in_flight(), 0U);
    fake_->release();
    EXPECT_EQ(scan("x").judgement.state, AnswerState::clean);
}

TEST_F(ClamdClientTest, DeathInTheMiddleOfAScan) {
    up();
    serve(FakeStep{.kind = Kind::close});
    const auto outcome = scan();
    EXPECT_EQ(outcome.judgement.state, AnswerState::unavailable);
    EXPECT_TRUE(outcome.failed_on_it);
    EXPECT_EQ(fake_->scans(), 1U) << "no second try on a fresh connection";
}

TEST_F(ClamdClientTest, AnIdleSessionThatWasClosedIsReplaced) {
    up();
    serve(FakeStep{});
    EXPECT_EQ(scan().judgement.state, AnswerState::clean);
    fake_->drop_connections();
    EXPECT_EQ(scan().judgement.state, AnswerState::clean);
    EXPECT_EQ(fake_->connections(), 2U);
}

TEST_F(ClamdClientTest, ASessionThatDiesUnderTheNextQuestionIsTriedAfresh) {
    up();
    int asked = 0;
    serve([&asked](const std::string&) { return ++asked == 2 ? FakeStep{.kind = Kind::close} : FakeStep{}; });
    EXPECT_EQ(scan().judgement.state, AnswerState::clean);
    EXPECT_EQ(scan().judgement.state, AnswerState::clean);
    EXPECT_EQ(fake_->connections(), 2U);
}

TEST_F(ClamdClientTest, HostileAnswersAreNeverClean) {
    using namespace std::string_literals;
    const std::vector<std::string> kAnswers = {
        "fd[9]: OK\0"s,     // no number
        "2: fd[9]: OK\0"s,  // somebody else's
        "0: fd[9]: OK\0"s,
        "18446744073709551616: fd[9]: OK\0"s,
        "1: fd[9]: \0"s,
        "1: OK\0"s,
        "1: fd[9]: ok\0"s,
        "1: fd[9]: OK ERROR\0"s,
        "\0"s,
        std::string(100'000, 'x'),  // endless
        std::string(5000, '\0'),
        "1: fd[9]: "s + std::string(5000, 'A') + " FOUND\0"s,
    };
    for (const auto& answer : kAnswers) {
        up();
        fake_.reset();
        serve(FakeStep{.kind = Kind::raw, .text = answer});
        const auto outcome = scan("x", clock_.steady() + 2s);
        EXPECT_EQ(outcome.judgement.state, AnswerState::unavailable) << answer.substr(0, 40);
    }
}

TEST_F(ClamdClientTest, AnAnswerTooManyEndsTheSession) {
    using namespace std::string_literals;
    up();
    serve(FakeStep{.kind = Kind::raw, .text = "1: fd[9]: OK\0"s + "2: fd[9]: OK\0"s});
    EXPECT_EQ(scan("first").judgement.state, AnswerState::clean);
    EXPECT_EQ(client_.idle_connections(), 0U) << "or the next message would be called clean unseen";
}

TEST_F(ClamdClientTest, AnAnswerInAdvanceThatComesLateEndsTheSessionToo) {
    using namespace std::string_literals;
    up();
    int asked = 0;
    serve([&asked](const std::string& content) {
        ++asked;
        // Behind the right answer, in a piece of its own: the answer to a question not yet put.
        if (asked == 1) return FakeStep{.kind = Kind::raw, .text = "1: fd[9]: OK\0"s};
        return FakeStep{.text = content == "bad" ? "fd[9]: Worm FOUND" : "fd[9]: OK"};
    });
    EXPECT_EQ(scan("first").judgement.state, AnswerState::clean);
    EXPECT_EQ(scan("bad").judgement.state, AnswerState::found);
}

TEST_F(ClamdClientTest, OutOfOrderIsNotTakenForTheRightAnswer) {
    up();
    serve(FakeStep{.kind = Kind::postpone, .text = "fd[9]: OK"});
    EXPECT_EQ(scan("x", soon()).judgement.state, AnswerState::unavailable);
}

TEST_F(ClamdClientTest, SlotsAndTheQueueAreBounded) {
    up();
    serve(FakeStep{.kind = Kind::silence});
    const auto file = sealed("x");
    std::vector<ScanOutcome> outcomes;
    for (int i = 0; i < 9; ++i) start(outcomes, file.get(), later());  // 2 slots, 4 waiting, 3 too many
    run_until(outcomes, 3);
    ASSERT_EQ(outcomes.size(), 3U);
    for (const auto& outcome : outcomes) {
        EXPECT_EQ(outcome.judgement.state, AnswerState::unavailable);
        EXPECT_EQ(outcome.judgement.name, "the engine is busy");
        EXPECT_FALSE(outcome.failed_on_it);
    }
    EXPECT_EQ(client_.scans_in_flight(), 2U);
    EXPECT_EQ(client_.waiting(), 4U);
    fake_->wait_for_scans(2);
    fake_->release();
    run_until(outcomes, 9);
    ASSERT_EQ(outcomes.size(), 9U);
    for (std::size_t i = 3; i < 9; ++i) EXPECT_EQ(outcomes[i].judgement.state, AnswerState::clean);
    EXPECT_LE(fake_->most_at_once(), 2U);
    EXPECT_EQ(client_.scans_in_flight(), 0U);
    EXPECT_EQ(client_.waiting(), 0U);
}

TEST_F(ClamdClientTest, WaitingEndsAtTheDeadlineAndLeavesTheQueue) {
    up();
    serve(FakeStep{.kind = Kind::silence});
    const auto file = sealed("x");
    std::vector<ScanOutcome> outcomes;
    for (int i = 0; i < 2; ++i) start(outcomes, file.get(), later());
    for (int i = 0; i < 3; ++i) start(outcomes, file.get(), soon());
    run_until(outcomes, 3);
    ASSERT_EQ(outcomes.size(), 3U);
    EXPECT_EQ(client_.waiting(), 0U);
    EXPECT_EQ(client_.scans_in_flight(), 2U);
    fake_->release();
    run_until(outcomes, 5);
    EXPECT_EQ(client_.scans_in_flight(), 0U);
    EXPECT_EQ(scan("y").judgement.state, AnswerState::clean);
}

TEST_F(ClamdClientTest, AShortageDuringTheScanSpoilsOk) {
    up();
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), 0);
    engine_.log.replace_pipe(base::Fd(ends[0]));
    const base::Fd write_end(ends[1]);
    bool short_of_space = true;
    serve([&](const std::string& content) {
        if (short_of_space) {
            EXPECT_TRUE(base::write_all(
                write_end.get(),
                "LibClamAV Error: fileblobAddData: Can't write 57 bytes to temporary file x\n"));
        }
        return FakeStep{.text = content == "bad" ? "fd[9]: Worm FOUND" : "fd[9]: OK"};
    });
    const auto outcome = scan("good");
    EXPECT_EQ(outcome.judgement.state, AnswerState::unavailable);
    EXPECT_TRUE(outcome.failed_on_it);
    EXPECT_EQ(scan("bad").judgement.state, AnswerState::found) << "what was found was found";
    short_of_space = false;
    EXPECT_EQ(scan("good").judgement.state, AnswerState::clean);
}

}  // namespace
}  // namespace gatehouse::consult::engines
