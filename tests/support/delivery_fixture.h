// A loop, sinks and a pool for the tests of act/delivery. For tests only.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "act/delivery/hop_pool.h"
#include "support/smtp_sink/sink.h"

namespace gatehouse::act::delivery {

/// Short enough to wait for, long enough to be out of reach for what answers at all.
inline DeliverySettings quick_settings() {
    DeliverySettings settings;
    settings.connect_timeout = 5;
    settings.command_timeout = 5;
    settings.data_timeout = 5;
    settings.final_timeout = 5;
    return settings;
}

inline std::unique_ptr<test::Sink> make_sink(const std::string& rules = "", test::SinkOptions options = {}) {
    test::Script script;
    const auto read = script.add_lines(rules);
    EXPECT_TRUE(read) << read.error().sentence;
    auto sink = test::Sink::start(std::move(options), std::move(script));
    EXPECT_TRUE(sink) << sink.error().sentence;
    return std::move(*sink);
}

inline void rescript(test::Sink& sink, const std::string& rules) {
    test::Script script;
    EXPECT_TRUE(script.add_lines(rules));
    sink.set_script(std::move(script));
}

/// What became of one message.
struct Delivered {
    std::optional<base::Error> failed;  ///< open or start did
    StartAnswers answers;
    FinalAnswer final_answer;
    HopInfo info;
};

struct Letter {
    message::Envelope envelope;
    std::vector<message::Recipient> recipients = {{"to@example.com", 0, ""}};
    std::string head = "X-Head: 1\r\n";
    std::string content = "Subject: x\r\n\r\nbody\r\n";
};

class DeliveryTest : public ::testing::Test {
  protected:
    void make_pool(const DeliverySettings& settings, const net::TlsClientOptions& tls_options = {}) {
        pool_.reset();
        tls_ = std::make_unique<HopTls>(std::move(HopTls::make(tls_options).value()));
        pool_ = std::make_unique<HopPool>(
            std::move(HopPool::make(io_, clock_, *tls_, {"gw.test", settings, 1}).value()));
    }
    HopPool& pool() {
        if (!pool_) make_pool(quick_settings());
        return *pool_;
    }

    static NextHop hop(const std::vector<base::Endpoint>& addresses, const std::string& tls = "opportunistic",
                       const std::string& name = "") {
        NextHopSettings settings;
        for (const auto& address : addresses) settings.address.push_back(address.to_string());
        settings.tls = tls;
        settings.name = name;
        return NextHops::make({settings}).value().all().front();
    }
    NextHop hop(const test::Sink& sink) { return hop({sink.endpoint()}); }

    template <typename T>
    static net::Task<void> store(net::Task<T> task, std::optional<T>& into) {
        T value = co_await std::move(task);
        into.emplace(std::move(value));
    }
    /// Starts the task; its result appears in `into`, which must live until then.
    template <typename T>
    void begin(net::Task<T> task, std::optional<T>& into) {
        net::asio::co_spawn(io_.get_executor(), store(std::move(task), into), net::asio::detached);
    }
    template <typename T>
    T run(net::Task<T> task) {
        std::optional<T> result;
        begin(std::move(task), result);
        while (!result) io_.run_one();
        return std::move(*result);
    }

    /// Lets the loop work until `done` says so, at most about ten seconds.
    template <typename Done>
    bool run_until(Done done) {
        for (int i = 0; i < 1000 && !done(); ++i) io_.run_for(std::chrono::milliseconds(10));
        return done();
    }

    base::Result<HopSession> open(const NextHop& to) { return run(pool().open(to)); }

    Delivered deliver(const NextHop& to, const Letter& letter = {}) { return run(walk(to, letter)); }

    net::Task<Delivered> walk(const NextHop& to, const Letter& letter) {
        Delivered out;
        auto session = co_await pool().open(to);
        if (!session) {
            out.failed = session.error();
            co_return out;
        }
        auto started = co_await session->start(letter.envelope, letter.recipients);
        out.info = session->info();
        if (!started) {
            out.failed = started.error();
            co_return out;
        }
        out.answers = std::move(*started);
        out.final_answer = co_await session->data(letter.head, letter.content, base::SteadyTime::max());
        out.info = session->info();
        co_return out;
    }

    base::Clock clock_;
    net::Io io_{net::kLoopHint};
    net::asio::executor_work_guard<net::Executor> stay_awake_{io_.get_executor()};
    std::unique_ptr<HopTls> tls_;
    std::unique_ptr<HopPool> pool_;
};

}  // namespace gatehouse::act::delivery
