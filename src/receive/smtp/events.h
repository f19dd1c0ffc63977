// What the machine tells its shell, in the order it happens. Marked (answer): the machine waits for accept()
// or answer() before it reads on. Each Mail that was accepted ends in exactly one MessageEnd or Aborted.
// Values own their bytes but for Content, whose span is valid until the next call of next().
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>

#include "message/envelope.h"
#include "receive/smtp/reply.h"

namespace gatehouse::receive::smtp {

/// Write what take_output() gives; then, when the input is used up, read more, else call next() again.
struct Idle {};

/// (answer) A session begins: 220, 554 (then only QUIT is served) or 421. Comes again after each XCLIENT.
struct Connect {
    bool is_xclient = false;
};

/// (answer)
struct Mail {
    std::string sender;               ///< without angle brackets or source route; empty for <>
    std::uint64_t declared_size = 0;  ///< SIZE=, 0 = not given
    bool smtputf8 = false;
    bool eight_bit = false;  ///< BODY=8BITMIME
    std::string ret;         ///< "FULL", "HDRS" or empty
    std::string envid;       ///< as given
};

/// (answer) Relay control has let it pass. "<Postmaster>" comes as Postmaster@ the gateway's own domain.
struct Rcpt {
    message::Recipient recipient;
};

/// (answer) DATA or the first BDAT: make room for the message.
struct BodyBegin {
    bool is_chunked = false;
};

/// The next bytes of the message, without dot-stuffing.
struct Content {
    std::span<const char> bytes;
};

/// (answer) The message is complete; the answer is the client's receipt.
struct MessageEnd {
    std::uint64_t size = 0;
    bool is_chunked = false;
    std::uint64_t mended = 0;  ///< bare CR, bare LF and NUL that were normalised
};

enum class AbortReason {
    rset,
    hello,  ///< HELO or EHLO in the middle
    quit,
    closed,   ///< the peer closed, the shell shut down, or too many errors
    refused,  ///< the shell's own answer to BodyBegin, or refuse_message()
    too_large,
    bad_content,    ///< bare CR, bare LF or NUL
    no_recipients,  ///< BDAT without a valid recipient
    early,          ///< content came before 354
};

/// The message is dead: drop it. What is still to come of it is swallowed here.
struct Aborted {
    AbortReason why = AbortReason::closed;
    Reply reply;  ///< what the client is told, now or after the swallowed content; code 0 for nothing
};

/// The machine itself refused MAIL or RCPT; for the record only.
struct Refused {
    bool is_recipient = false;
    std::string argument;  ///< the address, or all that stood behind the verb when there is none in it
    Reply reply;
};

/// (answer) Write the output, then start the handshake on fresh bytes and call tls_started(). The rest of the
/// input is gone (RFC 3207 4.2; CVE-2011-0411).
struct StartTls {
    std::size_t dropped = 0;
};

enum class CloseReason { quit, peer_closed, too_many_errors, flood, early, shut_down, not_smtp };

/// Write the output and close; next() gives nothing else from now on.
struct Close {
    CloseReason why = CloseReason::quit;
};

using Event = std::variant<Idle, Connect, Mail, Rcpt, BodyBegin, Content, MessageEnd, Aborted, Refused,
                           StartTls, Close>;

}  // namespace gatehouse::receive::smtp
