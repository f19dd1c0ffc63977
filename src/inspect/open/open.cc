#include "inspect/open/open.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "inspect/format/zip.h"
#include "inspect/open/openers.h"

namespace gatehouse::inspect::open {

namespace {

using format::FileGroup;
using Opener = void (*)(const Item&, Visitor&);

struct Entry {
    std::string_view type;
    Opener opener;
};

// By name of type. Office and other packages are zips; what is in them is looked at as in any.
constexpr auto kOpeners = std::to_array<Entry>({
    {"7z", open_by_library},
    {"apk", open_zip},
    {"ar", open_by_library},
    {"bz2", open_by_library},
    {"cab", open_by_library},
    {"compress", open_by_library},
    {"cpio", open_by_library},
    {"deb", open_by_library},
    {"doc", open_compound},
    {"docx", open_zip},
    {"epub", open_zip},
    {"gz", open_gzip},
    {"hta", open_html},
    {"html", open_html},
    {"ics", open_calendar},
    {"iso", open_by_library},
    {"jar", open_zip},
    {"lz4", open_by_library},
    {"lzh", open_by_library},
    {"lzip", open_by_library},
    {"lzma", open_by_library},
    {"msg", open_outlook_message},
    {"msi", open_compound},
    {"rtf", open_rtf},
    {"pdf", open_pdf},
    {"odp", open_zip},
    {"ods", open_zip},
    {"odt", open_zip},
    {"ole", open_compound},
    {"ooxml", open_zip},
    {"opendocument", open_zip},
    {"ppt", open_compound},
    {"pptx", open_zip},
    {"rar", open_by_library},
    {"rpm", open_by_library},
    {"svg", open_html},
    {"tar", open_by_library},
    {"tnef", open_tnef},
    {"uuencode", open_uuencoded},
    {"vsdx", open_zip},
    {"xar", open_by_library},
    {"xls", open_compound},
    {"xlsb", open_zip},
    {"xlsx", open_zip},
    {"xps", open_zip},
    {"xz", open_by_library},
    {"yenc", open_yenc},
    {"zip", open_zip},
    {"zst", open_by_library},
});

// Not archives or disks by group, and yet files are in them that nobody here takes out.
constexpr auto kClosed = std::to_array<std::string_view>(
    {"chm", "hancom", "hlp", "mobi", "onenote", "ooxml-encrypted", "pst", "sis"});

const Entry* find_opener(std::string_view type) {
    const auto found = std::ranges::find(kOpeners, type, &Entry::type);
    return found == kOpeners.end() ? nullptr : &*found;
}

bool is_closed(const format::FileType& type) {
    return type.group == FileGroup::archive || type.group == FileGroup::disk ||
           std::ranges::find(kClosed, type.name) != kClosed.end();
}

bool is_zip(const format::FileType& type) {
    const auto* entry = find_opener(type.name);
    return entry != nullptr && entry->opener == open_zip;
}

// What self-extracting programs carry; the last one, because their own code names these signatures, too.
constexpr auto kCarried = std::to_array<std::string_view>(
    {"Rar!\x1a\x07", "7z\xbc\xaf\x27\x1c", std::string_view("MSCF\0\0\0\0", 8)});

std::uint64_t number(std::string_view bytes, std::size_t offset, std::size_t count) {
    std::uint64_t out = 0;
    for (std::size_t i = offset + count; i > offset; --i)
        out = out << 8 | (i <= bytes.size() ? static_cast<unsigned char>(bytes[i - 1]) : 0xFFU);
    return out;
}

/// Whether what follows a signature could be an archive: its size fits into what there is.
bool is_sound(std::string_view bytes) {
    const auto size = bytes.size();
    if (bytes.starts_with("MSCF"))
        return number(bytes, 8, 4) <= size && number(bytes, 8, 4) > 36 && number(bytes, 24, 2) == 0x0103;
    if (bytes.starts_with("7z")) return number(bytes, 12, 8) <= size && number(bytes, 20, 8) <= size;
    return bytes.starts_with(std::string_view("Rar!\x1a\x07\0", 7)) ||
           bytes.starts_with(std::string_view("Rar!\x1a\x07\1\0", 8));
}

/// An archive behind something else: bytes empty = there is none.
Item attached_to(const Item& item) {
    if (is_zip(*item.type)) return {};
    if (format::ends_as_zip(item.bytes)) return {item.name, item.bytes, format::find_file_type("zip")};
    if (item.type->group != FileGroup::executable) return {};
    for (const auto signature : kCarried) {
        const auto at = item.bytes.rfind(signature);
        if (at == std::string_view::npos || at == 0) continue;
        const auto bytes = item.bytes.substr(at);
        const auto& type = format::true_type(bytes);
        if (is_sound(bytes) && find_opener(type.name) != nullptr) return {item.name, bytes, &type};
    }
    return {};
}

}  // namespace

bool is_container(const Item& item) {
    return find_opener(item.type->name) != nullptr || is_closed(*item.type) ||
           !attached_to(item).bytes.empty();
}

void open(const Item& item, Visitor& visitor) {
    if (const auto attached = attached_to(item); !attached.bytes.empty()) {
        visitor.on_evidence(
            kAttached, "",
            fmt::format("{} hangs at the end of this {}", attached.type->title, item.type->title));
        open(attached, visitor);
    }
    if (const auto* entry = find_opener(item.type->name)) return entry->opener(item, visitor);
    if (!is_closed(*item.type)) return;
    if (item.type->name == "ooxml-encrypted") {
        visitor.on_evidence(kEncrypted, "", "the document is encrypted");
        return visitor.on_gap("", message::GapReason::encrypted, "the document is encrypted");
    }
    visitor.on_gap("", message::GapReason::refused,
                   fmt::format("what is in it was not inspected: {} (there is no opener for {})",
                               item.type->title, item.type->name));
}

}  // namespace gatehouse::inspect::open
