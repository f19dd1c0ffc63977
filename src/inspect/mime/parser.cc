#include "inspect/mime/parser.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "base/text.h"
#include "inspect/mime/classify.h"
#include "inspect/mime/decode.h"
#include "inspect/mime/header_reader.h"

namespace gatehouse::inspect::mime {

namespace {

/// Why a body ended.
struct Stop {
    std::optional<Delimiter> delimiter;  ///< nothing: the source ended
    std::size_t content_end = 0;         ///< before the line end that belongs to the delimiter
    Line line;                           ///< of the delimiter
};

bool is_message_type(const ContentType& type) {
    return type.type == "message" &&
           (type.subtype == "rfc822" || type.subtype == "global" || type.subtype == "news");
}

bool is_identity(TransferEncoding encoding) {
    return encoding != TransferEncoding::base64 && encoding != TransferEncoding::quoted_printable &&
           encoding != TransferEncoding::uuencode;
}

/// Parses one source: the message itself, or the bytes of one encoded message part.
class SourceParser {
  public:
    SourceParser(Structure& out, const ParseLimits& limits, std::string_view bytes, std::uint32_t source,
                 std::vector<std::uint32_t>& encoded)
        : context_(out, limits, bytes), out_(out), limits_(limits), source_(source), encoded_(encoded) {}

    void run(std::uint32_t root) {
        root_ = root;
        current_ = root;
        Stop stop = read_entity();
        while (stop.delimiter) {
            const std::uint32_t level = stop.delimiter->level;
            const std::uint32_t multipart = context_.open.part(level);
            end_parts_below(multipart, stop.content_end);
            begin_after_delimiter(multipart, stop);
            context_.open.enter(level, stop.delimiter->close);
            if (stop.delimiter->close) {
                stop = read_body();
                continue;
            }
            const bool nothing_follows = stop.line.next == context_.lines.bytes().size();
            if (nothing_follows || !add_part(multipart, stop.line.next)) break;
            stop = read_entity();
        }
        finish();
    }

    /// A new part; its place among its siblings is set, nothing else.
    static std::uint32_t append(Structure& out, std::uint32_t parent, std::uint32_t source) {
        const auto index = static_cast<std::uint32_t>(out.parts.size());
        Part part;
        part.source = source;
        part.parent = parent;
        if (parent != Part::kNone) {
            Part& above = out.parts[parent];
            part.depth = above.depth + 1;
            if (above.last_child == Part::kNone) {
                above.first_child = index;
            } else {
                out.parts[above.last_child].next_sibling = index;
                part.ordinal = out.parts[above.last_child].ordinal + 1;
            }
            above.last_child = index;
        }
        out.parts.push_back(std::move(part));
        return index;
    }

  private:
    Part& current() { return out_.parts[current_]; }

    /// The header of the current part and, when that is a message, of the message in it, and so on; then its
    /// body.
    Stop read_entity() {
        while (true) {
            current().raw.begin = context_.lines.position();
            const HeaderBlock header = read_header(context_, current_);
            read_content_fields(context_, current_, header.mime);
            note_early_body();
            if (header.cut) {
                note_cut(header.cut_line);
                return {header.cut, header.cut_line.begin, header.cut_line};
            }
            choose_role();
            const bool descend = current().role == Role::message && is_identity(current().encoding);
            if (!descend) return read_body();
            if (!add_part(current_, context_.lines.position())) return {};
        }
    }

    /// RFC 2046 5.1.1 allows a part without a body. But a reader that knows delimiters only in bodies goes on
    /// reading the header, and what it finds there is another part than ours.
    void note_cut(const Line& delimiter) {
        const Part& part = current();
        const bool plain =
            !part.type.is("multipart") && !is_message_type(part.type) && is_identity(part.encoding);
        LineScanner ahead = context_.lines;
        Line next;
        const bool next_has_header = ahead.next(next) && is_field_line(ahead.text(next));
        const bool harmless = plain || (is_message_root(out_, part) && next_has_header);
        context_.note(harmless ? AnomalyKind::header_only_part : AnomalyKind::delimiter_in_header, current_,
                      delimiter.begin);
    }

    /// Where another reader's body begins within our header, what it decodes or takes for a message's header
    /// is something else than what we do. As it stands, the body just has some lines more, and the engine
    /// shows them.
    void note_early_body() {
        const Part& part = current();
        if (part.early_body == 0 || (is_identity(part.encoding) && !is_message_type(part.type))) return;
        context_.note(AnomalyKind::fields_after_blank_fold, current_, part.early_body);
    }

    void choose_role() {
        Part& part = current();
        const bool multipart = part.type.is("multipart");
        if (!multipart && !is_message_type(part.type)) {
            open_multipart(find_undeclared_boundary(context_, current_));
            return;
        }
        if (part.depth >= limits_.max_depth) {
            part.limit_reached = true;
            context_.note(AnomalyKind::too_deep, current_, part.raw.begin);
            return;
        }
        if (multipart) {
            if (!is_identity(part.encoding))
                context_.note(AnomalyKind::encoding_on_multipart, current_, part.raw.begin);
            open_multipart(find_boundary(context_, current_));
            return;
        }
        part.role = Role::message;
        if (is_identity(part.encoding)) return;
        context_.note(AnomalyKind::encoded_message, current_, part.raw.begin);
        encoded_.push_back(current_);
    }

    void open_multipart(std::string boundary) {
        if (boundary.empty()) return;
        current().role = Role::multipart;
        if (!context_.open.push(std::move(boundary), current_)) {
            context_.note(AnomalyKind::boundary_reused, current_, current().raw.begin);
        }
    }

    /// Lines up to a delimiter of an open multipart. The loop that most bytes of a message go through.
    Stop read_body() {
        const std::size_t begin = context_.lines.position();
        const std::string_view bytes = context_.lines.bytes();
        Line line;
        std::size_t content_end = begin;
        Line before;
        while (context_.lines.next(line)) {
            ++out_.steps;
            const bool dashes =
                line.end - line.begin >= 2 && bytes[line.begin] == '-' && bytes[line.begin + 1] == '-';
            if (dashes) {
                if (auto delimiter = context_.match(line, current_)) {
                    if (before.next != 0) context_.check_line_end(before, current_);
                    return {delimiter, content_end, line};
                }
            }
            content_end = line.end;
            before = line;
        }
        return {std::nullopt, bytes.size(), {}};
    }

    /// False when the limit of parts is reached: then the new part is a leaf that holds the rest of the
    /// source.
    bool add_part(std::uint32_t parent, std::size_t begin) {
        current_ = append(out_, parent, source_);
        if (out_.parts.size() < limits_.max_parts) return true;
        Part& part = current();
        part.raw.begin = begin;
        part.header = {begin, begin};
        part.body = {begin, begin};
        part.limit_reached = true;
        context_.note(AnomalyKind::too_many_parts, current_, begin);
        return false;
    }

    /// Ends the current part and those around it, up to and without `multipart`.
    void end_parts_below(std::uint32_t multipart, std::size_t end) {
        while (current_ != multipart) {
            end_part(end);
            current_ = current().parent;
        }
    }

    /// The multipart's own text ends at its first delimiter line, and begins again after its last.
    void begin_after_delimiter(std::uint32_t multipart, const Stop& stop) {
        Part& part = out_.parts[multipart];
        if (part.first_child == Part::kNone && !part.closed)
            part.preamble = {part.body.begin, stop.content_end};
        if (stop.delimiter->close) {
            part.closed = true;
            part.epilogue = {stop.line.next, stop.line.next};
        }
    }

    void end_part(std::size_t end) {
        Part& part = current();
        end = std::max(end, part.header.end);
        part.raw.end = end;
        part.body = {part.header.end, end};
        if (part.role == Role::multipart) {
            end_multipart(part, end);
        } else if (part.role == Role::leaf) {
            check_leaf(part);
        }
    }

    void end_multipart(Part& part, std::size_t end) {
        if (part.closed) part.epilogue = {part.epilogue.begin, std::max(end, part.epilogue.begin)};
        if (!part.closed) context_.note(AnomalyKind::close_delimiter_missing, current_, end);
        if (part.first_child != Part::kNone) return;
        context_.note(AnomalyKind::multipart_without_parts, current_, part.raw.begin);
        part.role = Role::leaf;
        check_leaf(part);
    }

    void check_leaf(const Part& part) {
        const std::string_view body = context_.lines.bytes().substr(part.body.begin, part.body.size());
        if (part.encoding == TransferEncoding::binary) return;
        if (const void* nul = body.empty() ? nullptr : std::memchr(body.data(), 0, body.size())) {
            const auto at = static_cast<std::size_t>(static_cast<const char*>(nul) - body.data());
            context_.note(AnomalyKind::nul_in_body, current_, part.body.begin + at);
        }
        if (part.encoding == TransferEncoding::seven_bit && !base::is_ascii(body)) {
            context_.note(AnomalyKind::eight_bit_body, current_, part.body.begin);
        }
    }

    void finish() {
        const std::size_t end = context_.lines.bytes().size();
        while (current_ != root_) {
            end_part(end);
            current_ = current().parent;
        }
        end_part(end);
        const auto note_line = [&](AnomalyKind kind, std::size_t place) {
            if (place != LineScanner::kNowhere) context_.note(kind, root_, place);
        };
        note_line(AnomalyKind::bare_lf, context_.lines.first_bare_lf());
        note_line(AnomalyKind::bare_cr, context_.lines.first_bare_cr());
        note_line(AnomalyKind::long_line, context_.lines.first_long_line());
        out_.steps += context_.open.steps();
    }

    Context context_;
    Structure& out_;
    const ParseLimits& limits_;
    std::uint32_t source_;
    std::vector<std::uint32_t>&
        encoded_;  ///< message parts whose bytes have to be decoded before they can be parsed
    std::uint32_t root_ = 0;
    std::uint32_t current_ = 0;
};

Decoded decode_message(std::string_view body, TransferEncoding encoding, std::size_t max_output) {
    if (encoding == TransferEncoding::base64) return decode_base64(body, max_output);
    if (encoding == TransferEncoding::uuencode) return decode_uuencode(body, max_output);
    return decode_quoted_printable(body, max_output);
}

class MessageParser {
  public:
    MessageParser(std::string_view raw, const ParseLimits& limits) : limits_(limits) {
        out_.raw = raw;
        out_.parts.reserve(8);
        out_.fields.reserve(48);
    }

    Structure run() {
        parse_source(SourceParser::append(out_, Part::kNone, 0), out_.raw, 0);
        // Encoded messages may hold encoded messages; depth and max_decoded bound the work.
        for (std::size_t i = 0; i < encoded_.size(); ++i) parse_encoded(encoded_[i]);
        return std::move(out_);
    }

  private:
    void parse_source(std::uint32_t root, std::string_view bytes, std::uint32_t source) {
        SourceParser(out_, limits_, bytes, source, encoded_).run(root);
    }

    void parse_encoded(std::uint32_t index) {
        const Part& part = out_.parts[index];
        Context notes(out_, limits_, {});
        const bool full = out_.parts.size() >= limits_.max_parts;
        Decoded decoded =
            full ? Decoded{} : decode_message(out_.body(part), part.encoding, limits_.max_decoded - decoded_);
        notes.note(decoded.anomalies, index, part.body.begin);
        if (full || !decoded.complete) {
            out_.parts[index].limit_reached = true;
            if (full) notes.note(AnomalyKind::too_many_parts, index, part.body.begin);
        }
        if (full) return;
        decoded_ += decoded.bytes.size();
        out_.decoded.push_back(std::make_unique<const std::string>(std::move(decoded.bytes)));
        const auto source = static_cast<std::uint32_t>(out_.decoded.size());
        parse_source(SourceParser::append(out_, index, source), *out_.decoded.back(), source);
    }

    const ParseLimits& limits_;
    Structure out_;
    std::vector<std::uint32_t> encoded_;
    std::size_t decoded_ = 0;
};

}  // namespace

Structure parse(std::string_view raw, const ParseLimits& limits) {
    return MessageParser(raw, limits).run();
}

Structure parse_header(std::string_view raw, const ParseLimits& limits) {
    Structure out;
    out.raw = raw;
    const std::uint32_t root = SourceParser::append(out, Part::kNone, 0);
    Context context(out, limits, raw);
    read_header(context, root);
    return out;
}

}  // namespace gatehouse::inspect::mime
