// act: from a decision to a reply and an outcome per recipient.
#include <fmt/format.h>

#include <algorithm>

#include "base/fault_point.h"
#include "base/log.h"
#include "ipc/memfd.h"
#include "net/started.h"
#include "pipeline/head.h"
#include "pipeline/life.h"
#include "pipeline/outcome.h"

namespace gatehouse::pipeline {

using act::delivery::DataOutcome;
using base::FaultPoint;
using base::FaultPoints;
using base::LogLevel;
using message::ActionKind;
using message::Outcome;

namespace {

constexpr std::uint64_t kLargestRewrite = 2ULL << 30;

/// A policy text "554 5.4.6 mail loop" names its own codes; any other is the text of the default reply.
Reply reply_of(const message::Action& action, Reply usual) {
    const auto& text = action.text;
    if (text.empty()) return usual;
    const bool has_code = text.size() > 4 && text[3] == ' ' && text[0] == usual.enhanced[0];
    if (!has_code) return {usual.code, usual.enhanced, text};
    const auto blank = text.find(' ', 4);
    const std::string enhanced = text.substr(4, blank == std::string::npos ? blank : blank - 4);
    return {std::atoi(text.c_str()), enhanced, blank == std::string::npos ? "" : text.substr(blank + 1)};
}

Reply not_delivered() {
    return {451, "4.3.0", "not delivered yet, try again later"};
}

std::string hop_name(const act::delivery::HopSession& session) {
    return session.info().to_string();
}

}  // namespace

Reply receipt(const base::Reference& reference) {
    return {250, "2.0.0", "accepted, ref " + reference.to_string()};
}

Reply cannot_record() {
    return {451, "4.3.0", "not recorded, try again later"};
}

Reply not_stored() {
    return {451, "4.3.0", "not stored, try again later"};
}

Reply deferral(const message::Action& action) {
    return reply_of(action, {451, "4.7.1", "not now, try again later"});
}

Reply from_hop(const act::delivery::Reply& reply) {
    const auto told = reply.for_client();  // one printable line; a hop's 421 must not close our session
    return {told.code, told.enhanced, told.text};
}

Reply Life::settle(Transaction& transaction, Run& run, Outcome outcome, Reply reply) {
    run.outcomes.clear();
    for (const auto& recipient : transaction.envelope.recipients) {
        run.outcomes.push_back({recipient.address, outcome, wire(reply), "", ""});
    }
    return reply;
}

net::Task<Reply> Life::carry_out(Transaction& transaction, Run& run) {
    const auto& decision = run.judged->decision;
    const auto& first = decision.groups.front();
    const bool is_one = std::all_of(decision.groups.begin(), decision.groups.end(), [&](const auto& group) {
        return message::is_same_outcome(first, group);
    });
    const bool is_refused =
        std::all_of(decision.groups.begin(), decision.groups.end(), [](const auto& group) {
            return group.outcome().kind ==
                   ActionKind::reject;  // for several reasons, maybe: the client hears one
        });
    if (!is_one && !is_refused) co_return co_await distribute(transaction, run);
    const auto& action = first.outcome();
    switch (action.kind) {
        case ActionKind::deliver:
            if (run.is_for_queue || message::find_action(first, ActionKind::postpone) != nullptr)
                co_return co_await distribute(transaction, run);
            co_return co_await deliver(transaction, run);
        case ActionKind::hand_off:
            co_return co_await distribute(transaction, run);
        case ActionKind::quarantine:
            co_return co_await hold_back(transaction, run);
        case ActionKind::reject:
            co_return settle(transaction, run, Outcome::rejected,
                             reply_of(action, {550, "5.7.1", "refused by policy"}));
        case ActionKind::remove:
            co_return settle(transaction, run, Outcome::deleted, receipt(transaction.envelope.reference));
        default:
            co_return settle(transaction, run, Outcome::deferred, deferral(action));
    }
}

// --- deliver
// ------------------------------------------------------------------------------------------------------

/// The bytes as that plan wants them, made once.
net::Task<base::Result<int>> Life::version_of(Run& run, const message::RewritePlan& plan) {
    if (plan.is_empty()) co_return run.message.get();
    for (const auto& version : run.versions) {
        if (version.plan == plan) co_return version.file.get();
    }
    auto rewritten = co_await parts_.inspectors.rewrite(run.message.get(), plan, run.send_until);
    if (!rewritten) co_return std::unexpected(rewritten.error());
    run.versions.push_back({plan, std::move(rewritten->file), std::move(rewritten->memory)});
    co_return run.versions.back().file.get();
}

net::Task<Reply> Life::deliver(Transaction& transaction, Run& run) {
    const auto& envelope = transaction.envelope;
    const Reply later = not_delivered();
    const auto file = co_await version_of(run, run.judged->decision.groups.front().plan);
    if (!file) {
        base::log(LogLevel::error, "{} not rewritten: {}", envelope.reference.to_string(),
                  file.error().sentence);
        co_return settle(transaction, run, Outcome::deferred, later);
    }
    const auto content = ipc::Mapping::map(*file, kLargestRewrite);
    if (!content || !FaultPoints::pass(FaultPoint::front_before_hop_data)) {
        co_return settle(transaction, run, Outcome::deferred, later);
    }
    if (!run.at_hop.session) {
        const auto begun = co_await begin_again(transaction, run);
        if (begun == Begun::unreachable) co_return co_await distribute(transaction, run);
        if (begun == Begun::refused) co_return settle(transaction, run, Outcome::deferred, later);
    }
    if (!parts_.recorder.is_writable()) {  // asked before: what the hop has taken stays taken
        co_return settle(transaction, run, Outcome::deferred, cannot_record());
    }
    co_return co_await hand_over(transaction, run, content->bytes());
}

net::Task<Reply> Life::hand_over(Transaction& transaction, Run& run, std::string_view content) {
    const auto& envelope = transaction.envelope;
    const auto& judged = *run.judged;
    const std::string head =
        head_for({envelope, judged.facts, judged.decision.verdict, content}, parts_.hostname);
    run.is_handed = true;
    const auto answer =
        co_await run.at_hop.session->data(head, content, run.send_until, header_may_be_8bit(judged.facts));
    run.is_handed = answer.outcome == DataOutcome::accepted || answer.outcome == DataOutcome::in_doubt;
    run.is_taken = answer.outcome == DataOutcome::accepted;
    const std::string hop = hop_name(*run.at_hop.session);
    (void)FaultPoints::pass(FaultPoint::front_after_hop_answer);
    if (answer.outcome == DataOutcome::not_sent) {  // it has no dot of ours: it is ours to send later
        base::log(LogLevel::warning, "{} not sent to {}, queued: {}", envelope.reference.to_string(), hop,
                  answer.reason.sentence);
        run.at_hop.session.reset();
        co_return co_await distribute(transaction, run);
    }
    Reply reply = not_delivered();
    Outcome outcome = Outcome::deferred;
    if (answer.outcome == DataOutcome::accepted) {
        outcome = Outcome::delivered;
        reply = receipt(envelope.reference);
        if (!run.at_hop.session->offers().dsn) report_relayed(transaction, run, content, answer.reply);
    } else if (answer.outcome == DataOutcome::refused) {
        reply = from_hop(answer.reply);
        outcome = outcome_of(reply.code);
    } else if (answer.outcome == DataOutcome::in_doubt) {
        outcome = Outcome::in_doubt;
        reply = {451, "4.4.2", "the next hop did not answer"};
    }
    if (answer.outcome != DataOutcome::accepted && answer.outcome != DataOutcome::refused) {
        base::log(LogLevel::warning, "{} {}: {}", envelope.reference.to_string(),
                  act::delivery::to_string(answer.outcome), answer.reason.sentence);
    }
    settle(transaction, run, outcome, reply);
    for (auto& one : run.outcomes) {
        one.next_hop = hop;
        // What the hop calls the message ("queued as ...") is what its own log knows it by.
        if (outcome == Outcome::delivered) one.reply = wire(from_hop(answer.reply));
    }
    co_return reply;
}

// --- quarantine
// ---------------------------------------------------------------------------------------------------

act::quarantine::ItemInfo Life::item_info(const Transaction& transaction, const Run& run,
                                          const message::GroupDecision& group, std::uint32_t number) const {
    act::quarantine::ItemInfo info;
    info.id = base::ItemId{transaction.envelope.reference, number};
    info.created = parts_.clock.wall();
    info.envelope = transaction.envelope;
    info.area = group.outcome().area.empty() ? "default" : group.outcome().area;
    info.rule = group.rule;
    info.because = group.because;
    info.verdict = run.judged->decision.verdict;
    const auto& header = run.judged->facts.header;
    info.subject = header.subject;
    info.message_id = header.message_id;
    if (!header.from.empty()) info.from = header.from.front();
    return info;
}

net::Task<base::Result<void>> Life::store_item(const Run& run, const act::quarantine::ItemInfo& info) {
    auto& quarantine = parts_.quarantine;
    const int sealed = run.message.get();
    auto put = [&quarantine, &info, sealed]() -> base::Result<void> {
        GATEHOUSE_CHECK(FaultPoints::pass(FaultPoint::front_before_item));
        return quarantine.put(info, sealed);
    };
    const auto stored = co_await net::offload(parts_.io, parts_.storage, std::move(put));
    if (!stored) {
        base::log(LogLevel::error, "{} could not be quarantined: {}", info.id.to_string(),
                  stored.error().sentence);
    }
    (void)FaultPoints::pass(FaultPoint::front_after_item_index);
    co_return stored;
}

net::Task<Reply> Life::hold_back(Transaction& transaction, Run& run) {
    // An item whose record fails would be an item more at the client's next try.
    if (!parts_.recorder.is_writable())
        co_return settle(transaction, run, Outcome::deferred, cannot_record());
    const auto info = item_info(transaction, run, run.judged->decision.groups.front(), 1);
    const auto stored = co_await store_item(run, info);
    if (!stored) co_return settle(transaction, run, Outcome::deferred, not_stored());
    run.held = {info.id};
    const Reply reply =
        settle(transaction, run, Outcome::quarantined, receipt(transaction.envelope.reference));
    for (auto& one : run.outcomes) one.item = info.id.to_string();
    co_return reply;
}

}  // namespace gatehouse::pipeline
