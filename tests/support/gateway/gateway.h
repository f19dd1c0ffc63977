// A whole gateway of its own for one test: the real programs, a temporary state folder, free ports. Ends with
// its object.
#pragma once

#include <sys/types.h>

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "support/gateway/process.h"

namespace gatehouse::testing {

struct GatewayPlan {
    std::vector<std::string> next_hops = {};  ///< "127.0.0.1:PORT", in order; domain = "*"
    std::vector<std::string> relay_domains = {"gw.test", "example.com"};
    std::string gatehouse = {};                 ///< further TOML tables of gatehouse.toml
    std::string smtp = {};                      ///< further keys of [smtp]
    std::string settings = {};                  ///< settings.toml
    std::string policy = {};                    ///< policy.toml; empty = built-in
    std::string clamd = "off";                  ///< antivirus.clamd
    std::vector<std::string> environment = {};  ///< "NAME=VALUE"
    std::string programs = program_folder();
};

class Gateway {
  public:
    explicit Gateway(GatewayPlan plan);
    ~Gateway();
    Gateway(const Gateway&) = delete;
    Gateway& operator=(const Gateway&) = delete;

    /// Starts (again) and waits until the front takes mail; false with `why()` when it does not.
    bool start();
    /// SIGTERM to the supervisor and wait; true when it ended in order.
    bool stop();
    /// SIGKILL to every process of it at once.
    void kill_all();

    const std::string& why() const { return why_; }
    int smtp_port() const { return smtp_port_; }
    int admin_port() const { return admin_port_; }
    const std::string& state() const { return state_; }
    const std::string& config() const { return config_; }
    pid_t supervisor() const { return pid_; }
    /// Of a role, or of the engine ("clamd"); -1 when it is down.
    pid_t pid_of(const std::string& role);
    /// Every process below the supervisor, itself included.
    std::vector<pid_t> processes() const;
    boost::json::array status();
    boost::json::object role_status(const std::string& role);
    /// `gatehouse WORDS... --config` of this gateway.
    Finished command(std::vector<std::string> words, const std::string& input = {});
    /// The JSON lines that a command with --json printed.
    std::vector<boost::json::object> rows(std::vector<std::string> words);
    bool wait_ready(int seconds);
    /// Until the front can ask its malware engine.
    bool wait_engine(int seconds);
    /// PSS of all processes plus nothing else, in bytes.
    std::uint64_t pss() const;
    /// Memory files that its processes hold open, in bytes of memory, each once; mapped ones stand in pss(),
    /// too.
    std::uint64_t memory_files() const;
    std::string log() const;

  private:
    void write_files() const;

    GatewayPlan plan_;
    TemporaryFolder folder_;
    std::string state_;
    std::string config_;
    std::string why_;
    pid_t pid_ = -1;
    int smtp_port_ = 0;
    int admin_port_ = 0;
};

}  // namespace gatehouse::testing
