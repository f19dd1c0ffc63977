#include "inspect/engine/part_facts.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "message/charset.h"

namespace gatehouse::inspect::engine {

namespace {

constexpr std::size_t kMaxName = 255;
constexpr std::size_t kMaxType = 127;
constexpr std::size_t kSniffed = 4096;

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

std::string path_label(std::string_view name) {
    std::string label = tidy_name(name, kMaxName);
    std::ranges::replace(label, '/', '_');
    return label;
}

// UTF-16 and UTF-32 text is half NUL bytes.
bool is_wide_charset(std::string_view charset) {
    return base::istarts_with(charset, "utf-16") || base::istarts_with(charset, "utf-32") ||
           base::istarts_with(charset, "ucs") || base::iequals(charset, "unicode");
}

}  // namespace

std::string tidy_name(std::string_view name, std::size_t limit) {
    std::string text = message::guess_to_utf8(name.substr(0, 4 * limit), limit).text;
    std::ranges::replace_if(text, is_control, '_');
    return text;
}

std::vector<std::string> part_paths(const mime::Structure& structure) {
    std::vector<std::string> paths;
    paths.reserve(structure.parts.size());
    for (std::uint32_t i = 0; i < structure.parts.size(); ++i) {
        const auto& part = structure.parts[i];
        const std::string label = part.file_name.empty() ? part.type.to_string() : path_label(part.file_name);
        // A type's '/' is part of it and cannot be taken for a member, because members have a name before it.
        paths.push_back(structure.section(i) + ":" + tidy_name(label, kMaxName));
    }
    return paths;
}

std::string member_path(std::string_view parent, std::string_view name) {
    return std::string(parent) + "/" + path_label(name);
}

message::Part describe_part(const mime::Part& part, std::string path) {
    message::Part row;
    row.path = std::move(path);
    row.claimed_type = tidy_name(part.type.to_string(), kMaxType);
    row.name = tidy_name(part.file_name, kMaxName);
    row.attachment = part.disposition.type == "attachment" || !part.file_name.empty();
    return row;
}

const format::FileType& type_when_opened(const message::Part& part, const format::FileType& type) {
    struct Reading {
        std::string_view claimed;
        std::array<std::string_view, 5> extensions;
        std::string_view type;
    };
    static constexpr auto kReadings = std::to_array<Reading>({
        {"text/html", {".html", ".htm", ".shtml", ".xhtml", ".xht"}, "html"},
        {"application/xhtml", {".hta", ".xhtml", ".mht", ".mhtml", ".html"}, "html"},
        {"image/svg", {".svg", ".svg", ".svg", ".svg", ".svg"}, "svg"},
        {"text/calendar", {".ics", ".ical", ".vcs", ".ifb", ".icalendar"}, "ics"},
    });
    if (type.name != "text" && type.name != "data" && type.name != "xml") return type;
    for (const auto& reading : kReadings) {
        const bool is_named = std::ranges::any_of(reading.extensions, [&](std::string_view extension) {
            return base::iends_with(part.name, extension);
        });
        if (is_named || base::istarts_with(part.claimed_type, reading.claimed))
            return *format::find_file_type(reading.type);
    }
    return type;
}

bool is_reading_text(const mime::Part& part, std::string_view decoded) {
    if (!part.type.is("text") || !part.file_name.empty() || part.disposition.type == "attachment")
        return false;
    if (is_wide_charset(part.charset())) return true;
    return decoded.substr(0, kSniffed).find('\0') == std::string_view::npos;
}

}  // namespace gatehouse::inspect::engine
