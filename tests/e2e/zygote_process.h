// A zygote started by a test, seen over its own channel: what the front sees, without the front. Blocking;
// every wait is bounded, and a wait that ends for its bound fails the test through the Result.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "base/fd.h"
#include "inspect/engine/settings.h"
#include "ipc/channel.h"
#include "ipc/zygote.pb.h"
#include "message/facts.pb.h"

namespace gatehouse::e2e {

struct ZygoteStart {
    std::string program;             ///< path of the executable
    std::vector<std::string> words;  ///< behind the channel's number
    bool product = false;            ///< its options are those of gatehouse-inspector
    unsigned become_uid = 0;         ///< the process starts as this user; 0 = as the test's
    bool ask_at_once = false;  ///< asks for the first worker before the zygote can have read its settings
    inspect::engine::Settings settings;
};

/// One worker: its socket, after the hello.
struct TestWorker {
    std::uint64_t id = 0;
    pid_t pid = 0;
    pb::WorkerHello hello;
    ipc::Channel channel;

    /// Sends the message as a sealed file and gives all answers up to the last.
    base::Result<std::vector<pb::InspectorAnswer>> ask(pb::InspectorRequest request,
                                                       std::string_view message);
    base::Result<std::vector<pb::InspectorAnswer>> inspect(std::string_view message);
};

class ZygoteProcess {
  public:
    static base::Result<ZygoteProcess> start(const ZygoteStart& start);
    ZygoteProcess(ZygoteProcess&&) noexcept = default;
    ZygoteProcess& operator=(ZygoteProcess&&) = delete;
    ~ZygoteProcess();

    const pb::ZygoteReady& ready() const { return ready_; }
    pid_t pid() const { return pid_; }
    base::Result<TestWorker> spawn();
    base::Result<void> kill(std::uint64_t worker);
    /// The wait status of a worker that ended.
    base::Result<int> wait_exit(std::uint64_t worker);
    /// Closes the channel; the zygote's own wait status.
    int stop();

  private:
    ZygoteProcess(pid_t pid, ipc::Channel channel) : pid_(pid), channel_(std::move(channel)) {}
    base::Result<pb::ZygoteReport> next_report();
    base::Result<void> ask_worker();

    pid_t pid_;
    ipc::Channel channel_;
    pb::ZygoteReady ready_;
    std::uint64_t last_id_ = 0;
    bool asked_ = false;
    std::map<std::uint64_t, int> exits_;
};

/// The fact of that name in evidence test.result, or empty.
std::string probe_result(const std::vector<pb::InspectorAnswer>& answers, std::string_view key);
/// A small message whose header asks for a probe.
std::string probe_message(std::string_view probe, std::string_view argument = {});

}  // namespace gatehouse::e2e
