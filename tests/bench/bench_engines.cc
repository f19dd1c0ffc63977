// The engine driver against the real clamd with our own signatures only: one scan of a 5 KB message with the
// round trip, one after the other and several at once, and what a remembered verdict costs. Prints clamd's
// own CPU time per scan, too.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <thread>

#include "base/digest.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/text.h"
#include "consult/engines/clamd_asker.h"
#include "consult/engines/clamd_control.h"
#include "consult/engines/clamd_process.h"
#include "ipc/memfd.h"

namespace {

namespace engines = gatehouse::consult::engines;
namespace base = gatehouse::base;
namespace net = gatehouse::net;
using namespace std::chrono_literals;

constexpr std::size_t kMessages = 4000;

std::string message(std::size_t number) {
    std::string out = fmt::format(
        "From: a@example.com\r\nTo: b@example.com\r\nSubject: number {}\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain\r\n\r\n",
        number);
    for (std::size_t line = 0; out.size() < 5000; ++line)
        out += fmt::format("Line {} of message {}: the quick brown fox jumps over the lazy dog.\r\n", line,
                           number);
    return out;
}

struct Bench {
    Bench() {
        base::log_start("bench", "", base::LogLevel::error);
        folder = std::filesystem::temp_directory_path() / fmt::format("gatehouse-bench-{}", ::getpid());
        std::filesystem::create_directories(folder);
        engines::ClamdPlan plan;
        plan.folder = (folder / "engine").string();
        plan.user = engines::find_engine_user({"nobody"});
        plan.config = {.limits = engines::clamd_limits_for(base::BudgetLimits{}, 100ULL << 20, 60),
                       .threads = std::max(1U, std::thread::hardware_concurrency())};
        clamd.emplace(engines::ManagedClamd::start(plan).value());
        while (!engines::probe_clamd(clamd->socket(), 1s)) std::this_thread::sleep_for(5ms);
        engines::ClamdEngine::Options options{.socket = clamd->socket(),
                                              .max_file_bytes = 100 << 20,
                                              .slots = 2 * plan.config.threads,
                                              .cache = {.entries = 100'000, .bytes = 64 << 20, .age = 1h}};
        engine = std::make_unique<engines::ClamdEngine>(options, clamd->take_log(), clock.steady());
        engine->state.note_up(1, "bench", clock.steady());
        asker = std::make_unique<engines::ClamdAsker>(io, clock, *engine);
        for (std::size_t i = 0; i < kMessages; ++i) {
            const auto text = message(i);
            auto file = gatehouse::ipc::Memfd::make("bench").value();
            (void)file.append(text);
            files.push_back(std::move(file).seal().value());
            digests.push_back(base::sha256(text));
        }
    }
    ~Bench() {
        clamd->stop(2s);
        std::filesystem::remove_all(folder);
    }
    /// Microseconds of processor time that clamd has used.
    double clamd_micros() const {
        const auto text = base::read_file(fmt::format("/proc/{}/stat", clamd->pid()), 4096).value_or("");
        const auto fields = base::split(std::string_view(text).substr(text.rfind(')') + 2), ' ');
        const auto ticks =
            base::parse_unsigned(fields[11]).value() + base::parse_unsigned(fields[12]).value();
        return static_cast<double>(ticks) * 1e6 / static_cast<double>(::sysconf(_SC_CLK_TCK));
    }
    void ask(std::size_t number, bool cached, std::size_t& done) {
        const auto& file = files[number % kMessages];
        gatehouse::consult::Subject subject{.fd = file.get(), .size = 5000, .sha256 = {}};
        if (cached) subject.sha256 = digests[number % kMessages];
        net::asio::co_spawn(
            io,
            asker->ask({.kind = {}, .asked = "clamd", .where = {}}, std::move(subject), clock.steady() + 60s),
            [&done](std::exception_ptr, gatehouse::message::Answer answer) {
                if (answer.state == gatehouse::message::AnswerState::clean) ++done;
            });
    }
    void run_until(const std::size_t& done, std::size_t wanted) {
        io.restart();
        while (done < wanted && io.run_one() > 0) {
        }
    }

    std::filesystem::path folder;
    base::Clock clock;
    net::Io io;
    std::optional<engines::ManagedClamd> clamd;
    std::unique_ptr<engines::ClamdEngine> engine;
    std::unique_ptr<engines::ClamdAsker> asker;
    std::vector<base::Fd> files;
    std::vector<std::string> digests;
};

Bench& bench() {
    static Bench one;
    return one;
}

void scans(benchmark::State& state) {
    auto& b = bench();
    const auto at_once = static_cast<std::size_t>(state.range(0));
    const double before = b.clamd_micros();
    std::size_t number = 0;
    for (auto _ : state) {
        std::size_t done = 0;
        for (std::size_t i = 0; i < at_once; ++i) b.ask(number++, false, done);
        b.run_until(done, at_once);
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(number));
    state.counters["clamd_cpu_us"] = (b.clamd_micros() - before) / static_cast<double>(number);
}
BENCHMARK(scans)->Arg(1)->Arg(4)->Iterations(4000)->Unit(benchmark::kMicrosecond)->UseRealTime();

void remembered(benchmark::State& state) {
    auto& b = bench();
    std::size_t done = 0;
    b.ask(1, true, done);
    b.run_until(done, 1);
    for (auto _ : state) {
        done = 0;
        b.ask(1, true, done);
        b.run_until(done, 1);
    }
}
BENCHMARK(remembered);

void cache_find(benchmark::State& state) {
    engines::VerdictCache cache({.entries = 100'000, .bytes = 64 << 20, .age = 1h});
    const base::SteadyTime now{};
    std::vector<std::string> digests;
    for (int i = 0; i < 100'000; ++i) {
        digests.push_back(base::sha256(std::to_string(i)));
        cache.keep({.sha256 = digests.back(), .engine = 1, .generation = 1},
                   {.state = gatehouse::message::AnswerState::clean,
                    .name = {},
                    .gap_reason = {},
                    .repeatable = true},
                   now);
    }
    std::size_t at = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(cache.find({.sha256 = digests[at], .engine = 1, .generation = 1}, now));
        at = (at + 7919) % digests.size();
    }
    state.counters["bytes_each"] =
        static_cast<double>(cache.counters().bytes) / static_cast<double>(cache.counters().entries);
}
BENCHMARK(cache_find);

}  // namespace

BENCHMARK_MAIN();
