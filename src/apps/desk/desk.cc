#include "apps/desk/desk.h"

#include <fmt/ranges.h>

#include "apps/desk/rows.h"
#include "base/text.h"

namespace gatehouse::apps {

using base::Fault;

namespace {

namespace json = boost::json;
using act::quarantine::Item;

template <typename Enum>
base::Result<std::optional<Enum>> word_to(const std::string& word, Enum last, std::string_view what) {
    if (word.empty()) return std::nullopt;
    std::vector<std::string> known;
    for (std::uint8_t i = 1; i <= static_cast<std::uint8_t>(last); ++i) {
        const auto candidate = static_cast<Enum>(i);
        if (message::to_string(candidate) == word) return candidate;
        known.emplace_back(message::to_string(candidate));
    }
    return base::fail(Fault::usage, "\"{}\" is no {}; there are {}", base::printable(word, 40), what,
                      fmt::format("{}", fmt::join(known, ", ")));
}

/// Each holds a thread of the control server for as long as its hops take; others want to ask, too.
constexpr std::size_t kMostReleases = 4;

base::WallTime time_of(std::int64_t micros) {
    return base::WallTime(std::chrono::microseconds(micros));
}

}  // namespace

DeskEnd end_of(const base::Error& error) {
    switch (error.fault) {
        case Fault::not_found:
            return {1, error.sentence};
        case Fault::usage:
            return {2, error.sentence};
        default:
            return {3, error.sentence};
    }
}

DeskEnd Desk::answer(const pb::ControlRequest& request, const DeskSinks& sinks) {
    if (request.has_track()) return track(request.track(), sinks);
    if (request.has_explain()) return explain(request.explain(), sinks);
    if (!request.has_quarantine()) return {2, "this request is not known here"};
    switch (request.quarantine().verb()) {
        case pb::QuarantineRequest::SHOW:
            return show(request.quarantine(), sinks);
        case pb::QuarantineRequest::RELEASE:
            return release(request.quarantine(), sinks);
        case pb::QuarantineRequest::DELETE:
            return remove(request.quarantine());
        default:
            return list(request.quarantine(), sinks);
    }
}

DeskEnd Desk::track(const pb::TrackRequest& request, const DeskSinks& sinks) {
    record::TrackingQuery query;
    query.from = request.from();
    query.to = request.to();
    query.subject = request.subject();
    if (request.since_us() != 0) query.since = time_of(request.since_us());
    if (request.until_us() != 0) query.until = time_of(request.until_us());
    const auto verdict = word_to(request.verdict(), message::Verdict::clean, "verdict");
    if (!verdict) return end_of(verdict.error());
    query.verdict = *verdict;
    const auto outcome = word_to(request.outcome(), message::kLastOutcome, "outcome");
    if (!outcome) return end_of(outcome.error());
    query.outcome = *outcome;
    query.reference = request.reference();
    query.client = request.client();
    if (request.limit() != 0) query.limit = request.limit();
    const auto rows = recorder_.track(query);
    if (!rows) return end_of(rows.error());
    for (const auto& row : *rows) sinks.row(json::serialize(tracking_row_json(row)));
    return {rows->empty() ? 1U : 0U, rows->empty() ? "no message fits" : ""};
}

DeskEnd Desk::explain(const pb::ExplainRequest& request, const DeskSinks& sinks) {
    const auto found = recorder_.find_record(request.reference());
    if (!found) return end_of(found.error());
    auto row = record_json(found->record);
    row["attempt"] = found->attempt;
    sinks.row(json::serialize(row));
    return {};
}

DeskEnd Desk::list(const pb::QuarantineRequest& request, const DeskSinks& sinks) {
    act::quarantine::ListFilter filter;
    filter.text = request.id();
    filter.state = std::nullopt;
    filter.present = true;
    if (request.limit() != 0) filter.limit = request.limit();
    const auto items = quarantine_.list(filter);
    if (!items) return end_of(items.error());
    for (const auto& item : *items) sinks.row(json::serialize(item_json(item)));
    return {0, items->empty() ? "the quarantine is empty" : ""};
}

DeskEnd Desk::show(const pb::QuarantineRequest& request, const DeskSinks& sinks) {
    const auto item = quarantine_.show(request.id());
    if (!item) return end_of(item.error());
    if (item->state == act::quarantine::State::deleted)
        return {1, item->info.id.to_string() + " was deleted"};
    const auto noted =
        quarantine_.note_sight(item->info.id, {clock_.wall(), request.who(), "viewed", request.why()});
    if (!noted) return end_of(noted.error());
    if (request.raw()) {
        const auto read = quarantine_.read(item->info.id, [&](std::string_view piece) -> base::Result<void> {
            sinks.raw(piece);
            return {};
        });
        return read ? DeskEnd{} : end_of(read.error());
    }
    auto row = item_json(*item);
    json::array attempts;
    const auto tried = quarantine_.attempts(item->info.id);
    if (!tried) return end_of(tried.error());
    for (const auto& attempt : *tried) {
        attempts.push_back(json::object{{"number", attempt.number},
                                        {"at", base::to_rfc3339(attempt.at)},
                                        {"who", base::printable(attempt.who)},
                                        {"success", attempt.success},
                                        {"result", base::printable(attempt.result)}});
    }
    row["releases"] = std::move(attempts);
    json::array sights;
    const auto seen = quarantine_.sights(item->info.id);
    if (!seen) return end_of(seen.error());
    for (const auto& sight : *seen) {
        sights.push_back(json::object{{"at", base::to_rfc3339(sight.at)},
                                      {"who", base::printable(sight.who)},
                                      {"what", base::printable(sight.what)},
                                      {"why", base::printable(sight.why)}});
    }
    row["seen"] = std::move(sights);
    sinks.row(json::serialize(row));
    return {};
}

/// Holds an item while something is done to it that must not be done twice; frees it at the end of its life.
class Desk::Claim {
  public:
    Claim(Desk& desk, const base::ItemId& id, Work work) : desk_(desk), id_(id) {
        const std::lock_guard lock(desk_.work_mutex_);
        if (work == Work::release && desk_.in_work_.size() >= kMostReleases) {
            refusal_ = {3, fmt::format("{} requests are at work on the quarantine; try again in a moment",
                                       desk_.in_work_.size())};
            return;
        }
        const auto [at, is_new] = desk_.in_work_.emplace(id, work);
        is_mine_ = is_new;
        if (is_new) return;
        const bool is_release = at->second == Work::release;
        refusal_ = {3, id.to_string() + (is_release ? " is being released now" : " is being deleted now")};
    }
    ~Claim() {
        const std::lock_guard lock(desk_.work_mutex_);
        if (is_mine_) desk_.in_work_.erase(id_);
    }
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;

    explicit operator bool() const { return is_mine_; }
    const DeskEnd& refusal() const { return refusal_; }

  private:
    Desk& desk_;
    base::ItemId id_;
    bool is_mine_ = false;
    DeskEnd refusal_;
};

DeskEnd Desk::release(const pb::QuarantineRequest& request, const DeskSinks& sinks) {
    if (!release_) return {3, "release sends mail, so it needs the running gateway"};
    const auto named = quarantine_.show(request.id());
    if (!named) return end_of(named.error());
    const auto item_id = named->info.id;
    const Claim claim(*this, item_id, Work::release);
    if (!claim) return claim.refusal();
    return release_claimed(item_id, request, sinks);
}

DeskEnd Desk::release_claimed(const base::ItemId& item_id, const pb::QuarantineRequest& request,
                              const DeskSinks& sinks) {
    const std::string id = item_id.to_string();
    const auto item = quarantine_.show(id);  // as it is now that nobody else has it in work
    if (!item) return end_of(item.error());
    if (item->state == act::quarantine::State::deleted) return {1, id + " was deleted"};
    if (item->state == act::quarantine::State::released) {
        return {1, id + " was released before; it is not sent again"};
    }
    if (item->damaged) return {3, id + " is damaged: its file is missing or was changed"};
    const auto sent = release_(*item, sinks.working);
    act::quarantine::Attempt attempt;
    attempt.at = clock_.wall();
    attempt.who = request.who();
    attempt.success = sent.has_value();
    attempt.result = sent ? sent->sentence : sent.error().sentence;
    const auto noted = quarantine_.mark_released(item_id, attempt);
    if (!sent) {
        const unsigned exit_class = sent.error().fault == Fault::refused ? 1 : 3;
        return {exit_class, id + " was not released: " + sent.error().sentence};
    }
    if (!noted) return {3, id + " was sent, but that could not be noted: " + noted.error().sentence};
    if (!sent->to_everybody) return {1, id + " was released, but not to everybody: " + sent->sentence};
    return {0, id + " was released: " + sent->sentence};
}

DeskEnd Desk::remove(const pb::QuarantineRequest& request) {
    const auto item = quarantine_.show(request.id());
    if (!item) return end_of(item.error());
    const Claim claim(*this, item->info.id, Work::removal);
    if (!claim) return claim.refusal();
    if (item->state == act::quarantine::State::deleted)
        return {1, item->info.id.to_string() + " was deleted before"};
    const auto gone =
        quarantine_.remove(item->info.id, {clock_.wall(), request.who(), "deleted", request.why()});
    if (!gone) return end_of(gone.error());
    return {0, item->info.id.to_string() + " was deleted; its key and file are gone"};
}

}  // namespace gatehouse::apps
