// Content-Transfer-Encodings: base64 and quoted-printable (RFC 2045 6.7, 6.8), uuencode and yEnc, read as leniently
// as mail clients read them, because what a client shows is what has to be inspected. Whatever was not clean
// is said. Used by decode_body, encoded words and parameters. Pure, linear, the output never exceeds
// `max_output` bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/mime/anomaly.h"

namespace gatehouse::inspect::mime {

struct Decoded {
    std::string bytes;
    bool complete = true;  ///< false: stopped at max_output
    AnomalySet anomalies;
};

/// Characters outside the alphabet are skipped; padding ends a group, not the data; a last group without
/// padding counts.
Decoded decode_base64(std::string_view text, std::size_t max_output);

/// Where the first character stands that is neither base64 nor blank, or npos.
std::size_t find_base64_junk(std::string_view text);

/// '=' that begins no escape stands for itself; blanks before a line end are dropped (RFC 2045 6.7 rule 3);
/// line ends stay as they are.
Decoded decode_quoted_printable(std::string_view text, std::size_t max_output);

/// The same text for readers that mend doubtful escapes: "=4" at a line end goes on in the next line, "= "
/// inside a line is a break, "==41" and "=0x41" are "=41".
std::string mend_escapes(std::string_view text);

/// The first file between "begin MODE NAME" and "end".
Decoded decode_uuencode(std::string_view text, std::size_t max_output);

/// A uuencoded or yEnc file that stands in a text, as old mailers attach them.
struct UuencodedFile {
    std::string name;
    std::size_t begin = 0;  ///< of its "begin" line
    std::size_t end = 0;    ///< after its "end" line, or where the data stops
};

/// At most `max_files` of them, in order. A "begin" line counts only when a line of data follows.
std::vector<UuencodedFile> find_uuencoded(std::string_view text, std::size_t max_files);

/// The same for yEnc ("=ybegin", "=yend"), which stands in text with eight bits.
std::vector<UuencodedFile> find_yenc(std::string_view text, std::size_t max_files);
Decoded decode_yenc(std::string_view text, std::size_t max_output);

}  // namespace gatehouse::inspect::mime
