// An SMTP server for tests and the demo: accepts everything, unless its script says otherwise, and remembers
// what came. Runs an event loop of its own on a thread of its own; all methods may be called from any thread.
// It trusts its clients, so its memory is not bounded.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/ip_address.h"
#include "base/result.h"
#include "support/smtp_sink/script.h"

namespace gatehouse::test {

struct SinkRecipient {
    std::string address;
    std::string parameters;  ///< "NOTIFY=NEVER ORCPT=..." as sent
    bool operator==(const SinkRecipient&) const = default;
};

struct SinkMessage {
    std::size_t connection = 0;  ///< counted from 1
    std::string helo;
    std::string tls_version;  ///< empty in clear
    std::string sender;
    std::string parameters;                 ///< of MAIL
    std::vector<SinkRecipient> recipients;  ///< those answered with 2xx
    std::string raw;                        ///< what came between 354 and the final dot, still stuffed
    int code = 0;                           ///< the answer to the dot; 0 = none was given

    /// Without the stuffed dots.
    std::string content() const;
};

struct SinkOptions {
    std::string listen = "127.0.0.1:0";
    std::string hostname = "sink.test";
    bool starttls = false;        ///< with a self-signed certificate, or the one below
    std::string tls_certificate;  ///< PEM text
    std::string tls_key;          ///< PEM text
    bool keep = true;             ///< remember messages and commands; else only count them
    std::function<void(const SinkMessage&)> on_message;  ///< called on the sink's thread
};

class Sink {
  public:
    static base::Result<std::unique_ptr<Sink>> start(SinkOptions options, Script script = {});
    /// Closes all connections and ends the thread.
    ~Sink();

    const base::Endpoint& endpoint() const;
    /// For commands to come; counts of stages go on.
    void set_script(Script script);
    /// Messages whose final dot came, whatever the answer was.
    std::vector<SinkMessage> messages() const;
    std::size_t message_count() const;
    /// False when they have not come in time.
    bool wait_for_messages(std::size_t count, std::chrono::milliseconds at_most) const;
    std::size_t connection_count() const;
    /// Connections open now.
    std::size_t open_count() const;
    /// "CONNECTION: COMMAND" of every command line, in order of arrival.
    std::vector<std::string> commands() const;

  private:
    class Impl;
    explicit Sink(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace gatehouse::test
