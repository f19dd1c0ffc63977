// The pool against honest workers, silent ones and none at all; time, memory, descriptors, rewriting.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include "base/fd_passing.h"
#include "base/test_support.h"
#include "inspect/pool/test_world.h"

namespace gatehouse::inspect::pool {
namespace {

// --- honest

TEST(Pool, HandsAMessageOverAndGivesBackWhatWasFound) {
    PoolWorld world([](FakeWorker& worker) {
        worker.serve([&](const pb::InspectorRequest& request) {
            EXPECT_EQ(worker.message(), kMail);
            pb::InspectorAnswer early;
            early.set_id(request.id());
            early.mutable_early()->add_domains("example.org");
            early.mutable_early()->add_dkim_keys("s._domainkey.example.org");
            worker.send(early);
            worker.send(parts_frame(request, {{"2:a.bin", 5}}), files(sealed("12345")));
            worker.send(parts_frame(request, {{"3:b.bin", 3}}), files(sealed("abc")));
            worker.send(honest_facts(request));
        });
    });
    {
        const auto found = world.inspect();
        ASSERT_TRUE(found) << found.error().sentence;
        EXPECT_TRUE(found->was_inspected);
        EXPECT_TRUE(found->facts.coverage.is_complete());
        EXPECT_EQ(found->facts.size, std::string(kMail).size());
        EXPECT_THAT(found->domains, ::testing::ElementsAre("example.org"));
        EXPECT_THAT(found->dkim_keys, ::testing::ElementsAre("s._domainkey.example.org"));
        ASSERT_EQ(found->parts.size(), 2U);
        EXPECT_EQ(found->parts[1].path, "3:b.bin");
        EXPECT_EQ(ipc::Mapping::map(found->parts[1].file.get(), 10).value().bytes(), "abc");
        EXPECT_GE(world.memory.used(), 8U) << "the parts are mail in flight, too";
    }
    EXPECT_EQ(world.memory.used(), 0U);
    EXPECT_EQ(world.pool.counts().inspected, 1U);
    EXPECT_EQ(world.pool.counts().live, 0U) << "closed";
}

TEST(Pool, AWorkerServesManyUntilItWantsToBeReplaced) {
    PoolWorld world([](FakeWorker& worker) {
        int served = 0;
        worker.serve([&](const auto& request) {
            auto answer = honest_facts(request);
            answer.set_retire(++served == 3);
            worker.send(answer);
        });
    });
    world.play([](PoolWorld& self) -> net::Task<void> {
        for (int i = 0; i < 7; ++i) {
            base::Result<Inspection> out = base::fail(Fault::internal, "");
            co_await self.inspect_into(out, kNever);
            EXPECT_TRUE(out && out->was_inspected);
        }
    }(world));
    EXPECT_EQ(world.zygote.spawned(), 3U);
    EXPECT_EQ(world.zygote.killed(), 0U);
    EXPECT_EQ(world.pool.counts().retried, 0U);
}

TEST(Pool, StrictIsolationReplacesAWorkerAfterARiskyOpener) {
    InspectSettings settings;
    settings.isolate = "strict";
    PoolWorld world(
        [](FakeWorker& worker) {
            worker.serve([&](const auto& request) {
                auto answer = honest_facts(request);
                answer.set_risky(true);
                worker.send(answer);
            });
        },
        settings);
    world.play([](PoolWorld& self) -> net::Task<void> {
        for (int i = 0; i < 3; ++i) {
            base::Result<Inspection> out = base::fail(Fault::internal, "");
            co_await self.inspect_into(out, kNever);
            EXPECT_TRUE(out && out->was_inspected);
        }
    }(world));
    EXPECT_EQ(world.zygote.spawned(), 3U);
}

TEST(Pool, AWorkerThatDiedWhileIdleCostsNoTry) {
    PoolWorld world([](FakeWorker& worker) {
        if (const auto request = worker.request()) worker.send(honest_facts(*request));
    });
    world.play([](PoolWorld& self) -> net::Task<void> {
        for (int i = 0; i < 3; ++i) {
            base::Result<Inspection> out = base::fail(Fault::internal, "");
            co_await self.inspect_into(out, kNever);
            EXPECT_TRUE(out && out->was_inspected);
            net::Timer pause(self.io);  // until the end of the worker can be seen
            pause.expires_after(milliseconds(50));
            co_await pause.async_wait(net::kTuple);
        }
    }(world));
    EXPECT_EQ(world.pool.counts().retried, 0U);
    EXPECT_EQ(world.zygote.spawned(), 3U);
}

TEST(Pool, ANewZygoteMeansNewWorkers) {
    PoolWorld world(serve_honestly);
    world.play([](PoolWorld& self) -> net::Task<void> {
        for (int i = 0; i < 4; ++i) {
            if (i == 2) self.client.install(self.zygote.connect());
            base::Result<Inspection> out = base::fail(Fault::internal, "");
            co_await self.inspect_into(out, kNever);
            EXPECT_TRUE(out && out->was_inspected);
        }
    }(world));
    EXPECT_EQ(world.zygote.spawned(), 2U);
    EXPECT_EQ(world.client.generation(), 2U);
    EXPECT_EQ(world.pool.counts().retried, 0U);
}

TEST(Pool, WithoutAZygoteMailWaitsForTheNextOne) {
    PoolWorld world(serve_honestly);
    world.client.close();
    net::Timer later(world.io);
    later.expires_after(milliseconds(150));
    later.async_wait([&](auto) { world.client.install(world.zygote.connect()); });
    const auto found = world.inspect();
    ASSERT_TRUE(found) << found.error().sentence;
    EXPECT_TRUE(found->was_inspected);
    EXPECT_EQ(world.pool.counts().waited_in_vain, 0U);
}

// --- time

TEST(Pool, SilenceIsATryLostAndThenAGap) {
    PoolWorld world(
        [](FakeWorker& worker) {
            (void)worker.request();
            worker.hang();
        },
        short_deadline());
    const auto found = world.inspect();
    ASSERT_TRUE(found) << found.error().sentence;
    EXPECT_FALSE(found->was_inspected);
    ASSERT_EQ(found->facts.coverage.gaps.size(), 1U);
    EXPECT_EQ(found->facts.coverage.gaps[0].reason, message::GapReason::timed_out);
    EXPECT_GE(world.zygote.killed(), 1U) << "the second one dies with the end of this test";
}

// Valid frames without end: nothing to object to but the time.
TEST(Pool, AStreamWithoutEndIsTimedOut) {
    PoolWorld world(
        [](FakeWorker& worker) {
            const auto request = worker.request();
            if (!request || worker.number() > 1) return serve_honestly(worker);
            worker.send_bytes(base::frame_header(base::kInspectorFrameLimit));
            while (worker.is_wanted()) {
                worker.send_bytes("x");
                std::this_thread::sleep_for(std::chrono::microseconds(100));
            }
        },
        short_deadline());
    const auto found = world.inspect(in(milliseconds(300)));
    EXPECT_EQ(fault_of(found), "timed_out");
}

TEST(Pool, TheEndOfAllTimeIsNoVerdict) {
    PoolWorld world([](FakeWorker& worker) {
        (void)worker.request();
        worker.hang();
    });
    const auto found = world.inspect(in(milliseconds(100)));
    EXPECT_EQ(fault_of(found), "timed_out");
    EXPECT_EQ(world.zygote.spawned(), 1U);
    EXPECT_EQ(world.pool.counts().given_up, 0U);
    EXPECT_EQ(world.memory.used(), 0U);
}

TEST(Pool, WaitingInVainIsNoVerdict) {
    InspectSettings settings;
    settings.wait = 1;
    PoolWorld world(serve_honestly, settings);
    world.zygote.set_barren(true);
    EXPECT_EQ(fault_of(world.inspect()), "timed_out");
    EXPECT_EQ(world.pool.counts().waited_in_vain, 1U);
}

TEST(Pool, AZygoteThatRefusesIsNotWaitedFor) {
    InspectSettings settings;
    settings.wait = 3600;
    PoolWorld world(serve_honestly, settings);
    world.zygote.set_barren(true);
    world.zygote.set_refusal("the sandbox lacks a step");
    world.client.install(world.zygote.connect());
    const auto found = world.inspect();
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().fault, Fault::unavailable);
    EXPECT_TRUE(found.error().sentence.contains("the sandbox lacks a step")) << found.error().sentence;
    EXPECT_EQ(world.pool.counts().given_up, 0U) << "no verdict";
}

TEST(Pool, WhoWaitsForABusyWorkerIsServedInOrderOrTold) {
    InspectSettings settings;
    settings.extra_workers = 0;
    PoolWorld world(
        [](FakeWorker& worker) {
            worker.serve([&](const auto& request) {
                std::this_thread::sleep_for(milliseconds(60));
                worker.send(honest_facts(request));
            });
        },
        settings);
    base::Result<Inspection> results[4] = {base::fail(Fault::internal, ""), base::fail(Fault::internal, ""),
                                           base::fail(Fault::internal, ""), base::fail(Fault::internal, "")};
    int left = 4;
    const auto one = [&](int i, base::SteadyTime give_up) {
        net::asio::co_spawn(world.io, world.inspect_into(results[i], give_up), [&](std::exception_ptr) {
            if (--left > 0) return;
            world.pool.close();
            world.client.close();
        });
    };
    one(0, kNever);
    one(1, kNever);
    one(2, in(milliseconds(20)));
    one(3, kNever);
    world.io.run();
    EXPECT_TRUE(results[0] && results[1] && results[3]);
    EXPECT_EQ(fault_of(results[2]), "timed_out");
    EXPECT_EQ(world.zygote.spawned(), 1U);
    EXPECT_EQ(world.pool.counts().waiting, 0U);
}

TEST(Pool, AnExtraWorkerHelpsWhileTheOthersAreBusyForLong) {
    PoolWorld world([](FakeWorker& worker) {
        worker.serve([&](const auto& request) {
            if (worker.number() == 1) worker.hang();
            worker.send(honest_facts(request));
        });
    });
    base::Result<Inspection> stuck = base::fail(Fault::internal, "");
    base::Result<Inspection> other = base::fail(Fault::internal, "");
    net::asio::co_spawn(world.io, world.inspect_into(stuck, in(seconds(2))), [&](std::exception_ptr) {
        world.pool.close();
        world.client.close();
    });
    net::asio::co_spawn(world.io, world.inspect_into(other, kNever), net::asio::detached);
    world.io.run();
    EXPECT_EQ(fault_of(stuck), "timed_out");
    EXPECT_TRUE(other && other->was_inspected);
    EXPECT_EQ(world.zygote.spawned(), 2U);
}

// --- memory and descriptors

TEST(Pool, PartsThereIsNoMemoryForAreNoVerdict) {
    PoolWorld world(
        [](FakeWorker& worker) {
            worker.serve([&](const auto& request) {
                const std::string part(2U << 20, 'x');
                worker.send(parts_frame(request, {{"2:a.bin", part.size()}}), files(sealed(part)));
                worker.send(honest_facts(request));
            });
        },
        {}, 1U << 20);
    EXPECT_EQ(fault_of(world.inspect()), "unavailable");
    EXPECT_EQ(world.zygote.spawned(), 1U) << "another worker would not help";
    EXPECT_EQ(world.memory.used(), 0U);
}

TEST(Pool, FactsThereIsNoMemoryForAreNoVerdict) {
    PoolWorld world(serve_honestly, {}, 100);
    EXPECT_EQ(fault_of(world.inspect()), "unavailable");
}

TEST(Pool, ALackOfDescriptorsIsOursAndNoVerdict) {
#ifdef GATEHOUSE_SANITIZED
    GTEST_SKIP() << "the sanitizers need descriptors themselves";
#endif
    std::optional<base::NoDescriptorFree> none;
    PoolWorld world([&](FakeWorker& worker) {
        const auto request = worker.request();
        auto part = files(sealed("12345"));
        none.emplace();
        worker.send(parts_frame(*request, {{"2:a.bin", 5}}), part);
        worker.hang();
        none.reset();
    });
    const auto found = world.inspect();
    EXPECT_EQ(fault_of(found), "limit");
    EXPECT_EQ(world.pool.counts().given_up, 0U);
    EXPECT_EQ(world.zygote.spawned(), 1U);
}

TEST(Pool, ALackOfDescriptorsDoesNotCostTheZygote) {
#ifdef GATEHOUSE_SANITIZED
    GTEST_SKIP() << "the sanitizers need descriptors themselves";
#endif
    std::optional<base::NoDescriptorFree> none;
    std::atomic<int> handed{0};
    PoolWorld world(serve_honestly);
    world.zygote.set_before_handing([&] {
        if (++handed == 1) none.emplace();
    });
    net::Timer later(world.io);
    later.expires_after(milliseconds(50));
    later.async_wait([&](auto) { none.reset(); });
    const auto found = world.inspect();
    ASSERT_TRUE(found) << found.error().sentence;
    EXPECT_TRUE(found->was_inspected);
    EXPECT_EQ(world.client.generation(), 1U);
    EXPECT_GE(world.zygote.spawned(), 2U);
}

// --- rewriting and looking

/// Answers a rewrite with this file and what it says of its size.
PoolWorld::Script rewriter(std::string bytes, std::uint64_t said_size) {
    return [bytes = std::move(bytes), said_size](FakeWorker& worker) {
        worker.serve([&](const pb::InspectorRequest& request) {
            EXPECT_EQ(request.rewrite().plan_size(), 1);
            pb::InspectorAnswer answer;
            answer.set_id(request.id());
            answer.mutable_rewritten()->set_size(said_size);
            worker.send(answer, files(sealed(bytes)));
        });
    };
}

TEST(Pool, BringsARewrittenMessage) {
    PoolWorld world(rewriter("new", 3));
    {
        const auto done = world.rewrite();
        ASSERT_TRUE(done) << done.error().sentence;
        EXPECT_EQ(ipc::Mapping::map(done->file.get(), 10).value().bytes(), "new");
        EXPECT_GE(done->memory.held(), 3U);
    }
    EXPECT_EQ(world.memory.used(), 0U);
}

TEST(Pool, ARewrittenMessageThatLiesAboutItsSizeIsNone) {
    PoolWorld world(rewriter("new", 4));
    EXPECT_EQ(fault_of(world.rewrite()), "malformed");
    EXPECT_EQ(world.zygote.spawned(), 2U);
    EXPECT_EQ(world.memory.used(), 0U);
}

TEST(Pool, ARewrittenMessageHoldsTheMemoryItTakes) {
    const std::string large(1'500'000, 'x');
    {
        PoolWorld world(rewriter(large, large.size()));
        const auto done = world.rewrite();
        ASSERT_TRUE(done) << done.error().sentence;
        EXPECT_GE(world.memory.used(), large.size());
    }
    PoolWorld world(rewriter(large, large.size()), {}, 1U << 20);
    EXPECT_EQ(fault_of(world.rewrite()), "unavailable");
    EXPECT_EQ(world.zygote.spawned(), 1U);
    EXPECT_EQ(world.memory.used(), 0U);
}

TEST(Pool, ARewrittenMessageAboveAllSizesIsNone) {
    const std::string large((3U << 20) + 1, 'x');  // 2 x max_message + 1 MiB
    PoolWorld world(rewriter(large, large.size()));
    EXPECT_EQ(fault_of(world.rewrite()), "limit");
}

TEST(Pool, AViewIsNotLongerThanWasAskedFor) {
    PoolWorld world([](FakeWorker& worker) {
        worker.serve([&](const pb::InspectorRequest& request) {
            pb::InspectorAnswer answer;
            answer.set_id(request.id());
            answer.mutable_viewed()->set_text(request.view().part() == "1" ? "12345" : "123456");
            worker.send(answer);
        });
    });
    world.play([](PoolWorld& self) -> net::Task<void> {
        const Fd file = sealed(kMail);
        const auto fits = co_await self.pool.view(file.get(), "1", 5);
        EXPECT_EQ(fits ? fits->text : "failed", "12345");
        const auto longer = co_await self.pool.view(file.get(), "2", 5);
        EXPECT_EQ(fault_of(longer), "malformed");
    }(world));
}

}  // namespace
}  // namespace gatehouse::inspect::pool
