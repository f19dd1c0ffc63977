// One stored message: what is needed to explain it and to decide it again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "message/answers.h"
#include "message/circumstances.h"
#include "message/decision.h"
#include "message/envelope.h"
#include "message/facts.h"

namespace gatehouse::message {

/// What became of one recipient, or of a refusal before there was one.
enum class Outcome : std::uint8_t {
    delivered = 1,  ///< the next hop answered 2xx
    quarantined = 2,
    rejected = 3,  ///< we or the next hop answered 5xx
    deferred = 4,  ///< we or the next hop answered 4xx
    deleted = 5,
    in_doubt = 6,  ///< the next hop was silent after our dot; the client was told 451, or it was a release
    refused = 7,   ///< at connect, MAIL or RCPT, before there was a message
    aborted = 8,   ///< the client went away or reset before the end of data
    queued = 9,    ///< on stable storage here, to be delivered
    undeliverable = 10,  ///< queued, and then refused for good or expired; the sender is told if he wants it
};
inline constexpr Outcome kLastOutcome = Outcome::undeliverable;
std::string_view to_string(Outcome outcome);

struct Step {
    std::string name;  ///< "connect", "mail", "rcpt", "data", "inspect", "engine", "decide", "deliver" ...
    std::uint64_t at_us = 0;  ///< since Envelope::received
    std::string result;       ///< a word or an SMTP reply
    bool operator==(const Step&) const = default;
};

struct RecipientOutcome {
    std::string recipient;
    Outcome outcome = Outcome::refused;
    std::string reply;     ///< what the client was told: "250 2.0.0 ..."
    std::string next_hop;  ///< address:port, with " tls" where the hop was encrypted
    std::string item;      ///< quarantine id
    bool operator==(const RecipientOutcome&) const = default;
};

struct Record {
    Envelope envelope;
    Facts facts;
    Answers answers;
    Circumstances circumstances;
    Decision decision;
    std::vector<Step> steps;
    std::vector<RecipientOutcome> outcomes;
    bool inspected = false;  ///< false for refusals before the end of data
    /// What became of some recipients later, from the queue: it renews their tracking rows and says nothing
    /// else; the record of the message stays as it is.
    bool is_attempt = false;
    bool operator==(const Record&) const = default;
};

}  // namespace gatehouse::message
