// For tests of this module only: a walk with everything around it on one loop - inspectors that answer as the
// test says, a malware engine made of words, a next hop with a script, and real stores in a folder of its
// own.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "decide/make_policy.h"
#include "pipeline/life.h"
#include "settings/text/parse.h"
#include "store/testing.h"
#include "support/fake_zygote.h"
#include "support/smtp_sink/sink.h"

namespace gatehouse::pipeline {

inline message::Answer answered(message::AnswerState state, const std::string& name = "") {
    message::Answer answer;
    answer.state = state;
    answer.name = name;
    return answer;
}

/// Answers every question at once with what `says` gives; throws where that does.
class FakeEngine final : public EngineView, public consult::Asker {
  public:
    consult::Asker& asker() override { return *this; }
    bool is_expected_back(std::chrono::seconds) const override { return is_coming_back; }
    net::Task<message::Answer> ask(message::Question question, consult::Subject subject,
                                   base::SteadyTime deadline) override {
        deadlines.push_back(deadline);
        digests.push_back(subject.sha256);
        message::Answer answer = says(question);
        answer.question = std::move(question);
        co_return answer;
    }

    std::function<message::Answer(const message::Question&)> says = [](const message::Question&) {
        return answered(message::AnswerState::clean);
    };
    bool is_coming_back = true;
    std::vector<base::SteadyTime> deadlines;
    std::vector<std::string> digests;
};

inline void be_honest(test::FakeWorker& worker) {
    worker.serve([&](const pb::InspectorRequest& request) { worker.send(test::honest_facts(request)); });
}

struct WorldPlan {
    test::FakeZygote::Script inspectors = be_honest;
    std::string policy = {};    ///< policy.toml
    std::string settings = {};  ///< settings.toml
    std::string hop = {};       ///< lines of the sink's script
    inspect::pool::InspectSettings inspect = {};
    std::uint64_t max_journal_bytes = 1U << 30;
    bool has_engine = true;
    std::int64_t max_connections = 100;
    std::int64_t wait_for_connection = 10;
};

class World {
  public:
    explicit World(WorldPlan plan = {})
        : zygote(std::move(plan.inspectors)),
          sink(start_sink(plan.hop)),
          inspectors(
              io, clock, client,
              {.settings = plan.inspect, .base_workers = 1, .max_message = 1U << 20, .memory = memory}),
          tls(std::move(act::delivery::HopTls::make({}).value())),
          next_hops(start_hops(sink->endpoint())),
          hops(std::move(
              act::delivery::HopPool::make(io, clock, tls, {"gw.test", hop_settings(plan), 1}).value())),
          quarantine(act::quarantine::Quarantine::open(
                         {.folder = folder / "items/quarantine", .database = folder / "gatehouse.db"})
                         .value()),
          queue(act::queue::Queue::open({.folder = folder / "queue"}, clock).value()),
          recorder(record::Recorder::open({.state = folder.path(),
                                           .database = folder / "gatehouse.db",
                                           .max_journal_bytes = plan.max_journal_bytes},
                                          clock)
                       .value()),
          policy(std::make_shared<const PolicySnapshot>(make_snapshot(plan))),
          judge({.io = io,
                 .clock = clock,
                 .pool = inspectors,
                 .engine = plan.has_engine ? &engine : nullptr,
                 .authserv_id = "gw.test",
                 .engine_time = std::chrono::seconds(5),
                 .threads = &threads}),
          life({.io = io,
                .clock = clock,
                .hostname = "gw.test",
                .next_hops = next_hops,
                .hops = hops,
                .inspectors = inspectors,
                .quarantine = *quarantine,
                .queue = *queue,
                .recorder = *recorder,
                .policy = policy,
                .storage = threads,
                .judge = judge}) {}
    ~World() { threads.join(); }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    void play(net::Task<void> body) {
        client.install(zygote.connect());
        std::exception_ptr failure;
        net::asio::co_spawn(io, std::move(body), [&](std::exception_ptr thrown) {
            failure = thrown;
            inspectors.close();
            hops.close();
            client.close();
        });
        io.run();
        io.restart();
        if (failure) std::rethrow_exception(failure);
    }

    std::unique_ptr<Transaction> make_transaction(const std::string& sender = "a@example.org") {
        auto made = std::make_unique<Transaction>();
        made->began = clock.steady();
        made->envelope.received = clock.wall();
        made->envelope.reference = base::Reference::make(clock.wall(), 1, ++references);
        made->envelope.client.address = "192.0.2.1";
        made->envelope.sender = sender;
        return made;
    }
    /// As the session does it: MAIL, every RCPT, the message. The last reply, or the first refusal.
    net::Task<void> send(Transaction& transaction, std::vector<std::string> recipients, Reply& reply) {
        const bool is_open = co_await open(transaction, std::move(recipients), reply);
        if (!is_open) co_return;
        transaction.envelope.size = mail.size();
        reply = co_await life.message(transaction, test::sealed(mail));
    }
    net::Task<bool> open(Transaction& transaction, std::vector<std::string> recipients, Reply& reply) {
        reply = co_await life.mail(transaction);
        if (!reply.is_positive()) co_return false;
        for (const auto& address : recipients) {
            const message::Recipient recipient{address, 0, ""};
            reply = co_await life.rcpt(transaction, recipient);
            if (!reply.is_positive()) co_return false;
            transaction.envelope.recipients.push_back(recipient);
        }
        co_return true;
    }
    /// "250 2.0.0 accepted ..." of one message to these recipients.
    std::string deliver(std::vector<std::string> recipients = {"b@gw.test"}) {
        const auto transaction = make_transaction();
        Reply reply;
        play(send(*transaction, std::move(recipients), reply));
        return wire(reply);
    }
    /// "RECIPIENT OUTCOME", oldest recipient first by name.
    std::vector<std::string> tracked() {
        std::vector<std::string> out;
        for (const auto& row : rows()) {
            out.push_back(row.recipient + " " + std::string(message::to_string(row.outcome)));
        }
        std::sort(out.begin(), out.end());
        return out;
    }
    std::vector<record::TrackingRow> rows() { return recorder->track({.limit = 10'000}).value(); }
    std::vector<std::string> hop_commands() const { return sink->commands(); }

    static act::delivery::DeliverySettings hop_settings(const WorldPlan& plan) {
        act::delivery::DeliverySettings settings;
        settings.max_connections = plan.max_connections;
        settings.wait_for_connection = plan.wait_for_connection;
        settings.command_timeout = 5;
        settings.final_timeout = 1;
        return settings;
    }
    static std::unique_ptr<test::Sink> start_sink(const std::string& lines) {
        test::Script script;
        EXPECT_TRUE(script.add_lines(lines));
        return test::Sink::start({}, std::move(script)).value();
    }
    static act::delivery::NextHops start_hops(const base::Endpoint& to) {
        act::delivery::NextHopSettings settings;
        settings.address = {to.to_string()};
        settings.tls = "never";
        return act::delivery::NextHops::make({settings}).value();
    }
    static PolicySnapshot make_snapshot(const WorldPlan& plan) {
        auto rules = settings::text::parse(plan.policy, "policy.toml").value();
        auto values = settings::text::parse(plan.settings, "settings.toml").value();
        auto revision = message::make_revision(std::move(values), std::move(rules));
        auto made = decide::make_policy(revision);
        EXPECT_TRUE(made) << (made ? "" : made.error().sentence);
        return {std::move(revision), std::move(made).value_or(decide::Policy())};
    }

    const store::TemporaryFolder folder;
    std::string mail = "Subject: hello\r\n\r\nbody\r\n";
    std::uint32_t references = 0;
    net::Io io{net::kLoopHint};
    base::Clock clock;
    base::MemoryBudget memory{64U << 20};
    boost::asio::thread_pool threads{1};
    test::FakeZygote zygote;
    std::unique_ptr<test::Sink> sink;
    inspect::pool::ZygoteClient client{io, "settings"};
    inspect::pool::Pool inspectors;
    act::delivery::HopTls tls;
    act::delivery::NextHops next_hops;
    act::delivery::HopPool hops;
    FakeEngine engine;
    std::unique_ptr<act::quarantine::Quarantine> quarantine;
    std::unique_ptr<act::queue::Queue> queue;
    std::unique_ptr<record::Recorder> recorder;
    PolicyHolder policy;
    Judge judge;
    Life life;
};

}  // namespace gatehouse::pipeline
