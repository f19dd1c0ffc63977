// How an expression is handed to Hyperscan so that \b means what people expect. Hyperscan's own \b knows the
// letters of ASCII only and makes databases of many words slow to build, so a \b at the edges of an
// expression is taken off, and what stands beside a match is looked at instead. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::inspect::find {

/// One pattern for Hyperscan; an expression is found where one of its forms is.
struct ExpressionForm {
    std::string pattern;
    bool is_unicode = true;     ///< \w and \d as in Unicode; false: of ASCII, for the sake of a \b inside
    bool ends_word = false;     ///< where it ends, a word has to end
    bool begins_word = false;   ///< where it begins, a word has to begin; only of literals
    std::uint32_t literal = 0;  ///< its length in characters when it is one, else 0
    bool needs_check() const { return ends_word || begins_word; }
    bool operator==(const ExpressionForm&) const = default;
};

std::vector<ExpressionForm> forms_of(std::string_view pattern);

/// Whether words end, or begin, between these two places of a text in UTF-8: a letter, digit, mark or _ of
/// any script stands on one side of `at` alone.
bool is_word_edge(std::string_view utf8, std::size_t at);
/// Where the character `count` characters before `at` begins.
std::size_t step_back(std::string_view utf8, std::size_t at, std::uint32_t count);

}  // namespace gatehouse::inspect::find
