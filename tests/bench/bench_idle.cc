// What an idle connection costs the front in memory: many clients that have said EHLO and then nothing, in
// clear and after STARTTLS, before and after a message each. The server is a process of its own, so that the
// clients' memory does not count; its PSS is read from /proc. Prints JSON; exits 1 when a bound of the design
// is broken.
//
//   build/release/tests/bench/bench_idle [CONNECTIONS]
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <deque>

#include "base/text.h"
#include "net/certificate.h"
#include "net/dial/dial.h"
#include "net/listen.h"
#include "receive/session/server.h"

namespace gatehouse {
namespace {

using net::Task;
using receive::smtp::Reply;
namespace session = receive::session;

constexpr double kBoundClear = 24.0;  // KiB, architecture section 9
constexpr double kBoundTls = 48.0;
constexpr std::size_t kOtherDescriptors = 40;  // of either process

class TakeAll final : public session::Walk {
  public:
    Task<Reply> connect(const message::Envelope&) override { co_return Reply{220, "", ""}; }
    Task<Reply> mail(session::Transaction&) override { co_return Reply{250, "", ""}; }
    Task<Reply> rcpt(session::Transaction&, const message::Recipient&) override {
        co_return Reply{250, "", ""};
    }
    Task<Reply> message(session::Transaction&, base::Fd) override { co_return Reply{250, "", ""}; }
    void aborted(std::unique_ptr<session::Transaction>, receive::smtp::AbortReason, const Reply&) override {}
    void refused(const message::Envelope&, const session::Refusal&) override {}
    void unfinished(const session::Transaction&) override {}
};

base::SteadyTime later() {
    return std::chrono::steady_clock::now() + std::chrono::minutes(10);
}

[[noreturn]] void serve(base::Fd listening) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    net::Io io(net::kLoopHint);
    base::Clock clock;
    session::ConnectionLimits limits;
    base::MemoryBudget memory(1ULL << 30);
    session::Counters counters;
    TakeAll walk;
    auto settings = std::make_shared<session::SessionSettings>();
    settings->machine.hostname = "mx.gw.test";
    settings->machine.relay = *receive::smtp::RelayRules::make({"gw.test"}, {});
    settings->connections = {.in_all = 1'000'000, .per_address = 0, .per_minute = 0};
    settings->idle = std::chrono::hours(1);
    settings->tls =
        net::TlsContext::make_server(net::make_self_signed("mx.gw.test", clock.wall()).value()).value();
    settings->machine.offers_tls = true;
    session::Server server(io, walk, {clock, limits, memory, counters}, settings);
    if (!server.listen(std::move(listening))) std::_Exit(1);
    io.run();
    std::_Exit(0);
}

std::uint64_t pss_kib(pid_t process) {
    const auto text = base::read_file(fmt::format("/proc/{}/smaps_rollup", process), 1 << 16);
    if (!text) return 0;
    for (const auto line : base::split(*text, '\n')) {
        if (!line.starts_with("Pss:")) continue;
        const auto fields = base::trim(line.substr(4));
        return base::parse_unsigned(fields.substr(0, fields.find(' '))).value_or(0);
    }
    return 0;
}

/// Reads until a whole reply has come; the session is strictly in turn.
Task<bool> hear(net::Stream& stream, char first) {
    std::array<char, 2048> buffer;
    std::string reply;
    while (!reply.ends_with("\r\n")) {
        const auto got = co_await stream.read_some(buffer, later());
        if (!got || *got == 0) co_return false;
        reply.append(buffer.data(), *got);
    }
    co_return reply.front() == first;
}

Task<bool> ask(net::Stream& stream, std::string command, char first) {
    command += "\r\n";
    const auto sent = co_await stream.write_all(command, later());
    if (!sent) co_return false;
    co_return co_await hear(stream, first);
}

Task<bool> open_one(net::Io& io, base::Endpoint to, net::TlsContext* tls, std::deque<net::Stream>& streams) {
    auto stream = co_await net::dial::connect(io, to, later());
    if (!stream) co_return false;
    bool is_good = co_await hear(*stream, '2');
    if (is_good) is_good = co_await ask(*stream, "EHLO client.test", '2');
    if (is_good && tls != nullptr) {
        is_good = co_await ask(*stream, "STARTTLS", '2');
        const auto shaken = co_await stream->connect_tls(*tls, "mx.gw.test", later());
        is_good = is_good && shaken;
        if (is_good) is_good = co_await ask(*stream, "EHLO client.test", '2');
    }
    streams.push_back(std::move(*stream));
    co_return is_good;
}

Task<bool> send_one(net::Stream& stream) {
    bool is_good = co_await ask(stream, "MAIL FROM:<a@sender.test>", '2');
    if (is_good) is_good = co_await ask(stream, "RCPT TO:<b@gw.test>", '2');
    if (is_good) is_good = co_await ask(stream, "DATA", '3');
    std::string content;
    while (content.size() < 5000) content += "a line of some length, not too long and not too short\r\n";
    if (is_good) is_good = co_await ask(stream, content + ".", '2');
    co_return is_good;
}

struct Row {
    std::string name;
    double kib = 0;
    double bound = 0;
};

struct Run {
    net::Io& io;
    pid_t server;
    base::Endpoint to;
    std::size_t connections;
    net::TlsContext* tls;
    std::vector<Row>& rows;
};

Task<void> measure(Run run) {
    std::deque<net::Stream> streams;
    const bool is_warm = co_await open_one(run.io, run.to, run.tls, streams);
    bool is_good = is_warm;
    if (is_good) is_good = co_await send_one(streams.front());
    const auto before = pss_kib(run.server);
    const auto per_connection = [&] {
        return static_cast<double>(pss_kib(run.server) - before) / static_cast<double>(run.connections);
    };
    while (is_good && streams.size() <= run.connections) {
        is_good = co_await open_one(run.io, run.to, run.tls, streams);
    }
    const std::string name = run.tls == nullptr ? "clear" : "tls";
    const double bound = run.tls == nullptr ? kBoundClear : kBoundTls;
    if (is_good) run.rows.push_back({name, per_connection(), bound});
    for (std::size_t i = 0; is_good && i < streams.size(); ++i) is_good = co_await send_one(streams[i]);
    if (is_good) run.rows.push_back({name + "_after_a_message", per_connection(), bound});
    if (!is_good) fmt::print(stderr, "{}: a connection failed after {}\n", name, streams.size());
}

/// As many connections of the wanted ones as this machine lets two processes hold.
std::size_t allowed(std::size_t wanted) {
    const rlim_t needed = wanted + kOtherDescriptors;
    rlimit limit{needed, needed};
    if (::setrlimit(RLIMIT_NOFILE, &limit) == 0) return wanted;
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    const std::size_t possible = limit.rlim_max > kOtherDescriptors ? limit.rlim_max - kOtherDescriptors : 0;
    return std::min(wanted, possible);
}

void run_mode(bool with_tls, std::size_t connections, std::vector<Row>& rows) {
    auto sockets = net::listen_on("127.0.0.1:0", 1).value();
    const auto to = net::bound_to(sockets.at(0).get()).value();
    const pid_t server = ::fork();
    if (server == 0) serve(std::move(sockets.at(0)));
    sockets.clear();
    net::Io io(net::kLoopHint);
    const auto tls = net::TlsContext::make_client({}).value();
    net::asio::co_spawn(io, measure({io, server, to, connections, with_tls ? tls.get() : nullptr, rows}),
                        net::asio::detached);
    io.run();
    ::kill(server, SIGKILL);
    ::waitpid(server, nullptr, 0);
}

int print(const std::vector<Row>& rows, std::size_t connections) {
    std::string text;
    bool is_within = rows.size() == 4;
    for (const auto& row : rows) {
        if (!text.empty()) text += ",";
        text += fmt::format(
            R"({{"system":"gatehouse","name":"{}","connections":{},"pss_kib":{:.2f},"bound_kib":{:.0f}}})",
            row.name, connections, row.kib, row.bound);
        is_within = is_within && row.kib <= row.bound;
    }
    fmt::print(R"({{"bench":"idle","rows":[{}]}})"
               "\n",
               text);
    return is_within ? 0 : 1;
}

}  // namespace
}  // namespace gatehouse

int main(int argc, char** argv) {
    const std::size_t wanted = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 20'000;
    const std::size_t connections = gatehouse::allowed(wanted);
    if (connections == 0) {
        fmt::print(stderr, "bench_idle: needs a number of connections and as many open files (ulimit -n)\n");
        return 3;
    }
    if (connections < wanted) fmt::print(stderr, "bench_idle: ulimit -n allows {} only\n", connections);
    std::vector<gatehouse::Row> rows;
    for (const bool with_tls : {false, true}) gatehouse::run_mode(with_tls, connections, rows);
    return gatehouse::print(rows, connections);
}
