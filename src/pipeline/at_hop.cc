// receive meets act: the next hop's session of one transaction, opened at its first recipient, given away
// while the client is silent and others wait, and begun again then.
#include <algorithm>

#include "base/log.h"
#include "pipeline/life.h"

namespace gatehouse::pipeline {

using base::LogLevel;

net::Task<Reply> Life::ask_hop(Transaction& transaction, Run& run, const message::Recipient& recipient) {
    const auto* hop = parts_.next_hops.pick(message::domain_of(recipient.address));
    if (hop == nullptr) co_return Reply{451, "4.4.4", "no next hop is configured for this recipient"};
    run.at_hop.leave();
    const bool has_others = !transaction.envelope.recipients.empty();
    const bool is_other = run.at_hop.hop != nullptr && run.at_hop.hop != hop;
    const bool must_queue =
        run.is_for_queue || !parts_.hops.settings().cut_through || (is_other && has_others);
    if (must_queue) {
        const Reply taken = take_for_queue(transaction, run);
        holders_.wait(run.at_hop, parts_.clock.steady());  // where there is no room, the session stays
        co_return taken;
    }
    if (is_other) run.at_hop.session.reset();  // nobody was accepted there
    run.at_hop.hop = hop;
    if (!run.at_hop.session) {
        const Reply first = co_await ask_first(transaction, run, recipient);
        holders_.wait(run.at_hop, parts_.clock.steady());
        co_return first;
    }
    const auto answer = co_await run.at_hop.session->rcpt(recipient);
    if (!answer) {
        run.at_hop.session.reset();
        co_return take_for_queue(transaction, run);
    }
    holders_.wait(run.at_hop, parts_.clock.steady());
    co_return from_hop(*answer);
}

/// Architecture section 6: what the next hop cannot be asked about is accepted, and queued.
Reply Life::take_for_queue(const Transaction& transaction, Run& run) const {
    if (!parts_.queue.has_room(transaction.envelope.declared_size))
        return {452, "4.3.1", "no room to queue this now, try again later"};
    run.is_for_queue = true;
    run.at_hop.session.reset();
    return {250, "2.1.5", "recipient ok"};
}

/// The first recipient, or the next one after the connection was given away: then the earlier ones come
/// along.
net::Task<Reply> Life::ask_first(Transaction& transaction, Run& run, const message::Recipient& recipient) {
    auto recipients = transaction.envelope.recipients;
    recipients.push_back(recipient);
    const auto started = co_await begin_at_hop(transaction, run, recipients);
    if (!started) {
        base::log(LogLevel::warning, "{} {}", transaction.envelope.reference.to_string(),
                  started.error().sentence);
        co_return take_for_queue(transaction, run);
    }
    const bool earlier_stand =
        std::all_of(started->recipients.begin(), started->recipients.end() - 1,
                    [](const act::delivery::Reply& reply) { return reply.is_positive(); });
    const bool has_begun = started->mail.is_positive();
    if (!has_begun || !earlier_stand) run.at_hop.session.reset();
    if (has_begun && !earlier_stand)
        co_return Reply{451, "4.3.0", "the next hop takes earlier recipients no more"};
    co_return from_hop(started->recipients.back());
}

net::Task<base::Result<act::delivery::StartAnswers>> Life::begin_at_hop(
    Transaction& transaction, Run& run, std::span<const message::Recipient> recipients) {
    auto& hold = run.at_hop;
    if (const auto* why = parts_.hops.why_down(*hold.hop)) {
        co_return base::fail(base::Fault::unavailable, "the next hop {} was down a moment ago: {}",
                             hold.hop->domain, *why);
    }
    auto session = co_await parts_.hops.open(*hold.hop, run.send_until);
    if (!session) co_return std::unexpected(session.error());
    hold.session.emplace(std::move(*session));
    hold.began = parts_.clock.steady();
    auto started = co_await hold.session->start(transaction.envelope, recipients, run.send_until);
    if (!started) hold.session.reset();
    co_return started;
}

/// For a message whose connection was given away while its client was silent.
net::Task<Life::Begun> Life::begin_again(Transaction& transaction, Run& run) {
    const auto& recipients = transaction.envelope.recipients;
    const auto started = co_await begin_at_hop(transaction, run, recipients);
    if (!started) co_return Begun::unreachable;
    const bool all_stand = std::all_of(started->recipients.begin(), started->recipients.end(),
                                       [](const act::delivery::Reply& reply) { return reply.is_positive(); });
    if (!all_stand) run.at_hop.session.reset();
    co_return all_stand ? Begun::ready : Begun::refused;
}

}  // namespace gatehouse::pipeline
