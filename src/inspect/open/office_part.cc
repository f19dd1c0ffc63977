#include "inspect/open/office_part.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/text.h"
#include "inspect/format/html.h"

namespace gatehouse::inspect::open {

namespace {

// Relationships whose targets are fetched when the document is opened; by the last part of their type.
constexpr auto kFetched = std::to_array<std::string_view>(
    {"attachedTemplate", "frame", "oleObject", "package", "subDocument", "externalLinkPath", "afChunk"});

constexpr std::size_t kMaxTag = 8192;

/// The value of an attribute within one tag; XML's quotes.
std::string_view attribute(std::string_view tag, std::string_view name) {
    for (auto at = tag.find(name); at != std::string_view::npos; at = tag.find(name, at + 1)) {
        if (at == 0 || !base::is_space(tag[at - 1])) continue;
        auto rest = base::trim(tag.substr(at + name.size()));
        if (!rest.starts_with('=')) continue;
        rest = base::trim(rest.substr(1));
        if (rest.empty() || (rest[0] != '"' && rest[0] != '\'')) continue;
        const auto end = rest.find(rest[0], 1);
        if (end != std::string_view::npos) return rest.substr(1, end - 1);
    }
    return {};
}

std::string text_of_attribute(std::string_view value) {
    std::string out;
    format::append_html_text(out, value, true);
    return out;
}

/// Not a file of the reader's own machine, where Word notes the path of every template.
bool is_elsewhere(std::string_view target) {
    const auto text = base::lower(target);
    if (text.starts_with("file:///"))
        return text.starts_with("file:///\\\\") || text.starts_with("file://///");
    const bool has_drive = text.size() > 1 && base::is_alpha(text[0]) && text[1] == ':';
    if (has_drive) return false;
    return text.find(':') != std::string::npos || text.starts_with("\\\\") || text.starts_with("//");
}

void note_relationships(std::string_view name, std::string_view xml, Visitor& visitor) {
    constexpr std::string_view kTag = "Relationship";
    for (auto at = xml.find(kTag); at != std::string_view::npos; at = xml.find(kTag, at + kTag.size())) {
        const auto window = xml.substr(at, kMaxTag);
        const auto tag = window.substr(0, window.find('>'));
        if (!base::iequals(attribute(tag, "TargetMode"), "External")) continue;
        const auto type = attribute(tag, "Type");
        const auto kind = type.substr(std::min(type.size(), type.rfind('/') + 1));
        const auto target = attribute(tag, "Target");
        const bool is_fetched = std::ranges::any_of(
            kFetched, [&](std::string_view fetched) { return base::iequals(kind, fetched); });
        visitor.on_link(text_of_attribute(target), name);
        if (is_fetched && is_elsewhere(target))
            visitor.on_evidence(kRemoteTemplate, name,
                                fmt::format("{}: {}", kind, base::printable(target, 200)));
    }
}

/// The instructions of all fields, which Word may split at any place.
std::string field_instructions(std::string_view xml) {
    std::string out;
    std::size_t from = 0;
    for (auto at = xml.find("instr"); at != std::string_view::npos; at = xml.find("instr", from)) {
        from = at + 5;
        const auto rest = xml.substr(from);
        const bool is_attribute = rest.starts_with("=\"") || rest.starts_with("='");
        if (!is_attribute && !rest.starts_with("Text")) continue;
        const auto begin = is_attribute ? 2 : std::min(rest.find('>'), rest.size() - 1) + 1;
        const auto end = std::min(rest.find(is_attribute ? rest[1] : '<', begin), rest.size());
        out += rest.substr(begin, end - begin);
        if (is_attribute) out += ' ';
        from += end;
    }
    return out;
}

bool has_dde_word(std::string_view text) {
    for (auto at = text.find("DDE"); at != std::string_view::npos; at = text.find("DDE", at + 3)) {
        const bool begins = at == 0 || !base::is_alnum(text[at - 1]);
        const auto rest = text.substr(at + 3);
        if (begins && (rest.starts_with("AUTO") || rest.starts_with(' '))) return true;
    }
    return false;
}

bool has_dde(std::string_view xml) {
    for (const std::string_view tag : {"<ddeLink", ":ddeLink", "text:dde-connection", "table:dde-link"}) {
        if (xml.find(tag) != std::string_view::npos) return true;
    }
    auto fields = field_instructions(xml);
    std::ranges::transform(fields, fields.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    return has_dde_word(fields);
}

void note_macros(std::string_view name, Visitor& visitor) {
    const auto path = base::lower(name);
    if (path.ends_with("vbaproject.bin"))
        visitor.on_evidence(kMacro, name, "a part for Visual Basic");
    else if (path.find("xl/macrosheets/") != std::string::npos)
        visitor.on_evidence(kMacro, name, "a sheet of Excel 4.0 macros");
    else if (path.starts_with("basic/") || path.starts_with("scripts/"))
        visitor.on_evidence(kMacro, name, "a macro of an OpenDocument file");
    else if (path.find("/embeddings/") != std::string::npos || path.find("/activex/") != std::string::npos)
        visitor.on_evidence(kEmbeddedFile, name, std::string(kEmbeddedFile.help));
}

}  // namespace

void note_office_part(std::string_view name, std::string_view bytes, Visitor& visitor) {
    note_macros(name, visitor);
    if (base::iends_with(name, ".rels")) return note_relationships(name, bytes, visitor);
    if (base::iends_with(name, ".xml") && has_dde(bytes))
        visitor.on_evidence(kDde, name, std::string(kDde.help));
}

}  // namespace gatehouse::inspect::open
