#include "inspect/format/true_type.h"

#include <algorithm>
#include <array>

#include "inspect/format/type_inside.h"
#include "inspect/format/type_of_text.h"

namespace gatehouse::inspect::format {

namespace {

using namespace std::string_view_literals;

struct Signature {
    std::size_t offset;
    std::string_view bytes;
    std::string_view type;
};

// In order: of two that fit, the first counts. What needs a second look is in look_inside.
constexpr std::array kSignatures = std::to_array<Signature>({
    {0,
     "\x7F"
     "ELF"sv,
     "elf"},
    {0, "%PDF-"sv, "pdf"},
    {0, "{\\rt"sv, "rtf"},
    {0, "\x89PNG\r\n\x1A\n"sv, "png"},
    {0, "\xFF\xD8\xFF"sv, "jpeg"},
    {0, "GIF87a"sv, "gif"},
    {0, "GIF89a"sv, "gif"},
    {0, "\x1F\x8B"sv, "gz"},
    {0,
     "\xFD"
     "7zXZ\0"sv,
     "xz"},
    {0, "\x28\xB5\x2F\xFD"sv, "zst"},
    {0, "7z\xBC\xAF\x27\x1C"sv, "7z"},
    {0, "Rar!\x1A\x07"sv, "rar"},
    {0, "RE~^"sv, "rar"},
    {0, "MSCF\0\0\0\0"sv, "cab"},
    {0, "ISc("sv, "installshield"},
    {0, "MSWIM\0\0\0"sv, "wim"},
    {0, "ITSF"sv, "chm"},
    {0, "\x78\x9F\x3E\x22"sv, "tnef"},
    {0, "xar!"sv, "xar"},
    {0, "070701"sv, "cpio"},
    {0, "070702"sv, "cpio"},
    {0, "070707"sv, "cpio"},
    {0, "\xC7\x71"sv, "cpio"},
    {0, "\x71\xC7"sv, "cpio"},
    {0, "\xED\xAB\xEE\xDB"sv, "rpm"},
    {0, "\x1F\x9D"sv, "compress"},
    {0, "\x1F\xA0"sv, "compress"},
    {0, "\x1F\x1E"sv, "compress"},
    {0, "LZIP\x01"sv, "lzip"},
    {0, "\x04\x22\x4D\x18"sv, "lz4"},
    {0, "\x02\x21\x4C\x18"sv, "lz4"},
    {7, "**ACE**"sv, "ace"},
    {0, "ALZ\x01"sv, "alz"},
    {0, "EGGA"sv, "egg"},
    {20, "\xDC\xA7\xC4\xFD"sv, "zoo"},
    {0, "SZDD\x88\xF0\x27\x33"sv, "szdd"},
    {0, "KWAJ\x88\xF0\x27\xD1"sv, "szdd"},
    {8, "\x19\x04\0\x10"sv, "sis"},
    {0, "\x7A\x1A\x20\x10"sv, "sis"},
    {0, "SIT!"sv, "stuffit"},
    {0, "StuffIt (c)"sv, "stuffit"},
    {0, "\x4C\0\0\0\x01\x14\x02\0\0\0\0\0\xC0\0\0\0\0\0\0\x46"sv, "lnk"},
    {0, "dex\n03"sv, "dex"},
    {0, "\0asm"sv, "wasm"},
    {0, "\x1BLua"sv, "lua"},
    {0, "FWS"sv, "swf"},
    {0, "CWS"sv, "swf"},
    {0, "ZWS"sv, "swf"},
    {0, "\xFE\xED\xFA\xCE"sv, "macho"},
    {0, "\xFE\xED\xFA\xCF"sv, "macho"},
    {0, "\xCE\xFA\xED\xFE"sv, "macho"},
    {0, "\xCF\xFA\xED\xFE"sv, "macho"},
    {0, "\xE4\x52\x5C\x7B\x8C\xD8\xA7\x4D\xAE\xB1\x53\x78\xD0\x29\x96\xD3"sv, "onenote"},
    {0, "\0\x01\0\0Standard Jet DB\0"sv, "mdb"},
    {0, "\0\x01\0\0Standard ACE DB\0"sv, "accdb"},
    {0, "SQLite format 3\0"sv, "sqlite"},
    {0, "!BDN"sv, "pst"},
    {0, "ElfFile\0"sv, "evtx"},
    {0, "AC10"sv, "autocad"},
    {0, "\xFFWPC"sv, "wordperfect"},
    {0, "HWP Document File"sv, "hancom"},
    {0, "?_\x03\0"sv, "hlp"},
    {0, "%!PS"sv, "postscript"},
    {0, "\xC5\xD0\xD3\xC6"sv, "postscript"},
    {60, "BOOKMOBI"sv, "mobi"},
    {0, "AT&TFORM"sv, "djvu"},
    {0, "II*\0"sv, "tiff"},
    {0, "MM\0*"sv, "tiff"},
    {0, "II+\0"sv, "tiff"},
    {0, "MM\0+"sv, "tiff"},
    {0, "8BPS"sv, "psd"},
    {0, "\0\0\0\x0CjP  \r\n\x87\n"sv, "jp2"},
    {0, "\xFF\x4F\xFF\x51"sv, "jp2"},
    {0, "\xD7\xCD\xC6\x9A"sv, "wmf"},
    {0, "\x01\0\x09\0\0\x03"sv, "wmf"},
    {40, " EMF"sv, "emf"},
    {0, "ID3"sv, "mp3"},
    {0, "OggS"sv, "ogg"},
    {0, "fLaC"sv, "flac"},
    {0, "MThd"sv, "midi"},
    {0, ".snd"sv, "au"},
    {0, "FLV\x01"sv, "flv"},
    {0, "\0\0\x01\xBA"sv, "mpeg"},
    {0, "\0\0\x01\xB3"sv, "mpeg"},
    {0, "\x1A\x45\xDF\xA3"sv, "mkv"},
    {0, "\x30\x26\xB2\x75\x8E\x66\xCF\x11"sv, "asf"},
    {4, "moov"sv, "mp4"},
    {4, "mdat"sv, "mp4"},
    {0, "wOFF"sv, "woff"},
    {0, "wOF2"sv, "woff"},
    {0, "OTTO"sv, "otf"},
    {0, "ttcf"sv, "ttf"},
    {0, "\0\x01\0\0\0"sv, "ttf"},
    {0, "true\0"sv, "ttf"},
    {0, "vhdxfile"sv, "vhdx"},
    {0, "conectix"sv, "vhd"},
    {0, "KDMV"sv, "vmdk"},
    {0, "COWD"sv, "vmdk"},
    {0, "# Disk DescriptorFile"sv, "vmdk"},
    {0, "QFI\xFB"sv, "qcow"},
    {0, "hsqs"sv, "squashfs"},
    {0, "sqsh"sv, "squashfs"},
    {257, "ustar"sv, "tar"},
    {0x8001, "CD001"sv, "iso"},
    {0x8801, "CD001"sv, "iso"},
    {0x9001, "CD001"sv, "iso"},
});

bool fits(const Signature& one, std::string_view bytes) {
    return behind(bytes, one.offset).starts_with(one.bytes);
}

/// "BZh9" and the first block's number, or the end of a file of nothing.
bool is_bzip2(std::string_view bytes) {
    if (!bytes.starts_with("BZh") || bytes.size() < 10 || bytes[3] < '1' || bytes[3] > '9') return false;
    const auto magic = bytes.substr(4, 6);
    return magic == "1AY&SY" || magic == "\x17\x72\x45\x38\x50\x90"sv;
}

/// Size and checksum of the first header, and "-lh5-" or the like.
bool is_lzh(std::string_view bytes) {
    if (bytes.size() < 21 || bytes[2] != '-' || bytes[6] != '-' || bytes[3] != 'l') return false;
    return bytes[4] == 'h' || bytes[4] == 'z';
}

/// Header size of 30 to 2,600, and a known host and method.
bool is_arj(std::string_view bytes) {
    if (!bytes.starts_with("\x60\xEA") || bytes.size() < 12) return false;
    const auto size = little_endian(bytes, 2, 2);
    return size >= 30 && size <= 2600 && static_cast<unsigned char>(bytes[7]) <= 11;
}

/// A marker, a method, a name that ends, and sizes that are no nonsense.
bool is_arc(std::string_view bytes) {
    if (bytes.size() < 29 || bytes[0] != '\x1A') return false;
    const auto method = static_cast<unsigned char>(bytes[1]);
    if (method == 0 || method > 11) return false;
    const auto name = bytes.substr(2, 13);
    const auto end = name.find('\0');
    if (end == std::string_view::npos || end == 0) return false;
    return std::all_of(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(end),
                       [](char c) { return c > ' ' && c < '\x7F'; });
}

/// Properties, a power of two for a dictionary, and a size that is known or not.
bool is_lzma(std::string_view bytes) {
    if (bytes.size() < 18 || static_cast<unsigned char>(bytes[0]) >= 225 || bytes[13] != '\0') return false;
    const auto dictionary = little_endian(bytes, 1, 4);
    const bool is_power = dictionary >= 4096 && (dictionary & (dictionary - 1)) == 0;
    const auto size = little_endian(bytes, 5, 8);
    return bytes[0] == ']' && is_power && (size == ~std::uint64_t{0} || size < (std::uint64_t{1} << 40));
}

/// A header of an old tar: its checksum counts.
bool is_old_tar(std::string_view bytes) {
    if (bytes.size() < 512 || bytes[0] == '\0') return false;
    auto field = bytes.substr(148, 8);
    while (field.starts_with(' ')) field.remove_prefix(1);
    std::uint64_t told = 0;
    std::size_t digits = 0;
    for (; digits < field.size() && field[digits] >= '0' && field[digits] <= '7'; ++digits)
        told = told * 8 + static_cast<std::uint64_t>(field[digits] - '0');
    if (digits == 0) return false;
    std::uint64_t sum = 8 * ' ';
    for (std::size_t i = 0; i < 512; ++i) {
        if (i < 148 || i >= 156) sum += static_cast<unsigned char>(bytes[i]);
    }
    return told == sum;
}

/// A sound header of a 32-byte frame: MPEG layer 3, a bit rate and a sampling rate that exist.
bool is_mp3(std::string_view bytes) {
    if (bytes.size() < 4 || bytes[0] != '\xFF') return false;
    const auto second = static_cast<unsigned char>(bytes[1]);
    const auto third = static_cast<unsigned char>(bytes[2]);
    const bool is_layer_3 = (second & 0xE6) == 0xE2 && (second & 0x18) != 0x08;
    return is_layer_3 && (third >> 4) != 0 && (third >> 4) != 15 && ((third >> 2) & 3) != 3;
}

bool is_aac(std::string_view bytes) {
    return bytes.size() > 7 && bytes[0] == '\xFF' && (static_cast<unsigned char>(bytes[1]) & 0xF6) == 0xF0;
}

/// A Windows bitmap says how long it is and how long its second header.
bool is_bmp(std::string_view bytes) {
    if (!bytes.starts_with("BM") || bytes.size() < 26) return false;
    const auto header = little_endian(bytes, 14, 4);
    const bool is_known = header == 12 || header == 40 || header == 52 || header == 56 || header == 64 ||
                          header == 108 || header == 124;
    return is_known && little_endian(bytes, 10, 4) >= 14 + header;
}

bool is_icon(std::string_view bytes) {
    if (bytes.size() < 22 || little_endian(bytes, 0, 2) != 0) return false;
    const auto kind = little_endian(bytes, 2, 2);
    const auto count = little_endian(bytes, 4, 2);
    return (kind == 1 || kind == 2) && count > 0 && count < 512 &&
           little_endian(bytes, 18, 4) >= 6 + 16 * count;
}

/// A boot sector of FAT, or a table of partitions.
bool is_fat(std::string_view bytes) {
    if (bytes.size() < 512 || bytes.substr(510, 2) != "\x55\xAA"sv) return false;
    const auto jump = static_cast<unsigned char>(bytes[0]);
    const auto sector = little_endian(bytes, 11, 2);
    return (jump == 0xEB || jump == 0xE9) && sector >= 512 && sector <= 4096 && (sector & (sector - 1)) == 0;
}

/// An envelope of ASN.1 whose first word is an object of PKCS #7 (1.2.840.113549.1.7).
bool is_pkcs7(std::string_view bytes) {
    return bytes.starts_with('\x30') &&
           bytes.substr(0, 24).find("\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07"sv) != std::string_view::npos;
}

/// Readers search the first kilobyte for its header.
bool is_late_pdf(std::string_view bytes) {
    constexpr std::size_t kSearched = 1024;
    constexpr std::size_t kWindow = 64 * 1024;
    const auto at = bytes.substr(0, kSearched).find("%PDF-");
    return at != std::string_view::npos && bytes.substr(at, kWindow).find(" obj") != std::string_view::npos;
}

struct Look {
    bool (*fits)(std::string_view);
    std::string_view type;
};
constexpr std::array kLooks = std::to_array<Look>({
    {is_bzip2, "bz2"},
    {is_lzh, "lzh"},
    {is_arj, "arj"},
    {is_bmp, "bmp"},
    {is_icon, "icon"},
    {is_pkcs7, "pkcs7"},
    {is_mp3, "mp3"},
    {is_aac, "aac"},
    {is_old_tar, "tar"},
    {is_lzma, "lzma"},
    {is_arc, "arc"},
    {is_fat, "fat"},
    {is_late_pdf, "pdf"},
});

std::string_view name_of(std::string_view bytes) {
    if (bytes.empty()) return "empty";
    if (const auto inside = type_inside(bytes); !inside.empty()) return inside;
    const auto at = std::find_if(kSignatures.begin(), kSignatures.end(),
                                 [&](const auto& one) { return fits(one, bytes); });
    if (at != kSignatures.end()) return at->type;
    const auto look =
        std::find_if(kLooks.begin(), kLooks.end(), [&](const auto& one) { return one.fits(bytes); });
    if (look != kLooks.end()) return look->type;
    return type_of_text(bytes);
}

}  // namespace

const FileType& true_type(std::string_view bytes) {
    const auto* known = find_file_type(name_of(bytes));
    return known != nullptr ? *known : *find_file_type("data");
}

}  // namespace gatehouse::inspect::format
