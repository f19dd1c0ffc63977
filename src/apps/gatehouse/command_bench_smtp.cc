// gatehouse bench smtp: the whole path by SMTP. The real gateway, our own load generator in front of it and
// our own sink behind it; the floor is the generator straight to the sink. Where a peer is asked for, it is
// measured in turns with the gateway, several short rounds each, so that what else the machine does meanwhile
// hits all of them alike.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <thread>

#include "apps/bench/figures.h"
#include "apps/bench/load.h"
#include "apps/bench/scratch_folder.h"
#include "apps/bench/sink.h"
#include "apps/gatehouse/commands.h"
#include "apps/gatehouse/own_gateway.h"
#include "apps/gatehouse/private_postfix.h"
#include "apps/gatehouse/process_times.h"
#include "apps/gatehouse/report.h"
#include "base/fd.h"
#include "base/log.h"
#include "consult/engines/clamd_process.h"
#include "net/listen.h"

namespace gatehouse::apps {

namespace json = boost::json;
using base::Fault;
using base::Result;
using Steady = std::chrono::steady_clock;

namespace {

constexpr auto kTurn = std::chrono::milliseconds(20);
constexpr auto kMemoryEvery = std::chrono::milliseconds(250);
constexpr auto kDrainTime = std::chrono::seconds(60);
/// The gateway's tracking is up to a second behind, and that is work on the message, too.
constexpr auto kSettleTime = std::chrono::milliseconds(1'200);
constexpr auto kSettleAtMost = std::chrono::seconds(10);
constexpr std::uint64_t kQuietUs = 20'000;
constexpr std::uint64_t kNumbersApart = 1'000;  // more than are sent again

volatile sig_atomic_t interrupted = 0;  // NOLINT: a signal handler reaches nothing else

void on_interrupt(int) {
    interrupted = 1;
}

Result<void> pause(std::chrono::milliseconds time) {
    std::this_thread::sleep_for(time);
    if (interrupted != 0) return base::fail(Fault::refused, "interrupted");
    return {};
}

/// One line on a terminal's stderr.
class Progress {
  public:
    Progress() : shown_(::isatty(STDERR_FILENO) == 1) {}
    ~Progress() { tell(""); }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    void tell(const std::string& what) const {
        if (!shown_) return;
        fmt::print(stderr, "\r\x1b[K{}", what);
        std::fflush(stderr);
    }

  private:
    bool shown_;
};

/// What is measured; `pid` is the root of its processes.
struct System {
    std::string name;
    std::string mode = {};
    std::string clamd = {};
    base::Endpoint to{};
    pid_t pid = -1;
};

class SmtpBench {
  public:
    static Result<std::unique_ptr<SmtpBench>> make(const BenchSmtpWords& words) {
        GATEHOUSE_TRY(auto folder, ScratchFolder::make());
        GATEHOUSE_TRY(auto board, Shared<SinkBoard>::make(0));
        GATEHOUSE_TRY(auto sockets, net::listen_on("127.0.0.1:0", 1));
        GATEHOUSE_TRY(const auto endpoint, net::bound_to(sockets.front().get()));
        GATEHOUSE_TRY(auto sink,
                      Process::fork([&] { return serve_sink(std::move(sockets.front()), board) ? 0 : 3; }));
        std::unique_ptr<SmtpBench> bench(
            new SmtpBench(words, std::move(folder), std::move(board), std::move(sink)));
        bench->sink_at_ = endpoint;
        return bench;
    }

    /// Everything that was asked for; what the machine does not have is a row that says so.
    Result<void> run() {
        std::vector<System> systems;
        start_peer(systems);
        systems.push_back({.name = "floor", .to = sink_at_, .pid = sink_.pid()});
        if (wants_clamd("off")) GATEHOUSE_CHECK(start_gateways("off", systems));
        GATEHOUSE_CHECK(measure(systems));
        gateways_.clear();
        if (!wants_clamd("on")) return {};
        if (!consult::engines::find_clamd()) {
            skip("clamd is not installed");
            return {};
        }
        systems.clear();
        GATEHOUSE_CHECK(start_gateways("on", systems));
        return measure(systems);
    }

    std::vector<BenchRow>& rows() { return rows_; }
    json::value peer() const {
        if (!postfix_) return nullptr;
        return json::object{{"system", "postfix"}, {"version", postfix_->version()}};
    }
    const std::optional<base::Error>& peer_error() const { return peer_error_; }

  private:
    SmtpBench(const BenchSmtpWords& words, ScratchFolder folder, Shared<SinkBoard> board, Process sink)
        : words_(words), folder_(std::move(folder)), sink_board_(std::move(board)), sink_(std::move(sink)) {}

    bool wants_clamd(std::string_view which) const {
        return std::find(words_.clamd.begin(), words_.clamd.end(), which) != words_.clamd.end();
    }

    Result<std::string> folder_for(const std::string& name) {
        const std::string path = fmt::format("{}/{}", folder_.path(), name);
        constexpr unsigned kPassable = 0755;
        GATEHOUSE_CHECK(base::make_folders(path, kPassable));
        return path;
    }

    void start_peer(std::vector<System>& systems) {
        if (words_.peer.empty()) return;
        progress_.tell("starting Postfix");
        const auto folder = folder_for("postfix");
        auto started = folder ? PrivatePostfix::start(*folder, sink_at_)
                              : Result<PrivatePostfix>(std::unexpected(folder.error()));
        if (!started) {
            peer_error_ = started.error();
            return;
        }
        postfix_ = std::move(*started);
        systems.push_back({.name = "postfix", .to = postfix_->endpoint(), .pid = postfix_->pid()});
    }

    Result<void> start_gateways(const std::string& clamd, std::vector<System>& systems) {
        for (const auto& mode : words_.modes) {
            progress_.tell("starting the gateway: " + mode + (clamd == "on" ? " with clamd" : ""));
            GATEHOUSE_TRY(const auto folder, folder_for(mode + "-" + clamd));
            GATEHOUSE_TRY(auto gateway,
                          OwnGateway::start({folder, sink_at_, mode == "cut-through", clamd == "on"}));
            systems.push_back({"gatehouse", mode, clamd, gateway.endpoint(), gateway.pid()});
            gateways_.push_back(std::move(gateway));
        }
        return {};
    }

    void skip(const std::string& why) {
        for (const auto bytes : words_.sizes) {
            for (const auto sessions : words_.sessions) {
                for (const auto& mode : words_.modes)
                    rows_.push_back({"gatehouse", mode, "on", sessions, bytes, why});
            }
        }
    }

    /// Round by round in turns, for each load.
    Result<void> measure(const std::vector<System>& systems) {
        for (const auto bytes : words_.sizes) {
            for (const auto sessions : words_.sessions) {
                const auto first = rows_.size();
                for (const auto& system : systems)
                    rows_.push_back({system.name, system.mode, system.clamd, sessions, bytes});
                const auto rounds = std::min(words_.rounds, words_.messages);
                for (std::size_t round = 0; round < rounds; ++round) {
                    const auto share =
                        words_.messages * (round + 1) / rounds - words_.messages * round / rounds;
                    for (std::size_t i = 0; i < systems.size(); ++i) {
                        auto& row = rows_[first + i];
                        progress_.tell(
                            fmt::format("{} {}: round {} of {}", row.system, row.name(), round + 1, rounds));
                        GATEHOUSE_CHECK(one_round(systems[i], share, row));
                    }
                }
            }
        }
        return {};
    }

    std::uint64_t cpu_of(const System& system) const { return cpu_us_of_tree(system.pid); }

    Result<void> one_round(const System& system, std::size_t messages, BenchRow& row) {
        const Load load{.to = system.to,
                        .sessions = std::min(row.sessions, messages),
                        .messages = messages,
                        .bytes = row.bytes,
                        .per_connection = words_.per_connection,
                        .first_number = next_number_};
        next_number_ += messages + kNumbersApart;
        GATEHOUSE_TRY(const auto board, Shared<LoadBoard>::make(messages + row.sessions));
        const auto arrived_before = sink_board_->messages.load();
        const auto cpu_before = cpu_of(system);
        GATEHOUSE_TRY(auto generator, Process::fork([&] { return tell_end(send_load(load, board)); }));
        GATEHOUSE_CHECK(watch(generator, system, row));
        if (generator.exit_code() != 0)
            return base::fail(Fault::unavailable, "{}: {}", row.name(), std::string(board->why.data()));
        GATEHOUSE_CHECK(drain(system, arrived_before + board->accepted, row));
        const auto ended_at = std::max(board->ended_at_ns.load(), sink_board_->last_at_ns.load());
        GATEHOUSE_CHECK(settle(system));
        // The floor is what the bench itself costs: its two ends.
        row.cpu_us += cpu_of(system) - cpu_before + (system.name == "floor" ? generator.cpu_us() : 0);
        row.seconds += static_cast<double>(ended_at - board->began_at_ns) / 1e9;
        row.messages += board->accepted;
        row.refused += board->refused;
        const auto micros = board.numbers().first(board->accepted);
        row.micros.insert(row.micros.end(), micros.begin(), micros.end());
        return {};
    }

    static int tell_end(const Result<void>& done) {
        if (!done) fmt::print(stderr, "gatehouse: {}\n", done.error().sentence);
        return done ? 0 : 3;
    }

    void look_at_memory(const System& system, BenchRow& row) {
        if (Steady::now() < look_at_) return;
        look_at_ = Steady::now() + kMemoryEvery;
        row.peak_mib = std::max(row.peak_mib, pss_mib_of_tree(system.pid));
    }

    Result<void> watch(Process& generator, const System& system, BenchRow& row) {
        while (generator.is_running()) {
            look_at_memory(system, row);
            GATEHOUSE_CHECK(pause(kTurn));
        }
        row.peak_mib = std::max(row.peak_mib, pss_mib_of_tree(system.pid));
        return {};
    }

    /// Until everything that was accepted has arrived.
    Result<void> drain(const System& system, std::uint64_t wanted, BenchRow& row) {
        const auto by = Steady::now() + kDrainTime;
        while (sink_board_->messages < wanted) {
            if (Steady::now() > by) {
                return base::fail(Fault::timed_out, "{}: {} accepted messages did not arrive", row.name(),
                                  wanted - sink_board_->messages);
            }
            look_at_memory(system, row);
            GATEHOUSE_CHECK(pause(kTurn));
        }
        return {};
    }

    /// Until its processes rest.
    Result<void> settle(const System& system) const {
        const auto by = Steady::now() + kSettleAtMost;
        GATEHOUSE_CHECK(pause(kSettleTime));
        auto cpu = cpu_of(system);
        while (Steady::now() < by) {
            GATEHOUSE_CHECK(pause(std::chrono::milliseconds(300)));
            const auto now = cpu_of(system);
            if (now - cpu <= kQuietUs) break;
            cpu = now;
        }
        return {};
    }

    BenchSmtpWords words_;
    ScratchFolder folder_;
    Shared<SinkBoard> sink_board_;
    Process sink_;
    base::Endpoint sink_at_;
    std::optional<PrivatePostfix> postfix_;
    std::optional<base::Error> peer_error_;
    std::vector<OwnGateway> gateways_;
    std::vector<BenchRow> rows_;
    std::uint64_t next_number_ = 1;
    Steady::time_point look_at_;
    Progress progress_;
};

void print(const Globals& globals, SmtpBench& bench, const BenchSmtpWords& words) {
    const auto to_peer = ratios(bench.rows(), "postfix");
    if (!globals.json) {
        fmt::print("{}", table(bench.rows(), to_peer));
        return;
    }
    json::array rows;
    for (auto& row : bench.rows()) rows.emplace_back(row.json());
    const json::object all{{"bench", "smtp"},
                           {"rounds", words.rounds},
                           {"messages_per_connection", words.per_connection},
                           {"rows", std::move(rows)},
                           {"peer", bench.peer()},
                           {"ratios", to_peer}};
    fmt::print("{}\n", json::serialize(all));
}

}  // namespace

int command_bench_smtp(const Globals& globals, const BenchSmtpWords& words) {
    base::log_start("bench", "", base::LogLevel::error);
    ::signal(SIGINT, on_interrupt);
    ::signal(SIGTERM, on_interrupt);
    ::signal(SIGPIPE, SIG_IGN);
    auto bench = SmtpBench::make(words);
    if (!bench) return report(globals, bench.error());
    if (const auto done = (*bench)->run(); !done) return report(globals, done.error());
    print(globals, **bench, words);
    if (!(*bench)->peer_error()) return 0;
    return report({Fault::unavailable, (*bench)->peer_error()->sentence});
}

}  // namespace gatehouse::apps
