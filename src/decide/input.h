// What a decision is made from. Everything is borrowed for the call and plain data, so the same input always
// gives the same decision.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "message/answers.h"
#include "message/circumstances.h"
#include "message/envelope.h"
#include "message/facts.h"

namespace gatehouse::decide {

struct Input {
    const message::Envelope& envelope;
    /// Null: not there. For questions() that means "not yet"; for evaluate() "it never came", which is a gap.
    const message::Facts* facts = nullptr;
    const message::Answers& answers;
    const message::Circumstances& circumstances;
    /// Paths of the parts that the inspector handed over for engines; an engine that is on is asked about
    /// each.
    std::span<const std::string> parts = {};
    /// Replay only: evidence ids or groups ("antivirus.match", "packer.*") that this record cannot speak
    /// about, because nobody looked. What depends on them is unknown.
    std::span<const std::string> not_looked_for = {};
    /// False when a stored record is decided again: an engine that gave no answer makes its evidence unknown
    /// instead of being a gap.
    bool is_live = true;
};

}  // namespace gatehouse::decide
