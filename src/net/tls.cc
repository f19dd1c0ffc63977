#include "net/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/fd.h"
#include "base/ip_address.h"

namespace gatehouse::net {

using base::Fault;
using base::Result;

namespace {

constexpr std::size_t kMaxPemFile = 1U << 20;
// TLS 1.2 suites; 1.3 has its own list, which needs no care. Every mail server with TLS 1.2 has one of these.
constexpr const char* kServerCiphers =
    "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES:!aNULL:!MD5";
// Towards others any encryption is better than the fall-back in clear.
constexpr const char* kClientCiphers = "ECDHE:DHE:HIGH:!aNULL:!eNULL:!PSK:!SRP:!RC4:!3DES:!MD5";

std::string openssl_reason() {
    const auto code = ERR_peek_last_error();
    const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
    ERR_clear_error();
    return reason == nullptr ? "unknown reason" : reason;
}

// ---- A BIO that is the socket itself: like OpenSSL's own, but it never raises SIGPIPE. ----

int socket_of(BIO* bio) {
    return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

int bio_write(BIO* bio, const char* bytes, std::size_t size, std::size_t* written) {
    BIO_clear_retry_flags(bio);
    const auto sent = ::send(socket_of(bio), bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
        if (errno == EAGAIN || errno == EINTR) BIO_set_retry_write(bio);
        return 0;
    }
    *written = static_cast<std::size_t>(sent);
    return 1;
}

int bio_read(BIO* bio, char* into, std::size_t size, std::size_t* got) {
    BIO_clear_retry_flags(bio);
    const auto received = ::recv(socket_of(bio), into, size, MSG_DONTWAIT);
    if (received > 0) {
        *got = static_cast<std::size_t>(received);
        return 1;
    }
    if (received == 0) {
        BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    } else if (errno == EAGAIN || errno == EINTR) {
        BIO_set_retry_read(bio);
    }
    return 0;
}

long bio_control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD* socket_method() {
    static BIO_METHOD* const method = [] {
        BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "gatehouse socket");
        if (made == nullptr) return made;
        BIO_meth_set_write_ex(made, bio_write);
        BIO_meth_set_read_ex(made, bio_read);
        BIO_meth_set_ctrl(made, bio_control);
        return made;
    }();
    return method;
}

bool attach_socket(SSL* ssl, int socket) {
    BIO* bio = socket_method() == nullptr ? nullptr : BIO_new(socket_method());
    if (bio == nullptr) return false;
    BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket)));
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    return true;
}

// ---- Contexts ----

SSL_CTX* new_context(const SSL_METHOD* method, const char* ciphers) {
    ERR_clear_error();
    SSL_CTX* context = SSL_CTX_new(method);
    if (context == nullptr) return nullptr;
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context,
                        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 1);
    // One recv per record rather than one for its header and one for its body.
    SSL_CTX_set_read_ahead(context, 1);
    if (SSL_CTX_set_cipher_list(context, ciphers) == 1) return context;
    SSL_CTX_free(context);
    return nullptr;
}

struct BioDeleter {
    void operator()(BIO* bio) const { BIO_free(bio); }
};
struct X509Deleter {
    void operator()(X509* certificate) const { X509_free(certificate); }
};
struct KeyDeleter {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using MemoryBio = std::unique_ptr<BIO, BioDeleter>;

MemoryBio bio_over(const std::string& text) {
    return MemoryBio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

int no_passphrase(char*, int, int, void*) {
    return 0;  // an encrypted key is refused; nobody is there to be asked
}

Result<void> use_chain(SSL_CTX* context, const std::string& pem) {
    const MemoryBio bio = bio_over(pem);
    const std::unique_ptr<X509, X509Deleter> leaf(
        PEM_read_bio_X509_AUX(bio.get(), nullptr, no_passphrase, nullptr));
    if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1) {
        return base::fail(Fault::usage, "the TLS certificate cannot be used: {}", openssl_reason());
    }
    while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)) {
        if (SSL_CTX_add0_chain_cert(context, next) == 1) continue;
        X509_free(next);
        return base::fail(Fault::usage, "the TLS certificate's chain cannot be used: {}", openssl_reason());
    }
    ERR_clear_error();  // the end of the file is told as an error
    return {};
}

Result<void> use_key(SSL_CTX* context, const std::string& pem) {
    const MemoryBio bio = bio_over(pem);
    const std::unique_ptr<EVP_PKEY, KeyDeleter> key(
        PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
    if (!key) return base::fail(Fault::usage, "the TLS key cannot be read: {}", openssl_reason());
    if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
        return base::fail(Fault::usage, "the TLS key does not belong to the certificate: {}",
                          openssl_reason());
    }
    return {};
}

Result<void> load_trust(SSL_CTX* context, const std::string& file) {
    const int loaded = file.empty() ? SSL_CTX_set_default_verify_paths(context)
                                    : SSL_CTX_load_verify_file(context, file.c_str());
    if (loaded == 1) return {};
    return base::fail(Fault::usage, "the trusted certificates ({}) cannot be read: {}",
                      file.empty() ? "the system's store" : file, openssl_reason());
}

}  // namespace

void TlsContext::ContextDeleter::operator()(ssl_ctx_st* context) const {
    SSL_CTX_free(context);
}

TlsContext::~TlsContext() = default;

Result<TlsContext::Context> TlsContext::load_server(const PemPair& pem) {
    Context context(new_context(TLS_server_method(), kServerCiphers));
    if (!context) return base::fail(Fault::internal, "OpenSSL gives no TLS context: {}", openssl_reason());
    SSL_CTX_set_dh_auto(context.get(), 1);
    GATEHOUSE_CHECK(use_chain(context.get(), pem.certificate));
    GATEHOUSE_CHECK(use_key(context.get(), pem.key));
    return context;
}

Result<PemPair> read_pem(const std::string& certificate_file, const std::string& key_file) {
    PemPair pem;
    GATEHOUSE_TRY(pem.certificate, base::read_file(certificate_file, kMaxPemFile));
    GATEHOUSE_TRY(pem.key, base::read_file(key_file, kMaxPemFile));
    const auto usable = TlsContext::make_server(pem);
    if (usable) return pem;
    return base::fail(usable.error().fault, "{} (files {} and {})", usable.error().sentence, certificate_file,
                      key_file);
}

Result<std::unique_ptr<TlsContext>> TlsContext::make_server(const PemPair& pem) {
    std::unique_ptr<TlsContext> made(new TlsContext());
    GATEHOUSE_TRY(made->context_, load_server(pem));
    return made;
}

Result<std::unique_ptr<TlsContext>> TlsContext::make_client(const TlsClientOptions& options) {
    std::unique_ptr<TlsContext> made(new TlsContext());
    made->context_.reset(new_context(TLS_client_method(), kClientCiphers));
    SSL_CTX* context = made->context_.get();
    if (context == nullptr) {
        return base::fail(Fault::internal, "OpenSSL gives no TLS context: {}", openssl_reason());
    }
    made->trust_ = options.trust;
    made->clock_ = options.clock;
    if (options.trust == TlsTrust::any_certificate) {
        // Debian's level 2 refuses 1024-bit RSA; where nothing is verified the fall-back in clear is worse.
        SSL_CTX_set_security_level(context, 1);
        return made;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    GATEHOUSE_CHECK(load_trust(context, options.trust_file));
    return made;
}

Result<void> TlsContext::exchange(const PemPair& pem) {
    GATEHOUSE_TRY(auto fresh, load_server(pem));
    const std::scoped_lock lock(mutex_);
    context_.swap(fresh);
    return {};
}

ssl_st* TlsContext::new_session() {
    const std::scoped_lock lock(mutex_);
    return SSL_new(context_.get());  // which holds on to the context it was made from
}

// ---- Sessions ----

void TlsSession::SessionDeleter::operator()(ssl_st* session) const {
    SSL_free(session);
}

TlsSession::~TlsSession() = default;

Result<std::unique_ptr<TlsSession>> TlsSession::accept(TlsContext& context, int socket) {
    ERR_clear_error();
    std::unique_ptr<TlsSession> made(new TlsSession(context.new_session(), socket));
    if (!made->ssl_ || !attach_socket(made->ssl_.get(), socket)) {
        return base::fail(Fault::limit, "no memory for a TLS session: {}", openssl_reason());
    }
    SSL_set_accept_state(made->ssl_.get());
    return made;
}

Result<std::unique_ptr<TlsSession>> TlsSession::connect(TlsContext& context, int socket,
                                                        const std::string& name) {
    ERR_clear_error();
    std::unique_ptr<TlsSession> made(new TlsSession(context.new_session(), socket));
    if (!made->ssl_ || !attach_socket(made->ssl_.get(), socket)) {
        return base::fail(Fault::limit, "no memory for a TLS session: {}", openssl_reason());
    }
    made->verifies_ = context.trust_ == TlsTrust::verify;
    GATEHOUSE_CHECK(made->expect_name(name, context.clock_));
    SSL_set_connect_state(made->ssl_.get());
    return made;
}

Result<void> TlsSession::expect_name(const std::string& name, const base::Clock* clock) {
    SSL* ssl = ssl_.get();
    const auto address = base::IpAddress::parse(name);
    // RFC 6066 section 3: an address literal is no server name.
    if (!address && !name.empty() && SSL_set_tlsext_host_name(ssl, name.c_str()) != 1) {
        return base::fail(Fault::usage, "\"{}\" cannot be sent as a TLS server name", name);
    }
    if (!verifies_) return {};
    X509_VERIFY_PARAM* param = SSL_get0_param(ssl);
    const int set = address ? X509_VERIFY_PARAM_set1_ip_asc(param, address->to_string().c_str())
                            : SSL_set1_host(ssl, name.c_str());
    if (set != 1 || name.empty()) {
        return base::fail(Fault::usage, "\"{}\" cannot be matched against a certificate", name);
    }
    if (clock != nullptr)
        X509_VERIFY_PARAM_set_time(param, std::chrono::system_clock::to_time_t(clock->wall()));
    return {};
}

Result<TlsStep> TlsSession::settle(int outcome, std::size_t bytes, const char* doing) {
    if (outcome == 1) return TlsStep{TlsState::done, bytes};
    const int saved_errno = errno;
    switch (SSL_get_error(ssl_.get(), outcome)) {
        case SSL_ERROR_WANT_READ:
            return TlsStep{TlsState::want_read};
        case SSL_ERROR_WANT_WRITE:
            return TlsStep{TlsState::want_write};
        case SSL_ERROR_ZERO_RETURN:
            return TlsStep{TlsState::ended};
        case SSL_ERROR_SYSCALL:
            broken_ = true;
            return base::fail_errno(Fault::unavailable, "the TLS connection is gone", saved_errno);
        default:
            break;
    }
    broken_ = true;
    if (const long verdict = SSL_get_verify_result(ssl_.get()); verifies_ && verdict != X509_V_OK) {
        ERR_clear_error();
        return base::fail(Fault::refused, "the peer's certificate is not trusted: {}",
                          X509_verify_cert_error_string(verdict));
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        ERR_clear_error();
        return base::fail(Fault::unavailable, "the peer cut the TLS connection");
    }
    return base::fail(Fault::malformed, "TLS {} failed: {}", doing, openssl_reason());
}

Result<TlsStep> TlsSession::handshake() {
    if (broken_) return base::fail(Fault::unavailable, "the TLS connection is gone");
    ERR_clear_error();
    return settle(SSL_do_handshake(ssl_.get()), 0, "handshake");
}

Result<TlsStep> TlsSession::read(std::span<char> into) {
    if (broken_) return base::fail(Fault::unavailable, "the TLS connection is gone");
    ERR_clear_error();
    std::size_t bytes = 0;
    const int outcome = SSL_read_ex(ssl_.get(), into.data(), into.size(), &bytes);
    return settle(outcome, bytes, "reading");
}

Result<TlsStep> TlsSession::write(std::string_view bytes) {
    if (broken_) return base::fail(Fault::unavailable, "the TLS connection is gone");
    ERR_clear_error();
    std::size_t written = 0;
    const int outcome = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written);
    return settle(outcome, written, "writing");
}

bool TlsSession::has_pending() const {
    return SSL_has_pending(ssl_.get()) == 1;
}

void TlsSession::say_goodbye() {
    if (broken_ || SSL_in_init(ssl_.get()) != 0) return;
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
}

TlsInfo TlsSession::info() const {
    return {SSL_get_version(ssl_.get()), SSL_get_cipher_name(ssl_.get()), verifies_};
}

}  // namespace gatehouse::net
