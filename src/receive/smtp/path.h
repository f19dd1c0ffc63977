// Forward and reverse paths of RFC 5321 4.1.2 with the extension of RFC 6531: "<local@domain>", "<>",
// "<Postmaster>". Used by the command parsers and relay control. The grammar is kept to the letter except
// that local parts may have 255 octets (VERP) and domains underscores. Local parts stay opaque bytes, quotes
// included. Pure.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "receive/smtp/reply.h"

namespace gatehouse::receive::smtp {

struct Path {
    std::string local;   ///< as written, quotes included
    std::string domain;  ///< as written; a literal with its brackets; empty in <> and <Postmaster>

    bool is_null() const { return local.empty() && domain.empty(); }
    bool has_literal() const { return domain.starts_with('['); }
    /// Without angle brackets; empty for <>.
    std::string to_string() const { return domain.empty() ? local : local + '@' + domain; }
    bool operator==(const Path&) const = default;
};

struct ParsedPath {
    Path path;
    bool has_route = false;     ///< a source route stood before it: "<@a,@b:user@c>"
    bool is_eight_bit = false;  ///< valid UTF-8, but needs SMTPUTF8
};

/// Reads the path at the front of `text` and removes it from there. The refusal is 501 with 5.1.3.
std::expected<ParsedPath, Reply> parse_path(std::string_view& text);

/// Labels of letters, digits, hyphens, underscores and 8-bit bytes; at most 255 octets; no final dot.
bool is_domain(std::string_view text);

}  // namespace gatehouse::receive::smtp
