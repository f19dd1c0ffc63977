#include "apps/gatehouse/supervisor.h"

#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "apps/gatehouse/child.h"
#include "apps/gatehouse/engine_keeper.h"
#include "apps/gatehouse/expression_keeper.h"
#include "apps/gatehouse/state_folder.h"
#include "base/fd_passing.h"
#include "base/log.h"
#include "net/listen.h"

namespace gatehouse::apps {

using base::Fault;
using base::Fd;
using base::LogLevel;
using base::Result;
using namespace std::chrono_literals;

namespace {

constexpr auto kFirstBackOff = 100ms;
constexpr auto kLongestBackOff = 10'000ms;
constexpr auto kStableAfter = 30s;
constexpr auto kDrainTime = 60s;
constexpr auto kFirstStart = 30s;  // what fails in it is a fault of the configuration or the machine
constexpr auto kAfterDrain = 10s;  // to end what the drain has left

}  // namespace

Supervisor::Supervisor(Config config, RunOptions options)
    : config_(std::move(config)), options_(std::move(options)) {}

Supervisor::~Supervisor() = default;

Result<std::unique_ptr<Supervisor>> Supervisor::make(const RunOptions& options) {
    GATEHOUSE_TRY(Config config, load_config(options.config_path));
    for (const auto& warning : config.warnings) base::log(LogLevel::warning, "{}", warning);
    std::unique_ptr<Supervisor> supervisor(new Supervisor(std::move(config), options));
    GATEHOUSE_CHECK(supervisor->prepare());
    GATEHOUSE_CHECK(supervisor->bind_everything());
    return supervisor;
}

Result<void> Supervisor::prepare() {
    GATEHOUSE_TRY(lock_, lock_state_folder(config_));
    raise_descriptor_limit(config_);
    GATEHOUSE_CHECK(prepare_state_folder(config_));
    GATEHOUSE_TRY(certificate_, read_certificate(config_));
    if (options_.demo_sink && !std::filesystem::exists(config_.state_path("made-by-run"))) {
        return base::fail(
            Fault::refused,
            "the demonstration sink starts only for a state folder that ./run made, and {} is not one",
            config_.state_path(""));
    }
    const auto add = [&](const std::string& name, std::vector<std::string> words = {}) -> Result<void> {
        GATEHOUSE_TRY(const std::string program, program_beside("gatehouse-" + name));
        words.insert(words.begin(), "gatehouse-" + name);
        Role role;
        role.name = name;
        role.program = program;
        role.words = std::move(words);
        role.uid = config_.role_uid(name);
        roles_.push_back(std::move(role));
        return {};
    };
    if (options_.demo_sink) GATEHOUSE_CHECK(add("sink", {config_.demo_sink_address()}));
    GATEHOUSE_CHECK(add("inspector"));
    GATEHOUSE_CHECK(add("front"));
    if (config_.admin.listen != "off") GATEHOUSE_CHECK(add("admin"));
    engine_ = std::make_unique<EngineKeeper>(config_);
    expressions_ = std::make_unique<ExpressionKeeper>();
    GATEHOUSE_CHECK(expressions_->use(config_, clock_));
    return {};
}

Result<void> Supervisor::bind_everything() {
    for (const auto& address : config_.smtp.listen) {
        GATEHOUSE_TRY(auto bound, net::listen_on(address, config_.front_threads()));
        std::move(bound.begin(), bound.end(), std::back_inserter(smtp_listeners_));
    }
    if (config_.admin.listen != "off") {
        GATEHOUSE_TRY(admin_listeners_, net::listen_on(config_.admin.listen, 1));
    }
    GATEHOUSE_TRY(control_, ipc::listen_unix(config_.state_path("run/gatehouse.sock"), 0660));
    GATEHOUSE_TRY(front_control_, ipc::listen_unix(config_.state_path("run/front.sock"), 0660));
    GATEHOUSE_TRY(admin_control_, ipc::listen_unix(config_.state_path("run/admin.sock"), 0660));
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) ::sigaddset(&set, signal);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    signals_ = Fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals_) return base::fail_errno(Fault::limit, "no signal descriptor could be made", errno);
    return {};
}

// --- roles
// --------------------------------------------------------------------------------------------------------

Supervisor::Role* Supervisor::find(std::string_view name) {
    const auto at = std::find_if(roles_.begin(), roles_.end(), [&](const Role& r) { return r.name == name; });
    return at == roles_.end() ? nullptr : &*at;
}

std::vector<Supervisor::NamedFd> Supervisor::fds_for(const Role& role) {
    std::vector<NamedFd> fds;
    if (role.name == "front") {
        for (const auto& listener : smtp_listeners_) fds.push_back({"smtp", listener.get()});
        fds.push_back({"control", front_control_.get()});
        fds.push_back({"zygote", front_end_.get()});
        if (auto log = engine_->copy_of_log(); log) {
            engine_log_ = std::move(*log);
            fds.push_back({"engine_log", engine_log_.get()});
        }
    }
    if (role.name == "admin") {
        for (const auto& listener : admin_listeners_) fds.push_back({"https", listener.get()});
        fds.push_back({"control", admin_control_.get()});
    }
    return fds;
}

std::string Supervisor::start_frame(const Role& role, const std::vector<NamedFd>& fds) const {
    pb::SupervisorWord word;
    auto& start = *word.mutable_start();
    config_.write_start(start);
    start.set_mark(options_.demo_sink ? "DEMO" : "");
    start.set_uid(role.uid);
    start.set_gid(role.uid == 0 ? 0 : config_.group_id());
    start.set_tls_certificate(certificate_.certificate);
    start.set_tls_key(certificate_.key);
    for (const auto& fd : fds) start.add_fds(fd.name);
    return word.SerializeAsString();
}

Result<void> Supervisor::start_inspector(Role& role) {
    GATEHOUSE_CHECK(renew_inspector_link());
    // It speaks with the front alone (ipc/zygote.proto); the supervisor only hears of its end.
    role.words = {"gatehouse-inspector", "--channel", "3"};
    if (role.uid != 0) {
        role.words.insert(role.words.end(), {"--user", fmt::format("{}:{}", role.uid, config_.group_id())});
    }
    std::vector<int> fds{inspector_end_.get()};
    if (const auto& expressions = expressions_->current(); expressions) {
        fds.push_back(expressions.get());
        role.words.insert(role.words.end(), {"--expressions", "4"});
    }
    GATEHOUSE_TRY(role.pid, start_child({role.program, role.words, fds}));
    inspector_end_.reset();
    role.ready = true;
    role.started = Steady::now();
    return {};
}

Result<void> Supervisor::start(Role& role) {
    if (role.name == "inspector") return start_inspector(role);
    const auto fds = fds_for(role);
    GATEHOUSE_TRY(auto pair, base::make_socket_pair());
    GATEHOUSE_TRY(role.pid, start_child({role.program, role.words, {pair.second.get()}}));
    pair.second.reset();
    role.channel.emplace(std::move(pair.first), base::kControlFrameLimit);
    role.ready = false;
    role.report.clear();
    role.started = Steady::now();
    std::vector<int> numbers;
    for (const auto& fd : fds) numbers.push_back(fd.fd);
    const auto sent = role.channel->send(start_frame(role, fds), numbers);
    if (role.name == "front") {
        front_trees_ = config_.trees;
        told_trees_ = config_.trees;
        if (sent) front_end_.reset();
        engine_log_.reset();
    }
    if (!sent) end_role(role, SIGKILL);  // it would wait for its start in vain
    return sent;
}

Result<void> Supervisor::renew_inspector_link() {
    GATEHOUSE_TRY(auto pair, base::make_socket_pair());
    inspector_end_ = std::move(pair.first);
    front_end_ = std::move(pair.second);
    hand_over_zygote();
    return {};
}

/// A front that is not ready hears of nothing but its start: it takes the newest end with it, or right after.
void Supervisor::hand_over_zygote() {
    const Role* front = find("front");
    if (!front_end_ || front == nullptr || !front->ready) return;
    hand_to_front("zygote", front_end_);
    front_end_.reset();
}

void Supervisor::start_due_roles() {
    const auto now = Steady::now();
    for (auto& role : roles_) {
        if (role.pid >= 0 || stopping_ || now < role.start_at) continue;
        if (role.name == "front" && !front_end_) continue;  // its inspector comes first
        if (auto started = start(role); !started) {
            base::log(LogLevel::error, "{} could not be started: {}", role.name, started.error().sentence);
            role.back_off = std::clamp(role.back_off * 2, std::chrono::milliseconds(kFirstBackOff),
                                       std::chrono::milliseconds(kLongestBackOff));
            role.start_at = now + role.back_off;
        }
    }
    if (stopping_) return;
    engine_->start_when_due();
    const Role* front = find("front");
    if (front == nullptr || !front->ready) return;
    if (auto log = engine_->take_fresh_log(); log) hand_to_front("engine_log", *log);
}

void Supervisor::hand_to_front(const std::string& name, const Fd& fd) {
    Role* front = find("front");
    if (front == nullptr || front->pid < 0 || !front->channel) return;
    pb::SupervisorWord word;
    word.mutable_new_end()->set_name(name);
    const std::array<int, 1> fds{fd.get()};
    if (const auto sent = front->channel->send(word.SerializeAsString(), fds); !sent) {
        base::log(LogLevel::warning, "the front did not take {}: {}", name, sent.error().sentence);
    }
}

void Supervisor::end_role(Role& role, int signal) {
    if (role.pid <= 0) return;
    role.is_ending = true;
    ::kill(role.pid, signal);
}

void Supervisor::on_exit_of(Role& role, int status) {
    const auto lived = Steady::now() - role.started;
    role.pid = -1;
    role.ready = false;
    role.channel.reset();
    if (stopping_) return;
    const bool was_meant = std::exchange(role.is_ending, false) && lived > kFirstBackOff;
    const bool orderly = was_meant || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
    const bool gave_up = WIFEXITED(status) && WEXITSTATUS(status) >= 2;  // it said what it cannot work with
    if (gave_up && role.restarts == 0 && Steady::now() - began_ < kFirstStart) {
        base::log(LogLevel::error, "{} cannot start{}{}; stopping", role.name,
                  role.problem.empty() ? "" : ": ", role.problem);
        exit_code_ = 3;
        return stop_everything();
    }
    ++role.restarts;
    role.back_off =
        was_meant || lived > kStableAfter
            ? 0ms
            : std::clamp<std::chrono::milliseconds>(role.back_off * 2, kFirstBackOff, kLongestBackOff);
    role.start_at = Steady::now() + role.back_off;
    base::log(orderly ? LogLevel::info : LogLevel::error, "{} ended ({}); starting it again in {} ms",
              role.name,
              WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status))
                                  : fmt::format("exit {}", WEXITSTATUS(status)),
              role.back_off.count());
    // The workers' sockets die with the front, so the zygote is exchanged together with it.
    if (role.name != "front") return;
    if (Role* inspector = find("inspector"); inspector != nullptr) end_role(*inspector, SIGKILL);
    kill_front_at_.reset();
    if (std::exchange(restart_engine_, false)) engine_->restart(config_);
}

void Supervisor::on_child_exits() {
    int status = 0;
    for (pid_t pid = ::waitpid(-1, &status, WNOHANG); pid > 0; pid = ::waitpid(-1, &status, WNOHANG)) {
        if (engine_->on_exit(pid, status)) continue;
        const auto at =
            std::find_if(roles_.begin(), roles_.end(), [&](const Role& r) { return r.pid == pid; });
        if (at != roles_.end()) on_exit_of(*at, status);
    }
}

// --- the loop
// -----------------------------------------------------------------------------------------------------

void Supervisor::on_signal() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) {
            base::log(LogLevel::info, "stopping: open transactions get {} s", kDrainTime.count());
            stop_everything();
        }
        if (info.ssi_signo == SIGHUP) {
            const auto done = reload();
            base::log(done ? LogLevel::info : LogLevel::error, "reload: {}",
                      done ? *done : done.error().sentence);
        }
    }
    on_child_exits();
}

void Supervisor::stop_everything() {
    if (stopping_) {  // asked twice: now
        for (auto& role : roles_) end_role(role, SIGKILL);
        return;
    }
    stopping_ = true;
    stop_by_ = Steady::now() + kDrainTime + kAfterDrain;
    drain_front();
}

void Supervisor::drain_front() {
    Role* front = find("front");
    if (front == nullptr || front->pid <= 0) return;
    if (!front->ready) return end_role(*front, SIGTERM);  // it has taken no mail yet
    pb::SupervisorWord word;
    word.mutable_drain()->set_seconds(static_cast<std::uint32_t>(kDrainTime.count()));
    front->is_ending = true;
    (void)front->channel->send(word.SerializeAsString());
    kill_front_at_ = Steady::now() + kDrainTime + kAfterDrain;
}

void Supervisor::on_role_word(Role& role) {
    const auto frame = role.channel->receive(1000);
    if (!frame) {
        role.channel.reset();  // its exit is seen by SIGCHLD
        role.ready = false;
        return;
    }
    pb::RoleWord word;
    if (!word.ParseFromString(*frame)) return;
    if (word.has_ready()) {
        role.ready = true;
        role.report = word.ready().report_json();
        role.problem.clear();
        base::log(LogLevel::info, "{} is ready (pid {})", role.name, role.pid);
        if (role.name == "front") {
            hand_over_zygote();
            if (std::exchange(settings_due_, false)) send_settings_to_front();
        }
    }
    if (word.has_failed()) role.problem = word.failed().sentence();  // it logs that itself
}

int Supervisor::next_timeout_ms() const {
    auto next = Steady::now() + 1s;
    for (const auto& role : roles_) {
        if (role.pid < 0 && !stopping_) next = std::min(next, role.start_at);
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(next - Steady::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 1, 1000));
}

void Supervisor::poll_once() {
    std::vector<pollfd> watched{{signals_.get(), POLLIN, 0}, {control_.get(), POLLIN, 0}};
    std::vector<std::size_t> owners;
    for (std::size_t i = 0; i < roles_.size(); ++i) {
        if (!roles_[i].channel) continue;
        watched.push_back({roles_[i].channel->socket(), POLLIN, 0});
        owners.push_back(i);
    }
    if (::poll(watched.data(), watched.size(), next_timeout_ms()) <= 0) return;
    for (std::size_t i = 0; i < owners.size(); ++i) {
        if (watched[i + 2].revents != 0) on_role_word(roles_[owners[i]]);
    }
    if (watched[1].revents != 0) on_control();
    if (watched[0].revents != 0) on_signal();
}

int Supervisor::run() {
    while (true) {
        start_due_roles();
        poll_once();
        engine_->check();
        if (kill_front_at_ && Steady::now() > *kill_front_at_) {
            base::log(LogLevel::error, "the front did not end in time and is killed");
            if (Role* front = find("front"); front != nullptr) end_role(*front, SIGKILL);
            kill_front_at_.reset();
        }
        if (!stopping_) continue;
        Role* front = find("front");
        const bool drained = front == nullptr || front->pid < 0 || Steady::now() > stop_by_;
        if (!drained) continue;
        for (auto& role : roles_) end_role(role, SIGTERM);
        engine_->stop();
        const auto by = Steady::now() + 5s;
        const auto is_up = [](const Role& role) { return role.pid > 0; };
        while (std::any_of(roles_.begin(), roles_.end(), is_up) && Steady::now() < by) poll_once();
        for (auto& role : roles_) end_role(role, SIGKILL);
        base::log(LogLevel::info, "stopped");
        return exit_code_;
    }
}

}  // namespace gatehouse::apps
