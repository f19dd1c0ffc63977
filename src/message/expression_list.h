// [[expression_list]] of policy.toml as plain data: lists of keywords and regular expressions for the content
// of mail. `decide` checks that rules name lists that there are, inspect/find compiles and finds them. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/field_table.h"
#include "base/result.h"
#include "base/value.h"

namespace gatehouse::message {

inline constexpr std::size_t kMaxExpressionLists = 200;
inline constexpr std::size_t kMaxExpressions = 10'000;  ///< of all lists together
inline constexpr std::size_t kMaxExpressionText = 1024;

/// Where an expression may be found.
enum class TextField : std::uint8_t { subject = 1, header = 2, body = 4, attachment = 8 };

enum class ListMatch : std::uint8_t { any, all, none, score };

struct Expression {
    std::string pattern;
    std::int64_t score = 1;
    bool case_sensitive = false;
    std::string description;
    base::Place place = {};
};

struct ExpressionList {
    std::string name;
    ListMatch match = ListMatch::any;
    std::int64_t threshold = 1;
    std::uint8_t fields = 0;  ///< bits of TextField
    std::vector<Expression> expressions;
    base::Place place = {};

    bool is_in(TextField field) const { return (fields & static_cast<std::uint8_t>(field)) != 0; }
};

/// The TOML shape, for tables and the manual.
struct ExpressionListText {
    std::string name;
    std::string match = "any";
    std::int64_t threshold = 1;
    std::vector<std::string> in{"subject", "header", "body", "attachment"};
};

base::Result<void> check_list_name(std::string_view name);
base::Result<void> check_pattern(std::string_view pattern);

inline constexpr std::array<std::string_view, 4> kListMatches{"any", "all", "none", "score"};
inline constexpr std::array<std::string_view, 4> kTextFields{"subject", "header", "body", "attachment"};

inline constexpr std::array kExpressionListFields{
    base::field<&ExpressionListText::name>("name", "what rules call it: content.expression = NAME; unique",
                                           {.check = check_list_name, .reload = base::Reload::live}),
    base::field<&ExpressionListText::match>(
        "match",
        "any: one of its expressions is found; all: every one is; none: not one is; score: the scores of "
        "those that are found come to threshold or more",
        {.choices = kListMatches, .reload = base::Reload::live}),
    base::field<&ExpressionListText::threshold>(
        "threshold", "of match = \"score\"", {.min = -100'000, .max = 100'000, .reload = base::Reload::live}),
    base::field<&ExpressionListText::in>("in",
                                         "where they are looked for: the decoded subject, every header line, "
                                         "the text of the message, the text of "
                                         "attached files",
                                         {.choices = kTextFields, .reload = base::Reload::live}),
};
inline constexpr auto kExpressionListTable = base::make_table<ExpressionListText>(
    "expression_list", "Keywords and regular expressions for the content of mail.", kExpressionListFields,
    true);

inline constexpr std::array kExpressionFields{
    base::field<&Expression::pattern>("pattern",
                                      "a regular expression as in Perl, without back references and looking "
                                      "around; \\bword\\b for whole words",
                                      {.check = check_pattern, .reload = base::Reload::live}),
    base::field<&Expression::score>("score", "what it adds for match = \"score\", however often it is found",
                                    {.min = -1000, .max = 1000, .reload = base::Reload::live}),
    base::field<&Expression::case_sensitive>("case_sensitive", "A and a differ",
                                             {.reload = base::Reload::live}),
    base::field<&Expression::description>("description", "for whoever reads the list next",
                                          {.reload = base::Reload::live}),
};
inline constexpr auto kExpressionTable = base::make_table<Expression>(
    "expression_list.expression", "One expression; a list of texts will do where only the pattern is said.",
    kExpressionFields, true);

/// All lists of a policy. Faults are Fault::usage with file, line and key.
base::Result<std::vector<ExpressionList>> read_expression_lists(const base::Value& policy);

/// What identifies a set of lists: 32 bytes over everything that a finding depends on; empty when there are
/// none. Two sets with equal digests find the same.
std::string digest_of(const std::vector<ExpressionList>& lists);

}  // namespace gatehouse::message
