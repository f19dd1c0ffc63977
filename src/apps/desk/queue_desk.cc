#include "apps/desk/queue_desk.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "apps/desk/rows.h"
#include "base/log.h"
#include "base/text.h"

namespace gatehouse::apps {

using act::queue::QueueFilter;
using act::queue::QueueItem;

namespace {

namespace json = boost::json;

constexpr auto kWordEvery = std::chrono::seconds(10);

QueueFilter filter_of(const pb::QueueRequest& request) {
    QueueFilter filter;
    filter.lane = request.lane();
    filter.sender = request.from();
    filter.recipient = request.to();
    if (request.held()) filter.held = true;
    if (request.limit() != 0) filter.limit = request.limit();
    return filter;
}

}  // namespace

DeskEnd QueueDesk::answer(const pb::QueueRequest& request, const DeskSinks& sinks) {
    switch (request.verb()) {
        case pb::QueueRequest::SHOW:
            return show(request, sinks);
        case pb::QueueRequest::FLUSH:
            return flush(request, sinks);
        case pb::QueueRequest::HOLD:
            return hold(request);
        case pb::QueueRequest::RELEASE:
            return release(request);
        case pb::QueueRequest::DELETE:
            return remove(request);
        default:
            return list(request, sinks);
    }
}

/// For whoever waits for an answer that takes long.
std::function<void()> QueueDesk::working_of(const DeskSinks& sinks) const {
    if (!sinks.working) return {};
    return [this, working = sinks.working, next = clock_.steady() + kWordEvery]() mutable {
        if (clock_.steady() < next) return;
        next = clock_.steady() + kWordEvery;
        working();
    };
}

DeskEnd QueueDesk::list(const pb::QueueRequest& request, const DeskSinks& sinks) {
    const auto filter = filter_of(request);
    const std::size_t most = std::min(filter.limit, QueueFilter::kMaxLimit);
    std::size_t shown = 0;
    const auto show = [&](const QueueItem& item) {
        sinks.row(json::serialize(queue_item_json(item)));
        return ++shown < most;
    };
    const auto listed = queue_.each(filter, show, working_of(sinks));
    if (!listed) return end_of(listed.error());
    std::uint64_t all = 0;
    for (const auto& lane : queue_.counts()) all += lane.waiting + lane.held + lane.under_way + lane.damaged;
    if (all == 0) return {0, "the queue is empty"};
    return {0, fmt::format("{} of {} items", shown, all)};
}

DeskEnd QueueDesk::show(const pb::QueueRequest& request, const DeskSinks& sinks) {
    const auto item = queue_.find(request.id());
    if (!item) return end_of(item.error());
    if (request.raw()) {
        const auto content = queue_.content(item->id);
        if (!content) return end_of(content.error());
        // As of quarantine: nobody reads mail of others without a trace of it.
        const auto since = std::chrono::duration_cast<std::chrono::microseconds>(
            clock_.wall() - item->story.envelope.received);
        const std::string who = base::printable(request.who(), 80);
        const auto noted = queue_.add_step(
            item->id, {"viewed", static_cast<std::uint64_t>(std::max<std::int64_t>(0, since.count())), who});
        if (!noted) return end_of(noted.error());
        base::log(base::LogLevel::info, "queue: {} viewed by {}", item->id.to_string(), who);
        sinks.raw(*content);
        return {};
    }
    auto row = queue_item_json(*item);
    json::array steps;
    for (const auto& step : item->story.steps) {
        steps.push_back(json::object{{"step", step.name},
                                     {"seconds", static_cast<double>(step.at_us) / 1e6},
                                     {"result", base::printable(step.result, 400)}});
    }
    row["steps"] = std::move(steps);
    sinks.row(json::serialize(row));
    return {};
}

DeskEnd QueueDesk::flush(const pb::QueueRequest& request, const DeskSinks& sinks) {
    auto filter = filter_of(request);
    filter.limit = QueueFilter::kMaxLimit;
    forget_down_();
    const auto flushed = queue_.flush(filter, working_of(sinks));
    if (!flushed) return end_of(flushed.error());
    return {0, fmt::format("{} item{} now", *flushed, *flushed == 1 ? " is tried" : "s are tried")};
}

DeskEnd QueueDesk::hold(const pb::QueueRequest& request) {
    const auto item = queue_.find(request.id());
    if (!item) return end_of(item.error());
    if (item->is_held) return {1, item->id.to_string() + " is held already"};
    const auto done = queue_.hold(item->id);
    if (!done) return end_of(done.error());
    return {0, item->id.to_string() + " is held until somebody releases it; it does not expire meanwhile"};
}

DeskEnd QueueDesk::release(const pb::QueueRequest& request) {
    const auto item = queue_.find(request.id());
    if (!item) return end_of(item.error());
    forget_down_();
    const auto done = queue_.release(item->id);
    if (!done) return end_of(done.error());
    return {0, item->id.to_string() + " is tried now"};
}

DeskEnd QueueDesk::remove(const pb::QueueRequest& request) {
    const auto item = queue_.find(request.id());
    if (!item) return end_of(item.error());
    std::vector<pipeline::OwnMessage> notices;
    if (request.notify()) {
        if (item->story.envelope.recipients.empty())
            return {3, item->id.to_string() + " is damaged, so nobody knows whom to tell"};
        if (!notices_) return {3, "telling the sender sends mail, so it needs the running gateway"};
        auto made = notices_(*item);
        if (!made) return end_of(made.error());
        notices = std::move(*made);
    }
    std::vector<act::queue::NewItem> instead;
    for (const auto& one : notices) instead.push_back({one.item, {one.text}});
    // First: once they are in the queue a loop may deliver them, and that is the newer word.
    for (const auto& one : notices) note(pipeline::record_of(one));
    const auto done = queue_.remove(*item, std::move(instead));
    if (!done) {
        for (const auto& one : notices) {
            auto record = pipeline::record_of(one);
            record.outcomes.front().outcome = message::Outcome::deleted;
            record.outcomes.front().reply = "never sent: what it is about stays in the queue";
            note(record);
        }
        return end_of(done.error());
    }
    message::Record record = item->story;
    for (const auto& one : record.envelope.recipients) {
        record.outcomes.push_back({one.address, message::Outcome::deleted,
                                   "deleted from the queue by " + base::printable(request.who(), 80), "",
                                   item->id.to_string()});
    }
    if (record.outcomes.empty())  // it is damaged, and nobody knows who was to get it
        record.outcomes.push_back({"", message::Outcome::deleted, "", "", item->id.to_string()});
    record.is_attempt = true;
    record.steps.push_back({"queue", 0, "deleted by " + base::printable(request.who(), 80)});
    if (const auto noted = recorder_.append(record); !noted)
        return {
            3, item->id.to_string() + " was deleted, but that could not be noted: " + noted.error().sentence};
    return {0, fmt::format("{} was deleted{}", item->id.to_string(),
                           notices.empty() ? "" : "; its sender is told")};
}

void QueueDesk::note(const message::Record& record) {
    if (const auto noted = recorder_.append(record); !noted)
        base::log(base::LogLevel::error, "{}", noted.error().sentence);
}

json::array queue_counts_json(const act::queue::Queue& queue) {
    json::array lanes;
    for (const auto& lane : queue.counts()) {
        if (lane.waiting + lane.held + lane.under_way + lane.damaged == 0) continue;
        lanes.push_back(json::object{{"next_hop", lane.lane},
                                     {"waiting", lane.waiting},
                                     {"held", lane.held},
                                     {"under_way", lane.under_way},
                                     {"damaged", lane.damaged}});
    }
    return lanes;
}

}  // namespace gatehouse::apps
