// Percent encoding as URLs use it: which bytes of which part are written as %XX, and back again. Used by the
// URL parser, its hosts and the unwrapping of links. Source:
// https://url.spec.whatwg.org/#percent-encoded-bytes. Pure, total, linear; output is at most three times the
// input.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gatehouse::inspect::format {

/// The percent-encode sets of the standard, by the part of a URL they are for.
enum class PercentSet : std::uint8_t { control, fragment, query, special_query, path, userinfo };

/// True when `byte` may not stand in that part as it is.
bool needs_percent(unsigned char byte, PercentSet set);
void append_percent_encoded(std::string& out, std::string_view text, PercentSet set);

/// %XX becomes the byte; a '%' without two hexadecimal digits stays.
std::string percent_decode(std::string_view text);

}  // namespace gatehouse::inspect::format
