#include "pipeline/release.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <set>

#include "base/log.h"
#include "decide/plan.h"
#include "ipc/memfd.h"
#include "message/record.h"
#include "pipeline/head.h"
#include "pipeline/trip.h"

namespace gatehouse::pipeline {

using base::Fault;
using base::Result;
using message::Outcome;

namespace {

constexpr std::uint64_t kLargest = 2ULL << 30;
constexpr std::chrono::seconds kLoaderPatience{10};

/// Recipients that share a next hop; null = none is configured for them.
struct Party {
    const act::delivery::NextHop* hop = nullptr;
    std::vector<message::Recipient> recipients;
};

std::vector<Party> parties_of(const act::delivery::NextHops& hops,
                              const std::vector<message::Recipient>& recipients) {
    std::vector<Party> parties;
    for (const auto& recipient : recipients) {
        const auto* hop = hops.pick(message::domain_of(recipient.address));
        auto party =
            std::find_if(parties.begin(), parties.end(), [&](const Party& p) { return p.hop == hop; });
        if (party == parties.end()) party = parties.insert(parties.end(), Party{hop, {}});
        party->recipients.push_back(recipient);
    }
    return parties;
}

/// Before the message is sent: whatever ends this process from here on, the next attempt knows who may have
/// it.
Result<void> note_sending(ReleaseParts& parts, const ReleaseJob& job, const Outcomes& trip) {
    auto record = job.record;
    const std::string id = job.item.info.id.to_string();
    for (auto one : trip) {
        if (one.outcome == Outcome::delivered) {
            one.outcome = Outcome::in_doubt;
            one.reply = "being sent";
        }
        record.outcomes.push_back(std::move(one));
    }
    for (auto& one : record.outcomes) one.item = id;
    record.steps.push_back({"release", 0, "being sent"});
    return parts.recorder.note(record, job.attempt);
}

net::Task<Outcomes> go_to(ReleaseParts& parts, const ReleaseJob& job, const Party& party,
                          std::string_view content) {
    const auto now = parts.clock.steady();
    const std::string why = party.hop == nullptr   ? "no next hop is configured"
                            : now >= parts.give_up ? "no time was left for its next hop"
                                                   : "";
    Outcomes out;
    if (!why.empty()) {
        for (const auto& one : party.recipients) out.push_back({one.address, Outcome::deferred, why, "", ""});
        co_return out;
    }
    const auto& info = job.item.info;
    const auto& facts = job.record.facts;
    const std::string head = head_for({info.envelope, facts, info.verdict, content}, parts.hostname);
    const TripMessage message{info.envelope, party.recipients, head, content, header_may_be_8bit(facts)};
    BeforeData note = [&](const Outcomes& so_far) { return note_sending(parts, job, so_far); };
    TripTerms terms{now, parts.give_up, std::move(note)};
    auto trip = co_await travel(parts.hops, *party.hop, message, std::move(terms));
    co_return std::move(trip.outcomes);
}

using Earlier = std::vector<record::StoredRecord>;

/// Every attempt so far, the first decision included.
Result<Earlier> look_back(record::Recorder& recorder, const act::quarantine::Item& item) {
    // What is sent and not recorded would be sent again by the next attempt.
    if (!recorder.is_writable()) {
        return base::fail(Fault::unavailable,
                          "the journal cannot be written, so nothing is sent; try again later");
    }
    if (!recorder.catch_up(kLoaderPatience)) {
        return base::fail(Fault::unavailable,
                          "tracking is behind, so it is not known who has it already; try again later");
    }
    auto earlier = recorder.records().find_all(item.info.id.reference);
    // A record that cannot be read matters only where something may have been sent.
    if (!earlier && item.attempts == 0) return Earlier();
    if (earlier && earlier->empty() && item.attempts != 0) {
        return base::fail(
            Fault::unavailable,
            "it was released before, and what became of that is no longer recorded "
            "(privacy.records_days): nobody knows who has it already. `gatehouse quarantine show "
            "--raw` gives the message itself");
    }
    return earlier;
}

/// Takes those away who have it, or may have.
void sort_recipients(ReleaseJob& job, const Earlier& earlier) {
    std::set<std::string_view> done;
    std::set<std::string_view> doubtful;
    for (const auto& attempt : earlier) {
        for (const auto& one : attempt.record.outcomes) {
            if (one.outcome == Outcome::delivered) done.insert(one.recipient);
            if (one.outcome == Outcome::in_doubt) doubtful.insert(one.recipient);
        }
    }
    for (const auto& recipient : job.item.info.envelope.recipients) {
        const bool has_it = done.contains(recipient.address);
        if (!has_it && doubtful.contains(recipient.address)) {
            job.in_doubt.push_back(recipient.address);
        } else if (!has_it) {
            job.open.push_back(recipient);
        }
        job.was_taken = job.was_taken || has_it || !job.in_doubt.empty();
    }
}

/// What was found and decided when the message came, so that explain and track know it of this attempt, too.
message::Record begin_record(const ReleaseJob& job, const Earlier& earlier) {
    const auto& info = job.item.info;
    const auto first =
        std::find_if(earlier.begin(), earlier.end(), [](const auto& e) { return e.record.inspected; });
    message::Record record;
    if (first != earlier.end()) {
        record = first->record;
        record.steps.clear();
        record.outcomes.clear();
    } else {  // no longer kept: the quarantine's own index knows the least
        record.facts.header.subject = info.subject;
        record.facts.header.message_id = info.message_id;
        if (!info.from.empty()) record.facts.header.from = {info.from};
    }
    record.envelope = info.envelope;
    record.envelope.recipients = job.open;
    return record;
}

/// The plan that was decided with the quarantine; where nobody knows it any more, everything that only we may
/// write goes.
message::RewritePlan plan_of(const message::Record& record, const act::quarantine::ItemInfo& info,
                             const std::string& authserv_id) {
    for (const auto& group : record.decision.groups) {
        const bool is_ours =
            std::any_of(info.envelope.recipients.begin(), info.envelope.recipients.end(), [&](const auto& r) {
                return std::find(group.recipients.begin(), group.recipients.end(), r.address) !=
                       group.recipients.end();
            });
        if (is_ours) return group.plan;
    }
    const message::Answers none;
    message::Circumstances circumstances;
    circumstances.authserv_id = authserv_id;
    return decide::make_plan({.envelope = info.envelope, .answers = none, .circumstances = circumstances},
                             {message::Action()});
}

/// What an attempt came to, for the operator.
struct Tally {
    std::string missing;  ///< who was not reached, or is in doubt, and why
    std::string refused;  ///< who was refused for good, and why
    std::size_t delivered = 0;
    std::string reply;  ///< the first hop's that took it
};

Tally tally_of(const std::vector<message::RecipientOutcome>& outcomes) {
    Tally tally;
    const auto add = [](std::string& to, const message::RecipientOutcome& one) {
        const std::string_view why = one.outcome == Outcome::in_doubt ? " (it may have it)" : "";
        to += fmt::format("{}{}: {}{}", to.empty() ? "" : "; ", one.recipient, one.reply, why);
    };
    for (const auto& one : outcomes) {
        if (one.outcome == Outcome::delivered) {
            if (tally.delivered++ == 0) tally.reply = one.reply;
        } else {
            add(one.outcome == Outcome::rejected ? tally.refused : tally.missing, one);
        }
    }
    return tally;
}

/// Whom an earlier attempt left in doubt, in words.
std::string doubts(const ReleaseJob& job) {
    if (job.in_doubt.empty()) return {};
    return fmt::format("in doubt since an earlier attempt, and not sent again: {}",
                       fmt::join(job.in_doubt, ", "));
}

std::string joined(std::string list, const std::string& more) {
    if (!list.empty() && !more.empty()) list += "; ";
    return list + more;
}

/// Of a job where every recipient was settled by an earlier attempt.
Released nothing_to_send(const ReleaseJob& job) {
    if (job.in_doubt.empty()) return {"every recipient has it since an earlier attempt", true};
    return {doubts(job), false};
}

Result<Released> conclude(const ReleaseJob& job, const Tally& tally) {
    const std::string failed = joined(tally.missing, tally.refused);
    if (!tally.missing.empty()) {
        const bool has_some = tally.delivered != 0 || job.was_taken;
        return base::fail(Fault::unavailable, "{}{}", failed,
                          has_some ? " (who has it already will not be sent it again)" : "");
    }
    if (tally.delivered == 0 && !job.was_taken) return base::fail(Fault::refused, "{}", failed);
    const std::string lacking = joined(tally.refused, doubts(job));
    return lacking.empty() ? Released{tally.reply, true} : Released{lacking, false};
}

/// Nothing that only we may write leaves in a held message either.
net::Task<Result<void>> apply_plan(ReleaseParts& parts, ReleaseJob& job) {
    if (job.plan.is_empty()) co_return Result<void>();
    const auto give_up = parts.clock.steady() + std::chrono::seconds(120);
    auto rewritten = co_await parts.inspectors.rewrite(job.message.get(), job.plan, give_up);
    if (!rewritten) {
        co_return base::fail(rewritten.error().fault, "its header could not be put right: {}",
                             rewritten.error().sentence);
    }
    job.message = std::move(rewritten->file);
    job.memory.emplace(std::move(rewritten->memory));
    co_return Result<void>();
}

}  // namespace

Result<ReleaseJob> prepare_release(const ReleaseStores& stores, const act::quarantine::Item& item) {
    ReleaseJob job;
    job.item = item;
    job.memory.emplace(stores.memory);
    if (!job.memory->grow_to(item.size)) {
        return base::fail(Fault::unavailable, "no memory for the message now (limits.memory)");
    }
    GATEHOUSE_TRY(const auto earlier, look_back(stores.recorder, item));
    sort_recipients(job, earlier);
    job.record = begin_record(job, earlier);
    job.plan = plan_of(job.record, item.info, stores.authserv_id);
    const std::uint32_t last = earlier.empty() ? 0 : earlier.back().attempt;
    job.attempt = static_cast<std::uint16_t>(std::min<std::uint32_t>(
        std::max(last, item.attempts) + 1, std::numeric_limits<std::uint16_t>::max()));
    GATEHOUSE_TRY(job.message, stores.quarantine.open_sealed(item.info.id));
    return job;
}

net::Task<Result<Released>> release(ReleaseParts parts, ReleaseJob job) {
    if (job.open.empty()) co_return nothing_to_send(job);
    const auto applied = co_await apply_plan(parts, job);
    if (!applied) co_return std::unexpected(applied.error());
    const auto content = ipc::Mapping::map(job.message.get(), kLargest);
    if (!content) co_return std::unexpected(content.error());
    const std::string id = job.item.info.id.to_string();
    auto& record = job.record;
    for (const auto& party : parties_of(parts.next_hops, job.open)) {
        auto outcomes = co_await go_to(parts, job, party, content->bytes());
        std::move(outcomes.begin(), outcomes.end(), std::back_inserter(record.outcomes));
    }
    for (auto& one : record.outcomes) one.item = id;
    const auto result = conclude(job, tally_of(record.outcomes));
    record.steps.push_back({"release", 0, result ? result->sentence : result.error().sentence});
    if (const auto noted = parts.recorder.append(record, job.attempt); !noted) {
        base::log(base::LogLevel::error, "{} not in the journal: {}", id, noted.error().sentence);
    }
    co_return result;
}

}  // namespace gatehouse::pipeline
