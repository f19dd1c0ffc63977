#include "inspect/detect/malformed/malformed.h"

#include <algorithm>

#include "inspect/mime/structure.h"

namespace gatehouse::inspect::detect::malformed {

namespace {

/// The largest value of something countable, and the part that has it.
struct Most {
    std::uint64_t count = 0;
    std::uint32_t part = 0;

    void see(std::uint64_t value, std::uint32_t at) {
        if (value <= count) return;
        count = value;
        part = at;
    }
};

/// What another reader may show that nobody inspected.
mime::AnomalySet open_doubts(const mime::Part& part) {
    auto kinds = part.anomalies;
    kinds.erase(part.settled);
    return mime::doubts(kinds, part.reading_text);
}

std::uint64_t parameters_of(const mime::Part& part) {
    return std::max(part.type.parameters.size(), part.disposition.parameters.size());
}

class Checker {
  public:
    Checker(const MessageFacts& facts, const Settings& settings) : facts_(facts), settings_(settings) {}

    Finding run() {
        const auto& parts = facts_.structure.parts;
        Most fields;
        Most parameters;
        Most bytes;
        for (std::uint32_t i = 0; i < parts.size(); ++i) {
            fields.see(parts[i].field_count, i);
            parameters.see(parameters_of(parts[i]), i);
            bytes.see(parts[i].header.size(), i);
            if (settings_.ambiguous) note_ambiguous(i);
        }
        using enum mime::AnomalyKind;
        check(kTooManyParts, {parts.size(), 0}, settings_.max_parts, too_many_parts);
        check(kTooManyHeaders, fields, settings_.max_header_fields, too_many_fields);
        check(kTooManyParameters, parameters, settings_.max_header_parameters, too_many_parameters);
        check(kHeaderTooLarge, bytes, settings_.max_header_bytes, header_too_large);
        return std::move(finding_);
    }

  private:
    // The parser's own limits lie above the settings; where it stopped counting, its word is enough.
    void check(const base::EvidenceInfo& info, Most most, std::int64_t limit, mime::AnomalyKind beyond) {
        if (most.count <= static_cast<std::uint64_t>(limit) && !facts_.structure.kinds.contains(beyond))
            return;
        auto evidence = make_evidence(info, facts_.paths[most.part], std::string(info.help));
        evidence.facts = {{"count", std::to_string(most.count)}, {"limit", std::to_string(limit)}};
        finding_.evidence.push_back(std::move(evidence));
    }

    void note_ambiguous(std::uint32_t part) {
        const auto doubts = open_doubts(facts_.structure.parts[part]);
        if (doubts.is_empty() || ++ambiguous_ > kMaxAmbiguous) return;
        auto evidence = make_evidence(kAmbiguous, facts_.paths[part], "");
        doubts.for_each([&](mime::AnomalyKind kind) {
            const auto& info = mime::info(kind);
            if (evidence.text.empty()) evidence.text = info.text;
            evidence.facts.emplace_back("anomaly", info.name);
        });
        finding_.gaps.push_back({evidence.where, message::GapReason::ambiguous, evidence.text, ""});
        finding_.evidence.push_back(std::move(evidence));
    }

    const MessageFacts& facts_;
    const Settings& settings_;
    Finding finding_;
    std::size_t ambiguous_ = 0;
};

}  // namespace

Finding inspect(const Object& /*object*/, const MessageFacts& facts, base::Budget& budget,
                const Settings& settings) {
    if (!budget.take_steps(facts.structure.parts.size())) return {};
    return Checker(facts, settings).run();
}

}  // namespace gatehouse::inspect::detect::malformed
