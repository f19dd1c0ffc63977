// The whole story of a message, in the order mail travels.
#include "pipeline/life.h"

#include <chrono>
#include <utility>

#include "base/log.h"
#include "pipeline/outcome.h"

namespace gatehouse::pipeline {

using base::Fault;
using base::LogLevel;
using message::Outcome;

namespace {

// Everything behind the client's dot (architecture section 6). The next hop's time to answer ours comes off
// the end of it, before that the time that rewriting and sending need at the least; the rest is for judging.
// Whoever is not ready by then leaves the message with its client (451).
constexpr std::chrono::seconds kEndOfData{240};
constexpr std::chrono::seconds kForSending{20};

}  // namespace

Life::Life(LifeParts parts) : parts_(std::move(parts)) {
    parts_.hops.set_make_room([this](const act::delivery::NextHop& wanted) {
        return holders_.make_room(wanted, parts_.clock.steady());
    });
}

Life::~Life() {
    parts_.hops.set_make_room(nullptr);
}

// receive: who may connect (lists, reputation and the profiler come here), and what a message takes with it
// at MAIL.

net::Task<Reply> Life::connect(const message::Envelope&) {
    co_return Reply{220, "", parts_.hostname + " ESMTP Gatehouse"};
}

net::Task<Reply> Life::mail(Transaction& transaction) {
    // What cannot be recorded is not taken: its client would hear 250 of mail nobody can find again.
    if (!parts_.recorder.is_writable()) co_return cannot_record();
    auto run = std::make_unique<Run>();
    run->policy = parts_.policy.current();
    transaction.envelope.revision = run->policy->revision.id;
    transaction.envelope.utc_offset = parts_.clock.utc_offset(transaction.envelope.received);
    transaction.state = std::move(run);
    co_return Reply{250, "2.1.0", "sender ok"};
}

// The next hop's session is opened at the first recipient, and the hop's own answer is passed on
// (cut-through).

net::Task<Reply> Life::rcpt(Transaction& transaction, const message::Recipient& recipient) {
    auto& run = static_cast<Run&>(*transaction.state);
    const Reply reply = co_await ask_hop(transaction, run, recipient);
    if (!reply.is_positive()) {
        run.turned_away.push_back({recipient.address, outcome_of(reply.code), wire(reply), "", ""});
    }
    co_return reply;
}

// inspect, consult, decide, act, record.

net::Task<Reply> Life::message(Transaction& transaction, base::Fd sealed) {
    auto& run = static_cast<Run&>(*transaction.state);
    try {
        auto reply = co_await walk_on(transaction, run, std::move(sealed));
        co_return reply;
    } catch (const std::exception& thrown) {
        if (!run.is_taken) throw;
        base::log(LogLevel::error, "of a delivered message not all that follows is done: {}", thrown.what());
    }
    co_return only_taken(transaction, run);
}

/// Of a message that the next hop has: a 4xx would bring it there once more.
Reply Life::only_taken(Transaction& transaction, Run& run) noexcept {
    Reply reply{250, "2.0.0", "accepted"};
    if (!run.is_handed) return reply;  // it is in the journal
    try {
        reply = receipt(transaction.envelope.reference);
        if (run.outcomes.size() != transaction.envelope.recipients.size())
            settle(transaction, run, Outcome::delivered, reply);
        reply = record(transaction, run, std::move(reply));
    } catch (const std::exception& thrown) {
        reply = {250, "2.0.0", "accepted"};
        base::log(LogLevel::error, "a delivered message is not in the journal: {}", thrown.what());
    }
    return reply;
}

net::Task<Reply> Life::walk_on(Transaction& transaction, Run& run, base::Fd sealed) {
    run.message = std::move(sealed);
    run.at_hop.leave();
    const auto end = parts_.clock.steady() + kEndOfData;
    run.end = end;
    run.send_until = end - std::chrono::seconds(parts_.hops.settings().final_timeout);
    auto judged = co_await parts_.judge.judge(transaction.envelope, run.policy->policy, run.message.get(),
                                              {transaction.began, run.send_until - kForSending});
    Reply reply;
    if (judged) {
        run.judged = std::move(*judged);
        reply = co_await carry_out(transaction, run);
    } else {
        base::log(LogLevel::warning, "{} not inspected: {}", transaction.envelope.reference.to_string(),
                  judged.error().sentence);
        reply =
            settle(transaction, run, Outcome::deferred, {451, "4.3.2", "not inspected yet, try again later"});
    }
    if (run.at_hop.session) run.at_hop.session->abandon();
    co_await store_notices(run);
    reply = record(transaction, run, std::move(reply));
    co_await take_back(std::exchange(run.held, {}));  // where the journal did not get it
    co_return reply;
}

}  // namespace gatehouse::pipeline
