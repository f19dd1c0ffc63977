// A clamd that does what a test says: right answers, wrong numbers, garbage, silence, a closed connection.
// Speaks enough of the protocol for our client: z-commands, IDSESSION, FILDES with the descriptor, PING,
// VERSION, RELOAD. Runs one thread per connection; everything ends in the destructor.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/fd.h"

namespace gatehouse::testing {

/// What to do with one FILDES.
struct FakeStep {
    enum class Kind {
        answer,    ///< "[N: ]" + text + NUL
        raw,       ///< text as it is
        close,     ///< end the connection without a word
        silence,   ///< say nothing until release() or the end
        postpone,  ///< answer behind the answer of the next FILDES of this session
    };
    Kind kind = Kind::answer;
    std::string text = "fd[9]: OK";
};

class FakeClamd {
  public:
    /// `script` is asked for every FILDES with the bytes of the file; called from many threads.
    using Script = std::function<FakeStep(const std::string& content)>;

    FakeClamd(std::string socket_path, Script script);
    ~FakeClamd();
    FakeClamd(const FakeClamd&) = delete;
    FakeClamd& operator=(const FakeClamd&) = delete;

    void set_version(std::string version);
    /// Ends every silence, now and later.
    void release();
    /// Closes all connections; new ones are taken.
    void drop_connections();

    std::uint64_t scans() const { return scans_; }
    std::uint64_t connections() const { return connections_; }
    /// The most scans that were in its hands at one time.
    std::uint64_t most_at_once() const { return most_at_once_; }
    /// Waits until that many scans have come in.
    void wait_for_scans(std::uint64_t count);

  private:
    struct Session;
    void accept_loop();
    void serve(int fd);
    bool handle(Session& session, std::string_view command);
    bool scan(Session& session);
    std::string content_of(Session& session);
    void wait_for_release();

    std::string path_;
    Script script_;
    base::Fd listener_;
    std::mutex lock_;
    std::condition_variable changed_;
    std::string version_ = "ClamAV 1.4.0";
    bool released_ = false;
    bool ending_ = false;
    std::list<int> open_;
    std::atomic<std::uint64_t> scans_{0};
    std::atomic<std::uint64_t> connections_{0};
    std::atomic<std::uint64_t> at_once_{0};
    std::atomic<std::uint64_t> most_at_once_{0};
    std::vector<std::jthread> servers_;
    std::jthread acceptor_;
};

}  // namespace gatehouse::testing
