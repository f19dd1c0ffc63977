// What one message costs the SMTP client: N messages over pooled connections to a sink on another thread of
// the same process. CPU is counted for the client's thread alone.
//   bench_delivery [messages] [bytes] [sessions] [tls]
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include "act/delivery/headers.h"
#include "act/delivery/hop_pool.h"
#include "support/smtp_sink/sink.h"

namespace {

using namespace gatehouse;  // NOLINT: a measurement is one file
using act::delivery::DataOutcome;

struct Run {
    std::size_t messages = 20'000;
    std::size_t bytes = 5'000;
    std::size_t sessions = 1;
    bool tls = false;
};

struct Tally {
    std::size_t left = 0;
    std::size_t failed = 0;
    std::vector<double> micros;
};

std::uint64_t cpu_micros() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

std::string make_content(std::size_t bytes) {
    std::string out = "Subject: measured\r\n\r\n";
    while (out.size() < bytes)
        out += "The quick brown fox jumps over the lazy dog, again and again. 0123456\r\n";
    return out;
}

net::Task<void> send_many(act::delivery::HopPool& pool, const act::delivery::NextHop& hop,
                          const std::string& content, Tally& tally) {
    message::Envelope envelope;
    envelope.sender = "from@example.org";
    envelope.client.helo = "client.example.org";
    envelope.client.address = "192.0.2.1";
    const std::vector<message::Recipient> recipients{{"to@example.com", 0, ""}};
    envelope.recipients = recipients;
    while (tally.left > 0) {
        --tally.left;
        const auto begun = std::chrono::steady_clock::now();
        auto session = co_await pool.open(hop);
        if (!session) {
            ++tally.failed;
            continue;
        }
        const auto started = co_await session->start(envelope, recipients);
        if (!started) {
            ++tally.failed;
            continue;
        }
        const auto head = act::delivery::header_block(envelope, message::Verdict::clean, "gw.test");
        const auto answer = co_await session->data(head, content, base::SteadyTime::max());
        if (answer.outcome != DataOutcome::accepted) ++tally.failed;
        tally.micros.push_back(
            std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begun).count());
    }
}

int measure(const Run& run) {
    test::SinkOptions options;
    options.keep = false;
    options.starttls = run.tls;
    auto sink = test::Sink::start(std::move(options));
    auto tls = act::delivery::HopTls::make({});
    if (!sink || !tls) return 3;
    act::delivery::NextHopSettings hop;
    hop.address = {(*sink)->endpoint().to_string()};
    const auto hops = act::delivery::NextHops::make({hop});
    net::Io io(net::kLoopHint);
    const base::Clock clock;
    act::delivery::DeliverySettings settings;
    settings.max_messages = 1'000'000;
    settings.idle_time = 1;
    auto pool = act::delivery::HopPool::make(io, clock, *tls, {"gw.test", settings, 1});
    const auto content = make_content(run.bytes);
    Tally tally{run.messages, 0, {}};
    for (std::size_t i = 0; i < run.sessions; ++i) {
        net::asio::co_spawn(io.get_executor(), send_many(*pool, hops->all()[0], content, tally),
                            net::asio::detached);
    }
    const auto begun = std::chrono::steady_clock::now();
    const auto cpu = cpu_micros();
    while (tally.micros.size() + tally.failed < run.messages) io.run_one();
    const auto spent = static_cast<double>(cpu_micros() - cpu);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    std::sort(tally.micros.begin(), tally.micros.end());
    const auto count = static_cast<double>(run.messages);
    fmt::print(
        "{{\"messages\":{},\"bytes\":{},\"sessions\":{},\"tls\":{},\"failed\":{},\"connections\":{},"
        "\"per_second\":{:.0f},\"cpu_us_per_message\":{:.1f},\"p50_us\":{:.0f},\"p99_us\":{:.0f}}}\n",
        run.messages, content.size(), run.sessions, run.tls, tally.failed, (*sink)->connection_count(),
        count / took.count(), spent / count, tally.micros[tally.micros.size() / 2],
        tally.micros[tally.micros.size() * 99 / 100]);
    return tally.failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    Run run;
    if (argc > 1) run.messages = std::strtoul(argv[1], nullptr, 10);
    if (argc > 2) run.bytes = std::strtoul(argv[2], nullptr, 10);
    if (argc > 3) run.sessions = std::strtoul(argv[3], nullptr, 10);
    run.tls = argc > 4;
    return measure(run);
}
