// Refuses text that nests deeper than kMaxDepth before the TOML library sees it: the library builds and frees
// its tree by recursion, and a dotted key of 500,000 steps would exhaust the stack. Used by parse() alone.
// Linear, allocates nothing. It knows strings, comments, brackets and dots, not the grammar; where it could
// misread the text, the text is no TOML and the library stops there too.
#pragma once

#include <string_view>

#include "base/result.h"

namespace gatehouse::settings::text {

base::Result<void> check_nesting(std::string_view toml, std::string_view file_name);

}  // namespace gatehouse::settings::text
