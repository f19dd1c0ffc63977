// Clients that send without pause until told to stop, each on a thread of its own: of every ten messages five
// go to one hop (cut-through), four to two hops (the queue), one into quarantine. As a real client does, they
// send again what was put off or had no reply, under the same id with the next number.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

#include "faults/ledger.h"

namespace gatehouse::faults {

inline constexpr const char* kInnerRecipient = "user@gw.test";
inline constexpr const char* kOuterRecipient = "user@example.com";
inline constexpr const char* kHeldRecipient = "held@gw.test";

struct LoadPlan {
    int senders = 4;
    std::size_t size = 1500;
    int patience_seconds = 60;
    std::chrono::milliseconds pause{3};  ///< between two messages of a sender
};

class Load {
  public:
    /// `port` is asked for every connection: a gateway that starts again has another one.
    Load(LoadPlan plan, std::function<int()> port, Ledger& ledger);
    ~Load() { stop(); }
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;
    /// Returns when the last message has its reply.
    void stop();
    /// Of messages from now on.
    void set_size(std::size_t bytes) { size_ = bytes; }

  private:
    class Sender;
    LoadPlan plan_;
    std::function<int()> port_;
    Ledger& ledger_;
    std::atomic<bool> is_stopping_{false};
    std::atomic<std::size_t> size_;
    std::vector<std::thread> threads_;
};

}  // namespace gatehouse::faults
