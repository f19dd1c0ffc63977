#include "apps/gatehouse/engine_keeper.h"

#include <signal.h>

#include <algorithm>

#include "base/log.h"
#include "base/time.h"
#include "consult/engines/database_folder.h"

namespace gatehouse::apps {

using base::LogLevel;
using consult::engines::ClamdMode;
using namespace std::chrono_literals;

namespace {

constexpr auto kFirstBackOff = 250ms;
constexpr auto kLongestBackOff = 30'000ms;
constexpr auto kStopPatience = 3000ms;
constexpr auto kDatabaseInterval = 60s;
constexpr auto kWatchInterval = 10s;
constexpr auto kBeyondScanTimeout = 30s;

}  // namespace

base::Result<consult::engines::ClamdPlan> engine_plan(const Config& config, const std::string& folder) {
    consult::engines::ClamdPlan plan;
    plan.folder = folder;
    if (!config.antivirus.database.empty())
        plan.database = path_beside(config.texts.folder, config.antivirus.database);
    plan.config.limits = config.engine_limits();
    plan.config.threads = consult::engines::engine_threads(config.antivirus);
    plan.config.bytecode = config.antivirus.bytecode;
    plan.scratch_bytes = static_cast<std::uint64_t>(config.antivirus.scratch_size);
    if (const unsigned uid = config.role_uid("engine"); uid != 0) {
        plan.user = consult::engines::EngineUser{uid, config.engine_group()};
        plan.socket_group = config.group_id();
    }
    return plan;
}

EngineKeeper::EngineKeeper(const Config& config) {
    plan(config);
}

void EngineKeeper::plan(const Config& config) {
    mode_ = config.antivirus.clamd;
    plan_.reset();
    const auto mode = consult::engines::parse_clamd_mode(mode_);
    if (!mode || mode->kind != ClamdMode::Kind::managed) return;
    auto planned = engine_plan(config, config.state_path("engine"));
    if (planned) plan_ = std::move(*planned);
}

void EngineKeeper::start_when_due() {
    if (!plan_ || engine_ || Steady::now() < start_at_) return;
    auto started = consult::engines::ManagedClamd::start(*plan_);
    started_ = Steady::now();
    if (!started) {
        if (problem_ != started.error().sentence) {
            base::log(LogLevel::error, "engine: {}", started.error().sentence);
        }
        problem_ = started.error().sentence;
        back_off_ = std::clamp<std::chrono::milliseconds>(back_off_ * 2, kFirstBackOff, kLongestBackOff);
        start_at_ = started_ + back_off_;
        return;
    }
    problem_.clear();
    engine_ = std::move(*started);
    watch_.emplace(engine_->socket(), kWatchInterval,
                   std::chrono::milliseconds(plan_->config.limits.scan_ms) + kBeyondScanTimeout);
    log_ = engine_->take_log();
    log_is_fresh_ = true;
    look_at_ = started_ + kDatabaseInterval;
    for (const auto& missing : engine_->confinement().missing) {
        base::log(LogLevel::warning, "engine confinement: {}", missing);
    }
    base::log(LogLevel::info, "clamd started (pid {})", engine_->pid());
}

bool EngineKeeper::on_exit(pid_t pid, int status) {
    if (!engine_ || engine_->pid() != pid) return false;
    engine_->note_reaped();
    engine_.reset();
    ++restarts_;
    const bool was_stable = Steady::now() - started_ > 30s;
    back_off_ = was_stable
                    ? kFirstBackOff
                    : std::clamp<std::chrono::milliseconds>(back_off_ * 2, kFirstBackOff, kLongestBackOff);
    start_at_ = Steady::now() + back_off_;
    problem_ = "clamd " + consult::engines::describe_exit(status);
    base::log(LogLevel::error, "{}; starting it again in {} ms", problem_, back_off_.count());
    if (!was_stable) {
        if (const auto hint = consult::engines::apparmor_hint(); !hint.empty())
            base::log(LogLevel::warning, "{}", hint);
    }
    return true;
}

void EngineKeeper::check() {
    if (engine_ && watch_->is_stuck(Steady::now())) {
        base::log(LogLevel::error, "clamd (pid {}) scans no more and is ended", engine_->pid());
        ::kill(engine_->pid(), SIGKILL);  // its end arrives at on_exit
        watch_.emplace(engine_->socket(), kWatchInterval, std::chrono::hours(1));
        return;
    }
    if (!engine_ || Steady::now() < look_at_) return;
    look_at_ = Steady::now() + kDatabaseInterval;
    const auto fresh = engine_->refresh_database();
    if (!fresh) base::log(LogLevel::warning, "engine databases: {}", fresh.error().sentence);
    if (fresh && *fresh) base::log(LogLevel::info, "engine databases changed; clamd reloads them");
}

void EngineKeeper::restart(const Config& config) {
    stop();
    plan(config);
    start_at_ = {};
    back_off_ = 0ms;
    start_when_due();
}

void EngineKeeper::stop() {
    if (engine_) engine_->stop(kStopPatience);
    engine_.reset();
}

std::optional<base::Fd> EngineKeeper::take_fresh_log() {
    if (!log_is_fresh_) return std::nullopt;
    log_is_fresh_ = false;
    return copy_of_log();
}

std::optional<base::Fd> EngineKeeper::copy_of_log() const {
    if (!log_) return std::nullopt;
    auto copy = log_.duplicate();
    if (!copy) return std::nullopt;
    return std::move(*copy);
}

boost::json::object EngineKeeper::status() const {
    boost::json::object out{{"clamd", mode_}, {"restarts", restarts_}};
    if (!problem_.empty()) out["problem"] = problem_;
    if (!engine_) return out;
    const auto& database = engine_->database();
    out["pid"] = engine_->pid();
    out["database_files"] = database.files.size();
    out["signatures"] = database.signatures;
    if (database.built) out["database_built"] = base::to_rfc3339(*database.built);
    if (!database.problem.empty()) out["database_problem"] = database.problem;
    boost::json::array missing;
    for (const auto& one : engine_->confinement().missing) missing.push_back(boost::json::value(one));
    out["confinement_missing"] = std::move(missing);
    return out;
}

}  // namespace gatehouse::apps
