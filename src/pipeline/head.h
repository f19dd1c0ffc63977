// What goes in front of a message that is passed on, and what the next hop must be told of its header. Pure.
#pragma once

#include <string>
#include <string_view>

#include "act/delivery/headers.h"
#include "message/facts.h"

namespace gatehouse::pipeline {

struct Outgoing {
    const message::Envelope& envelope;
    const message::Facts& facts;
    message::Verdict verdict;
    std::string_view content;
};

/// False: two inspectors failed on it, and its facts say nothing.
inline bool was_looked_at(const message::Facts& facts) {
    return !facts.sha256.empty();
}

/// Our lines; behind them an empty one for a message that has no header at all: its first line of text would
/// stand in ours.
inline std::string head_for(const Outgoing& message, std::string_view hostname) {
    auto head = act::delivery::header_block(message.envelope, message.verdict, hostname);
    // What was rewritten has a header, or begins with the line that ends one (inspect/rewrite).
    const bool is_as_received = message.content.size() == message.facts.size;
    const bool has_no_header =
        is_as_received && was_looked_at(message.facts) && message.facts.header_bytes == 0;
    if (has_no_header && !message.content.starts_with("\r\n")) head += "\r\n";
    return head;
}

/// True also where nobody could look.
inline bool header_may_be_8bit(const message::Facts& facts) {
    return !was_looked_at(facts) || facts.header_is_8bit;
}

}  // namespace gatehouse::pipeline
