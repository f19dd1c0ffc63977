#include "decide/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"

namespace gatehouse::decide {
namespace {

using message::Answer;
using message::AnswerState;
using message::Evidence;
using message::Gap;
using message::GapReason;
using message::Verdict;

/// Features whose evidence is a finding by itself. Features to come add a row.
struct FeatureVerdict {
    std::string_view feature;
    Verdict verdict;
};
constexpr std::array kFeatures{
    FeatureVerdict{kAntivirusMatch.feature, Verdict::virus},
    FeatureVerdict{"malformed", Verdict::malformed},
    FeatureVerdict{"loop", Verdict::policy},
};

std::string cut(std::string_view text) {
    return std::string(text.substr(0, message::kMaxFactText));
}

std::string_view subject(const std::string& where) {
    return where.empty() ? std::string_view("the message") : std::string_view(where);
}

Evidence match(const Answer& answer) {
    Evidence out;
    out.feature = kAntivirusMatch.feature;
    out.id = kAntivirusMatch.id;
    out.where = answer.question.where;
    out.text = fmt::format("{} found {}", base::printable(answer.question.asked, 80),
                           base::printable(answer.name, 120));
    out.facts = {{"engine", cut(answer.question.asked)}, {"name", cut(answer.name)}};
    if (!answer.database.empty()) out.facts.emplace_back("database", cut(answer.database));
    out.source = cut(answer.question.asked);
    return out;
}

Gap gap_of(const Answer& answer) {
    const std::string engine = base::printable(answer.question.asked, 80);
    const std::string part = base::printable(subject(answer.question.where), 120);
    Gap gap{answer.question.where, GapReason::engine_unavailable, "", answer.question.asked};
    if (answer.state == AnswerState::unavailable) {
        gap.text = fmt::format("{} did not answer about {}", engine, part);
        return gap;
    }
    gap.reason = message::parse_gap_reason(answer.gap_reason).value_or(GapReason::refused);
    gap.text = fmt::format("{} did not look into all of {}: {}", engine, part,
                           answer.name.empty() ? std::string(message::to_string(gap.reason))
                                               : base::printable(answer.name, 120));
    return gap;
}

Verdict worse(Verdict a, Verdict b) {
    return std::min(a, b);  // the enum stands worst first
}

}  // namespace

bool is_of_engine(const message::Question& question) {
    return question.kind == message::QuestionKind::engine_message ||
           question.kind == message::QuestionKind::engine_part;
}

std::vector<Evidence> evidence_of(const message::Answers& answers) {
    std::vector<Evidence> out;
    for (const auto& answer : answers) {
        if (is_of_engine(answer.question) && answer.state == AnswerState::found) out.push_back(match(answer));
    }
    return out;
}

std::vector<Gap> gaps_of(const message::Answers& answers) {
    std::vector<Gap> out;
    for (const auto& answer : answers) {
        const bool is_gap =
            answer.state == AnswerState::unavailable || answer.state == AnswerState::not_scanned;
        if (is_gap && is_of_engine(answer.question)) out.push_back(gap_of(answer));
    }
    return out;
}

std::vector<Evidence> all_evidence(const message::Facts* facts, const message::Answers& answers) {
    auto out = facts == nullptr ? std::vector<Evidence>() : facts->evidence;
    for (auto& item : evidence_of(answers)) out.push_back(std::move(item));
    return out;
}

std::vector<Gap> all_gaps(const message::Facts* facts, const message::Answers& answers) {
    auto out = facts == nullptr ? std::vector<Gap>() : facts->coverage.gaps;
    for (auto& gap : gaps_of(answers)) out.push_back(std::move(gap));
    return out;
}

Verdict verdict_of(const Evidence& evidence) {
    const auto at = std::find_if(kFeatures.begin(), kFeatures.end(),
                                 [&](const FeatureVerdict& row) { return row.feature == evidence.feature; });
    return at == kFeatures.end() ? Verdict::clean : at->verdict;
}

Verdict verdict_of(const Gap& gap) {
    const bool is_structure =
        gap.reason == GapReason::ambiguous || (gap.reason == GapReason::corrupt && gap.engine.empty());
    return is_structure ? Verdict::malformed : Verdict::unscannable;
}

Verdict verdict_of(const std::vector<Evidence>& evidence, const std::vector<Gap>& gaps,
                   double spam_threshold) {
    Verdict worst = Verdict::clean;
    double score = 0;
    for (const auto& item : evidence) {
        worst = worse(worst, verdict_of(item));
        score += sane_score(item.score);
    }
    for (const auto& gap : gaps) worst = worse(worst, verdict_of(gap));
    return score >= spam_threshold ? worse(worst, Verdict::spam) : worst;
}

std::string word_of(const message::Evidence& evidence) {
    if (evidence.id != "content.expression") return evidence.id;
    const auto list = std::ranges::find(evidence.facts, "list", [](const auto& fact) { return fact.first; });
    return list == evidence.facts.end() ? evidence.id : evidence.id + " = " + list->second;
}

double sane_score(double score) {
    return std::isfinite(score) ? std::clamp(score, -100.0, 100.0) : 0.0;
}

}  // namespace gatehouse::decide
