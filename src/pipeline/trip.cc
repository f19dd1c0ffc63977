#include "pipeline/trip.h"

#include <algorithm>

#include "base/text.h"
#include "pipeline/outcome.h"

namespace gatehouse::pipeline {

using act::delivery::DataOutcome;
using message::Outcome;

namespace {

constexpr std::chrono::seconds kForContent{300};

Outcomes everybody(const TripMessage& message, const std::string& why) {
    Outcomes out;
    for (const auto& one : message.recipients) out.push_back({one.address, Outcome::deferred, why, "", ""});
    return out;
}

/// RFC 5321 4.5.3.1.10: old software says 552 where it has too many recipients; the rest is to come later.
bool is_too_many(const act::delivery::Reply& reply) {
    return reply.code == 552 && (reply.enhanced.empty() || reply.enhanced == "5.5.3");
}

/// What the hop said of each recipient; delivered = taken so far.
Outcomes answers(const TripMessage& message, const act::delivery::StartAnswers& started,
                 const std::string& hop) {
    Outcomes out;
    bool any = false;
    for (std::size_t i = 0; i < message.recipients.size(); ++i) {
        const auto& reply = started.recipients[i];
        const auto outcome = any && is_too_many(reply) ? Outcome::deferred : outcome_of(reply.code);
        any = any || outcome == Outcome::delivered;
        out.push_back({message.recipients[i].address, outcome, reply.to_string(), hop, ""});
    }
    return out;
}

/// The connection was lost before content: nobody has it, but who was refused until then stays refused.
Outcomes lost(const TripMessage& message, const act::delivery::HopSession& session, const std::string& why) {
    auto out = everybody(message, why);
    const auto heard = session.heard();
    for (std::size_t i = 0; i < std::min(out.size(), heard.size()); ++i) {
        if (heard[i].code == 0 || heard[i].is_positive()) continue;
        out[i].outcome = outcome_of(heard[i].code);
        out[i].reply = heard[i].to_string();
        out[i].next_hop = session.info().to_string();
    }
    return out;
}

void settle(Outcomes& outcomes, const act::delivery::FinalAnswer& answer) {
    const std::string said = answer.reply.code != 0 ? answer.reply.to_string() : answer.reason.sentence;
    for (auto& one : outcomes) {
        if (one.outcome != Outcome::delivered) continue;
        one.reply = said;
        if (answer.outcome == DataOutcome::in_doubt) one.outcome = Outcome::in_doubt;
        if (answer.outcome == DataOutcome::not_sent) one.outcome = Outcome::deferred;
        if (answer.outcome == DataOutcome::refused) one.outcome = outcome_of(answer.reply.code);
    }
}

}  // namespace

bool is_too_many(std::string_view reply) {
    const auto words = base::split(reply, ' ');
    const bool is_full = words[0] == "452" || words[0] == "552";
    if (!is_full || words.size() == 1) return is_full;
    const bool has_status = words[1].size() >= 5 && words[1][1] == '.';
    return !has_status || words[1].substr(1) == ".5.3";
}

net::Task<Trip> travel(act::delivery::HopPool& hops, const act::delivery::NextHop& hop, TripMessage message,
                       base::SteadyTime now, base::SteadyTime give_up, BeforeData before_data) {
    Trip trip;
    auto session = co_await hops.open(hop, give_up);
    if (!session) {
        trip.outcomes = everybody(message, session.error().sentence);
        co_return trip;
    }
    trip.is_reached = true;
    if (message.patience) session->wait_for_answer(*message.patience);
    const auto started = co_await session->start(message.envelope, message.recipients, give_up);
    if (!started) {
        trip.outcomes = lost(message, *session, started.error().sentence);
        co_return trip;
    }
    trip.outcomes = answers(message, *started, session->info().to_string());
    trip.reports_success = session->offers().dsn;
    const bool any = std::any_of(trip.outcomes.begin(), trip.outcomes.end(),
                                 [](const auto& one) { return one.outcome == Outcome::delivered; });
    const auto noted = any ? before_data(trip.outcomes) : base::Result<void>();
    if (!noted) trip.outcomes = everybody(message, noted.error().sentence);
    if (!any || !noted) {
        session->abandon();
        co_return trip;
    }
    const auto latest = give_up == base::SteadyTime::max() ? now + kForContent : give_up;
    const auto answer = co_await session->data(message.head, message.content, latest, message.header_is_8bit);
    settle(trip.outcomes, answer);
    co_return trip;
}

}  // namespace gatehouse::pipeline
