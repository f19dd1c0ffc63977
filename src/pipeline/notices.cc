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

base::Reference new_reference(const NoticeParts& parts) {
    return base::Reference::make(parts.clock.wall(), parts.node,
                                 static_cast<std::uint32_t>(base::random_u64()));
}

QueueItem item_for(const NoticeParts& parts, NoticeKind kind, const QueueItem& about) {
    QueueItem item;
    const auto now = parts.clock.wall();
    const auto reference = new_reference(parts);
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

/// Of its bytes, for a report that never returns what is not whole.
base::Result<std::string> what_is_left(const act::queue::Queue& queue, const QueueItem& item) {
    auto content = queue.content(item.id);
    if (content && content->size() == item.size) return content;
    if (!content && content.error().fault == base::Fault::unavailable) return content;
    auto beginning = queue.beginning(item.id);
    return beginning && beginning->size() < item.size ? std::move(*beginning) : std::string();
}

}  // namespace

std::string lane_for(const act::delivery::NextHops& next_hops, std::string_view address) {
    const auto* hop = next_hops.pick(message::domain_of(address));
    return hop == nullptr ? "*" : hop->domain;
}

act::delivery::NextHop handed_off(const act::delivery::NextHops& next_hops, std::string_view lane) {
    act::delivery::NextHop hop;
    const auto endpoint = base::Endpoint::parse(lane.substr(act::queue::kHandOff.size()));
    if (endpoint) {
        const auto& all = next_hops.all();
        const auto known = std::find_if(all.begin(), all.end(), [&](const auto& one) {
            return std::find(one.addresses.begin(), one.addresses.end(), *endpoint) != one.addresses.end();
        });
        if (known != all.end()) hop = *known;
        hop.addresses = {*endpoint};
    }
    hop.domain = hop.key = std::string(lane);
    return hop;
}

std::string address_in(std::string_view hop) {
    const auto endpoint = base::Endpoint::parse(hop.substr(0, hop.find(' ')));
    return endpoint ? endpoint->address.to_string() : "";
}

bool returns_all(const NoticeSubject& about) {
    return about.may_return_all && about.kind == NoticeKind::failed && !about.item.is_returned &&
           about.content.size() >= about.item.size && base::iequals(about.item.story.envelope.ret, "FULL");
}

std::vector<OwnMessage> make_notices(const NoticeParts& parts, const NoticeSubject& about,
                                     std::vector<NoticeRecipient> recipients) {
    const auto& story = about.item.story;
    std::erase_if(recipients, [&](const NoticeRecipient& one) {
        return !act::notify::wants_notice(about.kind, story.envelope, story.facts.header, one.recipient);
    });
    std::vector<OwnMessage> out;
    const auto own_lines = std::min<std::size_t>(about.item.head_bytes, about.content.size());
    const act::notify::Original original{story.envelope, about.content.substr(own_lines),
                                         story.facts.header_bytes, story.facts.header.message_id};
    for (std::size_t at = 0; at < recipients.size(); at += act::notify::kMaxRecipients) {
        const auto end = std::min(recipients.size(), at + act::notify::kMaxRecipients);
        const Notice notice{about.kind,
                            {recipients.begin() + static_cast<std::ptrdiff_t>(at),
                             recipients.begin() + static_cast<std::ptrdiff_t>(end)},
                            about.item.expires,
                            returns_all(about) && at == 0};
        auto item = item_for(parts, about.kind, about.item);
        auto text =
            act::notify::write_dsn(notice, original, {parts.hostname, item.id.reference, item.queued});
        item.story.envelope.eight_bit = !base::is_ascii(text);
        item.story.envelope.size = item.size = text.size();
        out.push_back({std::move(item), std::move(text)});
    }
    return out;
}

void give_new_id(const NoticeParts& parts, OwnMessage& message) {
    message.item.id.reference = message.item.story.envelope.reference = new_reference(parts);
}

base::Result<std::vector<OwnMessage>> notices_of_deletion(const NoticeParts& parts,
                                                          const act::queue::Queue& queue,
                                                          const QueueItem& item) {
    GATEHOUSE_TRY(const auto content, what_is_left(queue, item));
    std::vector<NoticeRecipient> recipients;
    recipients.reserve(item.story.envelope.recipients.size());
    for (const auto& one : item.story.envelope.recipients)
        recipients.push_back({one, "550 5.7.1 deleted by the administrator", "", parts.clock.wall()});
    return make_notices(parts, {NoticeKind::failed, item, content}, std::move(recipients));
}

message::Record record_of(const OwnMessage& message) {
    message::Record record = message.item.story;
    record.outcomes = {{record.envelope.recipients.front().address, message::Outcome::queued, "", "",
                        message.item.id.to_string()}};
    return record;
}

}  // namespace gatehouse::pipeline
