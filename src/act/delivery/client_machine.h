// The SMTP client as a pure machine: bytes of the next hop in, replies out; commands in, bytes to write out.
// No socket and no clock; HopConnection is its shell. One machine per connection.
//
// Opening (greeting, EHLO or HELO, STARTTLS, EHLO again) runs by itself: the shell does what next() says
// until it says `ready`. After that each command waits for exactly one reply, in order; commands may be sent
// in a row when the hop offers PIPELINING. A byte that was not asked for, a reply of the wrong class, or
// anything behind the 220 of STARTTLS (RFC 3207 section 4.2, CVE-2011-0411) ends the machine: next() is
// `failed` for good and failure() says why. Memory is bounded: replies never outnumber the commands sent.
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "act/delivery/capabilities.h"
#include "act/delivery/reply.h"
#include "base/result.h"
#include "message/envelope.h"

namespace gatehouse::act::delivery {

enum class TlsUse { never, if_offered, required };

class ClientMachine {
  public:
    enum class Next {
        send,       ///< write output(), then call sent()
        receive,    ///< read, then call receive()
        handshake,  ///< run TLS, then call secured()
        ready,      ///< nothing outstanding: give a command or close
        failed,     ///< close; failure() says why
    };

    static base::Result<ClientMachine> make(std::string helo_name, TlsUse tls);

    Next next() const;
    const base::Error& failure() const { return failure_; }
    std::string_view output() const { return output_; }
    void sent() { output_.clear(); }
    /// Replies to commands queue up for take_reply().
    base::Result<void> receive(std::string_view bytes);
    void secured();
    bool is_secured() const { return secured_; }
    /// STARTTLS was refused or what it brought was no TLS: a hop that may be served in clear is tried again
    /// without.
    bool tls_failed() const { return tls_failed_; }
    const Capabilities& offers() const { return offers_; }

    /// Each adds one command to output(); on Fault::usage nothing was added.
    base::Result<void> mail(const message::Envelope& envelope);
    base::Result<void> rcpt(const message::Recipient& recipient);
    void data();
    void reset();
    void quit();
    /// After a 354: the content with its final dot has been written. A reply taken before this call is the
    /// hop's word before it could have the whole message: only 4xx and 5xx are believed, and the connection
    /// is of no more use.
    void content_sent();
    bool is_in_content() const { return phase_ == Phase::content && !content_sent_; }

    std::optional<Reply> take_reply();
    /// Commands whose replies have not been received.
    std::size_t outstanding() const { return pending_.size(); }
    /// Between transactions and good for another one.
    bool is_idle() const;

  private:
    enum class Phase { greeting, ehlo, helo, starttls, handshake, ready, content, failed };
    enum class Command { mail, rcpt, data, content, rset, quit };

    ClientMachine(std::string helo_name, TlsUse tls) : helo_name_(std::move(helo_name)), tls_(tls) {}
    base::Result<void> handle(Reply reply, bool more_follows);
    base::Result<void> handle_greeting(const Reply& reply);
    base::Result<void> handle_hello(const Reply& reply);
    base::Result<void> handle_starttls(const Reply& reply, bool more_follows);
    base::Result<void> handle_answer(Reply reply);
    base::Result<void> after_hello();
    void say(std::string_view verb, std::string_view argument, Phase then);
    std::unexpected<base::Error> fail_with(base::Fault fault, std::string sentence);

    std::string helo_name_;
    TlsUse tls_;
    Phase phase_ = Phase::greeting;
    Capabilities offers_;
    ReplyParser parser_;
    std::string output_;
    std::deque<Command> pending_;
    std::deque<Reply> replies_;
    base::Error failure_;
    bool secured_ = false;
    bool tls_failed_ = false;
    bool transaction_ = false;  // MAIL was accepted and nothing ended it
    bool smtputf8_ = false;     // of the transaction
    bool content_sent_ = false;
    bool closing_ = false;  // 421 or QUIT: of no further use
};

}  // namespace gatehouse::act::delivery
