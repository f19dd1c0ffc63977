// Charsets of mail text to UTF-8. The one adapter around ICU; used by inspect/mime and whoever shows message
// text. Labels are read the way browsers and mail clients read them (WHATWG Encoding: latin1 is windows-1252,
// gb2312 is gb18030 ...), plus what only mail knows (UTF-7, ISO-2022-KR, code pages). Bytes that mean nothing
// become U+FFFD and are counted. ASCII, UTF-8 and windows-1252 never touch ICU. Guarantees: never throws but
// for memory, output never longer than asked for and never cut inside a character, linear time, thread-safe.
// Debian's ICU carries its data in a shared library: no file is opened at run time.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace gatehouse::message {

struct Utf8Text {
    std::string text;          ///< valid UTF-8 without byte order mark
    std::size_t replaced = 0;  ///< how many U+FFFD stand for undecodable input
    bool complete = true;      ///< false: cut at the output limit
};

/// The usual lower-case name of a charset ("windows-1252" for "Latin1"), or empty when nobody knows the
/// label.
std::string charset_name(std::string_view label);

/// Nothing when the charset is unknown. The bytes are decoded as one complete text.
std::optional<Utf8Text> to_utf8(std::string_view bytes, std::string_view label, std::size_t max_output);

/// For text without a (known) label: UTF-8 when it is valid UTF-8, else windows-1252.
Utf8Text guess_to_utf8(std::string_view bytes, std::size_t max_output);

/// to_utf8, or the guess when the label is empty or unknown.
Utf8Text to_utf8_or_guess(std::string_view bytes, std::string_view label, std::size_t max_output);

/// Whether a letter, a digit, a mark or _ of any script begins at `at` (< size) of valid UTF-8.
bool is_word_character(std::string_view utf8, std::size_t at);

/// Opens the converters that mail needs, so that a process that is sealed afterwards finds them in memory.
/// False when one of them is missing. Call it once, before threads and before the sandbox closes.
bool warm_charsets();

}  // namespace gatehouse::message
