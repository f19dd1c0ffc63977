// One condition of a rule, as written in `when`:
//   antivirus.match         any evidence id           packer.*             any id of a group
//   content.expression = Payment data                 this keyword list matches
//   packer.entropy >= 0.9   with this confidence      gap.encrypted gap.*  something was not inspected
//   verdict.virus           the worst finding         spam                 score >= the antispam threshold
//   spam_score >= 6.5       size > 10 MiB             recipients > 50      with >= > < <=
// Later conditions are further kinds here; rules, evaluation and reasons do not change for them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gatehouse::decide {

enum class TermKind : std::uint8_t { evidence, gap, verdict, spam_score, size, recipients };
enum class Comparison : std::uint8_t { at_least, above, at_most, below };

struct Term {
    TermKind kind = TermKind::evidence;
    /// Evidence: the id, or its beginning up to the dot when `is_group`. Gap, verdict: their word. A keyword
    /// list: "content.expression = NAME", which is the word of its evidence (word_of).
    std::string word;
    bool is_group = false;  ///< "packer.*", "gap.*"
    Comparison comparison = Comparison::at_least;
    double number = 0;            ///< confidence, score, bytes or recipients
    bool uses_threshold = false;  ///< "spam": the number comes from the settings
    bool operator==(const Term&) const = default;
};

/// The name of the keyword list that it asks for; empty when it asks for none by name.
std::string_view list_of(const Term& term);
/// The id of the evidence that it asks for, "packer.*" for a group.
std::string id_of(const Term& term);

base::Result<Term> parse_term(std::string_view text);
/// parse_term for the field table.
base::Result<void> check_term(std::string_view text);

/// Every form of a condition as written, with what it asks: for the manual. parse_term takes each of them.
struct ConditionForm {
    std::string_view written;
    std::string_view meaning;
};
std::span<const ConditionForm> condition_forms();

bool compare(double value, Comparison comparison, double number);

}  // namespace gatehouse::decide
