// Records for the unit tests of this module and its neighbours. Never included by code that runs in a
// gateway.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "message/record.h"

namespace gatehouse::record {

/// Message number `n` of a test: its own reference and subject, received `n` ms after 2026-06-01.
inline message::Record example_record(std::uint32_t n) {
    message::Record record;
    record.inspected = true;
    auto& envelope = record.envelope;
    envelope.received = base::parse_rfc3339("2026-06-01T10:20:30Z").value() + std::chrono::milliseconds(n);
    envelope.reference = base::Reference::make(envelope.received, 1, n);
    envelope.client.address = "192.0.2.1";
    envelope.client.helo = "mail.example.org";
    envelope.sender = "Alice@Example.ORG";
    envelope.recipients = {{"bob@example.com", 0, ""}};
    envelope.size = 5000;
    record.facts.header.subject = "Message " + std::to_string(n);
    record.facts.header.message_id = "<" + std::to_string(n) + "@example.org>";
    record.facts.header.from = {"Alice <alice@example.org>"};
    message::GroupDecision group;
    group.recipients = {"bob@example.com"};
    group.rule = "Default";
    group.actions = {{}};
    record.decision.groups = {group};
    record.decision.verdict = message::Verdict::clean;
    record.steps = {{"mail", 0, "250"}, {"inspect", 1500, "done"}, {"deliver", 9000, "250 2.0.0 ok"}};
    record.outcomes = {
        {"bob@example.com", message::Outcome::delivered, "250 2.0.0 ok", "127.0.0.1:2526", ""}};
    return record;
}

}  // namespace gatehouse::record
