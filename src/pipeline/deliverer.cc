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
constexpr std::chrono::minutes kLongest{10};
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
    std::vector<Recipient> asked = {};    ///< those of this hop
    std::vector<Recipient> waiting = {};  ///< everybody else, and later who is to be tried again
    std::string content = {};
    std::optional<base::MemoryShare> memory = {};
    Trip trip = {};
    base::WallTime now = {};
    std::vector<OwnMessage> notices = {};
    bool is_damaged = false;
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
    (void)FaultPoints::pass(FaultPoint::queue_after_hop_answer);
    conclude(attempt);
    note(attempt);
    (void)FaultPoints::pass(FaultPoint::queue_after_note);
    co_await settle(attempt);
}

/// Its bytes, and who of its recipients goes to which hop. False: not now.
net::Task<bool> Deliverer::fetch(Attempt& attempt) {
    const auto& item = attempt.item;
    attempt.memory.emplace(parts_.memory);
    if (!attempt.memory->grow_to(item.size) || !parts_.recorder.is_writable()) co_return false;
    if (!FaultPoints::pass(FaultPoint::queue_before_attempt)) co_return false;
    auto& queue = parts_.queue;
    auto read = [&queue, id = item.id] { return queue.content(id); };
    auto content = co_await net::offload(parts_.io, parts_.storage, std::move(read));
    if (!content || content->size() != item.size) {
        const bool is_damaged = content || content.error().fault != base::Fault::unavailable;
        base::log(LogLevel::error, "queue: {}: {}", item.id.to_string(),
                  content ? "its content is not whole" : content.error().sentence);
        if (is_damaged) attempt.is_damaged = true;
        co_return false;
    }
    attempt.content = std::move(*content);
    const auto& recipients = item.story.envelope.recipients;
    if (item.lane.starts_with(act::queue::kHandOff)) {
        attempt.own_hop = handed_off(parts_.next_hops, item.lane);
        attempt.hop = &attempt.own_hop;
        attempt.asked = recipients;
        co_return true;
    }
    attempt.hop = parts_.next_hops.pick(message::domain_of(recipients.front().address));
    for (const auto& one : recipients) {
        const bool is_same = parts_.next_hops.pick(message::domain_of(one.address)) == attempt.hop;
        (is_same ? attempt.asked : attempt.waiting).push_back(one);
    }
    co_return true;
}

net::Task<void> Deliverer::ask(Attempt& attempt) {
    const auto* down = attempt.hop == nullptr ? nullptr : parts_.hops.why_down(*attempt.hop);
    if (attempt.hop == nullptr || down != nullptr) {
        const std::string why = down != nullptr ? "451 4.4.1 the next hop cannot be reached: " + *down
                                                : "451 4.4.4 no next hop is configured for this recipient";
        for (const auto& one : attempt.asked)
            attempt.trip.outcomes.push_back({one.address, Outcome::deferred, why, "", ""});
    } else {
        auto envelope = attempt.item.story.envelope;
        envelope.size = attempt.item.size;
        const std::string_view content = attempt.content;
        const auto head = content.substr(0, attempt.item.head_bytes);
        const TripMessage message{envelope, attempt.asked, head, content.substr(head.size()),
                                  attempt.item.story.facts.header_is_8bit};
        const auto now = parts_.clock.steady();
        BeforeData nothing = [](const Outcomes&) { return base::Result<void>(); };
        TripTerms terms{now, now + kLongest, std::move(nothing)};
        attempt.trip = co_await travel(parts_.hops, *attempt.hop, message, std::move(terms));
    }
    attempt.now = parts_.clock.wall();
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
    if (one.reply.starts_with("451 4.4.4")) return {recipient, one.reply, "", attempt.now};
    return {recipient, "451 4.4.1 the next mail server cannot be reached", "", attempt.now};
}

/// What the answers mean: who waits on, who is done, and who is told.
void Deliverer::conclude(Attempt& attempt) {
    auto& item = attempt.item;
    const bool is_last = attempt.now >= item.expires;
    std::vector<NoticeRecipient> failed;
    std::vector<NoticeRecipient> late;
    std::vector<NoticeRecipient> relayed;
    bool any_waits = false;
    for (std::size_t i = 0; i < attempt.asked.size(); ++i) {
        auto& one = attempt.trip.outcomes[i];
        const auto& recipient = attempt.asked[i];
        const auto told = told_of(attempt, i);
        one.item = item.id.to_string();
        item.last = one.reply;
        if (one.outcome == Outcome::delivered) {
            if (!attempt.trip.reports_success) relayed.push_back(told);
        } else if (one.outcome == Outcome::rejected || is_last) {
            one.outcome = Outcome::undeliverable;
            failed.push_back(told);
        } else {
            one.outcome = Outcome::queued;
            any_waits = true;
            attempt.waiting.push_back(recipient);
            late.push_back(told);
        }
    }
    ++item.attempts;
    add_step(item.story.steps,
             {fmt::format("attempt {}", item.attempts),
              static_cast<std::uint64_t>((attempt.now - item.story.envelope.received).count()), item.last});
    const bool has_others = late.empty() && !attempt.waiting.empty();
    const auto pause = has_others ? 0ms
                                  : act::queue::back_off(parts_.retry, item.attempts,
                                                         static_cast<std::uint32_t>(base::random_u64()));
    item.due = attempt.now + pause;
    const auto& delivery = parts_.hops.settings();
    const bool is_late = any_waits && !item.is_warned && delivery.warn_hours > 0 &&
                         attempt.now - item.queued >= std::chrono::hours(delivery.warn_hours);
    item.is_warned = item.is_warned || is_late;
    const auto add = [&](NoticeKind kind, std::vector<NoticeRecipient> recipients) {
        const bool is_full = !recipients.empty() && base::iequals(item.story.envelope.ret, "FULL");
        const bool has_room = !is_full || attempt.memory->grow_to(item.size + kNoticeMemory);
        auto made =
            make_notices(notice_parts(), {kind, item, attempt.content, has_room}, std::move(recipients));
        std::move(made.begin(), made.end(), std::back_inserter(attempt.notices));
    };
    add(NoticeKind::failed, std::move(failed));
    add(NoticeKind::relayed, std::move(relayed));
    if (is_late) add(NoticeKind::delayed, std::move(late));
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
              attempt.item.id.to_string(), attempt.item.attempts, message::to_string(first.outcome),
              first.next_hop, base::printable(first.reply, 160), attempt.notices.empty() ? "" : " notice");
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

net::Task<void> Deliverer::settle(Attempt& attempt) {
    auto& item = attempt.item;
    item.story.envelope.recipients = attempt.waiting;
    // First: once they are in the queue another loop may deliver them, and that is the newer word.
    note_notices(attempt);
    while (true) {
        act::queue::Work work;
        if (attempt.waiting.empty()) {
            work.removed = {item.id};
        } else {
            work.changed = {item};
        }
        for (const auto& notice : attempt.notices) work.added.push_back({notice.item, {notice.text}});
        work.durable = !attempt.notices.empty();
        const auto done = co_await parts_.queue.commit(parts_.io, std::move(work));
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
