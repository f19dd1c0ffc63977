// A zygote for tests: speaks ipc/zygote.proto on a socketpair, and its "workers" are threads of this process
// that do what the test's script says, honest or not. Also here: the answers an honest worker gives.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "ipc/channel.h"
#include "message/facts.pb.h"

namespace gatehouse::test {

/// The worker's end, on the worker's thread. Nothing throws; after the front has closed, all is in vain.
class FakeWorker {
  public:
    FakeWorker(std::size_t number, base::Fd socket);

    std::size_t number() const { return number_; }  ///< from 1, in the order of their start
    /// The next request with its message; nullopt at the end.
    std::optional<pb::InspectorRequest> request();
    int socket() const { return socket_; }
    std::string message() const;

    void send(const pb::InspectorAnswer& answer, const std::vector<base::Fd>& files = {});
    void send_frame(const std::string& payload, const std::vector<base::Fd>& files = {});
    void send_bytes(const std::string& bytes);
    /// False once the front has closed its end or wants this worker dead.
    bool is_wanted();
    /// Until then.
    void hang();
    /// Answers requests until the end.
    void serve(const std::function<void(const pb::InspectorRequest&)>& answer);

  private:
    std::size_t number_;
    int socket_;
    ipc::Channel channel_;
    base::Fd message_;
};

class FakeZygote {
  public:
    /// A worker's life after its hello; it ends when the script returns.
    using Script = std::function<void(FakeWorker&)>;

    explicit FakeZygote(Script script);
    ~FakeZygote();
    FakeZygote(const FakeZygote&) = delete;
    FakeZygote& operator=(const FakeZygote&) = delete;

    /// The front's end of a (new) channel; the old one ends.
    base::Fd connect();
    /// Answers that no process could be made.
    void set_barren(bool is_barren) { is_barren_ = is_barren; }
    /// Refuses to run from the next connect() on, with this sentence.
    void set_refusal(std::string sentence) { refusal_ = std::move(sentence); }
    /// Called before each worker's socket is sent; set before the first.
    void set_before_handing(std::function<void()> call) { before_handing_ = std::move(call); }
    std::size_t spawned() const { return spawned_; }
    std::size_t killed() const { return killed_; }

  private:
    struct Child {
        std::uint64_t id;
        base::Fd end;  ///< a second descriptor of the worker's socket, to shut it down
        std::jthread thread;
    };
    void run(base::Fd socket);
    void spawn(ipc::Channel& channel, std::uint64_t id);
    void end_worker(std::uint64_t id);

    Script script_;
    std::function<void()> before_handing_ = [] {};
    std::atomic<bool> is_barren_{false};
    std::string refusal_;
    std::atomic<std::size_t> spawned_{0};
    std::atomic<std::size_t> killed_{0};
    std::mutex mutex_;  // of children_ and ends_
    std::list<Child> children_;
    std::vector<base::Fd> ends_;
    std::vector<std::jthread> threads_;
};

/// A sealed memory file that holds these bytes.
base::Fd sealed(const std::string& bytes);
/// The last frame of an honest inspection; facts say the size and nothing else.
pb::InspectorAnswer honest_facts(const pb::InspectorRequest& request);
pb::InspectorAnswer parts_frame(const pb::InspectorRequest& request,
                                const std::vector<std::pair<std::string, std::uint64_t>>& parts);

}  // namespace gatehouse::test
