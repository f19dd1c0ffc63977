// The text of the XML parts of Office documents (OOXML: ECMA-376 parts 1; OpenDocument: ISO 26300-1), as
// lines: what a reader sees, and what the program reads besides (field instructions, deleted text). Pure,
// total, linear.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace gatehouse::inspect::find {

struct OfficeText {
    std::string text;    ///< paragraphs, cells and shapes, a line each
    std::string hidden;  ///< field instructions such as HYPERLINK "...", and what was deleted
    bool cut = false;
};

/// Nothing when this is no XML of an Office document. `xml` in UTF-8; at most `max_text` bytes come out.
std::optional<OfficeText> office_text(std::string_view xml, std::size_t max_text);

}  // namespace gatehouse::inspect::find
