// What a sender is told of an attempt, as items for the queue.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "act/delivery/next_hop.h"
#include "act/notify/dsn.h"
#include "act/queue/queue.h"
#include "base/clock.h"

namespace gatehouse::pipeline {

struct NoticeParts {
    std::string_view hostname;
    const act::delivery::NextHops& next_hops;
    const act::delivery::DeliverySettings& delivery;
    const base::Clock& clock;
    std::uint8_t node = 0;
};

/// A message of our own for the queue; its bytes live as long as it does.
struct OwnMessage {
    act::queue::QueueItem item;
    std::string text;
};

/// What notices are about.
struct NoticeSubject {
    act::notify::NoticeKind kind = act::notify::NoticeKind::failed;
    const act::queue::QueueItem& item;
    std::string_view content;    ///< of the item, our own lines included
    bool may_return_all = true;  ///< false: the header only, RET=FULL or not
};

/// The failed message goes back whole, where all of it is there and its sender has not had it before.
bool returns_all(const NoticeSubject& about);

/// The notices that `recipients` of the item are worth, as many as it takes; recipients who want none are
/// left out. The first one alone returns the whole content: one message makes no megabytes for a stranger.
std::vector<OwnMessage> make_notices(const NoticeParts& parts, const NoticeSubject& about,
                                     std::vector<act::notify::NoticeRecipient> recipients);

/// Where the queue knows the old one; the text keeps its Message-ID.
void give_new_id(const NoticeParts& parts, OwnMessage& message);

/// For the sender of an item that an operator takes out; without its content where that is damaged. Blocks on
/// the disk.
base::Result<std::vector<OwnMessage>> notices_of_deletion(const NoticeParts& parts,
                                                          const act::queue::Queue& queue,
                                                          const act::queue::QueueItem& item);

/// The tracking of a message of our own: where it came from, and that it waits.
message::Record record_of(const OwnMessage& message);

/// The lane of mail to that address: the `domain` of its next hop, or "*" where none is configured (the queue
/// tries on, and says so).
std::string lane_for(const act::delivery::NextHops& next_hops, std::string_view address);

/// The host that policy named, of a lane that begins with kHandOff. Where it is an address of a [[next_hop]],
/// that one's tls, name and eight_bit count; any other is asked for TLS and not verified.
act::delivery::NextHop handed_off(const act::delivery::NextHops& next_hops, std::string_view lane);

/// IP address in "192.0.2.1:25 tls".
std::string address_in(std::string_view hop);

}  // namespace gatehouse::pipeline
