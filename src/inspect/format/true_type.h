// What a file is by its content, whatever its name and its Content-Type say. Own signatures (offset and
// bytes, of the formats' own specifications) with a structural look where bytes alone lie: MZ,
// zip, OLE compound files, CAFEBABE, RIFF, ISO base media.
//
// Pure, thread-safe, total: any bytes have a type, "data" or "text" at the least. Looks at the beginning, at
// the last 64 KiB and 128 KiB of the directory of a zip, and at 128 sectors of a compound file's directory:
// some 3 us for ordinary content, below a millisecond for any.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace gatehouse::inspect::format {

enum class FileGroup : std::uint8_t {
    other,       ///< nothing below, or not known
    text,        ///< people read it as it is
    executable,  ///< a machine, an interpreter or a shell runs it when it is opened
    document,    ///< of an office program, a reader, a browser
    archive,     ///< holds other files, or one compressed
    image,
    media,  ///< audio and video
    mail,   ///< a message, a calendar or a card
    disk,   ///< an image of a file system
    font,
    key,  ///< certificates, keys, signed or encrypted content
    database,
};
std::string_view to_string(FileGroup group);

struct FileType {
    std::string_view name;  ///< as policy, scan and tracking write it: "pe", "docx"
    FileGroup group = FileGroup::other;
    std::string_view title;  ///< for people: "Windows program"
    bool operator==(const FileType&) const = default;
};

/// All there are, by name.
std::span<const FileType> file_types();
/// Null where there is none of that name.
const FileType* find_file_type(std::string_view name);

const FileType& true_type(std::string_view bytes);

}  // namespace gatehouse::inspect::format
