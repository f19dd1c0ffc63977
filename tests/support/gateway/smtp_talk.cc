#include "support/gateway/smtp_talk.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace gatehouse::testing {

struct SmtpTalk::Tls {
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    SSL* session = SSL_new(context);

    Tls() = default;
    ~Tls() {
        SSL_free(session);
        SSL_CTX_free(context);
    }
    Tls(const Tls&) = delete;
    Tls& operator=(const Tls&) = delete;
};

SmtpTalk::SmtpTalk(int port, int patience_seconds) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{patience_seconds, 0};
    const int one = 1;
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) close();
}

SmtpTalk::SmtpTalk(SmtpTalk&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      tls_(std::move(other.tls_)),
      buffer_(std::move(other.buffer_)),
      greeted_(other.greeted_) {}

SmtpTalk::~SmtpTalk() {
    close();
}

void SmtpTalk::close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

void SmtpTalk::half_close() {
    ::shutdown(fd_, SHUT_WR);
}

bool SmtpTalk::start_tls() {
    ::signal(SIGPIPE, SIG_IGN);  // OpenSSL cannot be told MSG_NOSIGNAL
    buffer_.clear();
    tls_ = std::make_unique<Tls>();
    return SSL_set_fd(tls_->session, fd_) == 1 && SSL_connect(tls_->session) == 1;
}

void SmtpTalk::leave_tls() {
    SSL_shutdown(tls_->session);
    tls_.reset();
}

long SmtpTalk::put(std::string_view bytes) {
    if (!tls_) return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    return SSL_write(tls_->session, bytes.data(), static_cast<int>(bytes.size()));
}

long SmtpTalk::get(char* block, std::size_t size) {
    if (fd_ < 0) return 0;
    return tls_ ? SSL_read(tls_->session, block, static_cast<int>(size)) : ::recv(fd_, block, size, 0);
}

bool SmtpTalk::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const long sent = put(bytes);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

std::string SmtpTalk::hear() {
    std::array<char, 4096> block{};
    while (true) {
        for (auto end = buffer_.find("\r\n"); end != std::string::npos; end = buffer_.find("\r\n")) {
            const std::string line = buffer_.substr(0, end);
            buffer_.erase(0, end + 2);
            if (line.size() < 4 || line[3] != '-') return line;
        }
        const long got = get(block.data(), block.size());
        if (got <= 0) return {};
        buffer_.append(block.data(), static_cast<std::size_t>(got));
    }
}

std::string SmtpTalk::ask(std::string_view command) {
    send(std::string(command) + "\r\n");
    return hear();
}

std::string SmtpTalk::deliver(const std::string& from, const std::vector<std::string>& to,
                              std::string_view crlf_message) {
    if (!greeted_) {
        if (const auto greeting = hear(); !greeting.starts_with("220")) return greeting;
        if (const auto hello = ask("EHLO client.test"); !hello.starts_with("250")) return hello;
        greeted_ = true;
    }
    return deliver_greeted(from, to, crlf_message);
}

std::string SmtpTalk::deliver_greeted(const std::string& from, const std::vector<std::string>& to,
                                      std::string_view crlf_message) {
    if (const auto mail = ask("MAIL FROM:<" + from + ">"); !mail.starts_with("250")) return mail;
    std::string refusal;
    bool any = false;
    for (const auto& recipient : to) {
        const auto reply = ask("RCPT TO:<" + recipient + ">");
        if (reply.starts_with("250")) {
            any = true;
        } else if (refusal.empty()) {
            refusal = reply;
        }
    }
    if (!any) {
        ask("RSET");
        return refusal;
    }
    if (const auto data = ask("DATA"); !data.starts_with("354")) return data;
    std::string stuffed = dot_stuffed(crlf_message);
    if (!stuffed.ends_with("\r\n")) stuffed += "\r\n";
    send(stuffed + ".\r\n");
    return hear();
}

std::string with_crlf(std::string_view text) {
    std::string out;
    out.reserve(text.size() + text.size() / 32);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) out += '\r';
        out += text[i];
    }
    return out;
}

std::string dot_stuffed(std::string_view crlf_message) {
    std::string out;
    out.reserve(crlf_message.size() + 64);
    bool line_start = true;
    for (std::size_t i = 0; i < crlf_message.size(); ++i) {
        if (line_start && crlf_message[i] == '.') out += '.';
        out += crlf_message[i];
        line_start = crlf_message[i] == '\n' && i > 0 && crlf_message[i - 1] == '\r';
    }
    return out;
}

}  // namespace gatehouse::testing
