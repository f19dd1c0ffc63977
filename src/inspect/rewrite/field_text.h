// Texts of ours as header text: control characters taken out, encoded words (RFC 2047) where needed, folded
// lines. Pure; the output holds no CR or LF but those of folding with the given line end. Used by rewrite.cc
// only.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse::inspect::rewrite {

/// RFC 5322 2.2 field name of sane length.
bool is_field_name(std::string_view name);

/// Control characters become blanks; valid UTF-8.
std::string tidy_text(std::string_view text);

/// A blank and the text, ready to stand behind a colon; encoded words when it is not short plain ASCII.
/// `before_encoded_word`: an encoded word follows, so the blank between both has to be encoded too.
std::string subject_prefix(std::string_view text, std::string_view line_end, bool before_encoded_word);

/// "Name: text" and a line end, folded.
std::string make_field(std::string_view name, std::string_view text, std::string_view line_end);

}  // namespace gatehouse::inspect::rewrite
