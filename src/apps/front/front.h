// The composition of the front: stores, event loops with their walks, and what the supervisor and operators
// ask of it. One Front per process; made on the main thread, which then runs the first loop.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <boost/json.hpp>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "act/delivery/hop_pool.h"
#include "act/delivery/hop_tls.h"
#include "act/quarantine/quarantine.h"
#include "act/queue/queue.h"
#include "apps/common/config.h"
#include "apps/common/control_server.h"
#include "apps/common/words.h"
#include "apps/desk/desk.h"
#include "apps/desk/queue_desk.h"
#include "base/clock.h"
#include "base/memory_budget.h"
#include "consult/engines/clamd_asker.h"
#include "consult/engines/engine_monitor.h"
#include "inspect/pool/pool.h"
#include "net/frame_channel.h"
#include "pipeline/judge.h"
#include "pipeline/life.h"
#include "pipeline/notices.h"
#include "pipeline/policy_holder.h"
#include "receive/session/server.h"
#include "record/recorder.h"

namespace gatehouse::apps {

class Front {
  public:
    static base::Result<std::unique_ptr<Front>> make(RoleBeginning& beginning);
    ~Front();

    /// Until the supervisor ends it; the exit code.
    int run();

  private:
    /// Everything that belongs to one event loop. Members are destroyed in reverse order.
    struct Strand;

    Front(RoleBeginning& beginning, Config config);
    base::Result<void> open_stores();
    base::Result<void> make_strands();
    base::Result<void> listen();
    base::Result<std::shared_ptr<const receive::session::SessionSettings>> session_settings(
        const Config& config) const;
    void start_engine();

    net::Task<void> obey_supervisor();
    base::Result<void> obey(const pb::SupervisorWord& word);
    base::Result<void> take_settings(const pb::RoleStart& start);
    net::Task<void> keep_quarantine_tidy();
    template <typename Work>
    static void every(std::chrono::seconds time, const std::stop_token& stop, const Work& work);
    void keep_queue_tidy(const std::stop_token& stop);
    void keep_queue_scrubbed(const std::stop_token& stop);
    bool is_delivering() const;
    base::Result<std::vector<pipeline::OwnMessage>> notices_of_deletion(const act::queue::QueueItem& item);
    net::Task<void> drain_and_stop(std::chrono::seconds patience);

    void answer(const pb::ControlRequest& request, ControlReplies& replies);
    void answer_testing(const pb::TestingRequest& request, ControlReplies& replies);
    std::string status_row();
    std::vector<act::delivery::HopReach> reach_of_hops();
    void forget_down();
    boost::json::array hop_rows();
    void metric_rows(ControlReplies& replies);
    base::Result<Released> release(const act::quarantine::Item& item, const std::function<void()>& working);

    RoleBeginning& beginning_;  ///< of main()
    Config config_;
    std::unique_ptr<base::Clock> clock_;
    base::MemoryBudget memory_;
    receive::session::ConnectionLimits connections_;
    receive::session::Counters counters_;
    std::shared_ptr<net::TlsContext> tls_;  // shared with the sessions' settings
    std::unique_ptr<record::Recorder> recorder_;
    std::unique_ptr<act::quarantine::Quarantine> quarantine_;
    std::unique_ptr<act::queue::Queue> queue_;
    std::unique_ptr<pipeline::PolicyHolder> policy_;
    std::optional<act::delivery::HopTls> hop_tls_;
    std::unique_ptr<consult::engines::ClamdEngine> engine_;
    boost::asio::thread_pool storage_{2};
    std::vector<std::unique_ptr<net::Io>> loops_;
    std::unique_ptr<inspect::pool::ZygoteClient> zygote_;
    std::vector<std::unique_ptr<Strand>> strands_;
    std::unique_ptr<consult::engines::EngineMonitor> monitor_;
    std::optional<net::FrameChannel> supervisor_;
    std::unique_ptr<Desk> desk_;
    std::unique_ptr<QueueDesk> queue_desk_;
    std::unique_ptr<ControlServer> control_;
    std::vector<std::jthread> threads_;
    std::jthread tidier_;
    std::jthread scrubber_;
    std::atomic<bool> is_draining_{false};
    std::atomic<unsigned> releases_{0};  ///< under way
};

}  // namespace gatehouse::apps
