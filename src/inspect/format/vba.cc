#include "inspect/format/vba.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/text.h"
#include "inspect/format/type_inside.h"
#include "message/charset.h"

namespace gatehouse::inspect::format {

namespace {

constexpr std::size_t kChunk = 4096;
constexpr std::size_t kMaxStream = 64U << 20;

// Records of the stream "dir" (2.3.4.2).
constexpr unsigned kCodePage = 0x0003;
constexpr unsigned kVersion = 0x0009;
constexpr unsigned kModuleName = 0x0019;
constexpr unsigned kStreamName = 0x001A;
constexpr unsigned kDocumentModule = 0x0022;
constexpr unsigned kModuleEnd = 0x002B;
constexpr unsigned kOffset = 0x0031;
constexpr unsigned kStreamNameUnicode = 0x0032;
constexpr unsigned kModuleNameUnicode = 0x0047;

/// How many bits of a copy token are its offset: as many as count what the chunk holds so far, at least 4.
unsigned offset_bits(std::size_t held) {
    unsigned bits = 4;
    while ((std::size_t{1} << bits) < held) ++bits;
    return bits;
}

/// One compressed chunk; false: it is damaged.
bool unpack_chunk(std::string_view chunk, std::size_t begin, std::string& out) {
    for (std::size_t at = 0; at < chunk.size();) {
        const auto flags = static_cast<unsigned char>(chunk[at++]);
        for (unsigned bit = 0; bit < 8 && at < chunk.size(); ++bit) {
            if ((flags >> bit & 1U) == 0) {
                out += chunk[at++];
                continue;
            }
            if (at + 2 > chunk.size()) return false;
            const auto token = static_cast<unsigned>(little_endian(chunk, at, 2));
            at += 2;
            const auto held = out.size() - begin;
            const auto bits = offset_bits(held);
            const std::size_t length = (token & (0xFFFFU >> bits)) + 3;
            const std::size_t offset = (token >> (16 - bits)) + 1;
            if (offset > held || held + length > kChunk) return false;
            for (std::size_t i = 0; i < length; ++i) out += out[out.size() - offset];
        }
    }
    return true;
}

struct Listed {
    std::string name;
    std::string stream;
    std::size_t offset = 0;
    bool is_document = false;
};

struct Directory {
    std::vector<Listed> modules;
    unsigned code_page = 1252;
    bool is_damaged = true;
};

std::string charset_of(unsigned code_page) {
    switch (code_page) {
        case 932:
            return "shift_jis";
        case 936:
            return "gbk";
        case 949:
            return "windows-949";
        case 950:
            return "big5";
        case 10000:
            return "macintosh";
        case 65001:
            return "utf-8";
        default:
            return "windows-" + std::to_string(code_page);
    }
}

std::string from_utf16(std::string_view bytes) {
    return message::to_utf8_or_guess(bytes, "utf-16le", 1024).text;
}

Directory read_directory(std::string_view bytes, std::size_t max_modules) {
    Directory out;
    Listed now;
    while (bytes.size() >= 6 && out.modules.size() < max_modules) {
        const auto id = static_cast<unsigned>(little_endian(bytes, 0, 2));
        // The version's size does not count its last two bytes (2.3.4.2.1.11).
        const std::size_t size = little_endian(bytes, 2, 4) + (id == kVersion ? 2U : 0U);
        if (size > bytes.size() - 6) return out;
        const auto data = bytes.substr(6, size);
        bytes.remove_prefix(6 + size);
        const auto text = [&] {
            return message::to_utf8_or_guess(data, charset_of(out.code_page), 1024).text;
        };
        if (id == kCodePage) out.code_page = static_cast<unsigned>(little_endian(data, 0, 2));
        if (id == kModuleName) now.name = text();
        if (id == kModuleNameUnicode) now.name = from_utf16(data);
        if (id == kStreamName) now.stream = text();
        if (id == kStreamNameUnicode) now.stream = from_utf16(data);
        if (id == kOffset) now.offset = little_endian(data, 0, 4);
        if (id == kDocumentModule) now.is_document = true;
        if (id == kModuleEnd) out.modules.push_back(std::exchange(now, {}));
    }
    out.is_damaged = false;
    return out;
}

/// Where compressed source may begin: every module's begins with this attribute.
std::optional<std::size_t> find_source(std::string_view stream) {
    constexpr std::string_view kFirst = "Attribut";
    // A signature, a chunk's header, no flag of the first eight tokens, and these as they are; "e" may be a
    // copy.
    for (std::size_t at = 0; (at = stream.find(kFirst, at)) != std::string_view::npos; ++at) {
        if (at >= 4 && stream[at - 4] == '\x01' && stream[at - 1] == '\0' &&
            (static_cast<unsigned char>(stream[at - 2]) & 0xF0U) == 0xB0U) {
            return at - 4;
        }
    }
    return std::nullopt;
}

// What a macro needs to do harm or to start by itself; names stand in compiled code as in source.
constexpr auto kTelling = std::to_array<std::string_view>(
    {"AutoOpen", "Auto_Open", "Document_Open", "Workbook_Open", "Shell", "CreateObject", "GetObject",
     "URLDownloadToFile", "URLDownloadToFileA", "WScript", "ShellExecute", "ShellExecuteA", "VirtualAlloc",
     "CreateThread", "Environ"});

bool holds_word(std::string_view text, std::string_view word) {
    for (std::size_t at = 0; (at = text.find(word, at)) != std::string_view::npos; ++at) {
        const bool starts = at == 0 || !(base::is_alnum(text[at - 1]) || text[at - 1] == '_');
        const auto end = at + word.size();
        const bool ends = end == text.size() || !(base::is_alnum(text[end]) || text[end] == '_');
        if (starts && ends) return true;
    }
    return false;
}

class Reader {
  public:
    Reader(const CompoundFile& file, const VbaLimits& limits) : file_(file), limits_(limits) {}

    std::vector<VbaProject> run() {
        for (const auto& entry : file_.entries()) {
            if (entry.kind == CompoundKind::stream && base::iequals(entry.name, "dir")) read_listed(entry);
        }
        read_unlisted();
        return std::move(projects_);
    }

  private:
    static std::string folder_of(std::string_view path) {
        const auto slash = path.rfind('/');
        return std::string(path.substr(0, slash == std::string_view::npos ? 0 : slash));
    }

    void read_listed(const CompoundEntry& dir) {
        const auto packed = file_.read(dir, kMaxStream);
        const auto text = decompress_vba(packed.bytes, limits_.max_source);
        if (text.bytes.empty()) return;
        const auto directory = read_directory(text.bytes, limits_.max_modules);
        VbaProject project{.storage = folder_of(dir.path), .modules = {}, .is_damaged = directory.is_damaged};
        for (const auto& listed : directory.modules) {
            const auto path = project.storage.empty() ? listed.stream : project.storage + "/" + listed.stream;
            const auto* stream = file_.find(path);
            if (stream == nullptr) {
                project.is_damaged = true;
                continue;
            }
            project.modules.push_back(read_module(*stream, listed, charset_of(directory.code_page)));
        }
        compare_with_compiled(project);
        projects_.push_back(std::move(project));
    }

    VbaModule read_module(const CompoundEntry& stream, const Listed& listed, const std::string& charset) {
        seen_.push_back(stream.path);
        const auto content = file_.read(stream, kMaxStream);
        auto offset = listed.offset;
        // An offset that leads to no source was not written by Office.
        if (offset >= content.bytes.size() || content.bytes[offset] != '\x01')
            offset = find_source(content.bytes).value_or(content.bytes.size());
        const auto room = std::min(limits_.max_source, limits_.max_all - std::min(limits_.max_all, used_));
        const auto source = decompress_vba(behind(content.bytes, offset), room);
        used_ += source.bytes.size();
        VbaModule module{
            .name = listed.name,
            .stream = stream.path,
            .source = message::to_utf8_or_guess(source.bytes, charset, 4 * limits_.max_source).text,
            .is_document = listed.is_document,
            .is_complete = source.is_complete && content.is_complete,
            .is_damaged = source.is_damaged || content.is_damaged};
        module.is_stomped = module.source.empty() && offset > 1024;
        return module;
    }

    /// Streams that hold source and that no list names.
    void read_unlisted() {
        VbaProject lost{.storage = "", .modules = {}, .is_damaged = true};
        for (const auto& entry : file_.entries()) {
            if (entry.kind != CompoundKind::stream || lost.modules.size() >= limits_.max_modules) continue;
            if (std::ranges::find(seen_, entry.path) != seen_.end()) continue;
            const auto content = file_.read(entry, kMaxStream);
            const auto at = find_source(content.bytes);
            if (!at) continue;
            lost.modules.push_back(read_module(entry, {entry.name, entry.path, *at, false}, "windows-1252"));
        }
        if (!lost.modules.empty()) projects_.push_back(std::move(lost));
    }

    /// Names that compiled code uses and no source does: the source is not what runs.
    void compare_with_compiled(VbaProject& project) {
        const auto* cache =
            file_.find(project.storage.empty() ? "_VBA_PROJECT" : project.storage + "/_VBA_PROJECT");
        if (cache == nullptr || project.modules.empty()) return;
        const auto compiled = file_.read(*cache, limits_.max_source);
        std::size_t untold = 0;  // one may be left of a line that was deleted since
        for (const auto word : kTelling) {
            if (!holds_word(compiled.bytes, word)) continue;
            const bool is_told = std::ranges::any_of(project.modules, [&](const VbaModule& module) {
                return base::lower(module.source).find(base::lower(word)) != std::string::npos;
            });
            untold += is_told ? 0 : 1;
        }
        if (untold > 1) project.modules.front().is_stomped = true;
    }

    const CompoundFile& file_;
    const VbaLimits& limits_;
    std::vector<VbaProject> projects_;
    std::vector<std::string> seen_;
    std::size_t used_ = 0;
};

}  // namespace

Decompressed decompress_vba(std::string_view container, std::size_t max_output) {
    Decompressed out;
    if (!container.starts_with('\x01')) {
        out.is_damaged = true;
        return out;
    }
    container.remove_prefix(1);
    while (container.size() >= 2) {
        const auto header = static_cast<unsigned>(little_endian(container, 0, 2));
        const std::size_t size = (header & 0xFFFU) + 1;
        // Bits 12 to 14 are 3 (2.4.1.1.5); Office stops at anything else.
        if ((header >> 12 & 7U) != 3) {
            out.is_damaged = true;
            break;
        }
        const auto chunk = container.substr(2, size);
        const auto begin = out.bytes.size();
        if ((header >> 15) == 0) {
            out.bytes += chunk;
        } else if (!unpack_chunk(chunk, begin, out.bytes)) {
            out.is_damaged = true;
        }
        out.is_damaged = out.is_damaged || chunk.size() < size;
        container = behind(container, 2 + size);
        if (out.bytes.size() > max_output) {
            out.bytes.resize(max_output);
            out.is_complete = false;
            break;
        }
        if (out.is_damaged) break;
    }
    return out;
}

std::vector<VbaProject> read_vba(const CompoundFile& file, const VbaLimits& limits) {
    return Reader(file, limits).run();
}

}  // namespace gatehouse::inspect::format
