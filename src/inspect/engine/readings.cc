#include "inspect/engine/readings.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "inspect/engine/part_facts.h"
#include "inspect/mime/decode.h"
#include "inspect/mime/line.h"
#include "inspect/mime/parser.h"

namespace gatehouse::inspect::engine {

namespace {

using mime::AnomalyKind;

constexpr std::size_t kMaxUndeclaredParts = 100;

std::string base64_by_lines(std::string_view body, std::size_t room) {
    std::string out;
    mime::LineScanner lines(body);
    mime::Line line;
    while (out.size() < room && lines.next(line)) {
        out += mime::decode_base64(lines.text(line), room - out.size()).bytes;
    }
    return out;
}

/// The boundary, when all lines of the body that begin with "--" agree on one.
std::optional<std::string> only_delimiter(std::string_view body) {
    std::optional<std::string_view> boundary;
    mime::LineScanner lines(body);
    mime::Line line;
    while (lines.next(line)) {
        auto text = base::trim(lines.text(line));
        if (!lines.text(line).starts_with("--")) continue;
        text.remove_prefix(2);
        if (!boundary) boundary = text;
        if (text.ends_with("--") && text != *boundary) text.remove_suffix(2);
        if (text != *boundary) return std::nullopt;
    }
    if (!boundary || boundary->empty() || boundary->size() > 200) return std::nullopt;
    return std::string(*boundary);
}

std::string as_multipart(const std::string& boundary, std::string_view body) {
    std::string out = "Content-Type: multipart/mixed; boundary=\"";
    for (const char c : boundary) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out.append("\"\r\n\r\n").append(body);
}

Reading read_part(const mime::Structure& structure, std::size_t index, std::size_t room) {
    const auto& part = structure.parts[index];
    const auto body = mime::decode_body(structure, part, room);
    const auto row = describe_part(part, "");
    return {structure.section(static_cast<std::uint32_t>(index)) + ":" +
                (row.name.empty() ? row.claimed_type : row.name),
            row.claimed_type, row.name, std::string(body.bytes()), !is_reading_text(part, body.bytes())};
}

void cut_at_shown_delimiter(std::string_view body, std::size_t room, Readings& out) {
    const auto boundary = only_delimiter(body);
    if (!boundary || body.size() > room) return;
    const std::string made = as_multipart(*boundary, body);
    mime::ParseLimits limits;
    limits.max_parts = kMaxUndeclaredParts;
    const auto structure = mime::parse(made, limits);
    if (structure.parts.size() < 2 || structure.kinds.has(mime::Weight::ambiguous) ||
        structure.kinds.has(mime::Weight::limit)) {
        return;
    }
    for (std::size_t i = 1; i < structure.parts.size(); ++i) {
        if (!structure.parts[i].is_leaf()) continue;
        auto reading = read_part(structure, i, room);
        room -= reading.bytes.size();
        out.found.push_back(std::move(reading));
    }
    out.settled.insert(AnomalyKind::multipart_without_parts);
}

/// Whether the part holds nothing behind the first line that begins like a delimiter.
bool is_blank_after_near_delimiter(const mime::Structure& structure, std::size_t part) {
    const auto found = std::ranges::find_if(structure.anomalies, [&](const mime::Anomaly& anomaly) {
        return anomaly.kind == AnomalyKind::near_delimiter && anomaly.part == part;
    });
    const auto& body = structure.parts[part].body;
    if (found == structure.anomalies.end() || found->offset < body.begin || found->offset > body.end)
        return false;
    const auto rest = structure.source(structure.parts[part]).substr(found->offset, body.end - found->offset);
    const auto line_end = rest.find_first_of("\r\n");
    return line_end == std::string_view::npos || base::trim(rest.substr(line_end)).empty();
}

std::size_t count_dashed_lines(std::string_view body) {
    std::size_t count = 0;
    mime::LineScanner lines(body);
    mime::Line line;
    while (lines.next(line)) count += lines.text(line).starts_with("--") ? 1 : 0;
    return count;
}

bool moves_delimiters(std::string_view body) {
    const auto decoded = mime::decode_quoted_printable(body, body.size());
    return count_dashed_lines(body) != count_dashed_lines(decoded.bytes);
}

}  // namespace

Readings other_readings(const mime::Structure& structure, std::size_t part, std::size_t room) {
    Readings out;
    const auto& leaf = structure.parts[part];
    if (leaf.anomalies.contains(AnomalyKind::base64_split_group)) {
        const auto row = describe_part(leaf, "");
        auto bytes = base64_by_lines(structure.body(leaf), room);
        room -= bytes.size();
        const bool is_file = !is_reading_text(leaf, bytes);
        out.found.push_back({"by lines", row.claimed_type, row.name, std::move(bytes), is_file});
        out.settled.insert(AnomalyKind::base64_split_group);
    }
    if (leaf.anomalies.contains(AnomalyKind::multipart_without_parts)) {
        cut_at_shown_delimiter(structure.body(leaf), room, out);
    }
    if (leaf.anomalies.contains(AnomalyKind::near_delimiter) &&
        is_blank_after_near_delimiter(structure, part)) {
        out.settled.insert(AnomalyKind::near_delimiter);
    }
    return out;
}

void settle_composite(mime::Structure& structure, std::size_t part) {
    auto& multipart = structure.parts[part];
    if (multipart.anomalies.contains(AnomalyKind::undeclared_parts)) {
        multipart.settled.insert(AnomalyKind::undeclared_parts);
    }
    if (multipart.anomalies.contains(AnomalyKind::encoding_on_multipart) &&
        multipart.encoding == mime::TransferEncoding::quoted_printable &&
        !moves_delimiters(structure.body(multipart))) {
        multipart.settled.insert(AnomalyKind::encoding_on_multipart);
    }
}

}  // namespace gatehouse::inspect::engine
