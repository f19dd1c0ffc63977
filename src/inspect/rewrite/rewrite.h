// Carries out a message::RewritePlan: changes of the top-level header block, edit by edit in the plan's
// order, while every byte that no edit names stays as it is, the body always. Used by inspect/worker; the
// front never edits.
//
// Pure; linear in the header for each edit; the body is not looked at. Fields are found as inspect/mime finds
// them, folded lines included, whatever the line ends (CRLF, LF or mixed), after a leading mbox "From " line,
// and in messages without a header. What is written never holds a control character of the plan's texts, so
// nothing can be injected through them.
//
// - remove_named, remove_prefix, remove_results_of (RFC 8601 section 5): whole fields with their continuation
// lines.
// - prefix_subject: the text stands in front of the first Subject, whose own bytes stay; as encoded words
// (RFC 2047)
//   where it is not plain ASCII. Further Subjects are left alone. Without one, a Subject is made at the end.
// - append: at the end of the header block, folded at blanks to 78 octets, never above 998.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "message/decision.h"

namespace gatehouse::inspect::rewrite {

inline constexpr std::size_t kMaxEdits = 100;
/// A header with more fields is not edited: Fault::limit.
inline constexpr std::size_t kMaxFields = 200'000;

struct Rewritten {
    /// The header block with the line that ends it, also where no field is left; empty when nothing had to be
    /// done.
    std::string header;
    std::string_view body;  ///< borrowed: what follows it in the original
    std::uint64_t size() const { return header.size() + body.size(); }
};

/// `raw` must outlive the result. Fault::usage for names that are none and plans that are too long.
base::Result<Rewritten> rewrite(std::string_view raw, const message::RewritePlan& plan);

}  // namespace gatehouse::inspect::rewrite
