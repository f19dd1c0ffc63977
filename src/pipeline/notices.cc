#include "pipeline/notices.h"

#include <algorithm>

#include "base/random.h"
#include "base/text.h"

namespace gatehouse::pipeline {

using act::notify::Notice;
using act::notify::NoticeKind;
using act::notify::NoticeRecipient;
using act::queue::QueueItem;

namespace {

std::string_view word_for(NoticeKind kind) {
    if (kind == NoticeKind::failed) return "failure";
    return kind == NoticeKind::delayed ? "delay" : "success";
}

QueueItem item_for(const NoticeParts& parts, NoticeKind kind, const QueueItem& about) {
    QueueItem item;
    const auto now = parts.clock.wall();
    const auto reference =
        base::Reference::make(now, parts.node, static_cast<std::uint32_t>(base::random_u64()));
    item.id = {reference, 1};
    auto& envelope = item.story.envelope;
    envelope.reference = reference;
    envelope.received = now;
    envelope.utc_offset = about.story.envelope.utc_offset;
    // RFC 3461 section 6.1: nobody reports on a report.
    envelope.recipients = {{about.story.envelope.sender, message::kNotifyNever, ""}};
    envelope.smtputf8 = !base::is_ascii(about.story.envelope.sender);
    envelope.client.protocol = "local";
    item.story.steps = {{"notice", 0, std::string(word_for(kind)) + " of " + about.id.to_string()}};
    item.lane = lane_for(parts.next_hops, about.story.envelope.sender);
    item.is_notice = true;
    item.queued = item.due = now;
    item.expires = now + std::chrono::hours(parts.delivery.lifetime_hours);
    return item;
}

}  // namespace

std::string lane_for(const act::delivery::NextHops& next_hops, std::string_view address) {
    const auto* hop = next_hops.pick(message::domain_of(address));
    return hop == nullptr ? "*" : hop->domain;
}

std::string address_in(std::string_view hop) {
    const auto endpoint = base::Endpoint::parse(hop.substr(0, hop.find(' ')));
    return endpoint ? endpoint->address.to_string() : "";
}

std::vector<OwnMessage> make_notices(const NoticeParts& parts, NoticeKind kind, const QueueItem& about,
                                     std::string_view content, std::vector<NoticeRecipient> recipients) {
    const auto& envelope = about.story.envelope;
    std::erase_if(recipients, [&](const NoticeRecipient& one) {
        return !act::notify::wants_notice(kind, envelope, about.story.facts.header, one.recipient);
    });
    std::vector<OwnMessage> out;
    const act::notify::Original original{
        envelope, content.substr(std::min<std::size_t>(about.head_bytes, content.size())),
        about.story.facts.header_bytes, about.story.facts.header.message_id};
    for (std::size_t at = 0; at < recipients.size(); at += act::notify::kMaxRecipients) {
        const auto end = std::min(recipients.size(), at + act::notify::kMaxRecipients);
        Notice notice{kind,
                      {recipients.begin() + static_cast<std::ptrdiff_t>(at),
                       recipients.begin() + static_cast<std::ptrdiff_t>(end)},
                      about.expires};
        auto item = item_for(parts, kind, about);
        auto text = act::notify::write_dsn(notice, original, parts.hostname, item.id.reference, item.queued);
        item.story.envelope.eight_bit = !base::is_ascii(text);
        item.story.envelope.size = item.size = text.size();
        out.push_back({std::move(item), std::move(text)});
    }
    return out;
}

message::Record record_of(const OwnMessage& message) {
    message::Record record = message.item.story;
    record.outcomes = {{record.envelope.recipients.front().address, message::Outcome::queued, "", "",
                        message.item.id.to_string()}};
    return record;
}

}  // namespace gatehouse::pipeline
