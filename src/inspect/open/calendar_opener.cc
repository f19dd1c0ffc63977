// Calendars: files attached in the text (RFC 5545 3.8.1.1).
#include <fmt/format.h>

#include <string>

#include "base/text.h"
#include "inspect/mime/decode.h"
#include "inspect/open/embedded_text.h"
#include "inspect/open/openers.h"

namespace gatehouse::inspect::open {

namespace {

using message::GapReason;

/// Lines that go on in the next one are made whole (RFC 5545 3.1).
std::string unfolded(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto rest = text.substr(i);
        const std::size_t end = rest.starts_with("\r\n") ? 2 : rest.starts_with('\n') ? 1 : 0;
        if (end != 0 && rest.size() > end && base::is_blank(rest[end])) {
            i += end;
        } else {
            out.push_back(text[i]);
        }
    }
    return out;
}

/// Where the value begins: behind the first colon that is not quoted.
std::size_t find_value(std::string_view line) {
    bool is_quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '"') is_quoted = !is_quoted;
        if (line[i] == ':' && !is_quoted) return i + 1;
    }
    return std::string_view::npos;
}

/// FILENAME=, X-FILENAME= or FMTTYPE= of an ATTACH.
std::string attachment_name(std::string_view parameters, std::size_t number) {
    for (const auto parameter : base::split(parameters, ';')) {
        const auto equals = parameter.find('=');
        if (equals == std::string_view::npos || !base::iends_with(parameter.substr(0, equals), "FILENAME"))
            continue;
        auto name = parameter.substr(equals + 1);
        if (name.size() > 1 && name.starts_with('"') && name.ends_with('"'))
            name = name.substr(1, name.size() - 2);
        if (!name.empty()) return std::string(name);
    }
    return fmt::format("attachment-{}", number);
}

/// Lines are folded at any place, so that links are whole only here. RFC 5545 3.3.11: "\n", "\," and "\;".
void note_links(std::string_view value, Visitor& visitor) {
    for (auto at = value.find("://"); at != std::string_view::npos; at = value.find("://", at + 3)) {
        auto begin = at;
        while (begin > 0 && base::is_alpha(value[begin - 1])) --begin;
        auto end = at;
        while (end < value.size() && static_cast<unsigned char>(value[end]) > 0x20 && value[end] != '<' &&
               value[end] != '"' && !value.substr(end).starts_with("\\n") &&
               !value.substr(end).starts_with("\\N"))
            ++end;
        std::string url(value.substr(begin, end - begin));
        std::erase(url, '\\');
        visitor.on_link(url, "");
        at = end > at ? end - 1 : at;
    }
}

}  // namespace

void open_calendar(const Item& item, Visitor& visitor) {
    const auto text = unfolded(item.bytes);
    std::size_t count = 0;
    for (const auto line : base::split(text, '\n')) {
        const auto value = find_value(line);
        if (value == std::string_view::npos) continue;
        note_links(line.substr(value), visitor);
        if (!base::istarts_with(line, "ATTACH")) continue;
        const auto parameters = line.substr(0, value - 1);
        if (base::lower(parameters).find("base64") == std::string::npos) continue;
        if (++count > visitor.max_members())
            return visitor.on_gap("", GapReason::too_many, "there are more attachments than the limit");
        const auto name = attachment_name(parameters, count);
        const auto decoded = mime::decode_base64(line.substr(value), visitor.room());
        if (!decoded.complete) visitor.on_gap(name, GapReason::too_large, "only the beginning was decoded");
        visitor.on_evidence(kEmbeddedFile, name, std::string(kEmbeddedFile.help));
        if (!visitor.on_member({name, decoded.bytes, true})) return;
    }
    show_data_uris(text, visitor);
}

}  // namespace gatehouse::inspect::open
