// The explicit list of detectors, in the order in which they run. Adding a detector means adding its folder
// and its line in catalogue.cc; nothing registers itself. The list of Infos is what manuals, policy checks
// and the console are printed from.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "inspect/detect/detector.h"
#include "inspect/engine/settings.h"

namespace gatehouse::inspect::engine {

struct Detector {
    const detect::Info* info;
    detect::Finding (*inspect)(const detect::Object& object, const detect::MessageFacts& facts,
                               base::Budget& budget, const Settings& settings);
};

std::span<const Detector> catalogue();

/// Evidence that comes from the engine itself: what is odd about a message's form.
std::span<const base::EvidenceInfo> own_evidence();

/// Every evidence id that an inspection may give: what a rule may name besides the engines' matches.
std::vector<base::EvidenceInfo> all_evidence();

/// One line per detector and item of evidence, for people.
std::string describe_catalogue();

}  // namespace gatehouse::inspect::engine
