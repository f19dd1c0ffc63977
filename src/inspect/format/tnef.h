// TNEF ("winmail.dat", [MS-OXTNEF]): what Outlook packs into one attachment. Used by inspect/open.
// Pure, thread-safe; borrows the bytes; linear in the file, with at most max_files attachments.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::inspect::format {

/// Properties of Outlook that hold content ([MS-OXPROPS]); the number of .msg and TNEF alike.
enum class MapiText : unsigned {
    body = 0x1000,
    compressed_rtf = 0x1009,
    html = 0x1013,
};

struct TnefFile {
    std::string name;        ///< as it stands, of any charset; UTF-8 where the property is Unicode
    std::string_view bytes;  ///< of a file, or of an embedded message, which is TNEF again
};

struct TnefBody {
    MapiText kind = MapiText::body;
    bool is_utf16 = false;
    std::string_view bytes;
};

struct Tnef {
    std::vector<TnefFile> files;
    std::vector<TnefBody> bodies;
    bool is_complete = true;  ///< false: more than max_files
    bool is_damaged = false;  ///< cut, or lengths lead out of it; what stood before is there
};

Tnef read_tnef(std::string_view bytes, std::size_t max_files);

}  // namespace gatehouse::inspect::format
