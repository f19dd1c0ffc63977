// Workers that lie, break off or babble: a try lost, then a gap, never clean.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/fd_passing.h"
#include "inspect/pool/test_world.h"

namespace gatehouse::inspect::pool {
namespace {

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

}  // namespace
}  // namespace gatehouse::inspect::pool
