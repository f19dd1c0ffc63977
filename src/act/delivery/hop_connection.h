// One connection to one address of a next hop: a stream and its client machine. Inner part of act/delivery;
// made by HopPool, used by one HopSession at a time. Belongs to one event loop and must outlive its
// operations.
//
// Every wait has a deadline of its own, so a hop that trickles bytes gains nothing. After any error the
// connection is of no more use.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <string>

#include "act/delivery/client_machine.h"
#include "base/clock.h"
#include "net/stream.h"

namespace gatehouse::act::delivery {

/// Which connection carried a message, for tracking.
struct HopInfo {
    std::string address;      ///< "192.0.2.1:25"
    std::string tls_version;  ///< empty in clear
    std::string tls_cipher;
    bool tls_verified = false;
    bool tls_fallback = false;  ///< in clear because TLS was tried in an earlier connection and failed
    bool reused = false;        ///< carried other messages before
    /// "192.0.2.1:25 tls", "192.0.2.1:25 clear after failed tls"
    std::string to_string() const;
};

/// How long content may take: until `latest`, and never longer than `without_progress` between two pieces.
struct SendTime {
    const base::Clock& clock;
    base::SteadyTime latest;
    std::chrono::seconds without_progress;
    base::SteadyTime next() const { return std::min(latest, clock.steady() + without_progress); }
};

class HopConnection {
  public:
    /// `scratch` is the loop's shared read buffer.
    HopConnection(net::Stream stream, ClientMachine machine, std::span<char> scratch)
        : stream_(std::move(stream)), machine_(std::move(machine)), scratch_(scratch) {}
    HopConnection(const HopConnection&) = delete;
    HopConnection& operator=(const HopConnection&) = delete;

    /// Greeting to readiness. Sets `tls_failed` when a new connection in clear may succeed.
    net::Task<base::Result<void>> greet(net::TlsContext& tls, const std::string& name,
                                        base::SteadyTime deadline);
    /// Writes the commands that wait in the machine.
    net::Task<base::Result<void>> flush(base::SteadyTime deadline);
    /// Flushes, then waits for the next reply.
    net::Task<base::Result<Reply>> answer(base::SteadyTime deadline);
    /// Between 354 and the reply: writes head and content, stuffed, with the final dot. False = the hop
    /// answered before the dot was written; the machine has its reply.
    net::Task<base::Result<bool>> send_content(std::string_view head, std::string_view content,
                                               SendTime time);
    /// QUIT, as far as the hop plays along, then close.
    net::Task<void> say_goodbye(base::SteadyTime deadline);

    ClientMachine& machine() { return machine_; }
    HopInfo& info() { return info_; }
    bool tls_failed() const { return tls_failed_ || machine_.tls_failed(); }
    /// Between transactions and, as far as one can see without asking, alive.
    bool is_reusable() { return machine_.is_idle() && stream_.is_quiet(); }

    std::int64_t messages = 0;  ///< transactions begun
    base::SteadyTime opened{};

  private:
    net::Task<base::Result<void>> read_more(base::SteadyTime deadline);

    net::Stream stream_;
    ClientMachine machine_;
    std::span<char> scratch_;
    HopInfo info_;
    bool tls_failed_ = false;
};

}  // namespace gatehouse::act::delivery
