// What operators may ask the front: status, metrics, and through the desk track, explain and quarantine.
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <future>
#include <set>

#include "apps/desk/rows.h"
#include "apps/front/front.h"
#include "apps/front/strand.h"
#include "base/fault_point.h"
#include "base/text.h"
#include "message/decision.h"
#include "pipeline/notices.h"

namespace gatehouse::apps {

namespace json = boost::json;

namespace {

json::array sandbox_json(const inspect::pool::ZygoteStatus& zygote) {
    json::array out;
    for (const auto& step : zygote.sandbox) {
        out.push_back(json::object{{"step", step.name}, {"applied", step.applied}, {"note", step.note}});
    }
    return out;
}

json::object engine_json(const Config& config, const consult::engines::ClamdEngine* engine) {
    json::object out{{"clamd", config.antivirus.clamd}};
    if (engine == nullptr) return out;
    const auto status = engine->state.status();
    const auto cache = engine->verdicts.counters();
    out["condition"] = consult::engines::to_string(status.condition);
    out["version"] = status.version;
    out["generation"] = consult::engines::to_string_generation(status.generation);
    if (!status.reason.empty()) out["reason"] = status.reason;
    out["cache_hits"] = cache.hits;
    out["cache_misses"] = cache.misses;
    return out;
}

json::object hop_json(const act::delivery::NextHop& hop, const std::vector<act::delivery::HopReach>& reach) {
    json::array addresses;
    for (const auto& address : hop.addresses) addresses.push_back(json::value(address.to_string()));
    base::SteadyTime opened{};
    const act::delivery::HopReach* failed = nullptr;
    for (const auto& one : reach) {
        if (one.key != hop.key) continue;
        opened = std::max(opened, one.opened);
        if (failed == nullptr || one.failed > failed->failed) failed = &one;
    }
    const bool is_down = failed != nullptr && failed->failed > opened;
    json::object row{{"domain", hop.domain},
                     {"address", addresses},
                     {"tls", act::delivery::to_string(hop.tls)},
                     {"down", is_down}};
    if (is_down) row["reason"] = base::printable(failed->why, 300);
    return row;
}

}  // namespace

void Front::answer(const pb::ControlRequest& request, ControlReplies& replies) {
    if (request.has_status()) {
        replies.row(status_row());
        return replies.end(0, "");
    }
    if (request.has_metrics()) {
        metric_rows(replies);
        return replies.end(0, "");
    }
    const bool changes =
        request.has_testing() ||
        (request.has_queue() && request.queue().verb() != pb::QueueRequest::LIST &&
         request.queue().verb() != pb::QueueRequest::SHOW) ||
        (request.has_quarantine() && request.quarantine().verb() != pb::QuarantineRequest::LIST &&
         request.quarantine().verb() != pb::QuarantineRequest::SHOW);
    if (changes && !replies.may_change()) return replies.end(3, "only root may do this");
    if (request.has_testing()) return answer_testing(request.testing(), replies);
    const DeskSinks sinks{[&](const std::string& row) { replies.row(row); },
                          [&](std::string_view bytes) { replies.raw(bytes); }, [&] { replies.working(); }};
    const auto end =
        request.has_queue() ? queue_desk_->answer(request.queue(), sinks) : desk_->answer(request, sinks);
    replies.end(end.exit_class, end.sentence);
}

void Front::answer_testing(const pb::TestingRequest& request, ControlReplies& replies) {
    if (!beginning_.start.testing()) return replies.end(3, "refused unless GATEHOUSE_TESTING=1");
    if (request.advance_clock_s() != 0) clock_->advance(std::chrono::seconds(request.advance_clock_s()));
    if (!request.fault_point().empty()) {
        const auto armed =
            base::FaultPoints::arm(request.fault_point(), request.fault_after(), request.fault_action());
        if (!armed) return replies.end(2, armed.error().sentence);
    }
    replies.end(0, "");
}

/// What the loops know of their next hops; a loop that is busy for longer is left out.
std::vector<act::delivery::HopReach> Front::reach_of_hops() {
    constexpr auto kPatience = std::chrono::milliseconds(500);
    using Known = std::vector<act::delivery::HopReach>;
    std::vector<std::future<Known>> asked;
    for (auto& strand : strands_) {
        auto promise = std::make_shared<std::promise<Known>>();  // shared with the loop, which may be late
        asked.push_back(promise->get_future());
        net::asio::post(strand->io, [promise, &hops = strand->hops] { promise->set_value(hops.reach()); });
    }
    Known out;
    for (auto& one : asked) {
        if (one.wait_for(kPatience) != std::future_status::ready) continue;
        auto known = one.get();
        std::move(known.begin(), known.end(), std::back_inserter(out));
    }
    return out;
}

/// All loops have done it when this is over, but for one that is busy for longer.
void Front::forget_down() {
    constexpr auto kPatience = std::chrono::milliseconds(500);
    std::vector<std::future<void>> asked;
    for (auto& strand : strands_) {
        auto promise = std::make_shared<std::promise<void>>();  // shared with the loop, which may be late
        asked.push_back(promise->get_future());
        net::asio::post(strand->io, [promise, &hops = strand->hops] {
            hops.forget_down();
            promise->set_value();
        });
    }
    for (auto& one : asked) (void)one.wait_for(kPatience);
}

json::array Front::hop_rows() {
    const auto reach = reach_of_hops();
    json::array rows;
    for (const auto& hop : config_.next_hops.all()) rows.push_back(hop_json(hop, reach));
    std::set<std::string> handed_off;  // hosts that policy named, once something went there
    for (const auto& one : reach) {
        if (one.key.starts_with(act::queue::kHandOff)) handed_off.insert(one.key);
    }
    for (const auto& lane : handed_off)
        rows.push_back(hop_json(pipeline::handed_off(config_.next_hops, lane), reach));
    return rows;
}

std::string Front::status_row() {
    const auto zygote = zygote_->status();
    const auto statistics = recorder_->statistics();
    const json::object row{
        {"role", "front"},
        {"ready", zygote.is_ready && !is_draining_.load()},
        {"pid", ::getpid()},
        {"uid", ::geteuid()},
        {"hostname", config_.hostname()},
        {"revision", policy_->current()->revision.id},
        {"sessions", connections_.open()},
        {"memory_in_flight", memory_.used()},
        {"memory_limit", memory_.limit()},
        {"messages", statistics.messages},
        {"refusals", statistics.refusals},
        {"journal_lag_bytes", statistics.journal_lag_bytes},
        {"next_hops", hop_rows()},
        {"queue", queue_counts_json(*queue_)},
        {"engine", engine_json(config_, engine_.get())},
        {"sandbox", sandbox_json(zygote)},
        {"sandbox_refused", zygote.refused},
        {"system_calls_allowed", words_json(zygote.allowed_calls)},
        {"inspectors_started", zygote.spawned},
        {"inspectors_crashed", zygote.ended_by_signal},
    };
    return json::serialize(row);
}

void Front::metric_rows(ControlReplies& replies) {
    const auto say = [&](std::string_view name, std::string_view help, bool counter, json::object labels,
                         auto value) {
        replies.row(json::serialize(json::object{{"metric", name},
                                                 {"help", help},
                                                 {"counter", counter},
                                                 {"labels", std::move(labels)},
                                                 {"value", value}}));
    };
    const auto statistics = recorder_->statistics();
    for (std::uint8_t i = 1; i < statistics.by_verdict.size(); ++i) {
        say("gatehouse_messages_total", "inspected messages by verdict", true,
            {{"verdict", message::to_string(static_cast<message::Verdict>(i))}}, statistics.by_verdict.at(i));
    }
    for (std::uint8_t i = 1; i < statistics.by_outcome.size(); ++i) {
        say("gatehouse_recipients_total", "recipients by what became of them", true,
            {{"outcome", message::to_string(static_cast<message::Outcome>(i))}}, statistics.by_outcome.at(i));
    }
    say("gatehouse_received_bytes_total", "octets of messages as received", true, {}, statistics.bytes);
    say("gatehouse_connections_total", "connections accepted", true, {}, counters_.connections.load());
    say("gatehouse_connections_turned_away_total", "connections refused by a limit", true, {},
        counters_.turned_away.load());
    say("gatehouse_sessions", "open SMTP sessions", false, {}, connections_.open());
    say("gatehouse_memory_in_flight_bytes", "memory reserved for mail in flight", false, {}, memory_.used());
    say("gatehouse_journal_lag_bytes", "journal not yet loaded into tracking", false, {},
        statistics.journal_lag_bytes);
    say("gatehouse_journal_failures_total", "appends that failed", true, {}, statistics.journal.failures);
    for (const auto& lane : queue_->counts()) {
        say("gatehouse_queue_items", "items in the queue by next hop and state", false,
            {{"next_hop", lane.lane}, {"state", "waiting"}}, lane.waiting + lane.under_way);
        say("gatehouse_queue_items", "items in the queue by next hop and state", false,
            {{"next_hop", lane.lane}, {"state", "held"}}, lane.held);
        say("gatehouse_queue_items", "items in the queue by next hop and state", false,
            {{"next_hop", lane.lane}, {"state", "damaged"}}, lane.damaged);
    }
    const auto commits = queue_->commits();
    say("gatehouse_queue_batches_total", "changes of the queue that were stored", true, {}, commits.batches);
    say("gatehouse_queue_writes_total", "writes that stored them", true, {}, commits.writes);
    say("gatehouse_queue_failures_total", "changes of the queue that could not be stored", true, {},
        commits.failures);
    const auto zygote = zygote_->status();
    say("gatehouse_inspectors_started_total", "inspector processes forked", true, {}, zygote.spawned);
    say("gatehouse_inspectors_crashed_total", "inspectors ended by a signal", true, {},
        zygote.ended_by_signal);
    if (!engine_) return;
    say("gatehouse_engine_up", "1 while the malware engine answers", false, {},
        engine_->state.is_up() ? 1 : 0);
    const auto cache = engine_->verdicts.counters();
    say("gatehouse_verdict_cache_hits_total", "verdicts remembered", true, {}, cache.hits);
    say("gatehouse_verdict_cache_misses_total", "verdicts not remembered", true, {}, cache.misses);
}

}  // namespace gatehouse::apps
