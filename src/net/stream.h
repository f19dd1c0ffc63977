// A byte stream over TCP or a unix socket, in clear or under TLS, for the SMTP server, the SMTP client and
// the engine driver. Belongs to one event loop; all calls on its thread. Every operation takes a deadline:
// when it passes, the operation ends with Fault::timed_out and the stream is closed. close() from another
// coroutine of the same loop ends a pending operation with Fault::unavailable.
//
// TLS runs over an own memory BIO pair with buffers released while idle (a plain asio ssl stream holds 76
// KiB; the bound is 48 KiB for a whole idle connection). What was received in clear and not yet read when TLS
// starts is dropped by start_tls (RFC 3207 section 4.2, CVE-2011-0411), and its size reported.
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

namespace gatehouse::net {

class TlsContext;  // net/tls.h

struct TlsInfo {
    std::string version;  ///< "TLSv1.3"
    std::string cipher;
    bool verified = false;
};

class Stream {
  public:
    Stream(Io& io, Socket socket);
    Stream(Stream&&) noexcept;
    Stream& operator=(Stream&&) noexcept;
    ~Stream();

    /// Waits until bytes can be read without holding a buffer: what an idle connection does.
    Task<base::Result<void>> wait_readable(base::SteadyTime deadline);
    /// At least one byte; 0 bytes = the peer ended the stream in order (close_notify under TLS).
    Task<base::Result<std::size_t>> read_some(std::span<char> into, base::SteadyTime deadline);
    Task<base::Result<void>> write_all(std::string_view bytes, base::SteadyTime deadline);

    /// Server side of STARTTLS.
    Task<base::Result<void>> accept_tls(TlsContext& context, base::SteadyTime deadline);
    /// Client side; `name` is sent as SNI and, when the context verifies, matched against the certificate.
    Task<base::Result<void>> connect_tls(TlsContext& context, const std::string& name,
                                         base::SteadyTime deadline);
    std::optional<TlsInfo> tls() const;

    bool is_open() const;
    /// A TLS stream says close_notify where that needs no waiting.
    void close();
    Socket& socket();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace gatehouse::net
