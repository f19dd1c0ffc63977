#include "apps/front/front.h"

#include <condition_variable>
#include <csignal>
#include <cstdlib>

#include "apps/front/strand.h"
#include "base/fault_point.h"
#include "base/log.h"
#include "base/text.h"
#include "decide/make_policy.h"
#include "net/started.h"

namespace gatehouse::apps {

using base::Fault;
using base::LogLevel;
using base::Result;

namespace {

constexpr auto kNever = base::SteadyTime::max();
constexpr auto kTidyInterval = std::chrono::minutes(10);
constexpr auto kQueueTidyInterval = std::chrono::seconds(5);

LogLevel log_level(const std::string& word) {
    if (word == "debug") return LogLevel::debug;
    if (word == "warning") return LogLevel::warning;
    return word == "error" ? LogLevel::error : LogLevel::info;
}

Result<std::shared_ptr<const pipeline::PolicySnapshot>> make_snapshot(const Config& config) {
    GATEHOUSE_TRY(auto policy, decide::make_policy(config.revision));
    return std::make_shared<const pipeline::PolicySnapshot>(
        pipeline::PolicySnapshot{config.revision, std::move(policy)});
}

/// Between two attempts at an item of the queue, with its share of chance and a clock's little ways.
std::chrono::seconds longest_pause(const act::delivery::DeliverySettings& delivery) {
    std::chrono::seconds longest{0};
    if (const auto times = act::delivery::retry_times(delivery)) {
        for (const auto time : *times) longest = std::max(longest, time + time / 5);
    }
    return longest + std::chrono::minutes(5);
}

/// Of any item in the queue: a day that has an hour more for a time of day, or a pause.
std::chrono::seconds longest_wait(const act::delivery::DeliverySettings& delivery) {
    return std::max<std::chrono::seconds>(std::chrono::hours(26), longest_pause(delivery));
}

std::uint64_t memory_limit(const Config& config) {
    return config.limits.memory > 0 ? static_cast<std::uint64_t>(config.limits.memory)
                                    : base::default_memory_limit();
}

}  // namespace

Front::Front(RoleBeginning& beginning, Config config)
    : beginning_(beginning), config_(std::move(config)), memory_(memory_limit(config_)) {}

Front::~Front() {
    if (queue_) queue_->stop_long_work();  // operators' questions, too
    control_.reset();
    if (queue_) queue_->set_wake(nullptr);
    tidier_ = {};
    scrubber_ = {};
    for (auto& loop : loops_) loop->stop();
    threads_.clear();
    storage_.join();
    queue_.reset();  // what it still has to say goes to loops that are there
}

Result<std::unique_ptr<Front>> Front::make(RoleBeginning& beginning) {
    GATEHOUSE_TRY(Config config, Config::from_start(beginning.start));
    base::log_start("front", beginning.start.mark(), log_level(config.process.log_level));
    std::unique_ptr<Front> front(new Front(beginning, std::move(config)));
    GATEHOUSE_CHECK(front->open_stores());
    GATEHOUSE_CHECK(front->make_strands());
    GATEHOUSE_CHECK(front->listen());
    return front;
}

Result<void> Front::open_stores() {
    const auto& fixed = config_.testing.fixed_clock;
    if (fixed.empty()) {
        clock_ = std::make_unique<base::Clock>();
    } else {
        GATEHOUSE_TRY(const auto time, base::parse_rfc3339(fixed));
        clock_ = std::make_unique<base::Clock>(time);
    }
    if (beginning_.start.testing()) base::FaultPoints::allow();
    // Before there are threads: times of day are local.
    ::setenv("TZ", config_.time_zone().c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
    ::tzset();
    if (config_.smtp.tls_certificate != "none") {
        GATEHOUSE_TRY(tls_, net::TlsContext::make_server(certificate_of(beginning_.start)));
    }
    GATEHOUSE_TRY(hop_tls_, act::delivery::HopTls::make({}));
    GATEHOUSE_CHECK(become_user(beginning_.start.uid(), beginning_.start.gid()));
    GATEHOUSE_TRY(recorder_, record::Recorder::open({.state = config_.state_path(""),
                                                     .database = config_.database_path(),
                                                     .retention = config_.retention},
                                                    *clock_));
    GATEHOUSE_TRY(quarantine_,
                  act::quarantine::Quarantine::open({.folder = config_.state_path("items/quarantine"),
                                                     .database = config_.database_path()}));
    GATEHOUSE_TRY(queue_, act::queue::Queue::open({.folder = config_.state_path("queue"),
                                                   .settings = config_.queue,
                                                   .longest_wait = longest_wait(config_.delivery),
                                                   .longest_pause = longest_pause(config_.delivery)},
                                                  *clock_));
    GATEHOUSE_TRY(auto snapshot, make_snapshot(config_));
    policy_ = std::make_unique<pipeline::PolicyHolder>(std::move(snapshot));
    return {};
}

Result<std::shared_ptr<const receive::session::SessionSettings>> Front::session_settings(
    const Config& config) const {
    GATEHOUSE_TRY(auto settings, receive::session::make_session_settings(config.smtp, config.limits,
                                                                         config_.hostname(), tls_));
    return std::make_shared<const receive::session::SessionSettings>(std::move(settings));
}

void Front::start_engine() {
    auto socket = engine_socket(config_);
    if (!socket || socket->empty()) return;
    base::Fd log;
    if (auto taken = take_fd(beginning_, "engine_log"); taken) log = std::move(*taken);
    engine_ = std::make_unique<consult::engines::ClamdEngine>(
        consult::engines::engine_options(config_.antivirus, *socket, config_.engine_limits().file_bytes,
                                         static_cast<unsigned>(config_.front_threads())),
        std::move(log), clock_->steady());
    monitor_ = std::make_unique<consult::engines::EngineMonitor>(*loops_.front(), *clock_, *engine_);
    net::asio::co_spawn(*loops_.front(), monitor_->run(), net::asio::detached);
}

Result<void> Front::make_strands() {
    for (std::size_t i = 0; i < config_.front_threads(); ++i) loops_.push_back(std::make_unique<net::Io>(1));
    zygote_ = std::make_unique<inspect::pool::ZygoteClient>(
        *loops_.front(), inspect::engine::encode_settings(config_.inspector));
    start_engine();
    GATEHOUSE_TRY(auto settings, session_settings(config_));
    const receive::session::Shared shared{*clock_, connections_, memory_, counters_,
                                          static_cast<std::uint8_t>(config_.process.node)};
    for (auto& loop : loops_) {
        GATEHOUSE_TRY(auto strand,
                      Strand::make({*loop, *clock_, config_, *zygote_, engine_.get(), *hop_tls_, *quarantine_,
                                    *queue_, *recorder_, *policy_, storage_, shared, settings}));
        strands_.push_back(std::move(strand));
    }
    queue_->set_wake([this] {
        for (auto& strand : strands_) strand->deliverer.wake();
    });
    return {};
}

Result<void> Front::listen() {
    GATEHOUSE_TRY(auto zygote, take_fd(beginning_, "zygote"));
    zygote_->install(std::move(zygote));
    for (std::size_t next = 0; beginning_.fds.contains("smtp"); ++next) {
        GATEHOUSE_TRY(auto listener, take_fd(beginning_, "smtp"));
        GATEHOUSE_CHECK(strands_[next % strands_.size()]->server.listen(std::move(listener)));
    }
    desk_ = std::make_unique<Desk>(*recorder_, *quarantine_, *clock_);
    desk_->set_release([this](const auto& item, const auto& working) { return release(item, working); });
    queue_desk_ = std::make_unique<QueueDesk>(*queue_, *recorder_, *clock_);
    queue_desk_->set_notices([this](const auto& item) { return notices_of_deletion(item); });
    queue_desk_->set_forget_down([this] { forget_down(); });
    GATEHOUSE_TRY(auto control, take_fd(beginning_, "control"));
    control_ = std::make_unique<ControlServer>(
        std::move(control), config_.group_id(),
        [this](const pb::ControlRequest& request, ControlReplies& replies) { answer(request, replies); });
    GATEHOUSE_CHECK(say_ready(beginning_.channel, "{}"));
    GATEHOUSE_TRY(auto channel, net::FrameChannel::adopt(*loops_.front(), beginning_.channel.release(),
                                                         base::kInspectorFrameLimit));
    supervisor_.emplace(std::move(channel));
    net::asio::co_spawn(*loops_.front(), obey_supervisor(), net::asio::detached);
    net::asio::co_spawn(*loops_.front(), keep_quarantine_tidy(), net::asio::detached);
    for (auto& strand : strands_)
        net::asio::co_spawn(strand->io, strand->deliverer.run(), net::asio::detached);
    tidier_ = std::jthread([this](const std::stop_token& stop) { keep_queue_tidy(stop); });
    scrubber_ = std::jthread([this](const std::stop_token& stop) { keep_queue_scrubbed(stop); });
    return {};
}

int Front::run() {
    for (std::size_t i = 1; i < loops_.size(); ++i) {
        threads_.emplace_back([loop = loops_[i].get()] {
            const auto guard = net::asio::make_work_guard(*loop);
            loop->run();
        });
    }
    loops_.front()->run();
    return 0;
}

// --- the supervisor's words
// ---------------------------------------------------------------------------------------

net::Task<void> Front::obey_supervisor() {
    while (true) {
        const auto frame = co_await supervisor_->receive(kNever);
        pb::SupervisorWord word;
        if (!frame || !word.ParseFromString(*frame)) break;
        if (word.has_drain() &&
            !is_draining_.exchange(true)) {  // beside this: zygotes may still be exchanged
            net::asio::co_spawn(*loops_.front(), drain_and_stop(std::chrono::seconds(word.drain().seconds())),
                                net::asio::detached);
        }
        if (const auto done = obey(word); !done) base::log(LogLevel::error, "{}", done.error().sentence);
    }
    base::log(LogLevel::error, "the supervisor is gone; ending");
    loops_.front()->stop();
}

Result<void> Front::obey(const pb::SupervisorWord& word) {
    if (word.has_start()) return take_settings(word.start());
    if (!word.has_new_end()) return {};
    auto fd = supervisor_->take_fd();
    if (!fd)
        return base::fail(Fault::malformed, "the supervisor sent no descriptor with {}",
                          word.new_end().name());
    if (word.new_end().name() == "zygote") zygote_->install(std::move(*fd));
    if (word.new_end().name() == "engine_log" && engine_) {
        engine_->log.replace_pipe(std::move(*fd));
        engine_->state.note_loading(clock_->steady());
    }
    return {};
}

Result<void> Front::take_settings(const pb::RoleStart& start) {
    GATEHOUSE_TRY(Config fresh, Config::from_start(start));
    GATEHOUSE_TRY(auto snapshot, make_snapshot(fresh));
    // Only what can change under running sessions: policy, session limits, certificate, inspectors' settings.
    // Everything that can fail comes first; config_ stays what this front was started with.
    GATEHOUSE_TRY(auto settings, session_settings(fresh));
    if (tls_) GATEHOUSE_CHECK(tls_->exchange(certificate_of(start)));
    memory_.set_limit(memory_limit(fresh));
    zygote_->set_settings(inspect::engine::encode_settings(fresh.inspector));
    policy_->exchange(snapshot);
    for (auto& strand : strands_) {
        net::asio::post(strand->io, [&server = strand->server, settings] { server.apply(settings); });
    }
    base::log(LogLevel::info, "settings applied; revision {}", snapshot->revision.id);
    return {};
}

net::Task<void> Front::keep_quarantine_tidy() {
    net::Timer pause(*loops_.front());
    while (!is_draining_) {
        pause.expires_after(kTidyInterval);
        co_await pause.async_wait(net::kTuple);
        auto& quarantine = *quarantine_;
        auto tidy = [&quarantine]() -> Result<void> { return quarantine.tidy(); };
        const auto done = co_await net::offload(*loops_.front(), storage_, std::move(tidy));
        if (!done) base::log(LogLevel::warning, "quarantine: {}", done.error().sentence);
    }
}

/// Until it is to stop; what it came to is logged when it is no success.
template <typename Work>
void Front::every(std::chrono::seconds time, const std::stop_token& stop, const Work& work) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    while (!wake.wait_for(lock, stop, time, [] { return false; }) && !stop.stop_requested()) {
        if (const auto done = work(); !done && !stop.stop_requested())
            base::log(LogLevel::warning, "queue: {}", done.error().sentence);
    }
}

void Front::keep_queue_tidy(const std::stop_token& stop) {
    const auto warn = std::chrono::hours(config_.delivery.warn_hours);
    if (const auto done = queue_->tidy(warn); !done)
        base::log(LogLevel::warning, "queue: {}", done.error().sentence);
    every(kQueueTidyInterval, stop, [&] { return queue_->tidy(warn); });
}

/// On a thread of its own: it may take hours. Twice in the time that is promised.
void Front::keep_queue_scrubbed(const std::stop_token& stop) {
    every(std::chrono::seconds(config_.queue.scrub_minutes * 30), stop, [&] { return queue_->scrub(); });
}

bool Front::is_delivering() const {
    return std::any_of(strands_.begin(), strands_.end(),
                       [](const auto& strand) { return !strand->deliverer.is_idle(); });
}

net::Task<void> Front::drain_and_stop(std::chrono::seconds patience) {
    const auto left =
        std::make_shared<std::atomic<std::size_t>>(strands_.size());  // shared with the other loops
    for (auto& strand : strands_) {
        net::asio::post(strand->io, [&deliverer = strand->deliverer] { deliverer.stop(); });
        net::asio::co_spawn(
            strand->io,
            [](Strand& one, std::chrono::seconds time,
               std::shared_ptr<std::atomic<std::size_t>> count) -> net::Task<void> {
                co_await one.server.drain(time);
                count->fetch_sub(1);
            }(*strand, patience, left),
            net::asio::detached);
    }
    net::Timer tick(*loops_.front());
    const auto give_up = clock_->steady() + patience;  // of releases and deliveries; sessions have their own
    const auto is_busy = [this] { return releases_.load() != 0 || is_delivering(); };
    while (left->load() != 0 || (is_busy() && clock_->steady() < give_up)) {
        tick.expires_after(std::chrono::milliseconds(20));
        co_await tick.async_wait(net::kTuple);
    }
    base::log(LogLevel::info, "drained");
    for (auto& loop : loops_) loop->stop();
}

}  // namespace gatehouse::apps
