#include "decide/index.h"

#include <fmt/format.h>

#include <tuple>

#include "base/text.h"
#include "decide/findings.h"

namespace gatehouse::decide {
namespace {

using message::AnswerState;
using message::GapReason;
using message::QuestionKind;
using message::Verdict;

constexpr std::size_t kPlacesKept = 3;
constexpr std::string_view kGapPrefix = "gap.";

std::string gap_word(std::size_t reason) {
    return std::string(kGapPrefix) + std::string(message::to_string(static_cast<GapReason>(reason)));
}

std::string verdict_word(std::string_view word) {
    return "verdict." + std::string(word);
}

/// Whether two ids or groups ("packer.*") can mean the same evidence.
bool overlap(std::string_view a, std::string_view b) {
    const auto stem = [](std::string_view word) {
        return word.ends_with(".*") ? word.substr(0, word.size() - 1) : word;
    };
    const bool a_is_group = a.ends_with(".*");
    const bool b_is_group = b.ends_with(".*");
    return (a_is_group && stem(b).starts_with(stem(a))) || (b_is_group && stem(a).starts_with(stem(b))) ||
           a == b;
}

bool is_of_engines(const Term& term) {
    return term.kind == TermKind::evidence && overlap(id_of(term), kAntivirusMatch.id);
}

/// "content.expression = NAME" is meant by "content.expression", too.
bool is_list_of(std::string_view word, std::string_view id) {
    return word.starts_with(id) && word.substr(id.size()).starts_with(" = ");
}

void add_word(std::vector<std::string>& words, std::string word) {
    const bool is_new = std::find(words.begin(), words.end(), word) == words.end();
    if (is_new && words.size() < kMaxReasons) words.push_back(std::move(word));
}

}  // namespace

Index::Index(const Input& input, double spam_threshold, Missing missing)
    : input_(input), spam_threshold_(spam_threshold), from_engines_(evidence_of(input.answers)) {
    if (input.facts != nullptr) {
        for (const auto& item : input.facts->evidence) add_evidence(item);
        for (const auto& gap : input.facts->coverage.gaps) add_gap(gap);
    }
    for (const auto& item : from_engines_) add_evidence(item);
    for (const auto& gap : gaps_of(input.answers)) add_gap(gap);
    add_missing(missing);
}

void Index::Item::add_place(std::string_view where) {
    ++count;
    if (!where.empty() && places.size() < kPlacesKept) places.emplace_back(where);
}

void Index::add_evidence(const message::Evidence& item) {
    auto& entry = items_[word_of(item)];
    const double score = sane_score(item.score);
    entry.add_place(item.where);
    entry.confidence = std::max(entry.confidence, item.confidence >= 0 ? item.confidence : 0.0);
    entry.score += score;
    entry.verdict = std::min(entry.verdict, verdict_of(item));
    entry.feature = item.feature;
    has_negative_scores_ |= score < 0;
}

void Index::add_gap(const message::Gap& gap) {
    auto& entry = gaps_.at(static_cast<std::size_t>(gap.reason));
    entry.add_place(gap.part);
    entry.verdict = std::min(entry.verdict, verdict_of(gap));
}

/// What nobody said: still to come, or a gap, or (in a replay) unknown for good.
void Index::add_missing(Missing missing) {
    const auto open = unanswered(input_);
    bool has_looked = false;
    for (const auto& answer : input_.answers) {
        if (!is_of_engine(answer.question)) continue;
        const bool is_blind =
            answer.state == AnswerState::unavailable || answer.state == AnswerState::not_scanned;
        is_engine_unknown_ |= is_blind;
        has_looked |= !is_blind;
    }
    is_engine_silent_ = !input_.is_live && !has_looked;
    is_engine_pending_ = missing == Missing::may_come && !open.empty();
    if (missing == Missing::may_come) return;
    is_engine_unknown_ |= !open.empty() || is_engine_silent_;
    if (!input_.is_live) return;
    for (const auto& question : open) {
        if (missing == Missing::is_moot) break;
        add_gap({question.where, GapReason::engine_unavailable, "", question.asked});
    }
    if (input_.facts == nullptr) add_gap({"", GapReason::timed_out, "", "inspector"});
}

View Index::view(Removed removed) const {
    View view{std::move(removed), 0, Verdict::clean};
    for (const auto& [id, item] : items_) {
        if (view.removed.contains(id)) continue;
        view.spam_score += item.score;
        view.verdict = std::min(view.verdict, item.verdict);
    }
    for (std::size_t i = 1; i < kGapReasons; ++i) {
        const auto& item = gaps_.at(i);
        if (item.count == 0 || view.removed.contains(gap_word(i))) continue;
        view.verdict = std::min(view.verdict, item.verdict);
    }
    if (view.spam_score >= spam_threshold_) view.verdict = std::min(view.verdict, Verdict::spam);
    return view;
}

Truth Index::truth(const Term& term, const View& view) const {
    switch (term.kind) {
        case TermKind::evidence:
            return evidence_truth(term, view);
        case TermKind::gap:
            return gap_truth(term, view);
        case TermKind::verdict:
            return verdict_truth(term, view);
        case TermKind::spam_score:
            return score_truth(term, view);
        case TermKind::size:
            return known(!view.removed.contains("size") &&
                         compare(static_cast<double>(input_.envelope.size), term.comparison, term.number));
        case TermKind::recipients:
            return known(!view.removed.contains("recipients") &&
                         compare(static_cast<double>(input_.envelope.recipients.size()), term.comparison,
                                 term.number));
    }
    return Truth::unknown;
}

Truth Index::truth(const Condition& condition, const View& view) const {
    Truth any = known(condition.any.empty());
    for (const auto& term : condition.any) any = either(any, truth(term, view));
    Truth all = Truth::yes;
    for (const auto& term : condition.all) all = both(all, truth(term, view));
    Truth one = Truth::no;
    for (const auto& term : condition.none) one = either(one, truth(term, view));
    return both(any, both(all, opposite(one)));
}

/// Calls visit(id, item) for what the term means and holds, until it returns false.
template <typename Visit>
void Index::visit_matches(const Term& term, const View& view, Visit visit) const {
    for (auto at = items_.lower_bound(term.word); at != items_.end(); ++at) {
        const bool is_meant = term.is_group ? at->first.starts_with(term.word)
                                            : at->first == term.word || is_list_of(at->first, term.word);
        if (!is_meant) return;
        const bool holds =
            !view.removed.contains(at->first) && compare(at->second.confidence, term.comparison, term.number);
        if (holds && !visit(at->first, at->second)) return;
    }
}

Truth Index::evidence_truth(const Term& term, const View& view) const {
    bool is_there = false;
    visit_matches(term, view, [&](std::string_view, const Item&) {
        is_there = true;
        return false;
    });
    if (is_there) return Truth::yes;
    return is_unknown(term) ? Truth::unknown : Truth::no;
}

Truth Index::gap_truth(const Term& term, const View& view) const {
    for (std::size_t i = 1; i < kGapReasons; ++i) {
        const auto reason = static_cast<GapReason>(i);
        if ((term.is_group || term.word == message::to_string(reason)) && has_gap(reason, view))
            return Truth::yes;
    }
    const bool nobody_looked = input_.facts == nullptr || is_engine_pending_ || is_engine_silent_;
    return nobody_looked ? Truth::unknown : Truth::no;
}

/// More may be found later, or could have been.
bool Index::is_incomplete() const {
    return input_.facts == nullptr || !input_.not_looked_for.empty();
}

Truth Index::score_truth(const Term& term, const View& view) const {
    if (view.removed.contains("spam_score")) return Truth::no;
    const bool holds = compare(view.spam_score, term.comparison, term.number);
    const bool is_lower_bound =
        term.comparison == Comparison::at_least || term.comparison == Comparison::above;
    // What is missing may add to the score; that it could take away is the one guess made here.
    if (is_incomplete() && !(holds && is_lower_bound)) return Truth::unknown;
    return known(holds);
}

Truth Index::verdict_truth(const Term& term, const View& view) const {
    if (view.removed.contains(verdict_word(term.word))) return Truth::no;
    const bool could_be_worse = is_incomplete() || is_engine_pending_ || is_engine_unknown_;
    if (could_be_worse && view.verdict != Verdict::virus) return Truth::unknown;
    return known(term.word == message::to_string(view.verdict));
}

bool Index::is_unknown(const Term& term) const {
    for (const auto& skipped : input_.not_looked_for) {
        if (overlap(id_of(term), skipped)) return true;
    }
    if (is_of_engines(term)) return is_engine_pending_ || is_engine_unknown_;
    return input_.facts == nullptr;
}

bool Index::waits_for_engine(const Term& term) const {
    return is_engine_pending_ &&
           (is_of_engines(term) || term.kind == TermKind::gap || term.kind == TermKind::verdict);
}

void Index::add_reasons(const Term& term, const View& view, std::vector<std::string>& words) const {
    if (truth(term, view) != Truth::yes) return;
    switch (term.kind) {
        case TermKind::evidence:
            visit_matches(term, view, [&](std::string_view id, const Item&) {
                add_word(words, std::string(id));
                return words.size() < kMaxReasons;
            });
            return;
        case TermKind::gap:
            for (std::size_t i = 1; i < kGapReasons; ++i) {
                const auto reason = static_cast<GapReason>(i);
                const bool is_meant = term.is_group || term.word == message::to_string(reason);
                if (is_meant && has_gap(reason, view)) add_word(words, gap_word(i));
            }
            return;
        case TermKind::verdict:
            return add_word(words, verdict_word(term.word));
        case TermKind::spam_score:
            return add_word(words, "spam_score");
        case TermKind::size:
            return add_word(words, "size");
        case TermKind::recipients:
            return add_word(words, "recipients");
    }
}

std::vector<std::string> Index::ids_of_feature(std::string_view feature, const View& view) const {
    std::vector<std::string> out;
    for (const auto& [id, item] : items_) {
        if (item.feature != feature || view.removed.contains(id)) continue;
        out.emplace_back(id);
        if (out.size() == kMaxReasons) break;
    }
    return out;
}

bool Index::has_gap(GapReason reason, const View& view) const {
    const auto number = static_cast<std::size_t>(reason);
    return gaps_.at(number).count > 0 && !view.removed.contains(gap_word(number));
}

std::string Index::places_of(std::string_view word) const {
    const Item* item = nullptr;
    if (word.starts_with(kGapPrefix)) {
        const auto reason = message::parse_gap_reason(word.substr(kGapPrefix.size()));
        if (reason) item = &gaps_.at(static_cast<std::size_t>(*reason));
    } else if (const auto at = items_.find(word); at != items_.end()) {
        item = &at->second;
    }
    if (item == nullptr || item->places.empty()) return "";
    std::string out;
    for (const auto& place : item->places) out += (out.empty() ? "" : ", ") + base::printable(place, 80);
    const std::size_t rest = item->count - item->places.size();
    return rest == 0 ? out : fmt::format("{} and {} more", out, rest);
}

std::vector<message::Question> unanswered(const Input& input) {
    std::set<std::string_view> away;
    std::set<std::tuple<QuestionKind, std::string_view, std::string_view>> answered;
    for (const auto& answer : input.answers) {
        if (answer.state == AnswerState::unavailable) away.insert(answer.question.asked);
        answered.emplace(answer.question.kind, answer.question.asked, answer.question.where);
    }
    std::vector<message::Question> out;
    for (const auto& engine : input.circumstances.engines) {
        if (away.contains(engine)) continue;
        if (!answered.contains({QuestionKind::engine_message, engine, ""})) {
            out.push_back({QuestionKind::engine_message, engine, ""});
        }
        for (const auto& part : input.parts) {
            const bool is_new = answered.emplace(QuestionKind::engine_part, engine, part).second;
            if (is_new) out.push_back({QuestionKind::engine_part, engine, part});
        }
    }
    return out;
}

}  // namespace gatehouse::decide
