// Inner part of true_type: what is made of characters.
#pragma once

#include <string_view>

namespace gatehouse::inspect::format {

/// Name of the type: a page, a script, a message, "text", or "data" where it is none of these. UTF-16 is seen
/// by its byte order mark or by its every other NUL.
std::string_view type_of_text(std::string_view bytes);

}  // namespace gatehouse::inspect::format
