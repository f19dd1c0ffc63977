// Compressed RTF, as Outlook keeps the text of messages ([MS-OXRTFCP]). Used by the openers of .msg and TNEF.
// Pure, thread-safe; linear in its output, which is never more than max_output.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gatehouse::inspect::format {

struct PlainRtf {
    std::string bytes;
    bool is_complete = true;  ///< false: cut at max_output
    bool is_damaged = false;  ///< not this format, or it ends early; what stood before is there
};

PlainRtf decompress_rtf(std::string_view bytes, std::size_t max_output);

}  // namespace gatehouse::inspect::format
