// The interface between the SMTP session and the walk of a message: four calls, and three notices for what
// never became a message or never came to its end. apps hands the session an implementation; pipeline is it.
// Everything happens on the connection's event loop. The walk answers in bounded time; the session sends its
// replies. An exception of the walk ends its session alone: 421, and the transaction is told to the walk as
// aborted. (Agreed face: pipeline is being written against exactly this header.)
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/time.h"
#include "message/envelope.h"
#include "message/record.h"
#include "net/asio.h"
#include "receive/smtp/events.h"
#include "receive/smtp/reply.h"

namespace gatehouse::receive::session {

using smtp::Reply;

/// What the walk itself keeps with a transaction (the open next-hop session ...).
class WalkState {
  public:
    virtual ~WalkState() = default;
};

struct Transaction {
    message::Envelope
        envelope;  ///< reference, time, client and MAIL are complete at mail(); the session appends
                   ///< each recipient after rcpt() said 2xx, and sets size before message()
    std::vector<message::Step>
        steps;                 ///< the session adds "connect", "mail", "rcpt", "data" with times and replies
    base::SteadyTime began{};  ///< at MAIL; Step::at_us counts from here
    std::unique_ptr<WalkState> state;
};

/// At connect, MAIL or RCPT, made by the session or the machine itself.
struct Refusal {
    std::string step;       ///< "connect", "mail" or "rcpt"
    std::string recipient;  ///< empty but for "rcpt"
    Reply reply;
};

class Walk {
  public:
    virtual ~Walk() = default;

    /// A connection; `envelope` holds only the client and the connection's own reference. 2xx = greet it.
    virtual net::Task<Reply> connect(const message::Envelope& envelope) = 0;
    virtual net::Task<Reply> mail(Transaction& transaction) = 0;
    /// Relay control has let it pass. 2xx = accepted; the next hop's own answer is passed on.
    virtual net::Task<Reply> rcpt(Transaction& transaction, const message::Recipient& recipient) = 0;
    /// The whole message, sealed. The answer is the client's receipt: after a 2xx the session forgets the
    /// message.
    virtual net::Task<Reply> message(Transaction& transaction, base::Fd sealed) = 0;

    /// The transaction ends without a message (RSET, too large, the client went away ...): the walk lets go
    /// of what it holds and records it. The transaction dies after the call.
    virtual void aborted(std::unique_ptr<Transaction> transaction, smtp::AbortReason why,
                         const Reply& reply) = 0;
    virtual void refused(const message::Envelope& envelope, const Refusal& refusal) = 0;
    /// The process ends while the walk still works on this transaction: what is known of it is recorded now.
    /// The transaction lives on, and where the walk gets to its end after all, it records that again.
    virtual void unfinished(const Transaction& transaction) = 0;
};

}  // namespace gatehouse::receive::session
