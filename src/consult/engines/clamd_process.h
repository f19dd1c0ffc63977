// clamd as a child of ours: its folder, its generated configuration, its databases, its confinement. Used by
// the supervisor, and by `gatehouse scan` for its own. Starting again after a death, with back-off, is the
// owner's duty. Blocking (milliseconds); one thread at a time.
//
// The engine's folder, made here:   <folder>/clamd.conf  db -> db.<generation>  run/clamd.sock  tmp/  lock
// An inherited lock on `lock` lives exactly as long as the engine does, so that no second one is started
// beside a survivor, whose socket would answer for it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "consult/engines/clamd_config.h"
#include "consult/engines/signatures.h"

namespace gatehouse::consult::engines {

/// Who the engine runs as when we are root.
struct EngineUser {
    uid_t uid = 0;
    gid_t gid = 0;
};
/// The first of these users that exists on the machine.
std::optional<EngineUser> find_engine_user(const std::vector<std::string>& names);

struct ClamdPlan {
    std::string folder;    ///< "<state>/engine", absolute
    std::string database;  ///< the operator's folder; empty = none
    ClamdConfig config;
    std::uint64_t scratch_bytes = 1ULL << 30;
    std::optional<EngineUser> user;     ///< used as root only; the socket is then open to socket_group
    std::optional<gid_t> socket_group;  ///< absent = the user's
    std::string program;                ///< empty = find_clamd()
};

/// What of the engine's confinement is in force; the rest stands in `missing`, in words, for the start line
/// and `status`, and `require_sandbox` refuses to run with any.
struct EngineConfinement {
    bool no_network = true;
    bool private_scratch = true;
    bool no_new_rights = true;
    std::vector<std::string> missing;
};

/// Path of the clamd program, or Fault::not_found with the line that installs it.
base::Result<std::string> find_clamd();
/// "<folder>/run/clamd.sock"
std::string clamd_socket(const std::string& engine_folder);
/// Why a clamd that ended at once may have been kept from its own folder, and what to do; empty = no such
/// reason.
std::string apparmor_hint();
/// "ended with status 1", "was killed by signal 9", from a status of waitpid.
std::string describe_exit(int wait_status);

class ManagedClamd {
  public:
    /// Folders, lock, databases, configuration, fork, exec. It loads its databases for a while afterwards:
    /// ready when probe_clamd() (clamd_control.h) gives generation().
    static base::Result<ManagedClamd> start(ClamdPlan plan);

    ManagedClamd(ManagedClamd&& other) noexcept;
    ManagedClamd& operator=(ManagedClamd&& other) noexcept;
    /// Kills it when it still runs.
    ~ManagedClamd();

    pid_t pid() const { return pid_; }
    bool is_running() const { return pid_ > 0; }
    /// The reading end of its stdout and stderr, non-blocking; once.
    base::Fd take_log() { return std::move(log_); }
    const EngineConfinement& confinement() const { return confinement_; }
    const DatabaseSet& database() const { return database_; }
    std::string socket() const { return clamd_socket(plan_.folder); }

    /// The status of waitpid when it has ended; then it is reaped and no longer running.
    std::optional<int> poll_exit();
    /// For owners that wait for all their children in one place: that one was ours, and is gone.
    void note_reaped() { pid_ = -1; }
    /// Asks it to end, waits, kills.
    void stop(std::chrono::milliseconds patience);
    /// When the operator's files have changed: installs the new set and says RELOAD. True when it did; the
    /// new set counts once the engine's probe says so.
    base::Result<bool> refresh_database();

  private:
    explicit ManagedClamd(ClamdPlan plan) : plan_(std::move(plan)) {}
    base::Result<void> prepare_folders();
    base::Result<base::Fd> take_lock();
    base::Result<void> spawn(int lock_fd);
    base::Result<void> read_report(int report_fd);

    ClamdPlan plan_;
    DatabaseSet database_;
    EngineConfinement confinement_;
    base::Fd log_;
    pid_t pid_ = -1;
};

}  // namespace gatehouse::consult::engines
