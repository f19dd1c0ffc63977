// A byte stream over TCP or a unix socket, in clear or under TLS, for the SMTP server, the SMTP client and
// the engine driver. Belongs to one event loop; all calls on its thread, one operation at a time. Every
// operation takes a deadline and tries the socket first; it waits only when the socket would block.
//
// A deadline that passes is Fault::timed_out. A read leaves the stream usable then (a server can still say
// 421); a write or a handshake closes it. close() from another coroutine of the loop ends a pending operation
// with Fault::unavailable. A stream must outlive its operations.
//
// read_some touches `into` only between the arrival of bytes and its return, never while it waits, so that
// all streams of a loop can share one buffer. An idle TLS stream holds no record buffers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"
#include "net/asio.h"
#include "net/tls.h"

namespace gatehouse::net {

/// Gives a connected (or listening) socket to a loop; it becomes non-blocking.
base::Result<Socket> adopt_socket(Io& io, base::Fd fd);

class Stream {
  public:
    Stream(Io& io, Socket socket);
    Stream(Stream&&) noexcept;
    Stream& operator=(Stream&&) noexcept;
    ~Stream();

    /// Waits until bytes can be read without holding a buffer: what an idle connection does. The end of the
    /// stream counts as readable.
    Task<base::Result<void>> wait_readable(base::SteadyTime deadline);
    /// Whether bytes or the end of the stream are there now; asks the socket, never waits.
    bool is_readable();
    /// The same, but the end of the stream does not count.
    bool has_input();
    /// Open, and neither bytes nor the end nor an error have come: what an unused connection that is alive
    /// looks like. Asks the socket, never waits.
    bool is_quiet();
    /// At least one byte; 0 bytes = the peer ended the stream in order (close_notify under TLS).
    Task<base::Result<std::size_t>> read_some(std::span<char> into, base::SteadyTime deadline);
    Task<base::Result<void>> write_all(std::string_view bytes, base::SteadyTime deadline);
    /// Writes of the pieces, in order, what the socket takes at once: in clear with one gathering write,
    /// under TLS in one record where they fit. Waits while it takes nothing; 0 = nothing was written, and the
    /// peer has something to say that should be read first. After 0 the same pieces come again. An error
    /// leaves what was received readable; the deadline closes.
    Task<base::Result<std::size_t>> write_some(std::span<const std::string_view> pieces,
                                               base::SteadyTime deadline);

    /// RFC 3207 section 4.2, CVE-2011-0411: what came in clear behind STARTTLS must not count afterwards. A
    /// server calls this before it says 220, a client has it in its own buffer; drops what has been received
    /// (at most 1 MiB) and says how many bytes that were. Later clear bytes make the handshake fail.
    std::size_t drop_received();
    /// Server side of STARTTLS.
    Task<base::Result<void>> accept_tls(TlsContext& context, base::SteadyTime deadline);
    /// Client side; `name` is sent as SNI and, when the context verifies, matched against the certificate.
    Task<base::Result<void>> connect_tls(TlsContext& context, const std::string& name,
                                         base::SteadyTime deadline);
    std::optional<TlsInfo> tls() const;

    bool is_open() const;
    /// From another coroutine: a pending operation ends as if its deadline had passed now.
    void interrupt();
    /// A TLS stream says close_notify where that needs no waiting.
    void close();
    /// After a last reply to a peer that may still be sending: ends our side, swallows what still comes (at
    /// most 1 MiB) until the peer ends or the deadline passes, then closes. A plain close() with unread bytes
    /// would make the kernel take our reply back.
    Task<void> finish(base::SteadyTime deadline);
    Socket& socket();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace gatehouse::net
