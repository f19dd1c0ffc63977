// A plain blocking SMTP client for tests: says what it is told, byte for byte, and hears the replies.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::testing {

class SmtpTalk {
  public:
    explicit SmtpTalk(int port, int patience_seconds = 60);
    ~SmtpTalk();
    SmtpTalk(SmtpTalk&& other) noexcept;
    SmtpTalk(const SmtpTalk&) = delete;
    SmtpTalk& operator=(const SmtpTalk&) = delete;

    bool is_open() const { return fd_ >= 0; }
    bool send(std::string_view bytes);
    /// The last line of the next reply without CRLF ("250 2.0.0 ok"); empty when the connection ended.
    std::string hear();
    /// send + CRLF, then hear.
    std::string ask(std::string_view command);
    /// EHLO to the final dot with dot-stuffing; the reply to the message, or the first refusal.
    std::string deliver(const std::string& from, const std::vector<std::string>& to,
                        std::string_view crlf_message);
    /// The same after a greeting and EHLO of one's own.
    std::string deliver_greeted(const std::string& from, const std::vector<std::string>& to,
                                std::string_view crlf_message);
    /// Handshake with whoever answered 220 to STARTTLS; no certificate is checked. What is said and heard
    /// from then on passes TLS.
    bool start_tls();
    /// Says close_notify; what follows is in clear.
    void leave_tls();
    /// No more bytes will be sent; the reading side stays open.
    void half_close();
    void close();
    int fd() const { return fd_; }

  private:
    struct Tls;
    long put(std::string_view bytes);
    long get(char* block, std::size_t size);

    int fd_ = -1;
    std::unique_ptr<Tls> tls_;
    std::string buffer_;
    bool greeted_ = false;
};

/// LF or CRLF to CRLF; a lone CR stays.
std::string with_crlf(std::string_view text);
std::string dot_stuffed(std::string_view crlf_message);

}  // namespace gatehouse::testing
