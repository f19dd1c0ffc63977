#include "inspect/format/type_inside.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/text.h"

namespace gatehouse::inspect::format {

namespace {

using namespace std::string_view_literals;
using Named = std::pair<std::string_view, std::string_view>;  // what is seen, the type

constexpr std::size_t kWindow = 64 * 1024;

bool holds(std::string_view bytes, std::string_view what) {
    return bytes.find(what) != std::string_view::npos;
}

template <std::size_t N>
std::string_view first_held(std::string_view bytes, const std::array<Named, N>& known) {
    for (const auto& [what, type] : known) {
        if (holds(bytes, what)) return type;
    }
    return {};
}

std::string_view of_program(std::string_view bytes) {
    if (bytes.size() < 28) return {};  // "MZ" is how some texts begin
    const auto at = little_endian(bytes, 0x3C, 4);
    if (at < bytes.size()) {
        const auto header = bytes.substr(at);
        if (header.starts_with("PE\0\0"sv)) return "pe";
        if (header.starts_with("NE") || header.starts_with("LE") || header.starts_with("LX")) return "ne";
    }
    // Pages of 512 bytes, bytes in the last one, paragraphs of the header (at least its own 28 bytes).
    const bool is_sound = little_endian(bytes, 2, 2) <= 512 && little_endian(bytes, 4, 2) > 0 &&
                          little_endian(bytes, 8, 2) >= 2;
    return is_sound ? "dos-exe"sv : std::string_view();
}

/// The names in the directory at the end, a line each; where there is none, whatever stands at both ends. A
/// member that is stored may be a zip itself, and its names are not ours.
std::string names_of_zip(std::string_view bytes) {
    static constexpr auto kEnd = "PK\x05\x06"sv;
    static constexpr auto kEntry = "PK\x01\x02"sv;
    constexpr std::size_t kEntrySize = 46;
    const auto last = bytes.substr(bytes.size() - std::min(bytes.size(), kWindow));
    const auto end = last.rfind(kEnd);
    std::string names;
    if (end != std::string_view::npos) {
        auto directory = behind(bytes, little_endian(last, end + 16, 4)).substr(0, 2 * kWindow);
        while (directory.size() >= kEntrySize && directory.starts_with(kEntry)) {
            const auto length = little_endian(directory, 28, 2);
            names += behind(directory, kEntrySize).substr(0, length);
            names += '\n';
            const auto more = little_endian(directory, 30, 2) + little_endian(directory, 32, 2);
            directory = behind(directory, kEntrySize + length + more);
        }
    }
    if (!names.empty()) return names;
    return std::string(bytes.substr(0, kWindow)) + std::string(last);
}

// By the names of members. The Office formats first: a document may carry anything.
std::string_view of_zip(std::string_view bytes) {
    static constexpr std::array kMimes = std::to_array<Named>({
        {"application/vnd.oasis.opendocument.text", "odt"},
        {"application/vnd.oasis.opendocument.spreadsheet", "ods"},
        {"application/vnd.oasis.opendocument.presentation", "odp"},
        {"application/vnd.oasis.opendocument", "opendocument"},
        {"application/epub+zip", "epub"},
    });
    static constexpr std::array kOffice = std::to_array<Named>({
        {"word/document", "docx"},
        {"xl/workbook.bin", "xlsb"},
        {"xl/workbook", "xlsx"},
        {"ppt/presentation", "pptx"},
        {"visio/document", "vsdx"},
        {"FixedDocSeq", "xps"},
        {"FixedDocumentSequence", "xps"},
    });
    static constexpr std::array kOthers = std::to_array<Named>({
        {"AndroidManifest.xml", "apk"},
        {"META-INF/MANIFEST.MF", "jar"},
    });
    if (behind(bytes, 30).starts_with("mimetype")) {
        if (const auto type = first_held(bytes.substr(0, 256), kMimes); !type.empty()) return type;
    }
    const auto names = names_of_zip(bytes);
    const bool is_office = holds(names, "[Content_Types].xml");
    const auto type = is_office ? first_held(names, kOffice) : first_held(names, kOthers);
    if (!type.empty()) return type;
    return is_office ? "ooxml"sv : "zip"sv;
}

std::string wide(std::string_view text) {
    std::string out;
    for (const char c : text) {
        out += c;
        out += '\0';
    }
    return out;
}

/// The sectors of the directory, in their chain through the allocation table (MS-CFB 2.3, 2.6); lower case,
/// because names are compared without case.
std::string directory_of(std::string_view bytes) {
    constexpr std::size_t kMostSectors = 128;
    constexpr std::uint64_t kInHeader = 109;  // sectors of the table that the header itself names
    const auto shift = little_endian(bytes, 0x1E, 2);
    std::string out;
    if (shift < 7 || shift > 16) return out;
    const auto size = std::size_t{1} << shift;
    const auto at = [&](std::uint64_t sector) {
        return behind(bytes, (sector + 1) << shift).substr(0, size);
    };
    auto sector = little_endian(bytes, 0x30, 4);
    for (std::size_t i = 0; i < kMostSectors && !at(sector).empty(); ++i) {
        out += at(sector);
        const auto table = sector / (size / 4);
        if (table >= kInHeader) break;
        sector = little_endian(at(little_endian(bytes, 0x4C + 4 * table, 4)), 4 * (sector % (size / 4)), 4);
    }
    std::transform(out.begin(), out.end(), out.begin(), base::to_lower);
    return out;
}

// By the names of streams, else by the class id of the root.
std::string_view of_compound_file(std::string_view bytes) {
    static const std::array kStreams = std::to_array<std::pair<std::string, std::string_view>>({
        {wide("encryptedpackage"), "ooxml-encrypted"},
        {wide("worddocument"), "doc"},
        {wide("powerpoint document"), "ppt"},
        {wide("workbook"), "xls"},
        {wide("__properties_version1.0"), "msg"},
        {wide("visiodocument"), "visio"},
        {wide("hwpsummaryinformation"), "hancom"},
        {wide("quill"), "pub"},
        {wide("props9"), "mpp"},
        {wide("props12"), "mpp"},
        {wide("book"), "xls"},
    });
    static constexpr auto kInstaller =
        "\x84\x10\x0C\0\0\0\0\0\xC0\0\0\0\0\0\0f"sv;  // in lower case, as the rest
    const auto directory = directory_of(bytes);
    if (behind(directory, 80).starts_with(kInstaller)) return "msi";
    for (const auto& [name, type] : kStreams) {
        if (holds(directory, name)) return type;
    }
    return "ole";
}

/// A Java class says its version there (45 and more), a Mach-O file of several machines how many they are.
std::string_view of_cafebabe(std::string_view bytes) {
    if (bytes.size() < 8) return {};
    const auto minor_first = static_cast<unsigned char>(bytes[7]);
    const bool is_few = bytes.substr(4, 3) == "\0\0\0"sv && minor_first < 40;
    return is_few ? "macho"sv : "java-class"sv;
}

std::string_view of_riff(std::string_view bytes) {
    const auto kind = behind(bytes, 8).substr(0, 4);
    if (kind == "WAVE") return "wav";
    if (kind == "AVI ") return "avi";
    return kind == "WEBP" ? "webp"sv : std::string_view();
}

/// ISO 14496-12: the brand that stands first.
std::string_view of_base_media(std::string_view bytes) {
    const auto brand = behind(bytes, 8).substr(0, 4);
    if (brand == "avif" || brand == "avis") return "avif";
    if (brand.starts_with("hei") || brand.starts_with("hev") || brand == "mif1" || brand == "msf1")
        return "heic";
    return "mp4";
}

std::string_view of_ar(std::string_view bytes) {
    return behind(bytes, 8).starts_with("debian-binary") ? "deb" : "ar";
}

/// A volume structure of UDF alone, without an ISO 9660 one beside it.
bool is_udf(std::string_view bytes) {
    for (std::size_t at = 0x8001; at < 0x8001 + 8 * 2048; at += 2048) {
        if (at + 5 > bytes.size()) return false;
        if (bytes.substr(at, 5) == "CD001") return false;
        if (bytes.substr(at, 5) == "NSR02" || bytes.substr(at, 5) == "NSR03") return true;
    }
    return false;
}

/// The trailer of a disk image of macOS, or of a virtual hard disk of fixed size.
std::string_view of_trailer(std::string_view bytes) {
    if (bytes.size() < 512) return {};
    const auto trailer = bytes.substr(bytes.size() - 512);
    if (trailer.starts_with("koly")) return "dmg";
    return trailer.starts_with("conectix") ? "vhd"sv : std::string_view();
}

}  // namespace

std::string_view type_inside(std::string_view bytes) {
    if (bytes.starts_with("MZ") || bytes.starts_with("ZM")) {
        if (const auto program = of_program(bytes); !program.empty()) return program;
    }
    const bool is_zip = bytes.starts_with("PK\x03\x04") || bytes.starts_with("PK\x05\x06") ||
                        bytes.starts_with("PK\x07\x08") || bytes.starts_with("PK00PK\x03\x04");
    if (is_zip) return of_zip(bytes);
    if (bytes.starts_with("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")) return of_compound_file(bytes);
    if (bytes.starts_with("\xCA\xFE\xBA\xBE")) return of_cafebabe(bytes);
    if (bytes.starts_with("RIFF")) return of_riff(bytes);
    if (bytes.starts_with("FORM") && behind(bytes, 8).starts_with("AIF")) return "aiff";
    if (bytes.starts_with("!<arch>\n")) return of_ar(bytes);
    if (behind(bytes, 4).starts_with("ftyp")) return of_base_media(bytes);
    if (is_udf(bytes)) return "udf";
    return of_trailer(bytes);
}

}  // namespace gatehouse::inspect::format
