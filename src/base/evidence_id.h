// Vocabulary of what detectors may report. Each id is a literal, declared once in its detector's Info and
// greppable; policy, explain, statistics and the console only ever use ids from there.
#pragma once

#include <cstdint>
#include <string_view>

namespace gatehouse::base {

/// How much an item of evidence says on its own.
enum class Strength : std::uint8_t {
    fact,    ///< worth knowing; scores nothing by itself
    weak,    ///< moves a score
    strong,  ///< suffices for most rules
    proof,   ///< a definite finding, such as a known virus
};

struct EvidenceInfo {
    std::string_view id;       ///< "packer.high_entropy"
    std::string_view feature;  ///< "intellitrap": which switch it belongs to
    Strength strength = Strength::fact;
    double default_score = 0;
    std::string_view help;  ///< one sentence for the manual
};

}  // namespace gatehouse::base
