// Registrable domains by the Public Suffix List (https://publicsuffix.org/list/): the adapter of libpsl,
// whose list is compiled in, so no file is opened at run time. Used wherever two hosts are compared or
// counted as one owner's. Pure, total, thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse::inspect::format {

/// The suffix and one label before it, lower case, in ASCII when `host` is; empty for suffixes themselves,
/// addresses and what is no name. Unlisted top-level domains count as suffixes (the list's rule "*").
std::string registrable_domain(std::string_view host);

/// True when the last label is a top-level domain that the list's ICANN section knows.
bool has_known_top_level(std::string_view host);

}  // namespace gatehouse::inspect::format
