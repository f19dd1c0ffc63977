#include "pipeline/deliverer.h"

#include <fmt/format.h>

#include <algorithm>

#include "act/queue/back_off.h"
#include "base/fault_point.h"
#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "net/started.h"

namespace gatehouse::pipeline {

using act::notify::NoticeKind;
using act::notify::NoticeRecipient;
using act::queue::QueueItem;
using base::FaultPoint;
using base::FaultPoints;
using base::LogLevel;
using message::Outcome;
using message::Recipient;
using namespace std::chrono_literals;

namespace {

constexpr auto kLookEvery = 1s;       // what becomes due by the passing of time is seen by then
constexpr auto kNoRoomPause = 100ms;  // of a lane, where memory or the journal have none
constexpr auto kStorePause = 1s;      // between tries to note what happened
constexpr auto kMemoryPause = 500ms;  // of an item that finds no memory
constexpr std::chrono::minutes kLongest{10};
constexpr std::uint64_t kSlowest = 32 * 1024;  // bytes in a second: what is larger has more time
constexpr std::size_t kMostRecipients = 100;   // RFC 5321 4.5.3.1.8: so many every hop takes
constexpr std::uint32_t kMostDoubts = 5;
constexpr std::size_t kMostSteps = 48;
// Else a notice could never be committed together with what it is about.
static_assert(act::notify::kMaxNotice <= act::queue::kMaxAdded);
constexpr std::uint64_t kNoticeMemory = 3 * act::notify::kMaxNotice;  // its text, and twice on its way

/// The first and the newest; what is in between would only repeat itself.
void add_step(std::vector<message::Step>& steps, message::Step step) {
    if (steps.size() >= kMostSteps) steps.erase(steps.begin() + kMostSteps / 2);
    steps.push_back(std::move(step));
}

}  // namespace

struct Deliverer::Attempt {
    QueueItem& item;
    act::delivery::NextHop own_hop = {};
    const act::delivery::NextHop* hop = nullptr;
    std::vector<Recipient> asked = {};    ///< those of this hop, as many as go in one transaction
    std::vector<Recipient> unasked = {};  ///< whose turn comes when this is over
    std::vector<Recipient> late = {};     ///< who was asked for, and is to be tried again
    std::vector<Recipient> waiting = {};  ///< in the end: everybody who has not got it yet
    std::string why_not = {};             ///< the hop is not asked, and this is why
    std::string content = {};             ///< where it is not asked only the beginning
    std::optional<base::MemoryShare> memory = {};
    Trip trip = {};
    base::WallTime now = {};
    std::vector<OwnMessage> notices = {};
    bool is_damaged = false;
};

/// Who is told of what an attempt came to.
struct Deliverer::Told {
    std::vector<NoticeRecipient> failed = {};
    std::vector<NoticeRecipient> late = {};
    std::vector<NoticeRecipient> relayed = {};
};

Deliverer::Deliverer(DelivererParts parts) : parts_(std::move(parts)), tick_(parts_.io) {}

void Deliverer::wake() {
    if (is_woken_.exchange(true)) return;
    net::asio::post(parts_.io, [this] { tick_.cancel(); });
}

void Deliverer::stop() {
    is_stopping_ = true;
    tick_.cancel();
}

net::Task<void> Deliverer::run() {
    while (!is_stopping_) {
        is_woken_ = false;
        while (under_way_ < parts_.most) {
            auto item = parts_.queue.take(parts_.clock.wall());
            if (!item) break;
            ++under_way_;
            net::asio::co_spawn(parts_.io, deliver(std::move(*item)), net::asio::detached);
        }
        const auto now = parts_.clock.steady();
        tick_.expires_at(room_at_ > now ? room_at_ : now + kLookEvery);
        if (!is_woken_ || under_way_ >= parts_.most) co_await tick_.async_wait(net::kTuple);
    }
}

net::Task<void> Deliverer::deliver(QueueItem item) {
    try {
        co_await attempt(item);
    } catch (const std::exception& thrown) {
        base::log(LogLevel::error, "{} failed in the queue: {}", item.id.to_string(), thrown.what());
        give_back(item);
    }
    --under_way_;
    tick_.cancel();
}

/// Its lane pauses, and is looked at when that is over: what others hold now is soon free.
void Deliverer::give_back(const QueueItem& item) {
    constexpr auto kToBeSure = 5ms;
    parts_.queue.give_back(item, kNoRoomPause);
    room_at_ = parts_.clock.steady() + kNoRoomPause + kToBeSure;
}

net::Task<void> Deliverer::attempt(QueueItem& item) {
    Attempt attempt{item};
    attempt.now = parts_.clock.wall();
    choose(attempt);
    if (!may_begin(attempt)) co_return;
    const bool is_there = co_await fetch(attempt);
    if (attempt.is_damaged) {  // never sent as if it were whole
        parts_.queue.set_aside(item);
        co_return;
    }
    if (!is_there) {
        give_back(item);
        co_return;
    }
    co_await ask(attempt);
    // From here on the hop may have it: whatever goes wrong, that is noted.
    conclude_or_wait(attempt);
    note_or_log(attempt);
    (void)FaultPoints::pass(FaultPoint::queue_after_note);
    co_await settle(attempt);
}

/// Who of its recipients goes to which hop, now or with the next transaction.
void Deliverer::choose(Attempt& attempt) const {
    const auto& item = attempt.item;
    const auto& recipients = item.story.envelope.recipients;
    const bool is_handed = item.lane.starts_with(act::queue::kHandOff);
    if (is_handed) attempt.own_hop = handed_off(parts_.next_hops, item.lane);
    const auto hop_of = [&](const Recipient& one) {
        return is_handed ? &attempt.own_hop : parts_.next_hops.pick(message::domain_of(one.address));
    };
    attempt.hop = hop_of(recipients.front());
    const auto in_round = item.unasked == 0 ? recipients.size() : item.unasked;
    for (std::size_t i = 0; i < recipients.size(); ++i) {
        const bool is_now = attempt.asked.size() < kMostRecipients && hop_of(recipients[i]) == attempt.hop;
        if (i >= in_round) {
            attempt.late.push_back(recipients[i]);
        } else {
            (is_now ? attempt.asked : attempt.unasked).push_back(recipients[i]);
        }
    }
}

/// False: it has been given back. An item whose sender has to hear of it is concluded, whatever is missing.
bool Deliverer::may_begin(Attempt& attempt) {
    auto& item = attempt.item;
    auto& queue = parts_.queue;
    const auto warn = std::chrono::hours(parts_.hops.settings().warn_hours);
    const bool must = act::queue::is_overdue(item, attempt.now, warn);
    if (attempt.hop == nullptr) {
        attempt.why_not = "451 4.4.4 no next hop is configured for this recipient";
    } else if (const auto until = parts_.hops.down_until(*attempt.hop)) {
        // A lane that a change of the settings has torn apart does not rest: others of it may have a way.
        const bool is_of_lane = attempt.hop->domain == item.lane;
        if (is_of_lane) queue.lane_down(item, *until);
        if (is_of_lane && !must) {
            queue.give_back(item, 0ms);
            return false;
        }
        const auto* why = parts_.hops.why_down(*attempt.hop);  // null: that time has just passed
        attempt.why_not = "451 4.4.1 the next hop cannot be reached";
        if (why != nullptr) attempt.why_not += ": " + *why;
    }
    if (!parts_.recorder.is_writable() || !FaultPoints::pass(FaultPoint::queue_before_attempt)) {
        give_back(item);
        return false;
    }
    if (!attempt.why_not.empty() || find_memory(attempt)) return true;
    if (must) attempt.why_not = "451 4.3.1 this server has no memory for a message of that size now";
    if (!must) queue.rest(item, kMemoryPause);
    return must;
}

/// What is larger than the whole budget goes when nothing else does.
bool Deliverer::find_memory(Attempt& attempt) {
    const auto size = attempt.item.size;
    attempt.memory.emplace(parts_.memory);
    const bool is_too_large = size > parts_.memory.limit();
    if (is_too_large ? attempt.memory->grow_alone(size) : attempt.memory->grow_to(size)) return true;
    const auto now = parts_.clock.steady();
    if (now < memory_logged_at_ + kLongest) return false;
    memory_logged_at_ = now;
    base::log(LogLevel::warning,
              "{} of {} bytes waits in the queue for memory (limits.memory is {}, {} in use)",
              attempt.item.id.to_string(), size, parts_.memory.limit(), parts_.memory.used());
    return false;
}

/// Its bytes. False: not now.
net::Task<bool> Deliverer::fetch(Attempt& attempt) {
    const auto& item = attempt.item;
    const bool is_whole = attempt.why_not.empty();
    auto& queue = parts_.queue;
    auto read = [&queue, is_whole, id = item.id] {
        return is_whole ? queue.content(id) : queue.beginning(id);
    };
    auto content = co_await net::offload(parts_.io, parts_.storage, std::move(read));
    if (!content || (is_whole && content->size() != item.size)) {
        const bool is_damaged = content || content.error().fault != base::Fault::unavailable;
        base::log(LogLevel::error, "queue: {}: {}", item.id.to_string(),
                  content ? "its content is not whole" : content.error().sentence);
        if (is_damaged) attempt.is_damaged = true;
        co_return false;
    }
    attempt.content = std::move(*content);
    co_return true;
}

net::Task<void> Deliverer::ask(Attempt& attempt) {
    if (attempt.why_not.empty()) {
        co_await go(attempt);
    } else {
        for (const auto& one : attempt.asked)
            attempt.trip.outcomes.push_back({one.address, Outcome::deferred, attempt.why_not, "", ""});
    }
    attempt.now = parts_.clock.wall();
}

net::Task<void> Deliverer::go(Attempt& attempt) {
    const auto& item = attempt.item;
    auto envelope = item.story.envelope;
    envelope.size = item.size;
    const std::string_view content = attempt.content;
    const auto head = content.substr(0, item.head_bytes);
    const TripMessage message{envelope,
                              attempt.asked,
                              head,
                              content.substr(head.size()),
                              item.story.facts.header_is_8bit,
                              std::chrono::seconds(parts_.hops.settings().queued_final_timeout)};
    const auto now = parts_.clock.steady();
    const auto give_up = now + kLongest + std::chrono::seconds(item.size / kSlowest);
    auto& queue = parts_.queue;
    BeforeData is_up = [&queue, &item](const Outcomes&) {
        queue.lane_up(item);
        return base::Result<void>();
    };
    TripTerms terms{now, give_up, std::move(is_up)};
    attempt.trip = co_await travel(parts_.hops, *attempt.hop, message, std::move(terms));
    const auto until = parts_.hops.down_until(*attempt.hop);
    if (attempt.trip.is_reached) {
        queue.lane_up(item);
    } else if (until && attempt.hop->domain == item.lane) {
        queue.lane_down(item, *until);
    }
}

NoticeParts Deliverer::notice_parts() const {
    return {parts_.hostname, parts_.next_hops, parts_.hops.settings(), parts_.clock, parts_.node};
}

/// What a sender is told: the hop's words where it had any. What we say of our connection to it is for the
/// log and tracking, and no SMTP reply (RFC 3464 2.3.6).
NoticeRecipient Deliverer::told_of(const Attempt& attempt, std::size_t at) {
    const auto& one = attempt.trip.outcomes[at];
    const auto& recipient = attempt.asked[at];
    const bool is_reply = base::parse_unsigned(one.reply.substr(0, 3)).has_value();
    if (is_reply && at < attempt.trip.are_ours.size() && attempt.trip.are_ours[at])
        return {recipient, one.reply, "", attempt.now};
    if (is_reply && !one.next_hop.empty())
        return {recipient, one.reply, address_in(one.next_hop), attempt.now};
    if (!one.next_hop.empty())
        return {recipient, "451 4.4.2 the connection to the next mail server was lost", "", attempt.now};
    const bool is_ours = one.reply.starts_with("451 4.4.4") || one.reply.starts_with("451 4.3.1");
    if (is_ours) return {recipient, one.reply, "", attempt.now};
    return {recipient, "451 4.4.1 the next mail server cannot be reached", "", attempt.now};
}

/// What the answers mean for each: who waits on, who is done, and who is told.
void Deliverer::sort(Attempt& attempt, Told& told) {
    auto& item = attempt.item;
    auto& outcomes = attempt.trip.outcomes;
    const auto is = [](Outcome outcome) {
        return [outcome](const auto& one) { return one.outcome == outcome; };
    };
    const bool any_taken = std::any_of(outcomes.begin(), outcomes.end(), is(Outcome::delivered));
    if (std::any_of(outcomes.begin(), outcomes.end(), is(Outcome::in_doubt))) ++item.doubts;
    const auto life = std::chrono::hours(parts_.hops.settings().lifetime_hours);
    const bool is_last =
        attempt.now >= item.expires && item.attempts + 1 >= act::queue::least_attempts(parts_.retry, life);
    for (std::size_t i = 0; i < attempt.asked.size(); ++i) {
        auto& one = outcomes[i];
        const auto& recipient = attempt.asked[i];
        auto word = told_of(attempt, i);
        one.item = item.id.to_string();
        item.last = one.reply;
        const bool is_hopeless = one.outcome == Outcome::in_doubt && item.doubts >= kMostDoubts;
        if (one.outcome == Outcome::delivered) {
            if (!attempt.trip.reports_success) told.relayed.push_back(std::move(word));
        } else if (any_taken && one.outcome == Outcome::deferred && is_too_many(one.reply)) {
            one.outcome = Outcome::queued;
            attempt.unasked.push_back(recipient);
        } else if (one.outcome == Outcome::rejected || is_last || is_hopeless) {
            if (is_hopeless)
                word.reply = "451 4.4.2 the next mail server took it and never answered; it may have arrived";
            one.outcome = Outcome::undeliverable;
            told.failed.push_back(std::move(word));
        } else {
            one.outcome = Outcome::queued;
            attempt.late.push_back(recipient);
            told.late.push_back(std::move(word));
        }
    }
}

/// An attempt goes on with the next transaction at once while somebody is unasked and it gets on.
void Deliverer::schedule_next(Attempt& attempt) {
    auto& item = attempt.item;
    const auto waiting = attempt.unasked.size() + attempt.late.size();
    const bool gets_on = waiting < item.story.envelope.recipients.size();
    const bool has_others = !attempt.unasked.empty();
    add_step(item.story.steps, {fmt::format("attempt {}", item.attempts + 1),
                                static_cast<std::uint64_t>(std::max<std::int64_t>(
                                    0, (attempt.now - item.story.envelope.received).count())),
                                item.last});
    attempt.waiting = std::move(attempt.unasked);
    const auto unasked = attempt.waiting.size();
    std::move(attempt.late.begin(), attempt.late.end(), std::back_inserter(attempt.waiting));
    item.is_postponed = false;
    item.due = attempt.now;
    item.unasked = has_others && gets_on ? static_cast<std::uint32_t>(unasked) : 0;
    if (item.unasked > 0) return;
    ++item.attempts;
    const auto random = static_cast<std::uint32_t>(base::random_u64());
    auto pause = act::queue::back_off(parts_.retry, item.attempts, random);
    // Who was slow to answer once may be so again, and each time is a copy more.
    if (item.doubts > 0) pause = std::max(pause, act::queue::back_off(parts_.retry, UINT32_MAX, random));
    item.due += pause;
}

std::vector<OwnMessage> Deliverer::notices_of(Attempt& attempt, Told told, bool is_late) const {
    auto about = attempt.item;
    // There is no more of it here, or the sender has it back already.
    if (attempt.content.size() < about.size || about.is_returned) about.story.envelope.ret = "HDRS";
    std::vector<OwnMessage> out;
    const auto add = [&](NoticeKind kind, std::vector<NoticeRecipient> recipients) {
        const bool is_full = kind == NoticeKind::failed && !recipients.empty() &&
                             base::iequals(about.story.envelope.ret, "FULL");
        if (is_full && !attempt.memory) attempt.memory.emplace(parts_.memory);  // nobody was asked
        const bool has_room = !is_full || attempt.memory->grow_to(about.size + kNoticeMemory);
        auto made =
            make_notices(notice_parts(), {kind, about, attempt.content, has_room}, std::move(recipients));
        attempt.item.is_returned = attempt.item.is_returned || (is_full && has_room && !made.empty());
        std::move(made.begin(), made.end(), std::back_inserter(out));
    };
    add(NoticeKind::failed, std::move(told.failed));
    add(NoticeKind::relayed, std::move(told.relayed));
    if (is_late) add(NoticeKind::delayed, std::move(told.late));
    return out;
}

void Deliverer::conclude(Attempt& attempt) {
    auto& item = attempt.item;
    if (item.is_postponed) item.first_due = std::max(item.first_due, item.due);
    const auto warn = std::chrono::hours(parts_.hops.settings().warn_hours);
    const bool may_warn =
        !item.is_warned && warn.count() > 0 && attempt.now - act::queue::waits_since(item) >= warn;
    Told told;
    sort(attempt, told);
    const bool is_late = may_warn && !told.late.empty();
    attempt.notices = notices_of(attempt, std::move(told), is_late);
    schedule_next(attempt);
    // Of a list that is asked for in several transactions each part is told of.
    item.is_warned = item.is_warned || (may_warn && item.unasked == 0);
}

/// Where it cannot be told what it means (no memory), everybody who has not got it waits on.
void Deliverer::conclude_or_wait(Attempt& attempt) {
    auto& item = attempt.item;
    try {
        const auto passed = FaultPoints::pass(FaultPoint::queue_after_hop_answer);
        if (passed) return conclude(attempt);
        base::log(LogLevel::error, "{}: nobody is told of this attempt: {}", item.id.to_string(),
                  passed.error().sentence);
    } catch (const std::exception& thrown) {
        base::log(LogLevel::error, "{}: nobody is told of this attempt: {}", item.id.to_string(),
                  thrown.what());
    }
    attempt.notices.clear();
    attempt.waiting.clear();
    const auto& all = item.story.envelope.recipients;
    for (const auto& one : all) {
        const auto at = std::find(attempt.asked.begin(), attempt.asked.end(), one);
        const bool has_it =
            at != attempt.asked.end() &&
            attempt.trip.outcomes[static_cast<std::size_t>(at - attempt.asked.begin())].outcome ==
                Outcome::delivered;
        if (!has_it) attempt.waiting.push_back(one);
    }
    for (auto& one : attempt.trip.outcomes) {
        if (one.outcome != Outcome::delivered) one.outcome = Outcome::queued;
    }
    ++item.attempts;
    item.unasked = 0;
    item.due = attempt.now + act::queue::back_off(parts_.retry, item.attempts, 0);
}

/// Into the journal before it leaves the queue: who dies in between delivers twice, and tracking knows it.
void Deliverer::note(const Attempt& attempt) {
    message::Record record = attempt.item.story;
    record.envelope.recipients = attempt.asked;
    record.outcomes = attempt.trip.outcomes;
    record.is_attempt = true;
    if (const auto noted = parts_.recorder.append(record); !noted) {
        base::log(LogLevel::error, "{} not in the journal: {}", attempt.item.id.to_string(),
                  noted.error().sentence);
    }
    const auto& first = attempt.trip.outcomes.front();
    base::log(LogLevel::info, "{} attempt={} outcome={} next_hop={} reply=\"{}\"{}",
              attempt.item.id.to_string(), attempt.item.attempts + (attempt.item.unasked > 0 ? 1 : 0),
              message::to_string(first.outcome), first.next_hop, base::printable(first.reply, 160),
              attempt.notices.empty() ? "" : " notice");
}

/// Into the journal before it leaves the queue, notices, too: once they are in the queue another loop may
/// deliver them, and that is the newer word.
void Deliverer::note_or_log(const Attempt& attempt) {
    try {
        note(attempt);
        note_notices(attempt);
    } catch (const std::exception& thrown) {
        base::log(LogLevel::error, "{} not in the journal: {}", attempt.item.id.to_string(), thrown.what());
    }
}

void Deliverer::note_notices(const Attempt& attempt) {
    for (const auto& notice : attempt.notices) {
        if (const auto noted = parts_.recorder.append(record_of(notice)); !noted)
            base::log(LogLevel::error, "{} not in the journal: {}", notice.item.id.to_string(),
                      noted.error().sentence);
    }
}

/// The queue has somebody else under the id of a notice. It is never dropped for that.
void Deliverer::rename(Attempt& attempt) {
    for (auto& notice : attempt.notices) give_new_id(notice_parts(), notice);
    note_notices(attempt);
}

/// No memory for it is a reason to try again, as a full disk is.
net::Task<base::Result<void>> Deliverer::commit(const Attempt& attempt) {
    try {
        const auto& item = attempt.item;
        act::queue::Work work;
        if (attempt.waiting.empty()) {
            work.removed = {item.id};
        } else {
            work.changed = {item};
        }
        for (const auto& notice : attempt.notices) work.added.push_back({notice.item, {notice.text}});
        work.durable = !attempt.notices.empty();
        const auto done = co_await parts_.queue.commit(parts_.io, std::move(work));
        co_return done;
    } catch (const std::exception& thrown) {
        co_return base::fail(base::Fault::unavailable, "{}", thrown.what());
    }
}

net::Task<void> Deliverer::settle(Attempt& attempt) {
    auto& item = attempt.item;
    item.story.envelope.recipients = attempt.waiting;
    while (true) {
        const auto done = co_await commit(attempt);
        if (done) break;
        if (done.error().fault == base::Fault::refused) rename(attempt);
        base::log(LogLevel::error, "{} not noted in the queue, trying on: {}", item.id.to_string(),
                  done.error().sentence);
        net::Timer pause(parts_.io);
        pause.expires_after(kStorePause);
        co_await pause.async_wait(net::kTuple);
    }
}

}  // namespace gatehouse::pipeline
