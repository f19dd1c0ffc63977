// For the unit tests of this module only: items to put, and a quarantine in a folder of its own.
#pragma once

#include <stdexcept>
#include <string>

#include "act/quarantine/quarantine.h"
#include "base/clock.h"
#include "store/testing.h"

namespace gatehouse::act::quarantine {

/// Item number `n` of a test: REF/1 with its own reference, created `n` s after 2026-06-01.
inline ItemInfo example_item(std::uint32_t n, std::uint32_t group = 1) {
    ItemInfo info;
    info.created = base::parse_rfc3339("2026-06-01T10:20:30Z").value() + std::chrono::seconds(n);
    info.id = {base::Reference::make(info.created, 1, n), group};
    info.envelope.reference = info.id.reference;
    info.envelope.received = info.created;
    info.envelope.sender = "alice@example.org";
    info.envelope.recipients = {{"bob@example.com", 0, ""}};
    info.rule = "Global antivirus rule";
    info.because = {"antivirus.match", "encrypted"};
    info.verdict = message::Verdict::virus;
    info.subject = "Message " + std::to_string(n);
    info.message_id = "<" + std::to_string(n) + "@example.org>";
    info.from = "Alice <alice@example.org>";
    return info;
}

inline QuarantineOptions options_in(const std::string& folder) {
    return {.folder = folder + "/items/quarantine", .database = folder + "/gatehouse.db"};
}

inline std::unique_ptr<Quarantine> must_open(const std::string& folder) {
    auto quarantine = Quarantine::open(options_in(folder));
    if (!quarantine) throw std::runtime_error(quarantine.error().sentence);
    return std::move(*quarantine);
}

inline base::Result<std::string> read_item(Quarantine& quarantine, const base::ItemId& id) {
    std::string out;
    GATEHOUSE_CHECK(quarantine.read(id, [&](std::string_view bytes) -> base::Result<void> {
        out += bytes;
        return {};
    }));
    return out;
}

}  // namespace gatehouse::act::quarantine
