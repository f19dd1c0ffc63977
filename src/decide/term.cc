#include "decide/term.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/field_table.h"
#include "base/text.h"
#include "message/decision.h"
#include "message/evidence.h"
#include "message/expression_list.h"

namespace gatehouse::decide {
namespace {

using base::Fault;
using base::Result;

constexpr std::size_t kMaxTerm = 200;
constexpr std::string_view kLists = "content.expression";
constexpr std::string_view kIs = " = ";

struct Operator {
    std::string_view text;
    Comparison comparison;
};
// Two-character forms first, so that "<=" is not read as "<".
constexpr std::array kOperators{Operator{">=", Comparison::at_least}, Operator{"<=", Comparison::at_most},
                                Operator{">", Comparison::above}, Operator{"<", Comparison::below}};

/// "size > 10 MiB" in its three pieces; only the word when there is no comparison.
struct Pieces {
    std::string_view word;
    std::optional<Comparison> comparison;
    std::string_view value;
};

Pieces split_term(std::string_view text) {
    const auto at = text.find_first_of("<>");
    if (at == std::string_view::npos) return {base::trim(text), std::nullopt, {}};
    for (const auto& one : kOperators) {
        if (!text.substr(at).starts_with(one.text)) continue;
        return {base::trim(text.substr(0, at)), one.comparison,
                base::trim(text.substr(at + one.text.size()))};
    }
    return {base::trim(text), std::nullopt, {}};
}

std::optional<double> parse_number(std::string_view text) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_all = error == std::errc() && end == text.data() + text.size() && std::isfinite(number);
    return is_all ? std::optional(number) : std::nullopt;
}

bool is_id_byte(char c) {
    return (c >= 'a' && c <= 'z') || base::is_digit(c) || c == '_';
}

/// Two or more words of a-z, 0-9 and _ with dots between.
bool is_evidence_id(std::string_view id) {
    const auto words = base::split(id, '.');
    return words.size() >= 2 && std::all_of(words.begin(), words.end(), [](std::string_view word) {
               return !word.empty() && std::all_of(word.begin(), word.end(), is_id_byte);
           });
}

std::unexpected<base::Error> bad(std::string_view text, std::string_view what) {
    return base::fail(Fault::usage, "\"{}\" {}", base::printable(text, 80), what);
}

Result<Term> number_term(Term term, std::string_view text, const Pieces& pieces) {
    if (!pieces.comparison) return bad(text, "lacks its comparison, e.g. \"size > 10 MiB\"");
    term.comparison = *pieces.comparison;
    std::optional<double> number = parse_number(pieces.value);
    if (term.kind != TermKind::spam_score) {
        const auto unit = term.kind == TermKind::size ? "bytes" : "";
        const auto quantity = base::parse_quantity(pieces.value, unit);
        number = quantity ? std::optional(static_cast<double>(*quantity)) : std::nullopt;
    }
    if (!number) return bad(text, "does not end in a number such as 10, 6.5 or 10 MiB");
    term.number = *number;
    return term;
}

Result<Term> gap_term(Term term, std::string_view text, std::string_view word) {
    term.kind = TermKind::gap;
    if (word == "*") {
        term.is_group = true;
        return term;
    }
    if (!message::parse_gap_reason(word)) {
        return bad(text,
                   "names no gap (encrypted, too_deep, too_large, too_many, corrupt, timed_out, "
                   "engine_unavailable, refused, ambiguous, or *)");
    }
    term.word = word;
    return term;
}

Result<Term> verdict_term(Term term, std::string_view text, std::string_view word) {
    if (!message::parse_verdict(word) || word == "policy") {
        return bad(text,
                   "names no verdict (virus, phishing, malformed, unscannable, suspicious, spam, graymail, "
                   "clean)");
    }
    term.kind = TermKind::verdict;
    term.word = word;
    return term;
}

Result<Term> evidence_term(Term term, std::string_view text, const Pieces& pieces) {
    term.is_group = pieces.word.ends_with(".*");
    // For a group "packer." is kept, so that "packer.*" does not match "packers.x".
    term.word = pieces.word.substr(0, pieces.word.size() - (term.is_group ? 1 : 0));
    if (!is_evidence_id(term.is_group ? term.word + "x" : term.word)) {
        return bad(text,
                   "is no condition (an evidence id such as antivirus.match or packer.*, gap.WORD, "
                   "verdict.WORD, spam, or spam_score, size or recipients with a comparison)");
    }
    if (!pieces.comparison) return term;
    const auto confidence = parse_number(pieces.value);
    const bool is_good =
        confidence && *confidence >= 0 && *confidence <= 1 &&
        (pieces.comparison == Comparison::at_least || pieces.comparison == Comparison::above);
    if (!is_good) return bad(text, "compares confidence, which takes >= or > and a number from 0 to 1");
    term.comparison = *pieces.comparison;
    term.number = *confidence;
    return term;
}

/// "content.expression = Payment data"
Result<Term> list_term(Term term, std::string_view text) {
    const auto at = text.find('=');
    if (base::trim(text.substr(0, at)) != kLists)
        return bad(text, "has a = that is no comparison; only content.expression = LIST has one");
    const auto name = base::trim(text.substr(at + 1));
    GATEHOUSE_CHECK(message::check_list_name(name));
    term.word = fmt::format("{}{}{}", kLists, kIs, name);
    return term;
}

}  // namespace

std::string_view list_of(const Term& term) {
    const std::string_view word = term.word;
    const bool has_name = word.size() > kLists.size() + kIs.size() && word.starts_with(kLists) &&
                          term.kind == TermKind::evidence && word.substr(kLists.size()).starts_with(kIs);
    return has_name ? word.substr(kLists.size() + kIs.size()) : std::string_view();
}

std::string id_of(const Term& term) {
    if (!list_of(term).empty()) return std::string(kLists);
    return term.is_group ? term.word + "*" : term.word;
}

Result<Term> parse_term(std::string_view text) {
    if (text.size() > kMaxTerm) return bad(text, "is longer than 200 bytes");
    Term term;
    if (text.find_first_of("<>") == std::string_view::npos && text.contains('='))
        return list_term(std::move(term), text);
    const Pieces pieces = split_term(text);
    if (pieces.word == "spam_score") term.kind = TermKind::spam_score;
    if (pieces.word == "size") term.kind = TermKind::size;
    if (pieces.word == "recipients") term.kind = TermKind::recipients;
    if (term.kind != TermKind::evidence) return number_term(std::move(term), text, pieces);
    if (!pieces.comparison && pieces.word == "spam") {
        term.kind = TermKind::spam_score;
        term.uses_threshold = true;
        return term;
    }
    const bool is_word_of_ours = pieces.word.starts_with("gap.") || pieces.word.starts_with("verdict.");
    if (is_word_of_ours && pieces.comparison) return bad(text, "takes no comparison");
    if (pieces.word.starts_with("gap.")) return gap_term(std::move(term), text, pieces.word.substr(4));
    if (is_word_of_ours) return verdict_term(std::move(term), text, pieces.word.substr(8));
    return evidence_term(std::move(term), text, pieces);
}

Result<void> check_term(std::string_view text) {
    GATEHOUSE_TRY([[maybe_unused]] auto term, parse_term(text));
    return {};
}

std::span<const ConditionForm> condition_forms() {
    static constexpr std::array kForms{
        ConditionForm{"antivirus.match", "this evidence was found; any id of the list of evidence"},
        ConditionForm{"malformed.*", "any evidence of this group was found"},
        ConditionForm{"antivirus.match >= 0.9",
                      "it was found with at least this confidence, 0 to 1; >= and > are allowed"},
        ConditionForm{"content.expression = NAME",
                      "the [[expression_list]] of this name matches; without = NAME: any of them"},
        ConditionForm{"gap.encrypted",
                      "something was not looked into, for this reason: encrypted, too_deep, "
                      "too_large, too_many, corrupt, timed_out, engine_unavailable, refused or "
                      "ambiguous"},
        ConditionForm{"gap.*", "something was not looked into, for whatever reason"},
        ConditionForm{
            "verdict.virus",
            "the worst finding is this one: virus, phishing, malformed, unscannable, suspicious, spam, "
            "graymail or clean"},
        ConditionForm{"spam", "the spam score reaches the threshold of the antispam settings"},
        ConditionForm{"spam_score >= 6.5", "the spam score, compared with >=, >, <= or <"},
        ConditionForm{"size > 10 MiB", "the size of the message as received, compared likewise"},
        ConditionForm{"recipients > 50", "the number of envelope recipients, compared likewise"},
    };
    return kForms;
}

bool compare(double value, Comparison comparison, double number) {
    switch (comparison) {
        case Comparison::at_least:
            return value >= number;
        case Comparison::above:
            return value > number;
        case Comparison::at_most:
            return value <= number;
        case Comparison::below:
            return value < number;
    }
    return false;
}

}  // namespace gatehouse::decide
