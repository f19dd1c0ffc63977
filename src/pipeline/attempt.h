// Inner part of Deliverer: one attempt at one item. deliverer.cc begins it and asks the hop, concluding.cc
// says what came of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pipeline/deliverer.h"

namespace gatehouse::pipeline {

struct Deliverer::Attempt {
    act::queue::QueueItem& item;
    act::delivery::NextHop own_hop = {};
    const act::delivery::NextHop* hop = nullptr;
    std::vector<message::Recipient> asked = {};    ///< those of this hop, as many as go in one transaction
    std::vector<message::Recipient> unasked = {};  ///< whose turn comes when this is over
    std::vector<message::Recipient> late = {};     ///< who was asked for, and is to be tried again
    std::vector<message::Recipient> waiting = {};  ///< in the end: everybody who has not got it yet
    std::string why_not = {};                      ///< the hop is not asked, and this is why
    std::string content = {};                      ///< where it is not asked only the beginning
    std::optional<base::MemoryShare> memory = {};
    Trip trip = {};
    base::WallTime now = {};
    std::vector<OwnMessage> notices = {};
    bool is_damaged = false;
    bool must = false;  ///< its sender has to hear of it, whatever is missing
};

/// Who is told of what an attempt came to.
struct Deliverer::Told {
    std::vector<act::notify::NoticeRecipient> failed = {};
    std::vector<act::notify::NoticeRecipient> late = {};
    std::vector<act::notify::NoticeRecipient> relayed = {};
};

}  // namespace gatehouse::pipeline
