// What one row of the table happens to: a gateway of its own in front of three sinks (one for gw.test, one
// for example.com, one that never fails for notices to senders), clients that send all the time, and the
// ledger of what was said and what arrived. A row makes its fault, says when it was over, and finishes.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "faults/ledger.h"
#include "faults/load.h"
#include "support/gateway/gateway.h"
#include "support/smtp_sink/sink.h"

namespace gatehouse::faults {

/// One line of the table.
struct Row {
    std::string fault;
    Judgement judged = {};
    std::optional<std::chrono::milliseconds> recovery = {};  ///< the longest, when there were several
    std::size_t random_kills = 0;                            ///< SIGKILLs at random instants
    std::string note = {};                                   ///< what else is worth knowing
    std::string skipped = {};                                ///< why it could not be tried here
    std::string failed = {};  ///< why it is no proof: the fault did not happen, no recovery
    bool is_good() const { return failed.empty() && judged.lost == 0 && judged.unexplained == 0; }
};

struct WorldPlan {
    std::string delivery = {};  ///< further keys of [delivery]
    std::string tables = {};    ///< further tables of gatehouse.toml
    std::string programs = testing::program_folder();
    bool with_engine = false;
    LoadPlan load = {};
};

class World {
  public:
    World(std::string fault, const WorldPlan& plan);
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    /// The gateway, then the load until some messages have passed; false = see row().failed.
    bool start();
    testing::Gateway& gateway() { return gateway_; }
    Ledger& ledger() { return ledger_; }
    Load& load() { return *load_; }
    Row& row() { return row_; }
    /// What the hop of gw.test does from now on (script.h).
    void script_inner(const std::string& rules);
    std::size_t connections_to_inner() const { return inner_->connection_count(); }

    /// SIGKILL to a process of the gateway. The front's is a death that explains what is doubled.
    bool kill(pid_t pid, bool takes_mail);
    /// SIGKILL to all of them at once, and start again; false = it did not.
    bool kill_all_and_start();
    /// Processes of the gateway with that name, as far as the system knows names (15 bytes).
    std::vector<pid_t> processes_named(const std::string& name) const;
    /// Until the front, which lived at `alive`, is gone; false = it lives on.
    bool wait_for_death(pid_t front, Time alive, std::chrono::milliseconds at_most);

    /// Waits for the first message that was begun after `end` and accepted; false (and failed) = none came.
    bool recover(Time end);
    /// A time between the two, never the same.
    std::chrono::milliseconds some_time(int least_ms, int most_ms);
    void fail(std::string sentence);
    /// Ends the load, lets the queue run empty, counts.
    Row finish();

  private:
    static testing::GatewayPlan gateway_plan(const WorldPlan& plan, const test::Sink& inner,
                                             const test::Sink& outer, const test::Sink& notices);
    test::SinkOptions noting(Place hop);
    test::SinkOptions noting_notices();
    void settle();
    void count_kept();

    Row row_;
    Ledger ledger_;
    std::atomic<std::size_t> returned_{0};  // recipients whose sender was told that it failed
    std::unique_ptr<test::Sink> inner_;
    std::unique_ptr<test::Sink> outer_;
    std::unique_ptr<test::Sink> notices_;
    LoadPlan load_plan_;
    testing::Gateway gateway_;
    std::atomic<int> port_{0};
    std::unique_ptr<Load> load_;
    std::mt19937 random_;
};

}  // namespace gatehouse::faults
