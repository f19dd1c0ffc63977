#include "apps/gatehouse/state_folder.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "net/certificate.h"

namespace gatehouse::apps {

using base::Fault;
using base::Fd;
using base::Result;

namespace {

constexpr unsigned kFolderMode = 02770;  // setgid: readers share the group
// Root's own, and sticky: roles make files in it (the database), but no role can put anything else in the
// place of a folder that root will work in at the next start. The engine, of no group of ours, passes through
// to its folder.
constexpr unsigned kStateMode = 03771;
constexpr unsigned kFileMode = 0660;
constexpr int kDeepest = 16;
constexpr std::array<std::string_view, 8> kFolders{"run",   "journal", "records", "items", "items/quarantine",
                                                   "queue", "crashes", "engine"};
/// What the front writes below; `engine` and `keys` stay root's.
constexpr std::array<std::string_view, 6> kFrontFolders{"run",   "journal", "records",
                                                        "items", "queue",   "crashes"};

/// Tries, as that user, to enter the folder: parents that only root may pass would stop every role.
bool can_reach(const std::string& folder, unsigned uid, unsigned gid) {
    const pid_t pid = ::fork();
    if (pid < 0) return false;
    if (pid == 0) {
        const bool entered = ::setgroups(0, nullptr) == 0 && ::setresgid(gid, gid, gid) == 0 &&
                             ::setresuid(uid, uid, uid) == 0 &&
                             ::access(folder.c_str(), R_OK | W_OK | X_OK) == 0;
        ::_exit(entered ? 0 : 1);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

Result<void> give(const Fd& file, const std::string& path, unsigned uid, unsigned gid, unsigned mode) {
    const std::string name = fmt::format("/proc/self/fd/{}", file.get());
    if (::fchownat(file.get(), "", uid, gid, AT_EMPTY_PATH) != 0 || ::chmod(name.c_str(), mode) != 0) {
        return base::fail_errno(Fault::refused, fmt::format("cannot set the owner of {}", path), errno);
    }
    return {};
}

/// The entry of that folder itself, not what a role may have linked there: links that are not root's are
/// refused.
Result<Fd> open_own(const Fd& folder, const std::string& name, const std::string& path) {
    Fd file(::openat(folder.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat status{};
    if (!file || ::fstat(file.get(), &status) != 0)
        return base::fail_errno(Fault::refused, fmt::format("cannot open {}", path), errno);
    if (!S_ISLNK(status.st_mode)) {
        if (!S_ISDIR(status.st_mode) && status.st_nlink > 1)
            return base::fail(Fault::refused, "{} has more than one name; remove the other one first", path);
        return file;
    }
    if (status.st_uid != 0)
        return base::fail(Fault::refused, "{} is a symbolic link that root did not make; remove it first",
                          path);
    Fd target(::openat(folder.get(), name.c_str(), O_PATH | O_CLOEXEC));
    if (!target) return base::fail_errno(Fault::refused, fmt::format("cannot open {}", path), errno);
    return target;
}

struct Owner {
    unsigned uid = 0;
    unsigned gid = 0;
};

/// Everything below an open folder, each entry by its descriptor; links are passed over.
Result<void> give_below(const Fd& folder, const std::string& path, Owner owner, int depth) {
    if (depth > kDeepest) return base::fail(Fault::refused, "{} holds folders too deep for ours", path);
    const std::string self = fmt::format("/proc/self/fd/{}", folder.get());
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(self, error)) {
        const std::string name = entry.path().filename().string();
        const std::string full = path + "/" + name;
        if (entry.is_symlink(error)) continue;
        struct stat named{};
        const bool is_theirs = ::fstatat(folder.get(), name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
                               S_ISREG(named.st_mode) && named.st_uid == owner.uid;
        if (is_theirs) continue;  // also where a copy of a store shares it
        GATEHOUSE_TRY(const Fd file, open_own(folder, name, full));
        struct stat status{};
        ::fstat(file.get(), &status);
        const bool is_folder = S_ISDIR(status.st_mode);
        if (is_folder) GATEHOUSE_CHECK(give_below(file, full, owner, depth + 1));
        GATEHOUSE_CHECK(give(file, full, owner.uid, owner.gid, is_folder ? kFolderMode : kFileMode));
    }
    if (error) return base::fail(Fault::unavailable, "cannot look into {}: {}", path, error.message());
    return {};
}

/// `folders` of the state folder stay root's, what is in them becomes the front's.
Result<void> give_to_front(const Fd& state, const std::string& path, Owner front) {
    for (const auto folder : kFrontFolders) {
        const std::string name(folder);
        const std::string full = path + "/" + name;
        GATEHOUSE_TRY(const Fd file, open_own(state, name, full));
        GATEHOUSE_CHECK(give_below(file, full, front, 0));
        GATEHOUSE_CHECK(give(file, full, 0, front.gid, kFolderMode));
    }
    return {};
}

Result<void> make_certificate(const Config& config) {
    const std::string certificate = config.state_path("keys/tls.pem");
    const std::string key = config.state_path("keys/tls.key");
    if (std::filesystem::exists(certificate) && std::filesystem::exists(key)) return {};
    GATEHOUSE_TRY(const auto pair, net::make_self_signed(config.hostname(), base::Clock().wall()));
    GATEHOUSE_CHECK(base::replace_file(key, pair.key, 0600));
    return base::replace_file(certificate, pair.certificate, 0644);
}

/// A folder with other people's files is not taken over, whatever a typing error made of paths.state.
Result<void> check_is_ours(const std::string& state) {
    std::error_code error;
    if (!std::filesystem::exists(state, error) && !error) return {};
    const bool has_files = !error && !std::filesystem::is_empty(state, error);
    if (error)
        return base::fail(Fault::unavailable, "cannot look into the state folder {}: {}", state,
                          error.message());
    if (!has_files) return {};
    for (const char* mark : {"run/lock", "made-by-run"}) {
        if (std::filesystem::exists(std::filesystem::path(state) / mark, error)) return {};
    }
    return base::fail(
        Fault::refused,
        "paths.state = {}: the folder holds files and was not made by Gatehouse; name an empty or a new one",
        state);
}

}  // namespace

Result<Fd> lock_state_folder(const Config& config) {
    ::umask(007);
    GATEHOUSE_CHECK(check_is_ours(config.state_path("")));
    GATEHOUSE_CHECK(base::make_folders(config.state_path("run"), kFolderMode));
    const std::string path = config.state_path("run/lock");
    Fd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0660));
    if (!lock) return base::fail_errno(Fault::unavailable, fmt::format("cannot open {}", path), errno);
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        const auto holder = base::read_file(path, 64);
        return base::fail(Fault::unavailable, "the state folder {} is in use by process {}; stop it first",
                          config.state_path(""), holder ? base::printable(base::trim(*holder)) : "?");
    }
    if (::ftruncate(lock.get(), 0) != 0)
        return base::fail_errno(Fault::unavailable, "cannot write " + path, errno);
    GATEHOUSE_CHECK(base::write_all(lock.get(), std::to_string(::getpid()) + "\n"));
    return lock;
}

namespace {

Result<void> make_folders_in(const Config& config) {
    for (const auto folder : kFolders) {
        GATEHOUSE_CHECK(base::make_folders(config.state_path(std::string(folder)), kFolderMode));
    }
    GATEHOUSE_CHECK(base::make_folders(config.state_path("keys"), 0700));
    return make_certificate(config);
}

/// Before root makes or opens anything in it.
Result<void> check_for_links(const Fd& state, const std::string& path) {
    for (const auto folder : {"run", "journal", "records", "items", "queue", "crashes", "engine", "keys"}) {
        struct stat status{};
        if (::fstatat(state.get(), folder, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
        GATEHOUSE_CHECK(open_own(state, folder, path + "/" + folder));
    }
    return {};
}

Result<void> prepare_as_root(Config& config, const Fd& state) {
    const std::string path = config.state_path("");
    const Owner front{config.role_uid("front"), config.group_id()};
    GATEHOUSE_CHECK(give(state, path, 0, front.gid, kStateMode));
    GATEHOUSE_CHECK(check_for_links(state, path));
    GATEHOUSE_CHECK(make_folders_in(config));
    if (!can_reach(path, front.uid, front.gid)) {
        config.roles_stay_root = true;
        config.notes.push_back(fmt::format(
            "the front runs as root, because uid {} cannot reach {} (a folder above it is closed to others)",
            front.uid, path));
        return {};
    }
    GATEHOUSE_CHECK(give_to_front(state, path, front));
    const std::filesystem::path database = config.database_path();
    const Fd folder(::open(database.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (const auto* suffix : {"", "-wal", "-shm"}) {
        const std::string name = database.filename().string() + suffix;
        if (!folder || ::faccessat(folder.get(), name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) != 0) continue;
        const std::string full = database.string() + suffix;
        GATEHOUSE_TRY(const Fd file, open_own(folder, name, full));
        GATEHOUSE_CHECK(give(file, full, front.uid, front.gid, kFileMode));
    }
    return {};
}

}  // namespace

Result<void> prepare_state_folder(Config& config) {
    if (::geteuid() != 0) {
        config.notes.push_back(
            "not started as root: all roles run as this user, ports below 1024 may be refused");
        return make_folders_in(config);
    }
    const Fd state(::open(config.state_path("").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!state) {
        return base::fail_errno(Fault::unavailable,
                                fmt::format("cannot open the state folder {}", config.state_path("")), errno);
    }
    return prepare_as_root(config, state);
}

Result<net::PemPair> read_certificate(const Config& config) {
    const auto& smtp = config.smtp;
    const bool is_own = smtp.tls_certificate.empty() || smtp.tls_certificate == "none";
    if (is_own) return net::read_pem(config.state_path("keys/tls.pem"), config.state_path("keys/tls.key"));
    auto pem = net::read_pem(path_beside(config.texts.folder, smtp.tls_certificate),
                             path_beside(config.texts.folder, smtp.tls_key));
    if (!pem) return base::fail(Fault::usage, "smtp.tls_certificate, tls_key: {}", pem.error().sentence);
    return pem;
}

void raise_descriptor_limit(Config& config) {
    constexpr std::uint64_t kBesideConnections = 4096;  // messages, parts, next hops, stores
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    const auto wanted = static_cast<std::uint64_t>(config.limits.connections) + kBesideConnections;
    if (limit.rlim_max >= wanted) return;
    config.notes.push_back(
        fmt::format("at most {} files may be open, and limits.connections = {} wants {}: raise the limit "
                    "(systemd: LimitNOFILE)",
                    limit.rlim_max, config.limits.connections, wanted));
}

}  // namespace gatehouse::apps
