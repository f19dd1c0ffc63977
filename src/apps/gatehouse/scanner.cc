#include "apps/gatehouse/scanner.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "apps/gatehouse/child.h"
#include "apps/gatehouse/engine_keeper.h"
#include "apps/gatehouse/expression_keeper.h"
#include "base/fd_passing.h"
#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "consult/engines/clamd_asker.h"
#include "consult/engines/engine_monitor.h"
#include "decide/make_policy.h"
#include "ipc/memfd.h"
#include "pipeline/judge.h"

namespace gatehouse::apps {

using base::Fault;
using base::Result;
using namespace std::chrono_literals;

namespace {

class ScanEngine final : public pipeline::EngineView {
  public:
    ScanEngine(net::Io& io, const base::Clock& clock, consult::engines::ClamdEngine& engine)
        : asker_(io, clock, engine) {}
    consult::Asker& asker() override { return asker_; }
    /// A file waits for nobody.
    bool is_expected_back(std::chrono::seconds) const override { return false; }

  private:
    consult::engines::ClamdAsker asker_;
};

}  // namespace

struct Scanner::Parts {
    Parts(const Config& c, ScanEnvelope e) : config(c), envelope(std::move(e)) {}

    ~Parts() {
        if (monitor) monitor->stop();
        if (zygote) zygote->close();
        io.restart();
        io.run_for(50ms);
        if (zygote_pid > 0) {
            ::kill(zygote_pid, SIGTERM);
            ::waitpid(zygote_pid, nullptr, 0);
        }
        if (clamd) clamd->stop(2000ms);
        std::error_code error;
        if (!folder.empty()) std::filesystem::remove_all(folder, error);
    }

    Result<void> start_zygote();
    Result<void> start_engine();
    void wait_for_engine();
    net::Task<void> work(const Calls& calls);
    net::Task<void> scan_one(const Calls& calls, const std::string& name, const std::string& bytes);

    const Config& config;
    ScanEnvelope envelope;
    base::Clock clock;
    base::MemoryBudget memory{base::default_memory_limit()};
    net::Io io{1};
    std::string folder;  ///< of the engine; removed at the end
    pid_t zygote_pid = -1;
    std::size_t workers = 1;
    std::unique_ptr<inspect::pool::ZygoteClient> zygote;
    std::unique_ptr<inspect::pool::Pool> pool;
    std::optional<consult::engines::ManagedClamd> clamd;
    std::unique_ptr<consult::engines::ClamdEngine> engine;
    std::unique_ptr<consult::engines::EngineMonitor> monitor;
    std::optional<ScanEngine> view;
    std::optional<pipeline::Judge> judge;
    decide::Policy policy;
};

Scanner::Scanner(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Scanner::~Scanner() = default;

Result<void> Scanner::Parts::start_zygote() {
    GATEHOUSE_TRY(const std::string program, program_beside("gatehouse-inspector"));
    GATEHOUSE_TRY(auto pair, base::make_socket_pair());
    std::vector<std::string> words{"gatehouse-inspector", "--channel", "3"};
    if (const unsigned uid = config.role_uid("inspector"); uid != 0) {
        words.insert(words.end(), {"--user", fmt::format("{}:{}", uid, config.group_id())});
    }
    GATEHOUSE_TRY(const auto expressions, make_expressions(config));
    std::vector<int> fds{pair.second.get()};
    if (expressions) {
        fds.push_back(expressions.get());
        words.insert(words.end(), {"--expressions", "4"});
    }
    GATEHOUSE_TRY(zygote_pid, start_child({program, words, fds}));
    pair.second.reset();
    workers = config.inspect.workers > 0 ? static_cast<std::size_t>(config.inspect.workers)
                                         : std::max(1U, std::thread::hardware_concurrency());
    zygote =
        std::make_unique<inspect::pool::ZygoteClient>(io, inspect::engine::encode_settings(config.inspector));
    zygote->install(std::move(pair.first));
    pool = std::make_unique<inspect::pool::Pool>(
        io, clock, *zygote,
        inspect::pool::PoolOptions{
            .settings = config.inspect,
            .base_workers = workers,
            .max_message = static_cast<std::uint64_t>(config.inspector.process.max_message),
            .memory = memory});
    return {};
}

Result<void> Scanner::Parts::start_engine() {
    using consult::engines::ClamdMode;
    GATEHOUSE_TRY(const auto mode, consult::engines::parse_clamd_mode(config.antivirus.clamd));
    if (mode.kind == ClamdMode::Kind::off) return {};
    std::string socket = mode.socket;
    base::Fd log;
    if (mode.kind == ClamdMode::Kind::managed) {
        folder = (std::filesystem::temp_directory_path() /
                  ("gatehouse-scan-" + base::to_hex(base::random_bytes(8))))
                     .string();
        GATEHOUSE_CHECK(base::make_folders(folder, 0711));
        GATEHOUSE_TRY(auto plan, engine_plan(config, folder + "/engine"));
        auto started = consult::engines::ManagedClamd::start(std::move(plan));
        if (started) {
            clamd = std::move(*started);
            log = clamd->take_log();
            socket = clamd->socket();
        } else {  // the result says engine_unavailable for every message
            base::log(base::LogLevel::error, "engine: {}", started.error().sentence);
            socket = consult::engines::clamd_socket(folder + "/engine");
        }
    }
    engine = std::make_unique<consult::engines::ClamdEngine>(
        consult::engines::engine_options(config.antivirus, socket, config.engine_limits().file_bytes, 1),
        std::move(log), clock.steady());
    monitor = std::make_unique<consult::engines::EngineMonitor>(io, clock, *engine);
    net::asio::co_spawn(io, monitor->run(), net::asio::detached);
    view.emplace(io, clock, *engine);
    wait_for_engine();
    return {};
}

void Scanner::Parts::wait_for_engine() {
    // A large database takes its time; an engine that others run is there already, or not.
    const auto patience = clamd ? 120s : 10s;
    const auto by = clock.steady() + patience;
    while (!engine->state.is_up() && clock.steady() < by) {
        io.run_for(10ms);
        io.restart();
        if (!clamd) continue;
        if (const auto ended = clamd->poll_exit(); ended) {
            base::log(base::LogLevel::error, "clamd {}: {}", consult::engines::describe_exit(*ended),
                      engine->log.last_complaint());
            return;
        }
    }
    if (!engine->state.is_up())
        base::log(base::LogLevel::error, "the malware engine does not answer; messages count as unscannable");
}

Result<std::unique_ptr<Scanner>> Scanner::start(const Config& config, ScanEnvelope envelope) {
    ::signal(SIGPIPE, SIG_IGN);
    auto parts = std::make_unique<Parts>(config, std::move(envelope));
    GATEHOUSE_TRY(parts->policy, decide::make_policy(config.revision));
    GATEHOUSE_CHECK(parts->start_zygote());
    GATEHOUSE_CHECK(parts->start_engine());
    parts->judge.emplace(pipeline::JudgeParts{.io = parts->io,
                                              .clock = parts->clock,
                                              .pool = *parts->pool,
                                              .engine = parts->view ? &*parts->view : nullptr,
                                              .authserv_id = base::lower(config.hostname()),
                                              .engine_time = config.engine_time()});
    return std::unique_ptr<Scanner>(new Scanner(std::move(parts)));
}

net::Task<void> Scanner::Parts::work(const Calls& calls) {
    std::string name;
    std::string bytes;
    while (calls.next(name, bytes)) {
        std::optional<std::string> failure;
        try {
            co_await scan_one(calls, name, bytes);
        } catch (const std::exception& error) {  // one message's bad luck; the others go on
            failure = error.what();
        }
        if (failure) calls.failed(name, {Fault::internal, *failure});
    }
}

net::Task<void> Scanner::Parts::scan_one(const Calls& calls, const std::string& name,
                                         const std::string& bytes) {
    ScannedMessage scanned{name, {}};
    auto& envelope_of = scanned.record.envelope;
    envelope_of.reference =
        base::Reference::make(clock.wall(), 0, static_cast<std::uint32_t>(base::random_u64()));
    envelope_of.received = clock.wall();
    envelope_of.client.address = envelope.client;
    envelope_of.client.helo = envelope.helo;
    envelope_of.sender = envelope.from;
    for (const auto& address : envelope.to) envelope_of.recipients.push_back({address, 0, ""});
    if (envelope_of.recipients.empty()) envelope_of.recipients.push_back({"recipient", 0, ""});
    envelope_of.size = bytes.size();
    envelope_of.revision = config.revision.id;
    auto file = ipc::Memfd::make("scan");
    if (file) {
        if (const auto written = file->append(bytes); !written) file = std::unexpected(written.error());
    }
    auto sealed = file ? std::move(*file).seal() : Result<base::Fd>(std::unexpected(file.error()));
    if (!sealed) {
        calls.failed(name, sealed.error());
        co_return;
    }
    auto judged = co_await judge->judge(envelope_of, policy, sealed->get(), {clock.steady()});
    if (!judged) {
        calls.failed(name, judged.error());
        co_return;
    }
    scanned.record.inspected = true;
    scanned.record.facts = std::move(judged->facts);
    scanned.record.answers = std::move(judged->answers);
    scanned.record.circumstances = std::move(judged->circumstances);
    scanned.record.decision = std::move(judged->decision);
    calls.done(std::move(scanned));
}

void Scanner::run(const Calls& calls) {
    std::size_t left = parts_->workers;
    for (std::size_t i = 0; i < parts_->workers; ++i) {
        net::asio::co_spawn(parts_->io, parts_->work(calls), [&](const std::exception_ptr& failure) {
            // What `next` or `failed` threw: the message in hand is lost, and whoever asked has to know.
            if (failure) calls.failed("scan", {Fault::internal, "an exception ended a part of the scan"});
            if (--left == 0) parts_->io.stop();
        });
    }
    parts_->io.restart();
    parts_->io.run();
}

std::size_t Scanner::inspectors() const {
    return parts_->workers;
}

int Scanner::zygote_pid() const {
    return parts_->zygote_pid;
}

}  // namespace gatehouse::apps
