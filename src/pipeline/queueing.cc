// act, where one session with one next hop cannot carry it all: one copy per outcome and next hop, each to
// its place (queue, quarantine, nowhere), and 250 only when all of them are on stable storage.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/log.h"
#include "decide/local_time.h"
#include "ipc/memfd.h"
#include "net/started.h"
#include "pipeline/head.h"
#include "pipeline/life.h"
#include "pipeline/notices.h"

namespace gatehouse::pipeline {

using act::queue::QueueItem;
using base::Fault;
using base::LogLevel;
using base::Result;
using message::ActionKind;
using message::GroupDecision;
using message::Outcome;

namespace {

constexpr std::uint64_t kLargestCopy = 2ULL << 30;

std::vector<message::Recipient> members(const message::Envelope& envelope, const GroupDecision& group) {
    const std::set<std::string_view> names(group.recipients.begin(), group.recipients.end());
    std::vector<message::Recipient> out;
    for (const auto& one : envelope.recipients) {
        if (names.contains(one.address)) out.push_back(one);
    }
    return out;
}

/// The body is never changed, so what was added or removed is header. 0 = not known.
std::uint64_t header_size(const message::Facts& facts, std::string_view content) {
    const auto body = facts.size - std::min(facts.size, facts.header_bytes);
    return facts.header_bytes != 0 && body <= content.size() ? content.size() - body : 0;
}

}  // namespace

struct Life::Parcels {
    struct Queued {
        QueueItem item;
        const GroupDecision* group = nullptr;
        std::string head = {};
        std::optional<ipc::Mapping> content = {};
    };
    std::vector<Queued> queued;
    std::vector<act::quarantine::ItemInfo> held;
    std::vector<std::string> deleted;

    std::uint32_t next_number() const { return static_cast<std::uint32_t>(queued.size() + held.size() + 1); }
};

QueueItem Life::queue_item(const Transaction& transaction, const Run& run, const GroupDecision& group) const {
    const auto& facts = run.judged->facts;
    QueueItem item;
    auto& story = item.story;
    story.envelope = transaction.envelope;
    story.envelope.recipients.clear();
    story.inspected = true;
    story.facts.sha256 = facts.sha256;
    story.facts.size = facts.size;
    story.facts.header = facts.header;
    story.facts.header_is_8bit = header_may_be_8bit(facts);
    story.decision.verdict = run.judged->decision.verdict;
    story.decision.groups = {group};
    story.steps = transaction.steps;
    story.steps.insert(story.steps.end(), run.judged->steps.begin(), run.judged->steps.end());
    item.queued = item.due = parts_.clock.wall();
    if (const auto* postponed = message::find_action(group, ActionKind::postpone)) {
        item.due = decide::next_time_of_day(postponed->text, item.queued, [this](base::WallTime then) {
            return parts_.clock.utc_offset(then);
        });
        item.is_postponed = true;
    }
    item.expires = item.due + std::chrono::hours(parts_.hops.settings().lifetime_hours);
    return item;
}

Life::Parcels Life::parcels_of(const Transaction& transaction, const Run& run) const {
    Parcels out;
    for (const auto& group : run.judged->decision.groups) {
        const auto recipients = members(transaction.envelope, group);
        const auto kind = group.outcome().kind;
        if (kind == ActionKind::remove) {
            for (const auto& one : recipients) out.deleted.push_back(one.address);
            continue;
        }
        // Not all recipients are refused, so nobody is told in the session; and nothing is bounced.
        if (kind == ActionKind::quarantine || kind == ActionKind::reject) {
            auto info = item_info(transaction, run, group, out.next_number());
            info.envelope.recipients = recipients;
            out.held.push_back(std::move(info));
            continue;
        }
        const std::size_t first_of_group = out.queued.size();
        for (const auto& one : recipients) {
            const std::string lane = kind == ActionKind::hand_off
                                         ? std::string(act::queue::kHandOff) + group.outcome().text
                                         : lane_for(parts_.next_hops, one.address);
            auto at = std::find_if(out.queued.begin() + static_cast<std::ptrdiff_t>(first_of_group),
                                   out.queued.end(), [&](const auto& q) { return q.item.lane == lane; });
            if (at == out.queued.end()) {
                auto item = queue_item(transaction, run, group);
                item.id = {transaction.envelope.reference, out.next_number()};
                item.lane = lane;
                at = out.queued.insert(at, {std::move(item), &group});
            }
            at->item.story.envelope.recipients.push_back(one);
        }
    }
    return out;
}

/// The bytes of what is queued.
net::Task<Result<void>> Life::fill(const Transaction& transaction, Run& run, Parcels& parcels) {
    const auto& facts = run.judged->facts;
    std::uint64_t bytes = 0;
    for (auto& one : parcels.queued) {
        const auto file = co_await version_of(run, one.group->plan);
        if (!file) co_return std::unexpected(file.error());
        GATEHOUSE_CO_TRY(auto mapped, ipc::Mapping::map(*file, kLargestCopy));
        one.content.emplace(std::move(mapped));
        auto envelope = transaction.envelope;
        envelope.recipients = one.item.story.envelope.recipients;
        const auto content = one.content->bytes();
        one.head = head_for({envelope, facts, run.judged->decision.verdict, content}, parts_.hostname);
        one.item.head_bytes = one.head.size();
        one.item.story.facts.header_bytes = header_size(facts, content);
        bytes += one.head.size() + content.size();
    }
    if (!parcels.queued.empty() && !parts_.queue.has_room(bytes))
        co_return base::fail(Fault::limit, "the disk of the queue has no room for {} bytes more", bytes);
    co_return Result<void>();
}

/// All of it on stable storage, or nothing.
net::Task<Result<void>> Life::store(Run& run, Parcels& parcels) {
    Result<void> done;
    for (const auto& info : parcels.held) {
        done = co_await store_item(run, info);
        if (!done) break;
        run.held.push_back(info.id);
    }
    if (done && !parcels.queued.empty()) {
        std::vector<act::queue::NewItem> items;
        items.reserve(parcels.queued.size());
        for (auto& one : parcels.queued) items.push_back({one.item, {one.head, one.content->bytes()}});
        auto stored = co_await parts_.queue.put(parts_.io, std::move(items), run.end);
        if (stored) {
            run.queued = std::move(*stored);
        } else {
            done = std::unexpected(stored.error());
        }
    }
    if (!done) co_await take_back(std::exchange(run.held, {}));
    co_return done;
}

/// Of a message that its client keeps: at each further try there would be one copy more.
net::Task<void> Life::take_back(std::vector<base::ItemId> held) {
    auto& quarantine = parts_.quarantine;
    for (const auto& id : held) {
        auto remove = [&quarantine, id, now = parts_.clock.wall()] {
            return quarantine.remove(id, {now, "gatehouse-front", "deleted", "the message was not accepted"});
        };
        const auto removed = co_await net::offload(parts_.io, parts_.storage, std::move(remove));
        if (!removed) base::log(LogLevel::error, "quarantine: {}", removed.error().sentence);
    }
}

net::Task<Reply> Life::distribute(Transaction& transaction, Run& run) {
    const auto& groups = run.judged->decision.groups;
    const auto put_off = std::find_if(groups.begin(), groups.end(), [](const auto& one) {
        return one.outcome().kind == ActionKind::defer;
    });
    // The client will bring the message again, with everybody.
    if (put_off != groups.end())
        co_return settle(transaction, run, Outcome::deferred, deferral(put_off->outcome()));
    if (!parts_.recorder.is_writable())
        co_return settle(transaction, run, Outcome::deferred, cannot_record());
    if (run.at_hop.session) run.at_hop.session->abandon();
    auto parcels = parcels_of(transaction, run);
    auto done = co_await fill(transaction, run, parcels);
    if (done) done = co_await store(run, parcels);
    if (!done) {
        base::log(LogLevel::error, "{} not stored: {}", transaction.envelope.reference.to_string(),
                  done.error().sentence);
        const Reply no_room{452, "4.3.1", "no room to queue this now, try again later"};
        co_return settle(transaction, run, Outcome::deferred,
                         done.error().fault == Fault::limit ? no_room : not_stored());
    }
    const Reply reply = receipt(transaction.envelope.reference);
    run.outcomes.clear();
    for (const auto& one : parcels.queued) {
        for (const auto& to : one.item.story.envelope.recipients)
            run.outcomes.push_back({to.address, Outcome::queued, wire(reply), "", one.item.id.to_string()});
    }
    for (const auto& info : parcels.held) {
        for (const auto& to : info.envelope.recipients)
            run.outcomes.push_back({to.address, Outcome::quarantined, wire(reply), "", info.id.to_string()});
    }
    for (const auto& to : parcels.deleted)
        run.outcomes.push_back({to, Outcome::deleted, wire(reply), "", ""});
    co_return reply;
}

/// The next hop has it and reports no success itself: whoever asked for a report hears that from us.
void Life::report_relayed(const Transaction& transaction, Run& run, std::string_view content,
                          const act::delivery::Reply& said) const {
    std::vector<act::notify::NoticeRecipient> recipients;
    const std::string hop = address_in(run.at_hop.session->info().to_string());
    for (const auto& one : transaction.envelope.recipients) {
        if ((one.notify & message::kNotifySuccess) == 0) continue;
        recipients.push_back({one, said.to_string(), hop, parts_.clock.wall()});
    }
    if (recipients.empty()) return;
    auto about = queue_item(transaction, run, run.judged->decision.groups.front());
    about.id = {transaction.envelope.reference, 1};
    about.story.facts.header_bytes = header_size(run.judged->facts, content);
    const NoticeParts parts{parts_.hostname, parts_.next_hops, parts_.hops.settings(), parts_.clock,
                            parts_.node};
    run.notices =
        make_notices(parts, {act::notify::NoticeKind::relayed, about, content}, std::move(recipients));
}

/// Before the client hears its 250: a report that was asked for is owed from then on (RFC 3461 section
/// 5.2.2). The next hop has the message, so a disk that does not take the report in time costs the report.
net::Task<void> Life::store_notices(Run& run) {
    constexpr std::chrono::seconds kPatience{10};
    if (run.notices.empty()) co_return;
    std::vector<act::queue::NewItem> items;
    items.reserve(run.notices.size());
    for (auto& notice : run.notices) items.push_back({notice.item, {notice.text}});
    const auto latest = std::min(run.end, parts_.clock.steady() + kPatience);
    auto stored = co_await parts_.queue.put(parts_.io, std::move(items), latest);
    if (stored) {
        for (const auto& notice : run.notices) append(record_of(notice));
        run.reports = std::move(*stored);
    } else {
        base::log(LogLevel::error, "{}: the report of success that its sender asked for is lost: {}",
                  run.notices.front().item.id.to_string(), stored.error().sentence);
    }
    run.notices.clear();
}

}  // namespace gatehouse::pipeline
