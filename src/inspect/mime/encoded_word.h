// Encoded words in header text (RFC 2047) to UTF-8, as clients show them: adjacent words are joined, also
// when a multibyte character was split between two words of one charset; blanks inside words and words inside
// other text are accepted; unknown charsets and raw 8-bit bytes are guessed (UTF-8, else windows-1252). Pure,
// linear; the output is valid UTF-8 and at most four times as long as the input.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse::inspect::mime {

/// Unfolds as well: line ends are dropped.
std::string decode_encoded_words(std::string_view text);

}  // namespace gatehouse::inspect::mime
