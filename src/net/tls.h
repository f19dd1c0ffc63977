// The one adapter for OpenSSL's TLS. TlsContext holds what all sessions of one side share (certificate,
// trust, ciphers); it is thread-safe and may be reloaded while sessions run, which keep what they started
// with. TlsSession is one connection's TLS over a non-blocking socket, without any waiting: each step says
// what it waits for.
//
// TLS 1.2 and 1.3 only, forward secrecy on the server side, no renegotiation, no compression, tickets
// but no session cache. There is no BIO buffer: OpenSSL reads and writes the socket itself, and gives its
// record buffers back while idle, which holds an idle connection far below a plain asio ssl stream (76 KiB).
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

struct ssl_st;
struct ssl_ctx_st;

namespace gatehouse::net {

struct TlsInfo {
    std::string version;  ///< "TLSv1.3"
    std::string cipher;
    bool verified = false;  ///< the peer's certificate was checked, name and all
};

struct PemPair {
    std::string certificate;  ///< with its chain, leaf first
    std::string key;
};

enum class TlsTrust {
    any_certificate,  ///< opportunistic and required: an unknown certificate is still better than none
    verify,           ///< the name must match, and a trusted authority must have signed
};

struct TlsClientOptions {
    TlsTrust trust = TlsTrust::any_certificate;
    std::string trust_file;              ///< PEM authorities in place of the system's store
    const base::Clock* clock = nullptr;  ///< for the validity of certificates; null = system time
};

/// Both files, checked to be a pair that a server can use; the sentence names them.
base::Result<PemPair> read_pem(const std::string& certificate_file, const std::string& key_file);

class TlsSession;

class TlsContext {
  public:
    static base::Result<std::unique_ptr<TlsContext>> make_server(const PemPair& pem);
    static base::Result<std::unique_ptr<TlsContext>> make_client(const TlsClientOptions& options);
    ~TlsContext();

    /// For the sessions to come; on failure the old certificate stays in force.
    base::Result<void> exchange(const PemPair& pem);

  private:
    friend class TlsSession;
    struct ContextDeleter {
        void operator()(ssl_ctx_st* context) const;
    };
    using Context = std::unique_ptr<ssl_ctx_st, ContextDeleter>;

    TlsContext() = default;
    static base::Result<Context> load_server(const PemPair& pem);
    ssl_st* new_session();

    TlsTrust trust_ = TlsTrust::any_certificate;
    const base::Clock* clock_ = nullptr;
    std::mutex mutex_;
    Context context_;
};

enum class TlsState {
    done,        ///< `bytes` were moved, or the handshake is complete
    want_read,   ///< call again when the socket can be read
    want_write,  ///< call again when the socket can be written
    ended,       ///< the peer said close_notify
};

struct TlsStep {
    TlsState state = TlsState::done;
    std::size_t bytes = 0;
};

class TlsSession {
  public:
    /// The socket is borrowed and non-blocking.
    static base::Result<std::unique_ptr<TlsSession>> accept(TlsContext& context, int socket);
    static base::Result<std::unique_ptr<TlsSession>> connect(TlsContext& context, int socket,
                                                             const std::string& name);
    ~TlsSession();

    base::Result<TlsStep> handshake();
    base::Result<TlsStep> read(std::span<char> into);
    base::Result<TlsStep> write(std::string_view bytes);
    /// Bytes that were received and may give plaintext without the socket.
    bool has_pending() const;
    /// Says close_notify if that works at once.
    void say_goodbye();
    TlsInfo info() const;

  private:
    struct SessionDeleter {
        void operator()(ssl_st* session) const;
    };

    TlsSession(ssl_st* session, int socket) : ssl_(session), socket_(socket) {}
    base::Result<void> expect_name(const std::string& name, const base::Clock* clock);
    base::Result<TlsStep> settle(int outcome, std::size_t bytes, const char* doing);

    std::unique_ptr<ssl_st, SessionDeleter> ssl_;
    int socket_;
    bool verifies_ = false;
    bool broken_ = false;  // after a fatal error OpenSSL must not be called again, not even for close_notify
};

}  // namespace gatehouse::net
