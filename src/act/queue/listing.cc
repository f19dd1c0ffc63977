// What operators see of the queue: all of it, or what a filter lets through, however much waits and whatever
// of it cannot be read.
#include <algorithm>
#include <utility>

#include "act/queue/parts.h"

namespace gatehouse::act::queue {

using base::fail;
using base::Fault;
using base::ItemId;
using base::Result;

namespace {

constexpr std::size_t kPage = 100;         // shown at a time
constexpr std::size_t kLookedAt = 10'000;  // at a time, for those that match

bool contains(std::string_view text, std::string_view part) {
    return base::lower(text).contains(base::lower(part));
}

/// What can be told without the story.
bool matches_times(const QueueItem& item, const QueueFilter& filter) {
    return (filter.lane.empty() || item.lane == filter.lane) &&
           (!filter.held || item.is_held == *filter.held);
}

bool matches_story(const QueueItem& item, const QueueFilter& filter) {
    const auto& envelope = item.story.envelope;
    if (!filter.sender.empty() && !contains(envelope.sender, filter.sender)) return false;
    return filter.recipient.empty() ||
           std::any_of(envelope.recipients.begin(), envelope.recipients.end(),
                       [&](const auto& one) { return contains(one.address, filter.recipient); });
}

/// An address stands in the bytes of its item as it is written: most items need not be decoded.
bool may_hold(std::string_view bytes, std::string_view part) {
    if (part.empty()) return true;
    const char small = base::to_lower(part.front());
    const char large = small >= 'a' && small <= 'z' ? static_cast<char>(small - 'a' + 'A') : small;
    for (std::size_t at = 0; at + part.size() <= bytes.size(); ++at) {
        const char c = bytes[at];
        if ((c == small || c == large) && base::iequals(bytes.substr(at, part.size()), part)) return true;
    }
    return false;
}

QueueItem damaged(const ItemId& id) {
    QueueItem item;
    item.id = id;
    item.story.envelope.reference = id.reference;
    item.is_damaged = true;
    return item;
}

/// Only if it matches. What cannot be read has no addresses.
std::optional<QueueItem> filtered(const QueueFilter& filter, const ItemId& id,
                                  std::optional<std::string_view> bytes) {
    const auto times = bytes ? decode_times(id, *bytes) : std::nullopt;
    if (times && !matches_times(*times, filter)) return std::nullopt;
    if (times && !(may_hold(*bytes, filter.sender) && may_hold(*bytes, filter.recipient)))
        return std::nullopt;
    auto item = bytes ? decode(id, *bytes) : base::Result<QueueItem>(damaged(id));
    if (!bytes) item->lane = filter.lane;  // by whose places it was found
    if (!bytes) item->is_held = filter.held.value_or(false);
    if (!item) item = damaged(id);
    if (times) item->lane = times->lane;
    if (times) item->is_held = times->is_held;
    return matches_story(*item, filter) ? std::optional(std::move(*item)) : std::nullopt;
}

}  // namespace

/// Of those in line or held, behind that key, in order.
Result<std::vector<ItemId>> Queue::ids_behind(std::string_view key) const {
    std::vector<ItemId> out;
    for (const char* kind : {"s", "h"}) {
        GATEHOUSE_CHECK(store_.visit_prefix(kind, [&](std::string_view place, std::string_view) {
            const auto id = id_at_end_of(place);
            if (id && item_key(*id) > key) out.push_back(*id);
            return !is_stopping_;
        }));
    }
    std::sort(out.begin(), out.end());
    return out;
}

/// From `first` (in) to `last` (out). One whose bytes cannot be read is no end: the others are reached by the
/// places that they have in the line, and it is visited without bytes.
Result<void> Queue::visit_items(std::string first, std::string_view last, const ItemVisitor& visitor) const {
    std::vector<ItemId> places;
    std::size_t next = 0;
    bool goes_on = true;
    std::string at;
    const auto each = [&](std::string_view key, std::string_view value) {
        at = key;
        const auto id = id_from(key.substr(1));
        goes_on = !id || visitor(*id, value);
        return goes_on;
    };
    for (bool is_known = false;; is_known = true) {
        at = first;
        const auto done = store_.visit(first, last, each);
        if (done || !goes_on || !is_damage(done.error())) return done;
        if (!is_known) {
            GATEHOUSE_TRY(places, ids_behind(at));
        }
        while (next < places.size() && item_key(places[next]) <= at) ++next;
        if (next == places.size() || item_key(places[next]) >= last) return done;
        const auto value = store_.get(item_key(places[next]));
        const bool is_gone = value && !*value;
        const auto bytes = value && *value ? std::optional<std::string_view>(**value) : std::nullopt;
        if (!is_gone && !visitor(places[next], bytes)) return {};
        first = item_key(places[next]) + '\0';
    }
}

/// Those of a lane, or the held ones, or both, by their places alone.
Result<std::vector<ItemId>> Queue::ids_of(const QueueFilter& filter) const {
    std::vector<std::string> prefixes;
    if (filter.lane.empty()) prefixes.emplace_back("h");
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [number, lane] : schedule_.lanes()) {
            if (filter.lane.empty() || lane.name != filter.lane) continue;
            if (filter.held.value_or(true)) prefixes.push_back(held_prefix(number));
            if (!filter.held.value_or(false)) prefixes.push_back(turns_prefix(number));
        }
    }
    std::vector<ItemId> out;
    for (const auto& prefix : prefixes) {
        GATEHOUSE_CHECK(store_.visit_prefix(prefix, [&](std::string_view key, std::string_view) {
            const auto id = id_at_end_of(key);
            if (id && (!filter.after || *id > *filter.after)) out.push_back(*id);
            return !is_stopping_;
        }));
    }
    std::sort(out.begin(), out.end());
    return out;
}

Result<void> Queue::each_by_place(const QueueFilter& filter, const Visitor& visitor,
                                  const std::function<void()>& working) const {
    GATEHOUSE_TRY(const auto ids, ids_of(filter));
    for (std::size_t i = 0; i < ids.size() && !is_stopping_; ++i) {
        if (working && i % kPage == 0) working();
        const auto bytes = store_.get(item_key(ids[i]));
        if (!bytes && !is_damage(bytes.error())) return std::unexpected(bytes.error());
        if (bytes && !*bytes) continue;  // gone meanwhile
        auto item = filtered(filter, ids[i], bytes ? std::optional<std::string_view>(**bytes) : std::nullopt);
        if (item && !visitor(std::move(*item))) return {};
    }
    return {};
}

Result<void> Queue::each_in_pages(QueueFilter filter, const Visitor& visitor,
                                  const std::function<void()>& working) const {
    while (!is_stopping_) {
        std::vector<QueueItem> page;
        std::size_t looked_at = 0;
        const std::string first = filter.after ? item_key(*filter.after) + '\0' : "i";
        const auto each_item = [&](const ItemId& id, std::optional<std::string_view> bytes) {
            filter.after = id;
            if (auto item = filtered(filter, id, bytes)) page.push_back(std::move(*item));
            return ++looked_at < kLookedAt && page.size() < kPage;
        };
        GATEHOUSE_CHECK(visit_items(first, "j", each_item));
        if (working) working();
        for (auto& item : page) {
            if (!visitor(std::move(item))) return {};
        }
        if (looked_at < kLookedAt && page.size() < kPage) return {};
    }
    return {};
}

Result<void> Queue::each(const QueueFilter& filter, const Visitor& visitor,
                         const std::function<void()>& working) const {
    const auto set_aside = [this] {
        const std::lock_guard lock(mutex_);
        return schedule_.damaged();
    }();
    const auto marked = [&](QueueItem item) {
        item.is_damaged = item.is_damaged || set_aside.contains(item.id);
        return visitor(std::move(item));
    };
    const bool by_place = !filter.lane.empty() || filter.held.value_or(false);
    GATEHOUSE_CHECK(by_place ? each_by_place(filter, marked, working)
                             : each_in_pages(filter, marked, working));
    if (is_stopping_) return fail(Fault::unavailable, "Gatehouse is stopping");
    return {};
}

Result<std::vector<QueueItem>> Queue::list(const QueueFilter& filter) const {
    std::vector<QueueItem> out;
    if (filter.limit == 0) return out;
    GATEHOUSE_CHECK(each(filter, [&](QueueItem item) {
        out.push_back(std::move(item));
        return out.size() < filter.limit;
    }));
    return out;
}

Result<QueueItem> Queue::find(std::string_view id) const {
    const auto slash = id.find('/');
    GATEHOUSE_TRY(const auto range, base::parse_reference_prefix(id.substr(0, slash)));
    std::optional<std::uint64_t> group;
    if (slash != std::string_view::npos) {
        group = base::parse_unsigned(id.substr(slash + 1));
        if (!group)
            return fail(Fault::usage, "\"{}\" is no id such as 7Q3K-M8TD-0VZ2-6XNB/1",
                        base::printable(id, 40));
    }
    std::vector<ItemId> found;
    const auto first = item_key({range.first, 0});
    const auto last = item_key({range.last, 0xFFFF'FFFF});
    GATEHOUSE_CHECK(visit_items(first, last, [&](const ItemId& one, std::optional<std::string_view>) {
        if (!group || *group == one.group) found.push_back(one);
        return found.size() < 2;
    }));
    if (found.empty()) return unknown(id);
    if (found.size() > 1) {
        return fail(Fault::usage, "{} stands for several items of the queue, such as {} and {}",
                    base::printable(id, 40), found[0].to_string(), found[1].to_string());
    }
    auto item = load(found.front());
    if (!item && is_damage(item.error())) return damaged(found.front());
    const std::lock_guard lock(mutex_);
    const auto* at = schedule_.find(found.front());
    if (item && at != nullptr) item->is_damaged = at->is_damaged;
    return item;
}

}  // namespace gatehouse::act::queue
