// What a decision was told beside Envelope, Facts, Answers and Revision. Plain data from the front, stored in
// the record, so that deciding again gives the same decision.
#pragma once

#include <string>
#include <vector>

namespace gatehouse::message {

struct Circumstances {
    /// The malware engines that were switched on: {"clamd"}; empty = none.
    std::vector<std::string> engines;
    /// An engine is away, but for less than `antivirus.grace`: worth a 451 instead of the scanning exception.
    bool engine_expected_back = false;
    /// Our own name in Authentication-Results, lower case.
    std::string authserv_id;
    bool operator==(const Circumstances&) const = default;
};

}  // namespace gatehouse::message
