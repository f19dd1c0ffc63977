// The vocabulary of true_type: one row for each type, by name.
#include <algorithm>
#include <array>

#include "inspect/format/true_type.h"

namespace gatehouse::inspect::format {

namespace {

using enum FileGroup;

constexpr std::array kTypes = std::to_array<FileType>({
    {"7z", archive, "7-Zip archive"},
    {"aac", media, "AAC audio"},
    {"accdb", database, "Microsoft Access database"},
    {"ace", archive, "ACE archive"},
    {"aiff", media, "AIFF audio"},
    {"alz", archive, "ALZip archive"},
    {"apk", executable, "Android package"},
    {"ar", archive, "ar archive"},
    {"arc", archive, "ARC archive"},
    {"arj", archive, "ARJ archive"},
    {"asf", media, "Windows media"},
    {"au", media, "AU audio"},
    {"autocad", document, "AutoCAD drawing"},
    {"avi", media, "AVI video"},
    {"avif", image, "AVIF image"},
    {"bat", executable, "Windows batch file"},
    {"binhex", archive, "BinHex text"},
    {"bmp", image, "Windows bitmap"},
    {"bz2", archive, "bzip2 compressed file"},
    {"cab", archive, "Microsoft cabinet"},
    {"chm", document, "compiled HTML help"},
    {"compress", archive, "compress (.Z) file"},
    {"cpio", archive, "cpio archive"},
    {"data", other, "data of an unknown kind"},
    {"deb", archive, "Debian package"},
    {"dex", executable, "Android bytecode"},
    {"djvu", document, "DjVu document"},
    {"dmg", disk, "Apple disk image"},
    {"doc", document, "Word 97-2003 document"},
    {"docx", document, "Word document"},
    {"dos-exe", executable, "DOS program"},
    {"egg", archive, "EGG archive"},
    {"elf", executable, "ELF program"},
    {"emf", image, "enhanced metafile"},
    {"empty", other, "nothing"},
    {"epub", document, "EPUB book"},
    {"evtx", other, "Windows event log"},
    {"fat", disk, "FAT disk image"},
    {"flac", media, "FLAC audio"},
    {"flv", media, "Flash video"},
    {"gif", image, "GIF image"},
    {"gz", archive, "gzip compressed file"},
    {"hancom", document, "Hancom document"},
    {"heic", image, "HEIF image"},
    {"hlp", document, "Windows help"},
    {"hta", executable, "HTML application"},
    {"html", document, "HTML page"},
    {"icon", image, "Windows icon"},
    {"ics", mail, "calendar"},
    {"installshield", archive, "InstallShield cabinet"},
    {"iso", disk, "ISO 9660 disk image"},
    {"jar", executable, "Java archive"},
    {"java-class", executable, "Java class"},
    {"jp2", image, "JPEG 2000 image"},
    {"jpeg", image, "JPEG image"},
    {"lnk", executable, "Windows shortcut"},
    {"lua", executable, "Lua bytecode"},
    {"lz4", archive, "LZ4 compressed file"},
    {"lzh", archive, "LZH archive"},
    {"lzip", archive, "lzip compressed file"},
    {"lzma", archive, "LZMA compressed file"},
    {"macho", executable, "Mach-O program"},
    {"mbox", mail, "mailbox"},
    {"mdb", database, "Microsoft Access 97-2003 database"},
    {"message", mail, "message"},
    {"midi", media, "MIDI music"},
    {"mkv", media, "Matroska video"},
    {"mobi", document, "Mobipocket book"},
    {"mp3", media, "MP3 audio"},
    {"mp4", media, "MP4 video"},
    {"mpeg", media, "MPEG video"},
    {"mpp", document, "Microsoft Project plan"},
    {"msg", mail, "Outlook message"},
    {"msi", executable, "Windows installer"},
    {"ne", executable, "16-bit Windows program"},
    {"odp", document, "OpenDocument presentation"},
    {"ods", document, "OpenDocument spreadsheet"},
    {"odt", document, "OpenDocument text"},
    {"ogg", media, "Ogg media"},
    {"ole", document, "OLE compound file"},
    {"onenote", document, "OneNote section"},
    {"ooxml", document, "Office Open XML file"},
    {"ooxml-encrypted", document, "encrypted Office document"},
    {"opendocument", document, "OpenDocument file"},
    {"otf", font, "OpenType font"},
    {"pdf", document, "PDF document"},
    {"pe", executable, "Windows program"},
    {"pem", key, "PEM certificate or key"},
    {"pgp", key, "OpenPGP text"},
    {"pkcs7", key, "PKCS #7 content"},
    {"png", image, "PNG image"},
    {"postscript", document, "PostScript document"},
    {"ppt", document, "PowerPoint 97-2003 presentation"},
    {"pptx", document, "PowerPoint presentation"},
    {"psd", image, "Photoshop image"},
    {"pst", mail, "Outlook data file"},
    {"pub", document, "Publisher document"},
    {"qcow", disk, "QEMU disk image"},
    {"rar", archive, "RAR archive"},
    {"registry", executable, "Windows registry script"},
    {"rpm", archive, "RPM package"},
    {"rtf", document, "rich text"},
    {"script", executable, "script"},
    {"sis", executable, "Symbian package"},
    {"sqlite", database, "SQLite database"},
    {"squashfs", disk, "squashfs image"},
    {"stuffit", archive, "StuffIt archive"},
    {"svg", image, "SVG image"},
    {"swf", executable, "Flash film"},
    {"szdd", archive, "file of MS-DOS COMPRESS"},
    {"tar", archive, "tar archive"},
    {"text", text, "text"},
    {"tiff", image, "TIFF image"},
    {"tnef", mail, "TNEF (winmail.dat)"},
    {"ttf", font, "TrueType font"},
    {"udf", disk, "UDF disk image"},
    {"uuencode", archive, "uuencoded file"},
    {"vcard", mail, "visiting card"},
    {"vhd", disk, "virtual hard disk"},
    {"vhdx", disk, "virtual hard disk (VHDX)"},
    {"visio", document, "Visio 97-2003 drawing"},
    {"vmdk", disk, "VMware disk"},
    {"vsdx", document, "Visio drawing"},
    {"wasm", executable, "WebAssembly"},
    {"wav", media, "WAV audio"},
    {"webp", image, "WebP image"},
    {"wim", archive, "Windows image"},
    {"wmf", image, "Windows metafile"},
    {"woff", font, "web font"},
    {"wordperfect", document, "WordPerfect document"},
    {"xar", archive, "xar archive"},
    {"xls", document, "Excel 97-2003 workbook"},
    {"xlsb", document, "Excel binary workbook"},
    {"xlsx", document, "Excel workbook"},
    {"xml", document, "XML"},
    {"xps", document, "XPS document"},
    {"xz", archive, "xz compressed file"},
    {"yenc", archive, "yEnc file"},
    {"zip", archive, "zip archive"},
    {"zoo", archive, "zoo archive"},
    {"zst", archive, "Zstandard compressed file"},
});

constexpr bool is_before(const FileType& a, const FileType& b) {
    return a.name < b.name;
}
static_assert(std::is_sorted(kTypes.begin(), kTypes.end(), is_before));

}  // namespace

std::string_view to_string(FileGroup group) {
    static constexpr std::array kNames = std::to_array<std::string_view>({
        "other",
        "text",
        "executable",
        "document",
        "archive",
        "image",
        "media",
        "mail",
        "disk",
        "font",
        "key",
        "database",
    });
    return kNames.at(static_cast<std::size_t>(group));
}

std::span<const FileType> file_types() {
    return kTypes;
}

const FileType* find_file_type(std::string_view name) {
    const auto at = std::lower_bound(kTypes.begin(), kTypes.end(), name,
                                     [](const FileType& type, std::string_view n) { return type.name < n; });
    return at != kTypes.end() && at->name == name ? &*at : nullptr;
}

}  // namespace gatehouse::inspect::format
