// The line that `gatehouse scan --json` prints for one message, as the interface page describes it; case
// files compare against it too. Safe for any bytes: control bytes and invalid UTF-8 become \xNN, numbers are
// finite, and the result is one line of valid JSON. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "message/decision.h"
#include "message/facts.h"

namespace gatehouse::message {

/// Borrowed for the call. Evidence and gaps stand apart from the facts because those of the engines are added
/// (decide::all_evidence, decide::all_gaps).
struct ScanResult {
    std::string_view file;
    const Facts& facts;
    std::span<const Evidence> evidence;
    std::span<const Gap> gaps;
    const Decision& decision;
};

/// Without a line end.
std::string scan_json(const ScanResult& result);

}  // namespace gatehouse::message
