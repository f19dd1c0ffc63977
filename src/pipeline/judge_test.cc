// The middle of the walk: what it does not wait for, and what it waits for whatever happens.
#include "base/digest.h"
#include "pipeline/test_world.h"

namespace gatehouse::pipeline {
namespace {

using message::AnswerState;
using message::QuestionKind;
using test::FakeWorker;
using ::testing::Contains;
using ::testing::Each;
using ::testing::SizeIs;

constexpr const char* kAntivirus = R"(
[[rule]]
name = "Global antivirus rule"
kind = "antivirus"
when = { any = ["antivirus.match"] }
then = ["quarantine"]
)";

WorldPlan plan_with(test::FakeZygote::Script inspectors) {
    WorldPlan plan;
    plan.policy = kAntivirus;
    plan.inspectors = std::move(inspectors);
    return plan;
}

base::SteadyTime in(std::chrono::milliseconds time) {
    return std::chrono::steady_clock::now() + time;
}

base::Result<Judged> judge(World& world, JudgeTimes times) {
    base::Result<Judged> out = base::fail(base::Fault::internal, "nothing came");
    world.play([](World& self, JudgeTimes when, base::Result<Judged>& into) -> net::Task<void> {
        auto envelope = self.make_transaction()->envelope;
        envelope.recipients = {{"b@gw.test", 0, ""}};
        envelope.size = self.mail.size();
        const base::Fd sealed = test::sealed(self.mail);
        const auto snapshot = self.policy.current();
        into = co_await self.judge.judge(envelope, snapshot->policy, sealed.get(), when);
    }(world, times, out));
    return out;
}

/// An honest inspection that hands over one part of this content.
test::FakeZygote::Script handing_over(std::string content, int parts = 1) {
    return [content = std::move(content), parts](FakeWorker& worker) {
        worker.serve([&](const pb::InspectorRequest& request) {
            for (int i = 0; i < parts; ++i) {
                std::vector<base::Fd> files;
                files.push_back(test::sealed(content));
                const std::string path = std::to_string(i + 2) + ":a.bin";
                worker.send(test::parts_frame(request, {{path, content.size()}}), files);
            }
            worker.send(test::honest_facts(request));
        });
    };
}

TEST(Judge, DoesNotWaitBeyondItsTime) {
    World world(plan_with([](FakeWorker& worker) {
        (void)worker.request();
        worker.hang();
    }));
    const auto judged = judge(world, {world.clock.steady(), in(std::chrono::milliseconds(100))});
    ASSERT_FALSE(judged);
    EXPECT_EQ(judged.error().fault, base::Fault::timed_out);
}

TEST(Judge, GivesTheEngineNoMoreTimeThanThereIs) {
    World world(plan_with(handing_over("part")));
    const auto give_up = in(std::chrono::seconds(2));  // engine_time is 5 s
    const auto judged = judge(world, {world.clock.steady(), give_up});
    ASSERT_TRUE(judged) << judged.error().sentence;
    EXPECT_THAT(world.engine.deadlines, SizeIs(2));
    EXPECT_THAT(world.engine.deadlines, Each(give_up));
}

TEST(Judge, NamesWhatIsLongAndWhatIsShortByItsDigest) {
    for (const std::size_t size : {10UL, 3'000'000UL}) {
        const std::string part(size, 'p');
        World world(plan_with(handing_over(part)));
        world.mail = std::string("Subject: x\r\n\r\n") + std::string(size, 'm');
        const auto judged = judge(world, {world.clock.steady()});
        ASSERT_TRUE(judged) << judged.error().sentence;
        EXPECT_EQ(judged->decision.verdict, message::Verdict::clean);
        EXPECT_THAT(world.engine.digests, SizeIs(2));
        EXPECT_THAT(world.engine.digests, Contains(base::sha256(world.mail)));
        EXPECT_THAT(world.engine.digests, Contains(base::sha256(part)));
    }
}

TEST(Judge, WithoutAnEngineNobodyIsAsked) {
    WorldPlan plan = plan_with(handing_over("part"));
    plan.has_engine = false;
    World world(std::move(plan));
    const auto judged = judge(world, {world.clock.steady()});
    ASSERT_TRUE(judged) << judged.error().sentence;
    EXPECT_TRUE(judged->answers.empty());
    EXPECT_TRUE(world.engine.digests.empty());
}

// The others still use what belongs to the message when one has thrown.
TEST(Judge, AFailureComesOutWhenAllHaveEnded) {
    World world(plan_with(handing_over(std::string(1'000'000, 'p'), 3)));
    int asked = 0;
    world.engine.says = [&](const message::Question& question) {
        if (question.kind == QuestionKind::engine_part && ++asked == 1) throw std::runtime_error("a bug");
        return answered(AnswerState::clean);
    };
    EXPECT_THROW((void)judge(world, {world.clock.steady()}), std::runtime_error);
    EXPECT_EQ(asked, 3);
    EXPECT_EQ(world.memory.used(), 0U);
}

TEST(Judge, AFailureOfTheEarlyQuestionComesOutToo) {
    World world(plan_with(be_honest));
    world.engine.says = [](const message::Question&) -> message::Answer {
        throw std::runtime_error("a bug");
    };
    EXPECT_THROW((void)judge(world, {world.clock.steady()}), std::runtime_error);
    EXPECT_EQ(world.inspectors.counts().inspected, 1U);
}

}  // namespace
}  // namespace gatehouse::pipeline
