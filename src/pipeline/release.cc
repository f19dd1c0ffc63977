#include "pipeline/release.h"

#include <fmt/format.h>

#include <map>
#include <vector>

#include "act/delivery/headers.h"
#include "base/log.h"
#include "ipc/memfd.h"
#include "message/record.h"

namespace gatehouse::pipeline {

using act::delivery::DataOutcome;
using base::Fault;
using base::Result;
using message::Outcome;

namespace {

constexpr std::uint64_t kLargest = 2ULL << 30;

struct Trip {
    const act::delivery::NextHop* hop = nullptr;
    std::vector<message::Recipient> recipients;
};

std::string wire(const act::delivery::Reply& reply) {
    return reply.to_string();
}

std::vector<Trip> plan_trips(const act::delivery::NextHops& hops, const message::Envelope& envelope) {
    std::vector<Trip> trips;
    for (const auto& recipient : envelope.recipients) {
        const auto* hop = hops.pick(message::domain_of(recipient.address));
        auto trip = std::find_if(trips.begin(), trips.end(), [&](const Trip& t) { return t.hop == hop; });
        if (trip == trips.end()) trip = trips.insert(trips.end(), Trip{hop, {}});
        trip->recipients.push_back(recipient);
    }
    return trips;
}

void settle(std::vector<message::RecipientOutcome>& out, const Trip& trip, Outcome outcome,
            const std::string& reply) {
    for (const auto& recipient : trip.recipients) out.push_back({recipient.address, outcome, reply, "", ""});
}

net::Task<std::vector<message::RecipientOutcome>> travel(ReleaseParts& parts, const ReleaseJob& job,
                                                         const Trip& trip, std::string_view content) {
    std::vector<message::RecipientOutcome> out;
    const auto& info = job.item.info;
    if (trip.hop == nullptr) {
        settle(out, trip, Outcome::deferred, "no next hop is configured");
        co_return out;
    }
    auto session = co_await parts.hops.open(*trip.hop);
    if (!session) {
        settle(out, trip, Outcome::deferred, session.error().sentence);
        co_return out;
    }
    const auto started = co_await session->start(info.envelope, trip.recipients);
    if (!started) {
        settle(out, trip, Outcome::deferred, started.error().sentence);
        co_return out;
    }
    bool any = false;
    for (std::size_t i = 0; i < trip.recipients.size(); ++i) {
        const auto& reply = started->recipients[i];
        const auto outcome = reply.is_positive() ? Outcome::delivered
                             : reply.code < 500  ? Outcome::deferred
                                                 : Outcome::rejected;
        any = any || reply.is_positive();
        out.push_back({trip.recipients[i].address, outcome, wire(reply), session->info().to_string(), ""});
    }
    if (!any) {
        session->abandon();
        co_return out;
    }
    const std::string head = act::delivery::header_block(info.envelope, info.verdict, parts.hostname);
    const auto give_up = parts.clock.steady() + std::chrono::seconds(300);
    const auto answer = co_await session->data(head, content, give_up);
    const std::string said = answer.reply.code != 0 ? wire(answer.reply) : answer.reason.sentence;
    for (auto& one : out) {
        if (one.outcome != Outcome::delivered) continue;
        one.reply = said;
        if (answer.outcome == DataOutcome::in_doubt) one.outcome = Outcome::in_doubt;
        if (answer.outcome == DataOutcome::not_sent) one.outcome = Outcome::deferred;
        if (answer.outcome == DataOutcome::refused) {
            one.outcome = answer.reply.code < 500 ? Outcome::deferred : Outcome::rejected;
        }
    }
    co_return out;
}

}  // namespace

net::Task<Result<std::string>> release(ReleaseParts parts, ReleaseJob job) {
    const auto content = ipc::Mapping::map(job.message.get(), kLargest);
    if (!content) co_return std::unexpected(content.error());
    const auto& info = job.item.info;
    message::Record record;
    record.envelope = info.envelope;
    const auto trips = plan_trips(parts.next_hops, info.envelope);
    for (const auto& trip : trips) {
        auto outcomes = co_await travel(parts, job, trip, content->bytes());
        std::move(outcomes.begin(), outcomes.end(), std::back_inserter(record.outcomes));
    }
    std::string failed;
    for (auto& one : record.outcomes) {
        one.item = info.id.to_string();
        if (one.outcome == Outcome::delivered) continue;
        failed += fmt::format("{}{}: {}", failed.empty() ? "" : "; ", one.recipient, one.reply);
    }
    record.steps.push_back({"release", 0, failed.empty() ? "delivered" : failed});
    const auto attempt = static_cast<std::uint16_t>(job.item.attempts + 1);
    if (const auto noted = parts.recorder.append(record, attempt); !noted) {
        base::log(base::LogLevel::error, "{} not in the journal: {}", info.id.to_string(),
                  noted.error().sentence);
    }
    if (!failed.empty()) co_return base::fail(Fault::unavailable, "{}", failed);
    co_return record.outcomes.empty() ? std::string("delivered") : record.outcomes.front().reply;
}

}  // namespace gatehouse::pipeline
