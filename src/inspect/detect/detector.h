// What every detector is: a constexpr Info and one pure function over what the engine shows it. A detector
// reports evidence and gaps with their place; it never decides, sums scores, deletes or logs. It is one
// folder under inspect/detect, sees no other detector, and stands in the explicit list of
// inspect/engine/catalogue.h.
//
// This header is the interface alone (floor 2), so that detectors (floor 3) and the engine (floor 4) share
// it. It names inspect/mime's Structure without including it; a detector that looks into the structure
// includes that module itself. Everything borrowed here lives until inspect() returns.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/budget.h"
#include "base/evidence_id.h"
#include "base/field_table.h"
#include "message/envelope.h"
#include "message/facts.h"

namespace gatehouse::inspect::mime {
struct Structure;
}

namespace gatehouse::inspect::detect {

/// What a detector reads, and when it is called.
enum class Stage : std::uint8_t {
    part,     ///< once for each part that holds content, with its decoded bytes
    message,  ///< once, after all parts, with the raw message
};

struct Info {
    std::string_view id;       ///< the folder's name: "malformed"
    std::string_view feature;  ///< the switch it belongs to
    std::string_view help;     ///< one sentence for the manual
    Stage stage = Stage::message;
    std::span<const base::EvidenceInfo> evidence = {};  ///< all it may ever report
    const base::FieldTable* settings = nullptr;         ///< null = none
    std::string_view cases = {};  ///< the folder of its case files, from the source root
};

/// One thing to look at.
struct Object {
    std::string_view path;                ///< evidence and gaps name it; empty = the message
    std::string_view bytes;               ///< decoded content of a part, or the raw message
    const message::Part* part = nullptr;  ///< null for the message
};

/// What is known about the message so far.
struct MessageFacts {
    const mime::Structure& structure;
    std::span<const std::string> paths;           ///< of structure.parts, by index
    const message::Facts& facts;                  ///< header and parts are complete at Stage::message
    const message::Envelope* envelope = nullptr;  ///< null when a file is scanned
    std::string_view hostname;                    ///< our own name, as in the Received lines we write
};

struct Finding {
    std::vector<message::Evidence> evidence;
    std::vector<message::Gap> gaps;
};

/// An item of evidence with what its declaration says about it; confidence 1.
inline message::Evidence make_evidence(const base::EvidenceInfo& info, std::string_view where,
                                       std::string text) {
    message::Evidence out;
    out.feature = info.feature;
    out.id = info.id;
    out.where = where;
    out.score = info.default_score;
    out.text = std::move(text);
    return out;
}

}  // namespace gatehouse::inspect::detect
