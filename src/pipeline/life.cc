// The whole story of a message, in the order mail travels.
#include "pipeline/life.h"

#include <chrono>

#include "base/log.h"

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
    transaction.state = std::move(run);
    co_return Reply{250, "2.1.0", "sender ok"};
}

// The next hop's session is opened at the first recipient, and the hop's own answer is passed on
// (cut-through).

net::Task<Reply> Life::rcpt(Transaction& transaction, const message::Recipient& recipient) {
    auto& run = static_cast<Run&>(*transaction.state);
    const Reply reply = co_await ask_hop(transaction, run, recipient);
    if (!reply.is_positive()) {
        const auto outcome = reply.code < 500 ? Outcome::deferred : Outcome::rejected;
        run.turned_away.push_back({recipient.address, outcome, wire(reply), "", ""});
    }
    co_return reply;
}

net::Task<Reply> Life::ask_hop(Transaction& transaction, Run& run, const message::Recipient& recipient) {
    const auto* hop = parts_.next_hops.pick(message::domain_of(recipient.address));
    if (hop == nullptr) co_return Reply{451, "4.4.4", "no next hop is configured for this recipient"};
    if (run.hop != nullptr && run.hop != hop) {
        // Until there is a queue, the client keeps what one session cannot carry.
        co_return Reply{451, "4.3.0", "send this recipient in a transaction of its own"};
    }
    run.hop = hop;
    if (!run.session) {
        const auto first = co_await first_recipient(transaction, run, recipient);
        if (first) co_return from_hop(*first);
        base::log(LogLevel::warning, "{} next hop not reachable: {}",
                  transaction.envelope.reference.to_string(), first.error().sentence);
        co_return Reply{451, "4.4.1", "the next hop cannot be reached now"};
    }
    const auto answer = co_await run.session->rcpt(recipient);
    if (answer) co_return from_hop(*answer);
    co_return Reply{451, "4.4.2", "the connection to the next hop was lost"};
}

net::Task<base::Result<act::delivery::Reply>> Life::first_recipient(Transaction& transaction, Run& run,
                                                                    const message::Recipient& recipient) {
    auto session = co_await parts_.hops.open(*run.hop);
    if (!session) co_return std::unexpected(session.error());
    run.session.emplace(std::move(*session));
    const auto started = co_await run.session->start(transaction.envelope, {&recipient, 1});
    if (!started) {
        run.session.reset();
        co_return std::unexpected(started.error());
    }
    const act::delivery::Reply answer = started->recipients.front();
    if (!answer.is_positive() && started->mail.code != 0 && !started->mail.is_positive()) run.session.reset();
    co_return answer;
}

// inspect, consult, decide, act, record.

net::Task<Reply> Life::message(Transaction& transaction, base::Fd sealed) {
    auto& run = static_cast<Run&>(*transaction.state);
    run.message = std::move(sealed);
    const auto end = parts_.clock.steady() + kEndOfData;
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
    if (run.session) run.session->abandon();
    co_return record(transaction, run, reply);
}

}  // namespace gatehouse::pipeline
