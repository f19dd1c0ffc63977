// The pool against workers of every kind: honest, broken, hostile, silent, and none at all.
#include "inspect/pool/pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/fd_passing.h"
#include "ipc/memfd.h"
#include "support/fake_zygote.h"

namespace gatehouse::inspect::pool {
namespace {

using base::Fault;
using base::Fd;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::FakeWorker;
using test::honest_facts;
using test::parts_frame;
using test::sealed;

constexpr auto kNever = base::SteadyTime::max();
constexpr const char* kMail = "Subject: hello\r\n\r\nbody\r\n";

base::SteadyTime in(milliseconds time) {
    return std::chrono::steady_clock::now() + time;
}

std::vector<Fd> files(Fd one) {
    std::vector<Fd> out;
    out.push_back(std::move(one));
    return out;
}

/// One loop with its pool and a zygote whose workers follow a script.
class PoolWorld {
  public:
    using Script = test::FakeZygote::Script;

    explicit PoolWorld(Script script, InspectSettings settings = {}, std::uint64_t memory_limit = 64U << 20)
        : memory(memory_limit),
          zygote(std::move(script)),
          pool(io, clock, client,
               {.settings = std::move(settings),
                .base_workers = 1,
                .max_message = 1U << 20,
                .memory = memory}) {
        client.install(zygote.connect());
    }

    void play(net::Task<void> body) {
        std::exception_ptr failure;
        net::asio::co_spawn(io, std::move(body), [&](std::exception_ptr thrown) {
            failure = thrown;
            pool.close();
            client.close();
        });
        io.run();
        io.restart();
        if (failure) std::rethrow_exception(failure);
    }
    base::Result<Inspection> inspect(base::SteadyTime give_up = kNever) {
        base::Result<Inspection> out = base::fail(Fault::internal, "nothing came");
        play(inspect_into(out, give_up));
        return out;
    }
    net::Task<void> inspect_into(base::Result<Inspection>& out, base::SteadyTime give_up) {
        message::Envelope envelope;
        envelope.size = mail.size();
        const Fd file = sealed(mail);
        out = co_await pool.inspect(envelope, file.get(), give_up);
    }
    base::Result<Rewritten> rewrite(base::SteadyTime give_up = kNever) {
        base::Result<Rewritten> out = base::fail(Fault::internal, "nothing came");
        play([](PoolWorld& self, base::Result<Rewritten>& into, base::SteadyTime until) -> net::Task<void> {
            const Fd file = sealed(self.mail);
            const message::RewritePlan plan{{{message::HeaderEdit::Kind::append, "X-Test", "yes"}}};
            into = co_await self.pool.rewrite(file.get(), plan, until);
        }(*this, out, give_up));
        return out;
    }

    std::string mail = kMail;
    net::Io io{net::kLoopHint};
    base::Clock clock;
    base::MemoryBudget memory;
    test::FakeZygote zygote;
    ZygoteClient client{io, "settings"};
    Pool pool;
};

void serve_honestly(FakeWorker& worker) {
    worker.serve([&](const auto& request) { worker.send(honest_facts(request)); });
}

InspectSettings short_deadline() {
    InspectSettings settings;
    settings.deadline = 1;
    return settings;
}

std::string fault_of(const auto& result) {
    return result ? "none" : std::string(base::to_string(result.error().fault));
}

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

// --- hostile

struct Misdeed {
    const char* name;
    std::function<void(FakeWorker&, const pb::InspectorRequest&)> commit;
};

void PrintTo(const Misdeed& misdeed, std::ostream* out) {
    *out << misdeed.name;
}

pb::InspectorAnswer early_frame(const pb::InspectorRequest& request) {
    pb::InspectorAnswer early;
    early.set_id(request.id());
    early.mutable_early()->add_domains("example.org");
    return early;
}

void send_too_many_parts(FakeWorker& worker, const pb::InspectorRequest& request) {
    const Fd file = sealed("x");
    for (int i = 0; i < 1025 && worker.is_wanted(); ++i) {
        worker.send(parts_frame(request, {{"p", 1}}), files(file.duplicate().value()));
    }
    worker.send(honest_facts(request));
}

Fd unsealed(const std::string& bytes) {
    Fd file(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    EXPECT_TRUE(base::write_all(file.get(), bytes));
    return file;
}

std::string amplified_facts(const pb::InspectorRequest& request) {
    pb::InspectorAnswer answer;
    answer.set_id(request.id());
    for (int i = 0; i < 1'000'000; ++i) answer.mutable_facts()->add_evidence();
    return answer.SerializeAsString();
}

const std::vector<Misdeed>& misdeeds() {
    using Request = pb::InspectorRequest;
    static const std::vector<Misdeed> kMisdeeds{
        {"wrong_id",
         [](FakeWorker& worker, const Request& request) {
             auto answer = honest_facts(request);
             answer.set_id(request.id() + 1);
             worker.send(answer);
         }},
        {"no_kind",
         [](FakeWorker& worker, const Request& request) {
             pb::InspectorAnswer answer;
             answer.set_id(request.id());
             worker.send(answer);
         }},
        {"a_kind_nobody_asked_for",
         [](FakeWorker& worker, const Request& request) {
             pb::InspectorAnswer answer;
             answer.set_id(request.id());
             answer.mutable_viewed()->set_text("look");
             worker.send(answer);
         }},
        {"unknown_kind", [](FakeWorker& worker, const Request&) { worker.send_frame("\x7a\x01x"); }},
        {"garbage_frame", [](FakeWorker& worker, const Request&) { worker.send_frame("\xff\xff\xff"); }},
        {"empty_frame", [](FakeWorker& worker, const Request&) { worker.send_frame(""); }},
        {"frame_above_the_limit",
         [](FakeWorker& worker, const Request&) { worker.send_bytes("\xff\xff\xff\x7f and more"); }},
        {"facts_with_unknown_words",
         [](FakeWorker& worker, const Request& request) {
             auto answer = honest_facts(request);
             answer.mutable_facts()->add_gaps()->set_reason(250);
             worker.send(answer);
         }},
        {"facts_that_would_fill_the_memory",
         [](FakeWorker& worker, const Request& request) { worker.send_frame(amplified_facts(request)); }},
        {"early_twice",
         [](FakeWorker& worker, const Request& request) {
             while (worker.is_wanted()) worker.send(early_frame(request));
         }},
        {"parts_without_a_part",
         [](FakeWorker& worker, const Request& request) {
             while (worker.is_wanted()) worker.send(parts_frame(request, {}));
         }},
        {"parts_without_a_descriptor",
         [](FakeWorker& worker, const Request& request) {
             worker.send(parts_frame(request, {{"2:a.bin", 5}}));
             worker.send(honest_facts(request));
         }},
        {"parts_with_an_unsealed_file",
         [](FakeWorker& worker, const Request& request) {
             worker.send(parts_frame(request, {{"2:a.bin", 5}}), files(unsealed("12345")));
             worker.send(honest_facts(request));
         }},
        {"parts_with_something_that_is_no_memory_file",
         [](FakeWorker& worker, const Request& request) {
             worker.send(parts_frame(request, {{"2:a.bin", 0}}),
                         files(std::move(base::make_socket_pair().value().first)));
             worker.send(honest_facts(request));
         }},
        {"parts_of_another_size",
         [](FakeWorker& worker, const Request& request) {
             worker.send(parts_frame(request, {{"2:a.bin", 4}}), files(sealed("12345")));
             worker.send(honest_facts(request));
         }},
        {"parts_with_an_endless_path",
         [](FakeWorker& worker, const Request& request) {
             worker.send(parts_frame(request, {{std::string(100'000, 'p'), 5}}), files(sealed("12345")));
             worker.send(honest_facts(request));
         }},
        {"too_many_parts", send_too_many_parts},
        {"descriptors_that_nobody_named",
         [](FakeWorker& worker, const Request& request) {
             worker.send(honest_facts(request), files(sealed("12345")));
         }},
        {"more_behind_the_end",
         [](FakeWorker& worker, const Request& request) {
             const std::string frame = honest_facts(request).SerializeAsString();
             worker.send_bytes(base::frame_header(frame.size()) + frame + base::frame_header(frame.size()) +
                               frame);
         }},
        {"the_end_in_the_middle",
         [](FakeWorker& worker, const Request& request) {
             const std::string frame = honest_facts(request).SerializeAsString();
             worker.send_bytes(base::frame_header(frame.size()) + frame.substr(0, frame.size() / 2));
         }},
        {"the_end_without_a_word", [](FakeWorker&, const Request&) {}},
        {"its_own_failure",
         [](FakeWorker& worker, const Request& request) {
             pb::InspectorAnswer answer;
             answer.set_id(request.id());
             answer.mutable_failed()->set_fault(static_cast<std::uint32_t>(Fault::internal));
             answer.mutable_failed()->set_sentence("a bug\r\n");
             worker.send(answer);
             worker.hang();
         }},
    };
    return kMisdeeds;
}

class PoolMisdeeds : public ::testing::TestWithParam<Misdeed> {};

TEST_P(PoolMisdeeds, CostOneTryInAFreshWorker) {
    const auto& commit = GetParam().commit;
    PoolWorld world([&](FakeWorker& worker) {
        if (worker.number() > 1) return serve_honestly(worker);
        if (const auto request = worker.request()) commit(worker, *request);
    });
    {
        const auto found = world.inspect();
        ASSERT_TRUE(found) << found.error().sentence;
        EXPECT_TRUE(found->was_inspected);
        EXPECT_TRUE(found->parts.empty()) << "what the first one handed over is forgotten";
        EXPECT_TRUE(found->domains.empty());
        EXPECT_TRUE(found->facts.coverage.is_complete());
    }
    EXPECT_EQ(world.pool.counts().retried, 1U);
    EXPECT_EQ(world.zygote.spawned(), 2U);
    EXPECT_EQ(world.memory.used(), 0U);
}

TEST_P(PoolMisdeeds, TwiceMakeTheMessageUnscannableNeverClean) {
    const auto& commit = GetParam().commit;
    PoolWorld world([&](FakeWorker& worker) {
        if (const auto request = worker.request()) commit(worker, *request);
    });
    {
        const auto found = world.inspect();
        ASSERT_TRUE(found) << found.error().sentence;
        EXPECT_FALSE(found->was_inspected);
        EXPECT_FALSE(found->facts.coverage.is_complete());
        EXPECT_EQ(found->facts.size, std::string(kMail).size());
        EXPECT_TRUE(found->parts.empty());
        ASSERT_EQ(found->facts.coverage.gaps.size(), 1U);
        EXPECT_EQ(found->facts.coverage.gaps[0].text.find('\r'), std::string::npos);
    }
    EXPECT_EQ(world.pool.counts().given_up, 1U);
    EXPECT_EQ(world.zygote.spawned(), 2U);
    EXPECT_EQ(world.memory.used(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Pool, PoolMisdeeds, ::testing::ValuesIn(misdeeds()),
                         [](const auto& one) { return std::string(one.param.name); });

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

/// As long as it lives, this process can open nothing more.
class NoDescriptorFree {
  public:
    NoDescriptorFree() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        rlimit none = before_;
        none.rlim_cur = 1;  // poll() wants room for what it polls
        ::setrlimit(RLIMIT_NOFILE, &none);
    }
    ~NoDescriptorFree() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    NoDescriptorFree(const NoDescriptorFree&) = delete;
    NoDescriptorFree& operator=(const NoDescriptorFree&) = delete;

  private:
    rlimit before_{};
};

TEST(Pool, ALackOfDescriptorsIsOursAndNoVerdict) {
#ifdef GATEHOUSE_SANITIZED
    GTEST_SKIP() << "the sanitizers need descriptors themselves";
#endif
    std::optional<NoDescriptorFree> none;
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
    std::optional<NoDescriptorFree> none;
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
