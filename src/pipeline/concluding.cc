// What an attempt of the queue's deliverers came to: who has it, who waits on, who is told, and that into the
// journal and the queue.
#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "act/queue/back_off.h"
#include "base/fault_point.h"
#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "pipeline/attempt.h"

namespace gatehouse::pipeline {

using act::notify::NoticeKind;
using act::notify::NoticeRecipient;
using base::FaultPoint;
using base::FaultPoints;
using base::LogLevel;
using message::Outcome;
using namespace std::chrono_literals;

namespace {

constexpr auto kStorePause = 1s;  // between tries to note what happened
constexpr auto kNoMemoryPause = 50ms;
constexpr std::uint8_t kMostDoubts = 5;  // of each recipient
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
    if (attempt.trip.is_busy)
        return {recipient, "451 4.4.5 all connections to the next mail server are busy", "", attempt.now};
    return {recipient, "451 4.4.1 the next mail server cannot be reached", "", attempt.now};
}

/// A clock may have jumped: of its attempts there have been enough, too.
bool Deliverer::is_last(const Attempt& attempt) const {
    const auto life = std::chrono::hours(parts_.hops.settings().lifetime_hours);
    return attempt.now >= attempt.item.expires &&
           attempt.item.attempts + 1 >= act::queue::least_attempts(parts_.retry, life);
}

/// What the answers mean for each: who waits on, who is done, and who is told.
void Deliverer::sort(Attempt& attempt, Told& told) {
    auto& item = attempt.item;
    auto& outcomes = attempt.trip.outcomes;
    const auto is = [](Outcome outcome) {
        return [outcome](const auto& one) { return one.outcome == outcome; };
    };
    const bool any_taken = std::any_of(outcomes.begin(), outcomes.end(), is(Outcome::delivered));
    const bool are_last = is_last(attempt);
    for (std::size_t i = 0; i < attempt.asked.size(); ++i) {
        auto& one = outcomes[i];
        const auto& recipient = attempt.asked[i];
        auto word = told_of(attempt, i);
        one.item = item.id.to_string();
        item.last = one.reply;
        const bool is_hopeless = one.outcome == Outcome::in_doubt && recipient.doubts >= kMostDoubts;
        if (one.outcome == Outcome::delivered) {
            if (!attempt.trip.reports_success) told.relayed.push_back(std::move(word));
        } else if (any_taken && one.outcome == Outcome::deferred && is_too_many(one.reply)) {
            one.outcome = Outcome::queued;
            attempt.unasked.push_back(recipient);
        } else if (one.outcome == Outcome::rejected || are_last || is_hopeless) {
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

void Deliverer::schedule_next(Attempt& attempt, bool is_over) {
    auto& item = attempt.item;
    add_step(item.story.steps, {fmt::format("attempt {}", item.attempts + 1),
                                static_cast<std::uint64_t>(std::max<std::int64_t>(
                                    0, (attempt.now - item.story.envelope.received).count())),
                                item.last});
    attempt.waiting = std::move(attempt.unasked);
    const auto unasked = attempt.waiting.size();
    std::move(attempt.late.begin(), attempt.late.end(), std::back_inserter(attempt.waiting));
    item.is_postponed = false;
    item.due = attempt.now;
    item.unasked = is_over ? 0 : static_cast<std::uint32_t>(unasked);
    if (!is_over) return;
    ++item.attempts;
    item.due += pause_of(attempt);
}

/// Who was slow to answer once may be so again, and each time is a copy more.
std::chrono::milliseconds Deliverer::pause_of(const Attempt& attempt) const {
    const auto random = static_cast<std::uint32_t>(base::random_u64());
    const auto& waiting = attempt.waiting;
    const bool any_doubt =
        std::any_of(waiting.begin(), waiting.end(), [](const auto& one) { return one.doubts > 0; });
    const auto usual = act::queue::back_off(parts_.retry, attempt.item.attempts, random);
    return any_doubt ? std::max(usual, act::queue::back_off(parts_.retry, UINT32_MAX, random)) : usual;
}

std::vector<OwnMessage> Deliverer::notices_of(Attempt& attempt, Told told, bool is_late) const {
    std::vector<OwnMessage> out;
    const auto add = [&](NoticeKind kind, std::vector<NoticeRecipient> recipients) {
        if (recipients.empty()) return;
        NoticeSubject about{kind, attempt.item, attempt.content, true};
        if (returns_all(about)) {
            if (!attempt.memory) attempt.memory.emplace(parts_.memory);  // nobody was asked
            about.may_return_all = attempt.memory->grow_to(attempt.item.size + kNoticeMemory);
        }
        const bool is_full = returns_all(about);
        auto made = make_notices(notice_parts(), about, std::move(recipients));
        attempt.item.is_returned = attempt.item.is_returned || (is_full && !made.empty());
        std::move(made.begin(), made.end(), std::back_inserter(out));
    };
    add(NoticeKind::failed, std::move(told.failed));
    add(NoticeKind::relayed, std::move(told.relayed));
    if (is_late) add(NoticeKind::delayed, std::move(told.late));
    return out;
}

/// Who wants to hear of a delay hears it with the round of transactions that was due behind that time.
void Deliverer::conclude(Attempt& attempt) {
    auto& item = attempt.item;
    if (item.is_postponed) item.first_due = std::max(item.first_due, item.due);
    const auto warn = std::chrono::hours(parts_.hops.settings().warn_hours);
    const bool begins_round = item.unasked == 0;
    if (begins_round)
        item.is_telling =
            !item.is_warned && warn.count() > 0 && attempt.now - act::queue::waits_since(item) >= warn;
    Told told;
    sort(attempt, told);
    const bool is_over = !goes_on(attempt);
    if (is_over && item.is_telling) tell_unasked(attempt, told);
    const bool is_late = item.is_telling && !told.late.empty();
    attempt.notices = notices_of(attempt, std::move(told), is_late);
    schedule_next(attempt, is_over);
    if (!is_over) return;
    item.is_warned = item.is_warned || item.is_telling;
    item.is_telling = false;
}

/// The round ends without them: they are as late as those who were asked for.
void Deliverer::tell_unasked(const Attempt& attempt, Told& told) const {
    const std::string why_not = attempt.trip.is_reached ? std::string() : told_of(attempt, 0).reply;
    for (const auto& one : attempt.unasked) {
        const std::string word = why_not.empty()
                                     ? "451 4.4.5 the next mail server puts off others of this message first"
                                     : why_not;
        told.late.push_back({one, word, "", attempt.now});
    }
}

/// With the next transaction at once: somebody is unasked, and this one got on with somebody.
bool Deliverer::goes_on(const Attempt& attempt) {
    const auto waiting = attempt.unasked.size() + attempt.late.size();
    return !attempt.unasked.empty() && waiting < attempt.item.story.envelope.recipients.size();
}

void Deliverer::count_doubts(Attempt& attempt) noexcept {
    for (std::size_t i = 0; i < attempt.asked.size(); ++i) {
        auto& doubts = attempt.asked[i].doubts;
        if (attempt.trip.outcomes[i].outcome == Outcome::in_doubt && doubts < kMostDoubts) ++doubts;
    }
}

/// Everybody who has not got it waits on and nobody is told. Takes no memory: there was none.
void Deliverer::wait_on(Attempt& attempt) noexcept {
    auto& item = attempt.item;
    const auto& asked = attempt.asked;
    const auto has_it = [&](message::Recipient& one) {
        const auto at = std::find_if(asked.begin(), asked.end(),
                                     [&](const auto& other) { return other.address == one.address; });
        if (at == asked.end()) return false;
        one.doubts = at->doubts;
        return attempt.trip.outcomes[static_cast<std::size_t>(at - asked.begin())].outcome ==
               Outcome::delivered;
    };
    attempt.notices.clear();
    attempt.waiting.clear();
    auto& all = item.story.envelope.recipients;
    all.erase(std::remove_if(all.begin(), all.end(), has_it), all.end());
    attempt.waiting.swap(all);
    for (auto& one : attempt.trip.outcomes) {
        if (one.outcome != Outcome::delivered) one.outcome = Outcome::queued;
    }
    ++item.attempts;
    item.unasked = 0;
    item.is_telling = false;
    item.due = attempt.now + pause_of(attempt);
}

/// Where it cannot be told what it means (no memory), everybody who has not got it waits on.
void Deliverer::conclude_or_wait(Attempt& attempt) noexcept {
    auto& item = attempt.item;
    count_doubts(attempt);
    const auto attempts = item.attempts;
    const bool is_returned = item.is_returned;
    try {
        const auto passed = FaultPoints::pass(FaultPoint::queue_after_hop_answer);
        if (passed) return conclude(attempt);
        base::log(LogLevel::error, "{}: nobody is told of this attempt: {}", item.id.to_string(),
                  passed.error().sentence);
    } catch (const std::exception& thrown) {
        base::log(LogLevel::error, "nobody is told of an attempt of the queue: {}", thrown.what());
    }
    item.attempts = attempts;
    item.is_returned = is_returned;
    wait_on(attempt);
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
void Deliverer::note_or_log(const Attempt& attempt) noexcept {
    try {
        note(attempt);
        note_notices(attempt);
        (void)FaultPoints::pass(FaultPoint::queue_after_note);
    } catch (const std::exception& thrown) {
        base::log(LogLevel::error, "an attempt of the queue is not in the journal: {}", thrown.what());
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
        if (item.story.envelope.recipients.empty()) {
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

net::Task<bool> Deliverer::settle_once(Attempt& attempt) {
    const auto done = co_await commit(attempt);
    if (done) co_return true;
    if (done.error().fault == base::Fault::refused) rename(attempt);
    base::log(LogLevel::error, "{} not noted in the queue, trying on: {}", attempt.item.id.to_string(),
              done.error().sentence);
    net::Timer pause(parts_.io);
    pause.expires_after(kStorePause);
    co_await pause.async_wait(net::kTuple);
    co_return false;
}

/// Until it is done: given back, the item would be sent again at once to those who have it.
net::Task<void> Deliverer::settle(Attempt& attempt) {
    attempt.item.story.envelope.recipients = std::move(attempt.waiting);
    bool is_done = false;
    while (!is_done) {
        try {
            is_done = co_await settle_once(attempt);
        } catch (const std::exception& thrown) {
            base::log(LogLevel::error, "an attempt not noted in the queue, trying on: {}", thrown.what());
            std::this_thread::sleep_for(kNoMemoryPause);  // any other pause would need memory
        }
    }
}

}  // namespace gatehouse::pipeline
