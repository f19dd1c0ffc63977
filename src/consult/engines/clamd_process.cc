#include "consult/engines/clamd_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <thread>

#include "base/text.h"
#include "consult/engines/child_setup.h"
#include "consult/engines/clamd_control.h"
#include "consult/engines/database_folder.h"

namespace gatehouse::consult::engines {

namespace fs = std::filesystem;
using base::Fault;
using base::Fd;
using base::Result;

namespace {

constexpr std::chrono::milliseconds kSurvivorPatience{2000};
constexpr std::chrono::milliseconds kReportPatience{10'000};
constexpr std::chrono::milliseconds kReloadPatience{2000};

struct Pipe {
    Fd read;
    Fd write;
};

Result<Pipe> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        return base::fail_errno(Fault::limit, "no pipe could be made", errno);
    return Pipe{Fd(ends[0]), Fd(ends[1])};
}

std::string words_of(SetupStep step) {
    switch (step) {
        case SetupStep::network:
            return "the engine is not cut off from the network";
        case SetupStep::scratch:
            return "the engine's scratch folder is not in private memory";
        case SetupStep::rights:
            return "the engine's privileges could not be dropped for good";
        case SetupStep::limits:
            return "the engine's resource limits could not be set";
        case SetupStep::folder:
            return "the engine cannot enter its folder";
        case SetupStep::user:
            return "the engine cannot become its user";
        case SetupStep::exec:
            return "clamd cannot be executed";
    }
    return "the engine could not be set up";
}

bool is_fatal(SetupStep step) {
    return step == SetupStep::folder || step == SetupStep::user || step == SetupStep::exec;
}

Result<void> make_folder(const std::string& path, mode_t mode, const std::optional<EngineUser>& owner) {
    GATEHOUSE_CHECK(base::make_folders(path, mode));
    if (owner && ::chown(path.c_str(), owner->uid, owner->gid) != 0)
        return base::fail_errno(Fault::unavailable, fmt::format("cannot give {} to the engine", path), errno);
    if (::chmod(path.c_str(), mode) != 0)  // last: a change of owner takes setgid away
        return base::fail_errno(Fault::unavailable, fmt::format("cannot set the mode of {}", path), errno);
    return {};
}

/// The pid in the lock file is only written under the lock, so its holder is an engine of ours.
void kill_survivor(const std::string& lock_path) {
    const auto text = base::read_file(lock_path, 32);
    const auto pid = text ? base::parse_unsigned(base::trim(*text)) : std::nullopt;
    if (!pid || *pid <= 1 || *pid > 0x7FFFFFFF) return;
    const auto name = base::read_file(fmt::format("/proc/{}/comm", *pid), 64);
    if (name && base::trim(*name) == "clamd") ::kill(static_cast<pid_t>(*pid), SIGKILL);
}

}  // namespace

std::optional<EngineUser> find_engine_user(const std::vector<std::string>& names) {
    for (const auto& name : names) {
        passwd entry{};
        passwd* found = nullptr;
        std::string space(16'384, '\0');
        if (::getpwnam_r(name.c_str(), &entry, space.data(), space.size(), &found) == 0 && found != nullptr)
            return EngineUser{.uid = entry.pw_uid, .gid = entry.pw_gid};
    }
    return std::nullopt;
}

Result<std::string> find_clamd() {
    for (const char* path :
         {"/usr/sbin/clamd", "/usr/local/sbin/clamd", "/usr/bin/clamd", "/usr/local/bin/clamd"}) {
        if (::access(path, X_OK) == 0) return std::string(path);
    }
    return base::fail(
        Fault::not_found,
        "clamd is not installed: run `apt-get install clamav-daemon`, or set antivirus.clamd to "
        "unix:PATH or off");
}

std::string clamd_socket(const std::string& engine_folder) {
    return engine_folder + "/" + std::string(kClamdSocket);
}

std::string apparmor_hint() {
    constexpr std::size_t kMost = 4U << 20;
    const auto profiles = base::read_file("/sys/kernel/security/apparmor/profiles", kMost);
    if (!profiles || !profiles->contains("/usr/sbin/clamd (enforce)")) return "";
    const auto local = base::read_file("/etc/apparmor.d/local/usr.sbin.clamd", kMost);
    if (local && local->contains("gatehouse")) return "";
    return "AppArmor confines clamd to Debian's folders; install packaging/apparmor/gatehouse-clamd as it "
           "says";
}

std::string describe_exit(int wait_status) {
    if (WIFSIGNALED(wait_status)) return fmt::format("was killed by signal {}", WTERMSIG(wait_status));
    return fmt::format("ended with status {}", WEXITSTATUS(wait_status));
}

ManagedClamd::ManagedClamd(ManagedClamd&& other) noexcept
    : plan_(std::move(other.plan_)),
      database_(std::move(other.database_)),
      confinement_(std::move(other.confinement_)),
      log_(std::move(other.log_)),
      pid_(std::exchange(other.pid_, -1)) {}

ManagedClamd& ManagedClamd::operator=(ManagedClamd&& other) noexcept {
    if (this == &other) return *this;
    stop(std::chrono::milliseconds(0));
    plan_ = std::move(other.plan_);
    database_ = std::move(other.database_);
    confinement_ = std::move(other.confinement_);
    log_ = std::move(other.log_);
    pid_ = std::exchange(other.pid_, -1);
    return *this;
}

ManagedClamd::~ManagedClamd() {
    stop(std::chrono::milliseconds(0));
}

Result<ManagedClamd> ManagedClamd::start(ClamdPlan plan) {
    if (plan.program.empty()) {
        GATEHOUSE_TRY(plan.program, find_clamd());
    }
    if (::geteuid() != 0) plan.user.reset();
    plan.config.socket_for_group = plan.user.has_value();
    ManagedClamd out(std::move(plan));
    GATEHOUSE_CHECK(out.prepare_folders());
    GATEHOUSE_TRY(const Fd lock, out.take_lock());
    out.database_ = survey_database(out.plan_.database);
    GATEHOUSE_CHECK(install_database(out.plan_.folder, out.plan_.database, out.database_));
    const std::string config = out.plan_.folder + "/" + std::string(kClamdConfigName);
    GATEHOUSE_CHECK(base::replace_file(config, render_clamd_config(out.plan_.config), 0644));
    if (::chmod(config.c_str(), 0644) != 0)
        return base::fail_errno(Fault::unavailable, fmt::format("cannot set the mode of {}", config), errno);
    GATEHOUSE_CHECK(out.spawn(lock.get()));
    return out;
}

Result<void> ManagedClamd::prepare_folders() {
    const auto sub = [this](std::string_view name) { return plan_.folder + "/" + std::string(name); };
    GATEHOUSE_CHECK(make_folder(plan_.folder, 0755, std::nullopt));
    // The socket's folder: the engine makes it, the group may enter; setgid gives the socket to that group.
    auto owner = plan_.user;
    if (owner && plan_.socket_group) owner->gid = *plan_.socket_group;
    GATEHOUSE_CHECK(make_folder(sub(kClamdRun), owner ? 02750 : 0700, owner));
    return make_folder(sub(kClamdScratch), 0700, plan_.user);
}

Result<Fd> ManagedClamd::take_lock() {
    const std::string path = plan_.folder + "/lock";
    Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file) return base::fail_errno(Fault::unavailable, fmt::format("cannot open {}", path), errno);
    const auto end = std::chrono::steady_clock::now() + kSurvivorPatience;
    while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return base::fail_errno(Fault::unavailable, fmt::format("cannot lock {}", path), errno);
        if (std::chrono::steady_clock::now() > end)
            return base::fail(Fault::unavailable, "another engine runs in {}", plan_.folder);
        kill_survivor(path);
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return file;
}

namespace {

/// Strings that the child points into; they live on the parent's stack during the fork.
struct SetupText {
    std::string scratch;
    std::string options;
    std::string uid_map;
    std::string gid_map;
    std::vector<std::string> words;
    std::vector<std::string> environment{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "TZ=UTC0"};
    std::vector<char*> word_pointers;
    std::vector<char*> environment_pointers;
};

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> out;
    out.reserve(texts.size() + 1);
    for (auto& text : texts) out.push_back(text.data());
    out.push_back(nullptr);
    return out;
}

SetupText make_setup_text(const ClamdPlan& plan) {
    const uid_t uid = plan.user ? plan.user->uid : ::geteuid();
    const gid_t gid = plan.user ? plan.user->gid : ::getegid();
    SetupText out;
    out.scratch = plan.folder + "/" + std::string(kClamdScratch);
    out.options =
        fmt::format("size={},nr_inodes=100000,mode=0700,uid={},gid={}", plan.scratch_bytes, uid, gid);
    out.uid_map = fmt::format("{0} {0} 1", uid);
    out.gid_map = fmt::format("{0} {0} 1", gid);
    out.words = {plan.program, "-c", std::string(kClamdConfigName)};
    return out;
}

}  // namespace

Result<void> ManagedClamd::spawn(int lock_fd) {
    GATEHOUSE_TRY(Pipe log_pipe, make_pipe());
    GATEHOUSE_TRY(Pipe report_pipe, make_pipe());
    const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!null) return base::fail_errno(Fault::unavailable, "cannot open /dev/null", errno);
    SetupText text = make_setup_text(plan_);
    text.word_pointers = pointers_to(text.words);
    text.environment_pointers = pointers_to(text.environment);
    ChildSetup setup;
    setup.program = plan_.program.c_str();
    setup.words = text.word_pointers.data();
    setup.environment = text.environment_pointers.data();
    setup.folder = plan_.folder.c_str();
    setup.scratch = text.scratch.c_str();
    setup.scratch_options = text.options.c_str();
    setup.uid_map = text.uid_map.c_str();
    setup.gid_map = text.gid_map.c_str();
    setup.change_user = plan_.user.has_value();
    setup.uid = plan_.user ? plan_.user->uid : 0;
    setup.gid = plan_.user ? plan_.user->gid : 0;
    setup.max_files = clamd_descriptors(plan_.config);
    setup.max_file_bytes = plan_.config.limits.scan_bytes + 1;  // less makes clamd complain
    setup.null_fd = null.get();
    setup.log_fd = log_pipe.write.get();
    setup.lock_fd = lock_fd;
    setup.report_fd = report_pipe.write.get();
    setup.parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) become_engine(setup);
    if (pid_ < 0) return base::fail_errno(Fault::limit, "the engine could not be started", errno);
    const std::string number = std::to_string(pid_) + "\n";
    if (::ftruncate(lock_fd, 0) == 0) [[maybe_unused]]
        const auto wrote = ::pwrite(lock_fd, number.data(), number.size(), 0);
    report_pipe.write.reset();
    ::fcntl(log_pipe.read.get(), F_SETFL, O_NONBLOCK);
    log_ = std::move(log_pipe.read);
    return read_report(report_pipe.read.get());
}

/// Ends with exec, which closes the child's end, or with its death.
Result<void> ManagedClamd::read_report(int report_fd) {
    const auto end = std::chrono::steady_clock::now() + kReportPatience;
    while (true) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        pollfd wanted{.fd = report_fd, .events = POLLIN, .revents = 0};
        const int ready = ::poll(&wanted, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) return base::fail(Fault::timed_out, "the engine did not start");
        SetupRecord record;
        const ssize_t got = ::read(report_fd, &record, sizeof record);
        if (got != static_cast<ssize_t>(sizeof record)) return {};
        const std::string words = words_of(record.step);
        if (is_fatal(record.step)) return base::fail_errno(Fault::unavailable, words, record.error_number);
        confinement_.no_network &= record.step != SetupStep::network;
        confinement_.private_scratch &= record.step != SetupStep::scratch;
        confinement_.no_new_rights &= record.step != SetupStep::rights;
        confinement_.missing.push_back(
            base::fail_errno(Fault::refused, words, record.error_number).error().sentence);
    }
}

std::optional<int> ManagedClamd::poll_exit() {
    if (pid_ <= 0) return std::nullopt;
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
    pid_ = -1;
    return status;
}

void ManagedClamd::stop(std::chrono::milliseconds patience) {
    if (pid_ <= 0) return;
    const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    if (patience.count() > 0 && process) {
        ::kill(pid_, SIGTERM);
        pollfd wanted{.fd = process.get(), .events = POLLIN, .revents = 0};
        ::poll(&wanted, 1, static_cast<int>(patience.count()));
    }
    if (poll_exit()) return;
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
}

Result<bool> ManagedClamd::refresh_database() {
    auto found = survey_database(plan_.database);
    if (found.generation == database_.generation) return false;
    GATEHOUSE_CHECK(install_database(plan_.folder, plan_.database, found));
    database_ = std::move(found);
    GATEHOUSE_CHECK(ask_clamd(socket(), "RELOAD", kReloadPatience));
    return true;
}

}  // namespace gatehouse::consult::engines
