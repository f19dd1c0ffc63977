// Findings arranged for the evaluation: evidence by id, gaps by word, with what is unknown. Built once per
// message in O(n log n); every condition is then answered without looking at the findings again, so 10,000
// gaps cost each rule nothing. A `Removed` set asks "what if these had not been found", for flips and the
// price of a switch. Private to decide. Borrows the Input.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "decide/input.h"
#include "decide/policy.h"
#include "decide/truth.h"

namespace gatehouse::decide {

/// Words taken away: evidence ids, "gap.encrypted", and the words of numbers ("size", "spam_score",
/// "recipients", "verdict.virus"). Small.
using Removed = std::set<std::string, std::less<>>;

/// The findings without some of them, and the two numbers that follow.
struct View {
    Removed removed;
    double spam_score = 0;
    message::Verdict verdict = message::Verdict::clean;
};

/// At most this many reasons are kept of one rule.
inline constexpr std::size_t kMaxReasons = 32;

class Index {
  public:
    /// What a question without an answer means.
    enum class Missing {
        may_come,  ///< unknown as yet; used to find out what to ask
        is_gap,    ///< engine_unavailable
        is_moot,   ///< unknown and of no consequence: something else decided
    };
    Index(const Input& input, double spam_threshold, Missing missing);

    View view(Removed removed) const;

    Truth truth(const Term& term, const View& view) const;
    Truth truth(const Condition& condition, const View& view) const;
    /// The words that make a term hold; `words` never grows beyond kMaxReasons.
    void add_reasons(const Term& term, const View& view, std::vector<std::string>& words) const;

    /// Whether an answer that may still come could change the term, or any gap.
    bool waits_for_engine(const Term& term) const;
    bool waits_for_engine() const { return is_engine_pending_; }

    /// At most kMaxReasons ids.
    std::vector<std::string> ids_of_feature(std::string_view feature, const View& view) const;
    bool has_gap(message::GapReason reason, const View& view) const;
    bool has_facts() const { return input_.facts != nullptr; }
    /// Whether taking evidence away could raise the score.
    bool has_negative_scores() const { return has_negative_scores_; }
    const Input& input() const { return input_; }

    /// "2:a.zip/b.exe, 3:c and 7 more"; empty when it is the message or a number.
    std::string places_of(std::string_view word) const;

  private:
    struct Item {
        std::size_t count = 0;
        double confidence = 0;  // the highest
        double score = 0;       // the sum
        message::Verdict verdict = message::Verdict::clean;
        std::string_view feature;
        std::vector<std::string> places;  // the first few
        void add_place(std::string_view where);
    };

    void add_evidence(const message::Evidence& item);
    void add_gap(const message::Gap& gap);
    void add_missing(Missing missing);
    Truth evidence_truth(const Term& term, const View& view) const;
    Truth gap_truth(const Term& term, const View& view) const;
    Truth score_truth(const Term& term, const View& view) const;
    Truth verdict_truth(const Term& term, const View& view) const;
    bool is_unknown(const Term& term) const;
    bool is_incomplete() const;
    template <typename Visit>
    void visit_matches(const Term& term, const View& view, Visit visit) const;

    static constexpr std::size_t kGapReasons = 10;

    const Input& input_;
    double spam_threshold_;
    std::vector<message::Evidence> from_engines_;     // owns what items_ refers to
    std::map<std::string, Item, std::less<>> items_;  // by word_of
    std::array<Item, kGapReasons> gaps_;              // by GapReason
    bool is_engine_pending_ = false;                  // an engine may still answer
    bool is_engine_unknown_ = false;                  // no engine can say any more, or it could not look
    bool is_engine_silent_ = false;                   // replay: no engine looked at all
    bool has_negative_scores_ = false;
};

/// The questions that have no answer yet, engine by engine, message first; none for an engine that is away.
std::vector<message::Question> unanswered(const Input& input);

}  // namespace gatehouse::decide
