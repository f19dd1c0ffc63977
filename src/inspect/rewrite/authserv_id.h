// Who claims to have written an Authentication-Results field (RFC 8601 2.2). Shared by the rewriter, which
// removes claims to be us, and by the engine, which says that there are some: both must read alike. Pure,
// linear.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse::inspect::rewrite {

/// Lower case, without quotes, comments and folding; empty when there is none.
std::string authserv_id(std::string_view value);

}  // namespace gatehouse::inspect::rewrite
