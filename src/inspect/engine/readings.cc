#include "inspect/engine/readings.h"

#include <algorithm>
#include <optional>
#include <span>

#include "base/text.h"
#include "inspect/engine/part_facts.h"
#include "inspect/mime/decode.h"
#include "inspect/mime/line.h"
#include "inspect/mime/parser.h"

namespace gatehouse::inspect::engine {

namespace {

using mime::AnomalyKind;

constexpr std::size_t kMaxParts = 100;  // of a reading that is a multipart

/// What a reader of base64 takes for data of its own.
enum class Unit : std::uint8_t { body, line, word };

/// What it does with characters that do not belong there.
enum class Junk : std::uint8_t { is_skipped, ends_data, spoils_line, is_url_alphabet };

struct Base64Reader {
    std::string_view name;
    Unit unit;
    Junk junk;
};

// inspect/mime reads Unit::body and Junk::is_skipped. Where there is no junk, those with a unit are enough.
constexpr auto kUnitReaders = std::to_array<Base64Reader>({
    {"by lines", Unit::line, Junk::is_skipped},
    {"by words", Unit::word, Junk::is_skipped},
});
constexpr auto kJunkReaders = std::to_array<Base64Reader>({
    {"up to the junk", Unit::body, Junk::ends_data},
    {"without lines of junk", Unit::body, Junk::spoils_line},
    {"url-safe", Unit::body, Junk::is_url_alphabet},
    {"by lines up to the junk", Unit::line, Junk::ends_data},
    {"by lines without lines of junk", Unit::line, Junk::spoils_line},
    {"by lines url-safe", Unit::line, Junk::is_url_alphabet},
    {"by words up to the junk", Unit::word, Junk::ends_data},
    {"by words without lines of junk", Unit::word, Junk::spoils_line},
    {"by words url-safe", Unit::word, Junk::is_url_alphabet},
});

class Base64Reading {
  public:
    Base64Reading(const Base64Reader& reader, std::size_t room) : reader_(reader), room_(room) {}

    mime::DecodedBody read(std::string_view body) {
        mime::LineScanner lines(body);
        mime::Line line;
        while (!ended_ && out_.complete && lines.next(line)) read_line(without_junk(lines.text(line)));
        if (reader_.unit == Unit::body) decode(body_);
        // Groups are split and junk is junk in all of these readings: that is what they are made for.
        mime::AnomalySet known;
        known.insert(AnomalyKind::base64_junk);
        known.insert(AnomalyKind::base64_split_group);
        out_.anomalies.erase(known);
        return {std::move(out_.bytes), out_.complete, out_.anomalies};
    }

  private:
    std::string without_junk(std::string_view line) {
        std::string out(line);
        const std::size_t junk = mime::find_base64_junk(line);
        if (junk == std::string_view::npos) return out;
        if (reader_.junk == Junk::ends_data) {
            out.resize(junk);
            ended_ = reader_.unit == Unit::body;
        } else if (reader_.junk == Junk::spoils_line) {
            out.clear();
        } else if (reader_.junk == Junk::is_url_alphabet) {
            std::ranges::replace(out, '-', '+');
            std::ranges::replace(out, '_', '/');
        }
        return out;
    }

    void read_line(std::string_view line) {
        if (reader_.unit == Unit::body) {
            body_.append(line).append("\n");
        } else if (reader_.unit == Unit::line) {
            decode(line);
        } else {
            while (!line.empty()) {
                const auto end = std::min(line.find_first_of(" \t"), line.size());
                decode(line.substr(0, end));
                line.remove_prefix(std::min(end + 1, line.size()));
            }
        }
    }

    void decode(std::string_view data) {
        const auto decoded = mime::decode_base64(data, room_ - out_.bytes.size());
        out_.bytes += decoded.bytes;
        out_.complete = out_.complete && decoded.complete;
        out_.anomalies.merge(decoded.anomalies);
    }

    const Base64Reader& reader_;
    std::size_t room_;
    mime::Decoded out_;
    std::string body_;
    bool ended_ = false;
};

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

/// `body` as a message of its own, a multipart of the same kind as `part`.
std::string as_multipart(const mime::Part& part, std::string_view boundary, std::string_view body) {
    // What is in a digest has another default type (RFC 2046 5.1.5).
    const std::string_view subtype = part.type.is("multipart", "digest") ? "digest" : "mixed";
    std::string out = "Content-Type: multipart/";
    out.append(subtype).append("; boundary=\"");
    for (const char c : boundary) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out.append("\"\r\n\r\n").append(body);
}

bool is_whole(const Reading& reading) {
    return reading.complete && mime::doubts(reading.anomalies, !reading.is_file).is_empty();
}

Reading make_reading(std::string name, const mime::Part& part, const mime::DecodedBody& body) {
    auto row = describe_part(part, "");
    return {.name = std::move(name),
            .claimed_type = std::move(row.claimed_type),
            .file_name = std::move(row.name),
            .bytes = std::string(body.bytes()),
            .is_file = !is_reading_text(part, body.bytes()),
            .complete = body.complete(),
            .anomalies = body.anomalies()};
}

bool is_mime_field(const mime::HeaderField& field) {
    return base::istarts_with(field.name, "content-");
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

class ReadingMaker {
  public:
    ReadingMaker(const mime::Structure& structure, std::size_t part, std::size_t room)
        : structure_(structure), index_(part), part_(structure.parts[part]), room_(room) {}

    Readings run() {
        if (part_.role == mime::Role::multipart) {
            if (has(AnomalyKind::undeclared_parts)) read_as_declared();
            if (has(AnomalyKind::undeclared_parts) && part_.early_body != 0) read_early_body();
            if (has(AnomalyKind::encoding_on_multipart)) decode_before_cutting();
        } else {
            read_base64_otherwise();
            if (part_.early_body != 0) read_early_body();
            if (has(AnomalyKind::multipart_without_parts)) cut_at_shown_delimiter();
            if (has(AnomalyKind::near_delimiter) && is_blank_after_near_delimiter(structure_, index_))
                out_.settled.insert(AnomalyKind::near_delimiter);
        }
        return std::move(out_);
    }

  private:
    bool has(AnomalyKind kind) const { return part_.anomalies.contains(kind); }

    void read_base64_otherwise() {
        const bool junk = has(AnomalyKind::base64_junk);
        if (!junk && !has(AnomalyKind::base64_split_group)) return;
        if (!read_with_each(kUnitReaders)) return;
        out_.settled.insert(AnomalyKind::base64_split_group);
        // A file with junk in it was made to be misread. Text may have got a mailing list's footer, which
        // every reader shows as some garbage or not at all.
        if (!junk || !part_.reading_text || !read_with_each(kJunkReaders)) return;
        if (std::ranges::none_of(out_.found, &Reading::is_file))
            out_.settled.insert(AnomalyKind::base64_junk);
    }

    /// Whether all of them are whole.
    bool read_with_each(std::span<const Base64Reader> readers) {
        bool whole = true;
        for (const auto& reader : readers) {
            const auto body = Base64Reading(reader, room_).read(structure_.body(part_));
            const bool shown =
                std::ranges::find(out_.found, body.bytes(), &Reading::bytes) != out_.found.end();
            Reading reading = make_reading(std::string(reader.name), part_, body);
            whole = is_whole(reading) && whole;
            if (shown) {
                out_.decoded += reading.bytes.size();
            } else {
                add(std::move(reading));
            }
        }
        return whole;
    }

    void read_early_body() {
        auto early = part_;
        early.role = mime::Role::leaf;
        early.body.begin = part_.early_body;
        const bool whole =
            add(make_reading("after the line of blanks", early, mime::decode_body(structure_, early, room_)));
        // A Content- field there, or the rest of one, is none to that reader: its part is of another type.
        const char* const begin = structure_.source(part_).data() + part_.early_body;
        const auto fields = std::span(structure_.fields).subspan(part_.first_field, part_.field_count);
        const bool same_type = std::ranges::none_of(fields, [&](const mime::HeaderField& field) {
            return is_mime_field(field) && field.value.data() + field.value.size() > begin;
        });
        if (whole && same_type) out_.settled.insert(AnomalyKind::fields_after_blank_fold);
    }

    void read_as_declared() {
        auto leaf = part_;
        leaf.role = mime::Role::leaf;
        const bool whole = add(make_reading("as declared", leaf, mime::decode_body(structure_, leaf, room_)));
        if (whole) out_.settled.insert(AnomalyKind::undeclared_parts);
    }

    void cut_at_shown_delimiter() {
        const auto body = structure_.body(part_);
        const auto boundary = only_delimiter(body);
        if (!boundary || body.size() > room_) return;
        if (cut(as_multipart(part_, *boundary, body), ""))
            out_.settled.insert(AnomalyKind::multipart_without_parts);
    }

    /// Some readers decode a labelled multipart first: that may make delimiters and change part headers.
    void decode_before_cutting() {
        const auto* boundary = mime::find_parameter(part_.type.parameters, "boundary");
        if (part_.encoding != mime::TransferEncoding::quoted_printable || boundary == nullptr) return;
        const auto body = structure_.body(part_);
        const auto decoded = mime::decode_quoted_printable(body, room_);
        take(decoded.bytes.size());
        if (!decoded.complete) return;
        const bool same = decoded.bytes == body;
        if (!same && !cut(as_multipart(part_, boundary->value, decoded.bytes), "decoded ")) return;
        if (!mime::doubts(decoded.anomalies, false).is_empty() && !mend_before_cutting(boundary->value))
            return;
        out_.settled.insert(AnomalyKind::encoding_on_multipart);
    }

    /// An escape that readers differ about may stand for a delimiter to some.
    bool mend_before_cutting(const std::string& boundary) {
        const auto decoded = mime::decode_quoted_printable(mime::mend_escapes(structure_.body(part_)), room_);
        take(decoded.bytes.size());
        return decoded.complete && mime::doubts(decoded.anomalies, false).is_empty() &&
               cut(as_multipart(part_, boundary, decoded.bytes), "mended ");
    }

    /// Adds the parts of a made message. False: something in it is open to doubt or was not reached.
    bool cut(const std::string& made, std::string_view prefix) {
        mime::ParseLimits limits;
        limits.max_parts = kMaxParts;
        limits.max_decoded = room_;
        const auto structure = mime::parse(made, limits);
        if (structure.parts.size() < 2 || structure.kinds.has(mime::Weight::ambiguous) ||
            structure.kinds.has(mime::Weight::limit)) {
            return false;
        }
        for (const auto& decoded : structure.decoded) take(decoded->size());
        bool whole = true;
        for (std::uint32_t i = 1; i < structure.parts.size(); ++i) {
            const auto& part = structure.parts[i];
            if (!part.is_leaf()) continue;
            const auto row = describe_part(part, "");
            auto name = std::string(prefix) + structure.section(i) + ":" +
                        (row.name.empty() ? row.claimed_type : row.name);
            const auto body = mime::decode_body(structure, part, room_);
            whole = add(make_reading(std::move(name), part, body)) && part.early_body == 0 && whole;
        }
        return whole;
    }

    void take(std::size_t bytes) {
        room_ -= bytes;
        out_.decoded += bytes;
    }

    /// Whether the reading is whole.
    bool add(Reading reading) {
        take(reading.bytes.size());
        out_.found.push_back(std::move(reading));
        return is_whole(out_.found.back());
    }

    const mime::Structure& structure_;
    std::size_t index_;
    const mime::Part& part_;
    std::size_t room_;  ///< for what is held at once
    Readings out_;
};

}  // namespace

Readings other_readings(const mime::Structure& structure, std::size_t part, std::size_t room) {
    return ReadingMaker(structure, part, room).run();
}

}  // namespace gatehouse::inspect::engine
