// gzip (RFC 1952): members one after the other are one file, as programs show it; what follows the last one
// is nobody's.
#include "inspect/format/inflate.h"
#include "inspect/open/openers.h"

namespace gatehouse::inspect::open {

namespace {

using format::InflateEnd;
using message::GapReason;

constexpr std::size_t kFixed = 10;
constexpr unsigned char kHasExtra = 1U << 2;
constexpr unsigned char kHasName = 1U << 3;

/// The file's own name in the first header, if it has one.
std::string_view stored_name(std::string_view bytes) {
    if (bytes.size() < kFixed + 2) return {};
    const auto flags = static_cast<unsigned char>(bytes[3]);
    if ((flags & kHasName) == 0) return {};
    auto rest = bytes.substr(kFixed);
    if ((flags & kHasExtra) != 0) {
        const std::size_t size =
            2 + static_cast<unsigned char>(rest[0]) + 256U * static_cast<unsigned char>(rest[1]);
        if (size > rest.size()) return {};
        rest.remove_prefix(size);
    }
    return rest.substr(0, rest.find('\0'));
}

}  // namespace

void open_gzip(const Item& item, Visitor& visitor) {
    std::string content;
    auto rest = item.bytes;
    auto end = InflateEnd::complete;
    while (rest.starts_with("\x1f\x8b") && end == InflateEnd::complete) {
        auto part = format::inflate(rest, format::Wrapper::gzip, visitor.room() - content.size());
        end = part.end;
        rest.remove_prefix(part.consumed);
        if (content.empty()) {
            content = std::move(part.bytes);
        } else {
            content += part.bytes;
        }
    }
    if (end == InflateEnd::limit) visitor.on_gap("", GapReason::too_large, "only the beginning was unpacked");
    if (end == InflateEnd::truncated || end == InflateEnd::broken)
        visitor.on_gap("", GapReason::corrupt, "this file is damaged; what could be unpacked was inspected");
    visitor.on_member({stored_name(item.bytes), content, false});
}

}  // namespace gatehouse::inspect::open
