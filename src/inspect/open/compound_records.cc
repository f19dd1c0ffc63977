#include "inspect/open/compound_records.h"

#include <algorithm>
#include <cstdint>

#include "base/text.h"
#include "inspect/format/little_endian.h"

namespace gatehouse::inspect::open {

namespace {

using format::behind;
using format::little_endian;

// Records of a workbook ([MS-XLS] 2.3).
constexpr std::uint64_t kFilePass = 0x2F;
constexpr std::uint64_t kBoundSheet = 0x85;
constexpr std::uint64_t kSupBook = 0x1AE;

// Records of a presentation ([MS-PPT] 2.13.24).
constexpr std::uint64_t kStorage = 0x1011;
constexpr std::uint64_t kCryptSession = 0x2F14;

/// A text that ends with NUL, taken off the front.
std::optional<std::string_view> take_text(std::string_view& bytes) {
    const auto end = bytes.find('\0');
    if (end == std::string_view::npos) return std::nullopt;
    const auto text = bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    return text;
}

/// The link's path of a SUPBOOK holds the program, 3, and the topic when it is DDE or OLE.
bool is_dde_link(std::string_view record) {
    const auto path = behind(record, 4);
    return little_endian(record, 2, 2) > 1 && path.find('\x03') != std::string_view::npos &&
           path.find('\x01') == std::string_view::npos;
}

}  // namespace

std::optional<Package> read_package_body(std::string_view body) {
    if (body.size() < 2) return std::nullopt;
    body.remove_prefix(2);  // 2: what follows is a file
    const auto label = take_text(body);
    const auto source = label ? take_text(body) : std::nullopt;
    if (!source || body.size() < 8) return std::nullopt;
    const auto length = little_endian(body, 4, 4);
    if (length > body.size() - 8) return std::nullopt;
    body.remove_prefix(8 + length);
    const auto size = little_endian(body, 0, 4);
    const auto bytes = behind(body, 4);
    return Package{label->empty() ? *source : *label, bytes.substr(0, size),
                   body.size() < 4 || size > bytes.size()};
}

std::optional<Package> read_package(std::string_view stream) {
    return read_package_body(behind(stream, 4));
}

SheetFacts read_workbook(std::string_view stream) {
    SheetFacts out;
    while (stream.size() >= 4) {
        const auto kind = little_endian(stream, 0, 2);
        const auto record = behind(stream, 4).substr(0, little_endian(stream, 2, 2));
        if (kind == kFilePass) out.is_encrypted = true;
        if (kind == kBoundSheet && (little_endian(record, 5, 1) & 0x0FU) == 1) out.has_macro_sheet = true;
        if (kind == kSupBook && is_dde_link(record)) out.has_dde = true;
        stream = behind(stream, 4 + record.size());
    }
    return out;
}

SlideFacts read_presentation(std::string_view stream) {
    SlideFacts out;
    while (stream.size() >= 8) {
        const auto head = little_endian(stream, 0, 2);
        const auto kind = little_endian(stream, 2, 2);
        const auto data = behind(stream, 8).substr(0, little_endian(stream, 4, 4));
        if (kind == kCryptSession) out.is_encrypted = true;
        const bool is_container = (head & 0xFU) == 0xFU;
        if (kind == kStorage) {
            const bool is_deflated = head >> 4 == 1;
            out.objects.push_back(
                {is_deflated ? behind(data, 4) : data, is_deflated, little_endian(data, 0, 4)});
        } else if (!is_container && data.starts_with("PK\x03\x04")) {
            out.objects.push_back({data, false, data.size()});
        }
        stream = behind(stream, is_container ? 8 : 8 + data.size());
    }
    return out;
}

bool is_encrypted_word(std::string_view stream) {
    return (little_endian(stream, 10, 2) & 0x0100U) != 0;
}

bool has_dde_field(std::string_view stream) {
    constexpr char kFieldBegin = '\x13';
    for (auto at = stream.find(kFieldBegin); at != std::string_view::npos;
         at = stream.find(kFieldBegin, at + 1)) {
        std::string text;
        for (const char c : stream.substr(at + 1, 32)) {
            if (c != '\0') text.push_back(c);
        }
        if (base::istarts_with(base::trim(text), "DDE")) return true;
    }
    return false;
}

}  // namespace gatehouse::inspect::open
