// One message's way to a next hop: MAIL, RCPT, content, and the answer exactly as architecture section 6
// wants it. Made by HopPool::open, used by one coroutine of the pool's loop, must not be moved while an
// operation runs.
//
// Nothing is assumed: what the hop was not heard to accept was not accepted. A pooled connection that turns
// out to be dead before it answered anything is replaced once by a new one, without the caller seeing it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "act/delivery/hop_connection.h"
#include "act/delivery/reply.h"
#include "base/clock.h"
#include "base/result.h"
#include "message/envelope.h"
#include "net/asio.h"

namespace gatehouse::act::delivery {

class PoolCore;
class HopSlot;
struct NextHop;

enum class DataOutcome {
    accepted,  ///< 2xx after our dot: the message is the hop's now
    refused,   ///< 4xx or 5xx, to DATA, to the dot or before it; `reply` passes on
    in_doubt,  ///< our dot was written and no answer came: it may or may not have been taken. Cut-through
               ///< leaves it with the client; the queue, whose message it is, sends it again, a few times
               ///< (RFC 1047)
    not_sent,  ///< the connection failed before our dot was written: safe to try again
};
std::string_view to_string(DataOutcome outcome);

struct FinalAnswer {
    DataOutcome outcome = DataOutcome::not_sent;
    Reply reply;         ///< accepted, refused
    base::Error reason;  ///< in_doubt, not_sent
};

struct StartAnswers {
    Reply mail;
    std::vector<Reply> recipients;  ///< one each, in order; where MAIL was refused, its reply
};

class HopSession {
  public:
    HopSession(HopSession&&) noexcept;
    HopSession& operator=(HopSession&&) = delete;
    /// Gives a connection that stands between transactions back to the pool, closes any other.
    ~HopSession();

    /// MAIL and the recipients known so far, in one write where PIPELINING is offered. A value that cannot be
    /// sent is answered by us (550 5.6.7 where SMTPUTF8 is missing, 553 for an address); an error is the
    /// connection's, unless MAIL had been refused before. Of this transaction's commands none is waited for
    /// beyond `give_up`.
    net::Task<base::Result<StartAnswers>> start(const message::Envelope& envelope,
                                                std::span<const message::Recipient> recipients,
                                                base::SteadyTime give_up = base::SteadyTime::max());
    /// Behind a start that failed: what the recipients were answered until then, in order; code 0 or nothing
    /// at all = no answer.
    std::span<const Reply> heard() const { return heard_; }
    /// One more recipient of the started transaction.
    net::Task<base::Result<Reply>> rcpt(const message::Recipient& recipient);
    /// Before data(): its answer is waited for that long, in place of final_timeout, which is made for
    /// clients who wait for us meanwhile.
    void wait_for_answer(std::chrono::seconds patience) { patience_ = patience; }
    /// DATA, then `head` (complete lines) and the content behind it, which must be out until `give_up` (and
    /// never without progress for data_timeout); the answer to the dot is then waited for as long as
    /// final_timeout says.
    /// `header_is_8bit`: as inspected, or unknown; it matters where SMTPUTF8 was asked for and is not
    /// offered.
    net::Task<FinalAnswer> data(std::string_view head, std::string_view content, base::SteadyTime give_up,
                                bool header_is_8bit = true);
    /// The message goes another way: the transaction is reset (in the background) or the connection dropped.
    /// The session is over.
    void abandon();

    /// Of the connection in use; after the session ended, of the last one.
    const HopInfo& info() const { return info_; }
    /// What the hop offered; for choosing what to send.
    const Capabilities& offers() const;

  private:
    friend class HopPool;
    HopSession(std::unique_ptr<HopSlot> slot, std::unique_ptr<HopConnection> connection,
               bool refuse_eight_bit);

    net::Task<base::Result<StartAnswers>> try_start(const message::Envelope& envelope,
                                                    std::span<const message::Recipient> recipients);
    net::Task<base::Result<void>> send_mail(const message::Envelope& envelope,
                                            std::span<const message::Recipient> recipients,
                                            std::span<Reply> answers);
    net::Task<base::Result<void>> send_recipients(std::span<const message::Recipient> recipients,
                                                  std::span<Reply> answers, bool mail_waits);
    net::Task<base::Result<Reply>> answer();
    std::optional<Reply> cannot_take(std::string_view head, std::string_view content,
                                     bool header_is_8bit) const;
    net::Task<FinalAnswer> send_content(std::string_view head, std::string_view content,
                                        base::SteadyTime give_up);
    bool replaceable(const base::Error& error) const;
    base::SteadyTime after(std::int64_t seconds) const;

    std::unique_ptr<HopSlot> slot_;
    std::unique_ptr<HopConnection> connection_;
    HopInfo info_;
    bool refuse_eight_bit_ = false;
    bool lacks_smtputf8_ = false;                   // the client asked for it, and the hop does not offer it
    bool answered_ = false;                         // the hop answered a command of this session
    Reply mail_;                                    // its answer to MAIL
    std::vector<Reply> heard_;                      // of a start that failed
    std::size_t taken_ = 0;                         // recipients it accepted
    std::optional<std::chrono::seconds> patience_;  // for the answer to the dot
    base::SteadyTime give_up_ = base::SteadyTime::max();  // of its answers to commands
};

}  // namespace gatehouse::act::delivery
