// record: one framed record in the journal before the client hears its reply, and one log line.
#include <fmt/format.h>

#include <algorithm>

#include "base/fault_point.h"
#include "base/log.h"
#include "base/text.h"
#include "pipeline/life.h"

namespace gatehouse::pipeline {

using base::FaultPoint;
using base::FaultPoints;
using base::LogLevel;
using message::Outcome;

namespace {

message::Record begin_record(const Transaction& transaction) {
    message::Record record;
    record.envelope = transaction.envelope;
    record.steps = transaction.steps;
    return record;
}

message::Record without_end(const Transaction& transaction, const Run* run, const Reply& reply) {
    message::Record record = begin_record(transaction);
    const bool is_handed = run != nullptr && run->is_handed;
    const std::string hop = is_handed ? run->at_hop.session->info().to_string() : "";
    const Outcome outcome = is_handed           ? Outcome::in_doubt
                            : reply.code >= 400 ? Outcome::refused
                                                : Outcome::aborted;
    for (const auto& recipient : record.envelope.recipients) {
        record.outcomes.push_back({recipient.address, outcome, wire(reply), hop, ""});
    }
    if (run != nullptr) {
        record.outcomes.insert(record.outcomes.end(), run->turned_away.begin(), run->turned_away.end());
    }
    if (record.outcomes.empty()) record.outcomes.push_back({"", outcome, wire(reply), "", ""});
    return record;
}

std::string_view domain_or(const std::string& domain, std::string_view otherwise) {
    return domain.empty() ? otherwise : std::string_view(domain);
}

/// Why it was not simply delivered: the rule, and what the client heard.
std::string reason_of(const message::Record& record) {
    if (record.outcomes.empty() || record.outcomes.front().outcome == Outcome::delivered) return "";
    std::string out;
    const auto& groups = record.decision.groups;
    if (record.inspected && !groups.empty() && !groups.front().rule.empty())
        out += fmt::format(" rule=\"{}\"", base::printable(groups.front().rule, 128));
    const auto& reply = record.outcomes.front().reply;
    if (!reply.empty()) out += fmt::format(" reply=\"{}\"", base::printable(reply, 160));
    return out;
}

}  // namespace

std::string wire(const Reply& reply) {
    if (reply.code == 0) return {};
    return reply.enhanced.empty() ? fmt::format("{} {}", reply.code, reply.text)
                                  : fmt::format("{} {} {}", reply.code, reply.enhanced, reply.text);
}

Reply Life::record(Transaction& transaction, Run& run, Reply reply) {
    message::Record record = begin_record(transaction);
    if (run.judged) {
        record.inspected = true;
        record.facts = std::move(run.judged->facts);
        record.answers = std::move(run.judged->answers);
        record.decision = std::move(run.judged->decision);
        record.circumstances = std::move(run.judged->circumstances);
        std::move(run.judged->steps.begin(), run.judged->steps.end(), std::back_inserter(record.steps));
    }
    const auto spent = parts_.clock.steady() - transaction.began;
    const auto at_us = std::chrono::duration_cast<std::chrono::microseconds>(spent).count();
    record.steps.push_back({"act", static_cast<std::uint64_t>(at_us), wire(reply)});
    record.outcomes = std::move(run.outcomes);
    std::move(run.turned_away.begin(), run.turned_away.end(), std::back_inserter(record.outcomes));
    const bool is_taken = std::any_of(record.outcomes.begin(), record.outcomes.end(),
                                      [](const auto& one) { return one.outcome == Outcome::delivered; });
    auto noted = FaultPoints::pass(FaultPoint::front_before_journal);
    if (noted) noted = parts_.recorder.append(record);
    run.is_handed = false;
    (void)FaultPoints::pass(FaultPoint::front_after_journal);
    log_message(record);
    if (!noted) run.queued.take_back();  // nobody has seen it there
    run.queued.publish();
    run.reports.publish();
    if (noted) run.held.clear();
    if (noted) return reply;
    base::log(LogLevel::error, "{} not in the journal: {}", record.envelope.reference.to_string(),
              noted.error().sentence);
    // What the next hop has taken stays taken: a 451 now would deliver it twice.
    if (is_taken) return reply;
    return cannot_record();
}

void Life::log_message(const message::Record& record) const {
    const auto& envelope = record.envelope;
    const auto shown = [&](const std::string& address) {
        const std::string domain = message::domain_of(address);
        return base::printable(parts_.log_addresses ? std::string_view(address) : domain_or(domain, "<>"),
                               128);
    };
    const std::string to = envelope.recipients.empty() ? "" : shown(envelope.recipients.front().address);
    const std::string outcome = record.outcomes.empty()
                                    ? "aborted"
                                    : std::string(message::to_string(record.outcomes.front().outcome));
    base::log(LogLevel::info, "{} from={} to={} rcpts={} size={} client={} verdict={} outcome={}{}",
              envelope.reference.to_string(), shown(envelope.sender), to, envelope.recipients.size(),
              envelope.size, envelope.client.address,
              record.inspected ? message::to_string(record.decision.verdict) : "none", outcome,
              reason_of(record));
}

void Life::append(const message::Record& record) {
    if (const auto noted = parts_.recorder.append(record); !noted) {
        base::log(LogLevel::error, "{} not in the journal: {}", record.envelope.reference.to_string(),
                  noted.error().sentence);
    }
}

// Without an answer of the walk: what the next hop had in its hands may have arrived, all else did not.

void Life::aborted(std::unique_ptr<Transaction> transaction, receive::smtp::AbortReason, const Reply& reply) {
    auto* run = static_cast<Run*>(transaction->state.get());
    const auto record = without_end(*transaction, run, reply);
    if (run != nullptr && run->at_hop.session) run->at_hop.session->abandon();
    append(record);
    log_message(record);
}

void Life::unfinished(const Transaction& transaction) {
    const auto* run = static_cast<const Run*>(transaction.state.get());
    auto record = without_end(transaction, run, {});
    record.steps.push_back({"stop", 0, "the gateway stopped before this came to its end"});
    append(record);
    log_message(record);
}

void Life::refused(const message::Envelope& envelope, const receive::session::Refusal& refusal) {
    message::Record record;
    record.envelope = envelope;
    record.envelope.recipients.clear();  // those that were accepted so far have a record of their own
    const std::string said = wire(refusal.reply);
    record.steps = {{refusal.step, 0, said}};
    record.outcomes = {{refusal.recipient, Outcome::refused, said, "", ""}};
    append(record);
    base::log(LogLevel::info, "{} refused at {} client={} reply={}", envelope.reference.to_string(),
              refusal.step, envelope.client.address, base::printable(said, 128));
}

}  // namespace gatehouse::pipeline
