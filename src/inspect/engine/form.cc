#include "inspect/engine/form.h"

#include <vector>

#include "inspect/detect/detector.h"

namespace gatehouse::inspect::engine {

namespace {

using message::GapReason;
using mime::AnomalyKind;

GapReason gap_reason(AnomalyKind kind) {
    switch (kind) {
        case AnomalyKind::too_deep:
            return GapReason::too_deep;
        case AnomalyKind::header_too_large:
        case AnomalyKind::decoded_too_large:
            return GapReason::too_large;
        default:
            return GapReason::too_many;
    }
}

/// The first place of each kind in each part, where the parser's list has one.
std::vector<std::vector<const mime::Anomaly*>> places_by_part(const mime::Structure& structure) {
    std::vector<std::vector<const mime::Anomaly*>> out(structure.parts.size());
    for (const auto& anomaly : structure.anomalies) out[anomaly.part].push_back(&anomaly);
    return out;
}

std::string place_of(AnomalyKind kind, const std::vector<const mime::Anomaly*>& places) {
    for (const auto* anomaly : places) {
        if (anomaly->kind == kind) return std::to_string(anomaly->offset);
    }
    return {};
}

}  // namespace

void add_form(const mime::Structure& structure, std::span<const std::string> paths, message::Facts& facts) {
    if (structure.kinds.is_empty()) return;
    const auto places = places_by_part(structure);
    std::size_t described = 0;
    for (std::size_t i = 0; i < structure.parts.size() && described < kMaxOddParts; ++i) {
        const auto& kinds = structure.parts[i].anomalies;
        if (kinds.is_empty()) continue;
        ++described;
        auto evidence = detect::make_evidence(kFormAnomaly, paths[i], "");
        kinds.for_each([&](AnomalyKind kind) {
            const auto& info = mime::info(kind);
            if (evidence.text.empty()) evidence.text = info.text;
            evidence.facts.emplace_back(info.name, place_of(kind, places[i]));
            if (info.weight != mime::Weight::limit) return;
            facts.coverage.gaps.push_back({paths[i], gap_reason(kind), std::string(info.text), ""});
        });
        facts.evidence.push_back(std::move(evidence));
    }
    if (described < kMaxOddParts) return;
    facts.coverage.gaps.push_back(
        {"", GapReason::too_many, "too many odd parts to describe each of them", ""});
}

}  // namespace gatehouse::inspect::engine
