// The MIME parser: one pass over the raw bytes, iterative, linear in their number; see structure.h for what
// it gives.
//
// It never fails. How it reads what the standards leave open, or what is broken:
// - Lines end at CRLF, LF, CR or CR CR LF.
// - A line of blanks inside a header is folding, not the end. A line that begins with no field name and colon
// ends the
//   header, and the body begins with it. A leading mbox "From " line is skipped.
// - Of a repeated Content- field the first counts.
// - A delimiter line is exact: the boundary, blanks and the line end; or, where no boundary is, one that
// differs in its blanks. It belongs to the innermost multipart that has
//   this boundary and is not closed. It ends a header, too (RFC 2046 5.1).
// - Parts after a close delimiter are parts.
// - A multipart without a usable boundary parameter takes the one that its body shows, or is a leaf.
// Every such reading is recorded as an anomaly, because another reader may choose otherwise.
#pragma once

#include "inspect/mime/structure.h"

namespace gatehouse::inspect::mime {

Structure parse(std::string_view raw, const ParseLimits& limits = {});

/// Only the top-level header: parts[0] with its header range and fields, and what is odd about them. The body
/// is not looked at. For whoever edits the header and has to find the same fields.
Structure parse_header(std::string_view raw, const ParseLimits& limits = {});

/// The Structure borrows: a temporary would be gone.
Structure parse(std::string&& raw, const ParseLimits& limits = {}) = delete;
Structure parse_header(std::string&& raw, const ParseLimits& limits = {}) = delete;

}  // namespace gatehouse::inspect::mime
