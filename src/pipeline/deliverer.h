// Sends what waits in the queue: one per event loop, each takes items as they are due and carries them to
// their next hop. An attempt ends in one batch of the queue: what remains of the item, and the notices that
// follow.
//
// An answer that never came (in doubt) is asked for again: here the message is ours, and to send it twice is
// less bad than to lose it (RFC 5321 section 4.5.4.1, RFC 1047). It is waited for 10 minutes
// (delivery.queued_final_timeout), the next time comes late, and whoever was in doubt a few times, that is
// told to the sender. Everything else is told apart as the hop said.
//
// A hop that is known to be down is not asked: its lane rests, nothing is counted or read; nor is anything
// counted where all connections to it were busy. At most 100 recipients go in one transaction (4.5.3.1.8); an
// attempt is over when each was asked for once, or when a transaction gets on with nobody.
#pragma once

#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <memory>

#include "act/delivery/hop_pool.h"
#include "act/delivery/next_hop.h"
#include "act/queue/queue.h"
#include "base/clock.h"
#include "base/memory_budget.h"
#include "net/asio.h"
#include "pipeline/notices.h"
#include "pipeline/trip.h"
#include "record/recorder.h"

namespace gatehouse::pipeline {

struct DelivererParts {
    net::Io& io;
    const base::Clock& clock;
    std::string hostname;
    std::uint8_t node = 0;
    const act::delivery::NextHops& next_hops;
    act::delivery::HopPool& hops;
    act::queue::Queue& queue;
    record::Recorder& recorder;
    base::MemoryBudget& memory;
    boost::asio::thread_pool& storage;  ///< for what waits on a disk
    std::vector<std::chrono::seconds> retry;
    std::size_t most = 1000;  ///< under way on this loop; each lane has a bound of its own
};

class Deliverer {
  public:
    explicit Deliverer(DelivererParts parts);

    /// Until stop(). Started once.
    net::Task<void> run();
    /// From any thread: something may be due.
    void wake();
    /// On its loop: takes no more; what is under way goes on.
    void stop();
    /// From any thread.
    bool is_idle() const { return under_way_ == 0; }

  private:
    struct Attempt;
    struct Told;
    void begin_what_is_due();
    net::Task<void> deliver(std::shared_ptr<act::queue::QueueItem> item);
    void give_back(const act::queue::QueueItem& item);
    net::Task<void> attempt(act::queue::QueueItem& item);
    void choose(Attempt& attempt) const;
    bool may_begin(Attempt& attempt);
    bool find_memory(Attempt& attempt);
    net::Task<bool> fetch(Attempt& attempt);
    net::Task<void> ask(Attempt& attempt);
    net::Task<void> go(Attempt& attempt);
    void tell_lane(const Attempt& attempt);
    void conclude(Attempt& attempt);
    bool is_last(const Attempt& attempt) const;
    void sort(Attempt& attempt, Told& told);
    void tell_unasked(const Attempt& attempt, Told& told) const;
    static bool goes_on(const Attempt& attempt);
    void schedule_next(Attempt& attempt, bool is_over);
    std::chrono::milliseconds pause_of(const Attempt& attempt) const;
    static void count_doubts(Attempt& attempt) noexcept;
    void wait_on(Attempt& attempt) noexcept;
    std::vector<OwnMessage> notices_of(Attempt& attempt, Told told, bool is_late) const;
    void conclude_or_wait(Attempt& attempt) noexcept;
    void note(const Attempt& attempt);
    void note_notices(const Attempt& attempt);
    void rename(Attempt& attempt);
    void note_or_log(const Attempt& attempt) noexcept;
    net::Task<base::Result<void>> commit(const Attempt& attempt);
    net::Task<bool> settle_once(Attempt& attempt);
    net::Task<void> settle(Attempt& attempt);
    NoticeParts notice_parts() const;
    static act::notify::NoticeRecipient told_of(const Attempt& attempt, std::size_t at);

    DelivererParts parts_;
    net::Timer tick_;
    std::atomic<bool> is_woken_{false};
    bool is_stopping_ = false;
    base::SteadyTime room_at_{};
    base::SteadyTime memory_logged_at_{};
    std::atomic<std::size_t> under_way_{0};
};

}  // namespace gatehouse::pipeline
