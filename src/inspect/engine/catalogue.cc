#include "inspect/engine/catalogue.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "inspect/detect/disguise/disguise.h"
#include "inspect/detect/loop/loop.h"
#include "inspect/detect/malformed/malformed.h"
#include "inspect/engine/form.h"
#include "inspect/find/expressions.h"
#include "inspect/find/url_list.h"
#include "inspect/open/open.h"

namespace gatehouse::inspect::engine {

namespace {

using base::Budget;
using detect::Finding;
using detect::MessageFacts;
using detect::Object;

constexpr std::array kCatalogue = {
    Detector{&detect::disguise::kInfo, [](const Object& o, const MessageFacts& f, Budget& b,
                                          const Settings&) { return detect::disguise::inspect(o, f, b); }},
    Detector{&detect::loop::kInfo, [](const Object& o, const MessageFacts& f, Budget& b,
                                      const Settings& s) { return detect::loop::inspect(o, f, b, s.loop); }},
    Detector{&detect::malformed::kInfo,
             [](const Object& o, const MessageFacts& f, Budget& b, const Settings& s) {
                 return detect::malformed::inspect(o, f, b, s.malformed);
             }},
};

std::string_view word(base::Strength strength) {
    switch (strength) {
        case base::Strength::fact:
            return "fact";
        case base::Strength::weak:
            return "weak";
        case base::Strength::strong:
            return "strong";
        case base::Strength::proof:
            return "proof";
    }
    return "";
}

void describe(std::string& out, std::span<const base::EvidenceInfo> evidence) {
    for (const auto& item : evidence) {
        out += fmt::format("  {} ({}, score {:g}): {}\n", item.id, word(item.strength), item.default_score,
                           item.help);
    }
}

}  // namespace

std::span<const Detector> catalogue() {
    return kCatalogue;
}

std::span<const base::EvidenceInfo> own_evidence() {
    return kFormEvidence;
}

std::vector<base::EvidenceInfo> all_evidence() {
    std::vector<base::EvidenceInfo> out(kFormEvidence.begin(), kFormEvidence.end());
    out.insert(out.end(), open::kEvidence.begin(), open::kEvidence.end());
    out.insert(out.end(), find::kEvidence.begin(), find::kEvidence.end());
    out.push_back(find::kContentExpression);
    for (const auto& detector : kCatalogue) {
        out.insert(out.end(), detector.info->evidence.begin(), detector.info->evidence.end());
    }
    return out;
}

std::string describe_catalogue() {
    std::string out = "engine: what is odd about a message's form\n";
    describe(out, own_evidence());
    out += "open: what is odd about an archive or a document\n";
    describe(out, open::kEvidence);
    out += "find: what is odd about links and about what readers see\n";
    describe(out, find::kEvidence);
    out += "find: what the policy's keyword lists are found in\n";
    describe(out, {&find::kContentExpression, 1});
    for (const auto& detector : catalogue()) {
        const auto& info = *detector.info;
        out += fmt::format("{}: {}; reads the {}\n", info.id, info.help,
                           info.stage == detect::Stage::part ? "parts" : "message");
        describe(out, info.evidence);
    }
    return out;
}

}  // namespace gatehouse::inspect::engine
