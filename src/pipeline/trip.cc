#include "pipeline/trip.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/log.h"
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

/// What the hop said of each recipient; delivered = taken so far.
Outcomes answers(const TripMessage& message, const act::delivery::StartAnswers& started,
                 const std::string& hop) {
    Outcomes out;
    bool any = false;
    for (std::size_t i = 0; i < message.recipients.size(); ++i) {
        const auto& reply = started.recipients[i];
        const bool is_later = any && is_too_many(reply.to_string());
        const auto outcome = is_later ? Outcome::deferred : outcome_of(reply.code);
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

void settle_in_words(Trip& trip, const act::delivery::FinalAnswer& answer) {
    const std::string said = answer.reply.code != 0 ? answer.reply.to_string() : answer.reason.sentence;
    for (std::size_t i = 0; i < trip.outcomes.size(); ++i) {
        auto& one = trip.outcomes[i];
        if (one.outcome != Outcome::delivered) continue;
        one.reply = said;
        trip.are_ours[i] = answer.reply.ours;
        if (answer.outcome == DataOutcome::in_doubt) one.outcome = Outcome::in_doubt;
        if (answer.outcome == DataOutcome::not_sent) one.outcome = Outcome::deferred;
        if (answer.outcome == DataOutcome::refused) one.outcome = outcome_of(answer.reply.code);
    }
}

/// Of those whom words did not reach for want of memory: a refusal is heard again with the next attempt.
void settle_at_least(Trip& trip, DataOutcome outcome) noexcept {
    if (outcome == DataOutcome::accepted) return;
    for (auto& one : trip.outcomes) {
        if (one.outcome != Outcome::delivered) continue;
        one.outcome = outcome == DataOutcome::in_doubt ? Outcome::in_doubt : Outcome::deferred;
    }
}

void settle(Trip& trip, const act::delivery::FinalAnswer& answer) noexcept {
    try {
        settle_in_words(trip, answer);
    } catch (const std::exception&) {
        settle_at_least(trip, answer.outcome);
    }
}

/// Whatever goes wrong while the content is under way may have gone wrong behind the dot.
net::Task<act::delivery::FinalAnswer> send(act::delivery::HopSession& session, const TripMessage& message,
                                           base::SteadyTime latest) {
    std::string why;
    try {
        auto answer = co_await session.data(message.head, message.content, latest, message.header_is_8bit);
        co_return answer;
    } catch (const std::exception& thrown) {
        why = thrown.what();
    }
    co_return act::delivery::FinalAnswer{DataOutcome::in_doubt, {}, {base::Fault::internal, why}};
}

/// The better word for who is going to have it.
int rank(Outcome outcome) {
    if (outcome == Outcome::delivered) return 3;
    if (outcome == Outcome::in_doubt) return 2;
    return outcome == Outcome::deferred ? 1 : 0;
}

/// RFC 5321 lets a client name somebody twice, and some hops refuse the second of them: that is one mailbox,
/// so the best answer counts for both. Nobody is sent it again, or told of a failure, who has it.
void agree_on_duplicates_in_words(Trip& trip) {
    const auto said = trip.outcomes;
    std::unordered_map<std::string_view, std::size_t> best;
    for (std::size_t i = 0; i < said.size(); ++i) {
        const auto [at, is_new] = best.emplace(said[i].recipient, i);
        if (!is_new && rank(said[i].outcome) > rank(said[at->second].outcome)) at->second = i;
    }
    if (best.size() == said.size()) return;
    for (std::size_t i = 0; i < said.size(); ++i) {
        const std::size_t chosen = best.at(said[i].recipient);
        trip.outcomes[i] = said[chosen];
        trip.are_ours[i] = trip.are_ours[chosen];
    }
}

/// Without memory for it each goes by what it was told itself.
void agree_on_duplicates(Trip& trip) noexcept {
    try {
        agree_on_duplicates_in_words(trip);
    } catch (const std::exception& thrown) {
        base::log(base::LogLevel::error, "recipients named twice are not compared: {}", thrown.what());
    }
}

net::Task<Trip> go(act::delivery::HopPool& hops, const act::delivery::NextHop& hop, TripMessage message,
                   TripTerms terms) {
    const auto give_up = terms.give_up;
    Trip trip;
    trip.are_ours.resize(message.recipients.size(), false);
    auto session = co_await hops.open(hop, give_up);
    if (!session) {
        trip.outcomes = everybody(message, session.error().sentence);
        trip.is_busy = session.error().fault == base::Fault::limit;
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
    std::transform(started->recipients.begin(), started->recipients.end(), trip.are_ours.begin(),
                   [](const act::delivery::Reply& reply) { return reply.ours; });
    trip.reports_success = session->offers().dsn;
    const bool any = std::any_of(trip.outcomes.begin(), trip.outcomes.end(),
                                 [](const auto& one) { return one.outcome == Outcome::delivered; });
    const auto noted = any ? terms.before_data(trip.outcomes) : base::Result<void>();
    if (!noted) trip.outcomes = everybody(message, noted.error().sentence);
    if (!any || !noted) {
        session->abandon();
        co_return trip;
    }
    const auto latest = give_up == base::SteadyTime::max() ? terms.now + kForContent : give_up;
    const auto answer = co_await send(*session, message, latest);
    settle(trip, answer);
    co_return trip;
}

}  // namespace

net::Task<Trip> travel(act::delivery::HopPool& hops, const act::delivery::NextHop& hop, TripMessage message,
                       TripTerms terms) {
    auto trip = co_await go(hops, hop, message, std::move(terms));
    agree_on_duplicates(trip);
    co_return trip;
}

bool is_too_many(std::string_view reply) {
    const auto words = base::split(reply, ' ');
    const bool is_full = words[0] == "452" || words[0] == "552";
    if (!is_full || words.size() == 1) return is_full;
    const bool has_status = words[1].size() >= 5 && words[1][1] == '.';
    return !has_status || words[1].substr(1) == ".5.3";
}

}  // namespace gatehouse::pipeline
