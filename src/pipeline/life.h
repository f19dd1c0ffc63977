// The walk of a message, as the SMTP session sees it: receive hands over, then inspect, consult, decide, act,
// record. One Life per event loop. life.cc tells the story; judge.* is its middle, carry_out.* the acting,
// recording.* the record; at_hop.* is
// the session with the next hop, queueing.* what happens where one session cannot carry it all.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "act/delivery/hop_pool.h"
#include "act/delivery/next_hop.h"
#include "act/quarantine/quarantine.h"
#include "act/queue/queue.h"
#include "base/clock.h"
#include "message/record.h"
#include "net/asio.h"
#include "pipeline/hop_holders.h"
#include "pipeline/judge.h"
#include "pipeline/notices.h"
#include "pipeline/policy_holder.h"
#include "receive/session/walk.h"
#include "record/recorder.h"

namespace gatehouse::pipeline {

using receive::session::Reply;
using receive::session::Transaction;

struct LifeParts {
    net::Io& io;
    const base::Clock& clock;
    std::string hostname;
    bool log_addresses = false;
    const act::delivery::NextHops& next_hops;
    act::delivery::HopPool& hops;
    inspect::pool::Pool& inspectors;
    act::quarantine::Quarantine& quarantine;
    act::queue::Queue& queue;
    record::Recorder& recorder;
    const PolicyHolder& policy;
    boost::asio::thread_pool& storage;  ///< for what waits on a disk
    Judge& judge;
    std::uint8_t node = 0;
};

/// One form of the message's bytes: as a plan has made them.
struct Version {
    message::RewritePlan plan;
    base::Fd file;
    std::optional<base::MemoryShare> memory;
};

/// What the walk keeps with a transaction from MAIL on.
struct Run : receive::session::WalkState {
    std::shared_ptr<const PolicySnapshot> policy;  // shared: see PolicyHolder
    HopHold at_hop;
    /// One session with one next hop cannot carry it: recipients are taken here and it goes to the queue.
    bool is_for_queue = false;
    base::Fd message;
    std::vector<Version> versions;    ///< but the one as received
    act::queue::Stored queued;        ///< in the queue, and not in line before the journal has it
    std::vector<base::ItemId> held;   ///< in quarantine; taken out again if the journal does not get it
    std::vector<OwnMessage> notices;  ///< of success
    act::queue::Stored reports;       ///< those, in the queue; in line once the journal has them
    /// The next hop has the whole content by then, or never gets it; known from the client's dot on.
    base::SteadyTime send_until = base::SteadyTime::max();
    base::SteadyTime end = base::SteadyTime::max();  ///< of everything behind the dot
    bool is_handed = false;  ///< the next hop has the content, and nothing is recorded yet
    bool is_taken = false;   ///< the next hop said 250 of the content: whatever happens now, so do we
    std::optional<Judged> judged;
    std::vector<message::RecipientOutcome> outcomes;  ///< of those that were accepted
    std::vector<message::RecipientOutcome>
        turned_away;  ///< refused at RCPT by the next hop or for want of one
};

class Life : public receive::session::Walk {
  public:
    explicit Life(LifeParts parts);
    ~Life() override;

    net::Task<Reply> connect(const message::Envelope& envelope) override;
    net::Task<Reply> mail(Transaction& transaction) override;
    net::Task<Reply> rcpt(Transaction& transaction, const message::Recipient& recipient) override;
    net::Task<Reply> message(Transaction& transaction, base::Fd sealed) override;
    void aborted(std::unique_ptr<Transaction> transaction, receive::smtp::AbortReason why,
                 const Reply& reply) override;
    void refused(const message::Envelope& envelope, const receive::session::Refusal& refusal) override;
    void unfinished(const Transaction& transaction) override;

  private:
    net::Task<Reply> walk_on(Transaction& transaction, Run& run, base::Fd sealed);
    Reply only_taken(Transaction& transaction, Run& run) noexcept;
    // carry_out.cc: from a decision to a reply and an outcome per recipient
    net::Task<Reply> carry_out(Transaction& transaction, Run& run);
    net::Task<Reply> deliver(Transaction& transaction, Run& run);
    net::Task<Reply> hold_back(Transaction& transaction, Run& run);
    net::Task<base::Result<int>> version_of(Run& run, const message::RewritePlan& plan);
    net::Task<Reply> hand_over(Transaction& transaction, Run& run, std::string_view content);
    act::quarantine::ItemInfo item_info(const Transaction& transaction, const Run& run,
                                        const message::GroupDecision& group, std::uint32_t number) const;
    net::Task<base::Result<void>> store_item(const Run& run, const act::quarantine::ItemInfo& info);
    Reply settle(Transaction& transaction, Run& run, message::Outcome outcome, Reply reply);
    // queueing.cc
    struct Parcels;
    net::Task<Reply> distribute(Transaction& transaction, Run& run);
    Parcels parcels_of(const Transaction& transaction, const Run& run) const;
    net::Task<base::Result<void>> fill(const Transaction& transaction, Run& run, Parcels& parcels);
    net::Task<base::Result<void>> store(Run& run, Parcels& parcels);
    act::queue::QueueItem queue_item(const Transaction& transaction, const Run& run,
                                     const message::GroupDecision& group) const;
    void report_relayed(const Transaction& transaction, Run& run, std::string_view content,
                        const act::delivery::Reply& said) const;
    net::Task<void> store_notices(Run& run);
    net::Task<void> take_back(std::vector<base::ItemId> held);
    // recording.cc
    Reply record(Transaction& transaction, Run& run, Reply reply);
    void log_message(const message::Record& record) const;
    void append(const message::Record& record);

    // at_hop.cc
    net::Task<Reply> ask_hop(Transaction& transaction, Run& run, const message::Recipient& recipient);
    net::Task<Reply> ask_first(Transaction& transaction, Run& run, const message::Recipient& recipient);
    net::Task<base::Result<act::delivery::StartAnswers>> begin_at_hop(
        Transaction& transaction, Run& run, std::span<const message::Recipient> recipients);
    enum class Begun : std::uint8_t { ready, unreachable, refused };
    net::Task<Begun> begin_again(Transaction& transaction, Run& run);
    Reply take_for_queue(const Transaction& transaction, Run& run) const;

    LifeParts parts_;
    HopHolders holders_;
};

/// "ref 7Q3K-...": what every refusal after MAIL ends with is added by the session; receipts carry it
/// themselves.
Reply receipt(const base::Reference& reference);
Reply cannot_record();
Reply not_stored();
Reply deferral(const message::Action& action);
/// "250 2.0.0 text", as tracking keeps it; empty for no reply.
std::string wire(const Reply& reply);
Reply from_hop(const act::delivery::Reply& reply);

}  // namespace gatehouse::pipeline
