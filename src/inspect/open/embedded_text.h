// Files that texts carry: data: URIs (RFC 2397), and what scripts hold in string literals and in lists of
// numbers. Used by the openers of HTML, SVG and calendars. Pure, thread-safe; linear in the text, and as many
// files and bytes as the caller allows.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/open/open.h"

namespace gatehouse::inspect::open {

/// Shows what every data: URI holds; false when the visitor wants no more.
bool show_data_uris(std::string_view text, Visitor& visitor);

struct CarriedFiles {
    std::vector<std::string> files;
    bool is_complete = true;  ///< false: more than max_files, or more bytes than max_output
};

/// Base64, hexadecimal and percent-encoded text in literals, also when they are added up from pieces, in runs
/// outside of literals, and lists of byte values. What is shorter than 24 bytes is no file.
CarriedFiles carried_by_script(std::string_view script, std::size_t max_files, std::size_t max_output);

}  // namespace gatehouse::inspect::open
