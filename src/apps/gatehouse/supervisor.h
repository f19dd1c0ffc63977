// `gatehouse run`: binds the ports, makes the socket pairs, starts the roles, starts again what dies (with
// back-off), hands new ends to those that stay, and answers `status`, `restart` and `reload` on
// <state>/run/gatehouse.sock. One thread, one poll loop, no event library; it opens no mail and parses
// nothing from the network.
//
// Listening sockets belong to the supervisor and are duplicated into the front, so they stay bound while a
// front is exchanged: connections wait in the backlog instead of being refused.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/common/config.h"
#include "base/clock.h"
#include "base/fd.h"
#include "ipc/channel.h"
#include "ipc/control.pb.h"
#include "net/tls.h"

namespace gatehouse::apps {

struct RunOptions {
    std::string config_path;  ///< as found or named; empty = built-in defaults
    bool demo_sink = false;
};

class EngineKeeper;
class ExpressionKeeper;

class Supervisor {
  public:
    /// Reads the configuration, prepares the state folder, binds everything: all that can fail with one
    /// sentence.
    static base::Result<std::unique_ptr<Supervisor>> make(const RunOptions& options);
    ~Supervisor();

    /// Until SIGTERM or SIGINT; the exit code of the program.
    int run();

  private:
    using Steady = std::chrono::steady_clock;

    struct Role {
        std::string name;
        std::string program;
        std::vector<std::string> words;
        unsigned uid = 0;
        pid_t pid = -1;
        std::optional<ipc::Channel> channel;
        bool ready = false;
        bool is_ending = false;  ///< we told it to
        std::string report;      ///< JSON from the role's Ready
        std::string problem;     ///< why it could not start, in its own words
        unsigned restarts = 0;
        std::chrono::milliseconds back_off{0};
        Steady::time_point started;
        Steady::time_point start_at;  ///< when it is down
    };
    struct NamedFd {
        std::string name;
        int fd = -1;
    };

    Supervisor(Config config, RunOptions options);

    base::Result<void> prepare();
    base::Result<void> bind_everything();
    base::Result<void> start(Role& role);
    base::Result<void> start_inspector(Role& role);
    void hand_to_front(const std::string& name, const base::Fd& fd);
    std::vector<NamedFd> fds_for(const Role& role);
    std::string start_frame(const Role& role, const std::vector<NamedFd>& fds) const;
    base::Result<void> renew_inspector_link();
    void hand_over_zygote();
    void start_due_roles();
    void on_child_exits();
    void on_exit_of(Role& role, int status);
    void on_signal();
    void on_role_word(Role& role);
    void on_control();
    void poll_once();
    int next_timeout_ms() const;
    void stop_everything();
    void drain_front();
    Role* find(std::string_view name);
    void end_role(Role& role, int signal);

    void answer(ipc::Channel& client, const pb::ControlRequest& request, bool may_change);
    std::string status_row() const;
    base::Result<std::string> restart(const std::string& what);
    /// What reloading can apply, and by name what needs more.
    base::Result<std::string> reload();
    base::Result<void> reread_config();
    void send_settings_to_front();
    std::string keys_for_restart_all() const;

    Config config_;
    net::PemPair certificate_;           ///< of SMTP and of the status page
    settings::text::Trees front_trees_;  ///< what the running front was started with
    settings::text::Trees told_trees_;   ///< what it was told last
    RunOptions options_;
    std::vector<Role> roles_;
    std::unique_ptr<EngineKeeper> engine_;
    base::Clock clock_;
    std::unique_ptr<ExpressionKeeper> expressions_;
    base::Fd lock_;
    base::Fd signals_;
    base::Fd control_;
    base::Fd front_control_;
    base::Fd admin_control_;
    std::vector<base::Fd> smtp_listeners_;
    std::vector<base::Fd> admin_listeners_;
    base::Fd inspector_end_;  ///< of the pair between front and inspector, until handed out
    base::Fd front_end_;
    base::Fd engine_log_;  ///< a copy on its way to a new front
    bool stopping_ = false;
    int exit_code_ = 0;
    bool settings_due_ = false;    ///< the front was told to start before the settings changed
    bool restart_engine_ = false;  ///< when the front has drained
    std::optional<Steady::time_point> kill_front_at_;
    Steady::time_point stop_by_;
    Steady::time_point began_ = Steady::now();
};

}  // namespace gatehouse::apps
