#include "apps/gatehouse/state_folder.h"

#include <fcntl.h>
#include <sys/file.h>
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
constexpr std::array<std::string_view, 6> kFolders{"run",    "journal", "records", "items/quarantine",
                                                   "engine", "crashes"};

/// Tries, as that user, to enter the folder: parents that only root may pass would stop every role.
bool can_reach(const std::string& folder, unsigned uid, unsigned gid) {
    const pid_t pid = ::fork();
    if (pid < 0) return false;
    if (pid == 0) {
        const bool entered = ::setresgid(gid, gid, gid) == 0 && ::setresuid(uid, uid, uid) == 0 &&
                             ::access(folder.c_str(), R_OK | W_OK | X_OK) == 0;
        ::_exit(entered ? 0 : 1);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

Result<void> give(const std::string& path, unsigned uid, unsigned gid, unsigned mode) {
    if (::chown(path.c_str(), uid, gid) != 0 || ::chmod(path.c_str(), mode) != 0) {
        return base::fail_errno(Fault::refused, fmt::format("cannot set the owner of {}", path), errno);
    }
    return {};
}

Result<void> give_tree(const std::string& path, unsigned uid, unsigned gid) {
    std::error_code error;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path, error)) {
        if (entry.is_symlink()) continue;
        GATEHOUSE_CHECK(give(entry.path().string(), uid, gid, entry.is_directory() ? kFolderMode : 0660));
    }
    return give(path, uid, gid, kFolderMode);
}

Result<void> make_certificate(const Config& config) {
    const std::string certificate = config.state_path("keys/tls.pem");
    const std::string key = config.state_path("keys/tls.key");
    if (std::filesystem::exists(certificate) && std::filesystem::exists(key)) return {};
    GATEHOUSE_TRY(const auto pair, net::make_self_signed(config.hostname(), base::Clock().wall()));
    GATEHOUSE_CHECK(base::replace_file(key, pair.key, 0600));
    return base::replace_file(certificate, pair.certificate, 0644);
}

}  // namespace

Result<Fd> lock_state_folder(const Config& config) {
    ::umask(007);
    GATEHOUSE_CHECK(base::make_folders(config.state_path("run"), kFolderMode));
    const std::string path = config.state_path("run/lock");
    Fd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0660));
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

Result<void> prepare_state_folder(Config& config) {
    for (const auto folder : kFolders) {
        GATEHOUSE_CHECK(base::make_folders(config.state_path(std::string(folder)), kFolderMode));
    }
    GATEHOUSE_CHECK(base::make_folders(config.state_path("keys"), 0700));
    GATEHOUSE_CHECK(make_certificate(config));
    if (::geteuid() != 0) {
        config.notes.push_back(
            "not started as root: all roles run as this user, ports below 1024 may be refused");
        return {};
    }
    const unsigned front = config.role_uid("front");
    const unsigned group = config.group_id();
    GATEHOUSE_CHECK(give(config.state_path(""), front, group, kFolderMode));
    if (!can_reach(config.state_path(""), front, group)) {
        GATEHOUSE_CHECK(give(config.state_path(""), 0, group, kFolderMode));
        config.roles_stay_root = true;
        config.notes.push_back(fmt::format(
            "the front runs as root, because uid {} cannot reach {} (a folder above it is closed to others)",
            front, config.state_path("")));
        return {};
    }
    for (const auto folder : {"run", "journal", "records", "items", "crashes"}) {
        GATEHOUSE_CHECK(give_tree(config.state_path(folder), front, group));
    }
    const std::string database = config.database_path();
    for (const auto* suffix : {"", "-wal", "-shm"}) {
        if (std::filesystem::exists(database + suffix))
            GATEHOUSE_CHECK(give(database + suffix, front, group, 0660));
    }
    return {};
}

}  // namespace gatehouse::apps
