#include "act/queue/item.h"

#include "act/queue/queue.pb.h"
#include "message/codec.h"

namespace gatehouse::act::queue {
namespace {

std::int64_t micros(base::WallTime time) {
    return time.time_since_epoch().count();
}
base::WallTime time_of(std::int64_t micros) {
    return base::WallTime(std::chrono::microseconds(micros));
}

/// Everything but the story.
QueueItem times_of(const base::ItemId& id, const pb::QueuedItem& in) {
    QueueItem item;
    item.id = id;
    item.lane = in.lane();
    item.size = in.size();
    item.head_bytes = in.head_bytes();
    item.is_notice = in.is_notice();
    item.queued = time_of(in.queued_us());
    item.due = time_of(in.due_us());
    item.expires = time_of(in.expires_us());
    item.attempts = in.attempts();
    item.is_warned = in.is_warned();
    item.is_postponed = in.is_postponed();
    item.is_held = in.is_held();
    item.last = in.last();
    item.is_returned = in.is_returned();
    item.is_telling = in.is_telling();
    item.unasked = in.unasked();
    item.first_due = time_of(in.first_due_us());
    item.held_since = time_of(in.held_us());
    return item;
}

}  // namespace

std::string encode(const QueueItem& item) {
    pb::QueuedItem out;
    out.set_lane(item.lane);
    out.set_story(message::encode_record(item.story));
    out.set_size(item.size);
    out.set_head_bytes(item.head_bytes);
    out.set_is_notice(item.is_notice);
    out.set_queued_us(micros(item.queued));
    out.set_due_us(micros(item.due));
    out.set_expires_us(micros(item.expires));
    out.set_attempts(item.attempts);
    out.set_is_warned(item.is_warned);
    out.set_is_postponed(item.is_postponed);
    out.set_is_held(item.is_held);
    out.set_last(item.last);
    out.set_is_returned(item.is_returned);
    out.set_is_telling(item.is_telling);
    out.set_unasked(item.unasked);
    out.set_first_due_us(micros(item.first_due));
    out.set_held_us(micros(item.held_since));
    return out.SerializeAsString();
}

std::optional<QueueItem> decode_times(const base::ItemId& id, std::string_view bytes) {
    pb::QueuedItem in;
    if (!in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return std::nullopt;
    return times_of(id, in);
}

base::Result<QueueItem> decode(const base::ItemId& id, std::string_view bytes) {
    pb::QueuedItem in;
    if (!in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
        return base::fail(base::Fault::malformed, "item {} of the queue is damaged", id.to_string());
    auto item = times_of(id, in);
    GATEHOUSE_TRY(item.story, message::decode_record(in.story()));
    if (item.head_bytes > item.size || item.story.envelope.recipients.empty())
        return base::fail(base::Fault::malformed, "item {} of the queue is damaged", id.to_string());
    return item;
}

}  // namespace gatehouse::act::queue
