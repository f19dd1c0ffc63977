// One line of tracking: what became of one recipient of one message, SMTP-time refusals included. Made from a
// Record, purely; written and searched by tracking_store and tracking_query. Texts are cut to sane lengths
// and hold no NUL; they are not always UTF-8 (local parts are opaque bytes), so whoever prints them escapes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/reference.h"
#include "message/record.h"

namespace gatehouse::record {

struct TrackingRow {
    base::Reference reference;
    std::uint16_t attempt = 0;  ///< 0, and one more for each release or later decision
    base::WallTime received{};
    std::string recipient;  ///< empty for refusals at connect and MAIL
    std::string sender;     ///< empty for <>
    std::string from;       ///< the header's first From, as decoded
    std::string subject;
    std::string message_id;
    std::string client;  ///< IP address
    std::string helo;
    std::optional<message::Verdict> verdict;  ///< none when the message was not inspected
    std::string rule;
    message::Outcome outcome = message::Outcome::refused;
    std::string reply;
    std::string next_hop;
    std::string item;  ///< quarantine id
    std::uint64_t size = 0;
    std::vector<message::Step> steps;
    bool operator==(const TrackingRow&) const = default;
};

/// At least one. A recipient named twice gives one row, the last; one without an outcome counts as aborted.
std::vector<TrackingRow> rows_of(const message::Record& record, std::uint16_t attempt);

/// "domain@local", lower case, so that one index finds an address and a whole domain. Takes what stands in
/// the last <> when there is one.
std::string address_key(std::string_view address);

std::string encode_steps(const std::vector<message::Step>& steps);
std::vector<message::Step> decode_steps(std::string_view bytes);

}  // namespace gatehouse::record
