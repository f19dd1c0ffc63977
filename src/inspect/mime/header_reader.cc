#include "inspect/mime/header_reader.h"

#include <algorithm>

#include "base/text.h"

namespace gatehouse::inspect::mime {

namespace {

constexpr int kLinesAhead = 8;

/// The field name at the front of a line.
struct FieldName {
    std::size_t length = 0;
    std::size_t colon = 0;
    std::uint32_t hash = kNameHashStart;
};

/// The lower-case letter of what may stand in a field name, 0 for what may not (RFC 5322 2.2: printable
/// ASCII).
constexpr auto kNameCharacters = [] {
    std::array<char, 256> table{};
    for (std::size_t c = 33; c < 127; ++c) table[c] = base::to_lower(static_cast<char>(c));
    table[':'] = 0;
    return table;
}();

/// Blanks before the colon are accepted (RFC 5322 4.5, obsolete).
std::optional<FieldName> field_name(std::string_view line) {
    FieldName name;
    std::size_t at = 0;
    for (; at < line.size(); ++at) {
        const char c = kNameCharacters[static_cast<unsigned char>(line[at])];
        if (c == 0) break;
        name.hash = name_hash_step(name.hash, c);
    }
    name.length = at;
    while (at < line.size() && base::is_blank(line[at])) ++at;
    if (name.length == 0 || at == line.size() || line[at] != ':') return std::nullopt;
    name.colon = at;
    return name;
}

bool is_mime_field_name(std::string_view name) {
    return base::istarts_with(name, "content-");
}

/// Controls other than blanks and line ends.
bool has_control(std::string_view value) {
    return std::ranges::any_of(value, [](char c) {
        return (static_cast<unsigned char>(c) < ' ' && !base::is_space(c)) || c == 0x7F;
    });
}

class HeaderReader {
  public:
    HeaderReader(Context& context, std::uint32_t part) : context_(context), part_(part) {
        begin_ = context.lines.position();
        first_field_ = context.out.fields.size();
    }

    HeaderBlock run() {
        Line line;
        bool ended = false;
        while (!ended && context_.lines.next(line)) {
            ++context_.out.steps;
            ended = read_line(line);
        }
        if (!ended) end_at(context_.lines.position());
        finish(ended, line);
        return block_;
    }

  private:
    /// True when the line ends the header.
    bool read_line(const Line& line) {
        if (line.is_empty()) {
            context_.check_line_end(line, part_);
            end_at(line.next);
            return true;
        }
        const std::string_view text = context_.lines.text(line);
        if (text.starts_with("--")) {
            if (auto delimiter = context_.match(line, part_)) {
                block_.cut = delimiter;
                block_.cut_line = line;
                end_at(line.begin);
                return true;
            }
        }
        if (base::is_blank(text.front())) {
            context_.check_line_end(line, part_);
            read_continuation(line, text);
            return false;
        }
        if (const auto name = field_name(text)) {
            context_.check_line_end(line, part_);
            add_field(line, text, *name);
            return false;
        }
        if (line.begin == begin_ && (text.starts_with("From ") || text.starts_with(">From "))) {
            context_.note(AnomalyKind::mbox_from_line, part_, line.begin);
            return false;
        }
        context_.lines.unread(line);
        end_at(line.begin);
        // A message that has no header at all is just text, unless some reader finds fields further down.
        const bool just_text =
            !field_seen_ && is_message_root(context_.out, context_.out.parts[part_]) && !fields_ahead();
        if (!just_text) context_.note(AnomalyKind::header_garbage, part_, line.begin);
        return true;
    }

    /// Whether one of the next lines is a field.
    bool fields_ahead() const {
        LineScanner ahead = context_.lines;
        Line line;
        for (int i = 0; i < kLinesAhead && ahead.next(line); ++i) {
            if (field_name(ahead.text(line))) return true;
        }
        return false;
    }

    void read_continuation(const Line& line, std::string_view text) {
        if (!field_seen_) context_.note(AnomalyKind::leading_continuation, part_, line.begin);
        text = base::trim(text);
        if (text.empty()) {
            context_.note(AnomalyKind::blank_fold, part_, line.begin);
            if (!blank_fold_) after_blank_fold_ = line.next;
            blank_fold_ = true;
            return;
        }
        note_after_blank_fold(line, field_kept_ && is_mime_field_name(context_.out.fields.back().name));
        // Signatures list field names with colons between them.
        const bool list = field_kept_ && base::iends_with(context_.out.fields.back().name, "signature");
        if (!list && is_mime_field_name(text) && field_name(text)) {
            context_.note(AnomalyKind::mime_field_in_fold, part_, line.begin);
        }
        if (!field_kept_) return;
        HeaderField& field = context_.out.fields.back();
        const char* begin = field.value.data();
        field.value = {begin, context_.lines.bytes().data() + line.end};
    }

    void add_field(const Line& line, std::string_view text, const FieldName& name) {
        field_seen_ = true;
        const HeaderField field{text.substr(0, name.length), text.substr(name.colon + 1), line.begin,
                                name.hash};
        const bool mime = is_mime_field_name(field.name);
        note_after_blank_fold(line, mime);
        if (name.colon != name.length) {
            context_.note(mime ? AnomalyKind::odd_mime_field : AnomalyKind::space_before_colon, part_,
                          line.begin);
        }
        field_kept_ = has_room(line, mime);
        if (!field_kept_) return;
        context_.out.fields.push_back(field);
        note_field(field);
    }

    /// Some readers take a line of blanks for the end of the header: what follows is content to them, and the
    /// structure they see is another one where it is a field that makes structure.
    void note_after_blank_fold(const Line& line, bool mime) {
        if (!blank_fold_) return;
        context_.out.parts[part_].early_body = after_blank_fold_;
        if (mime) context_.note(AnomalyKind::fields_after_blank_fold, part_, line.begin);
    }

    /// Beyond the limits only Content- fields are kept, so that a flood cannot hide them, and never more than
    /// all_fields.
    bool has_room(const Line& line, bool mime) {
        const std::size_t all = context_.out.fields.size();
        const bool many = all - first_field_ >= context_.limits.max_header_fields;
        const bool large = line.end - begin_ > context_.limits.max_header_bytes;
        const bool full = all >= context_.limits.max_all_fields;
        if (many || full) context_.note(AnomalyKind::too_many_fields, part_, line.begin);
        if (large) context_.note(AnomalyKind::header_too_large, part_, line.begin);
        const bool mime_room = mime && !full && all - first_field_ < 2 * context_.limits.max_header_fields;
        return (!many && !large && !full) || mime_room;
    }

    void note_field(const HeaderField& field) {
        switch (field.hash) {
            case name_hash("content-type"):
                return keep(field, "content-type", block_.mime.content_type);
            case name_hash("content-transfer-encoding"):
                return keep(field, "content-transfer-encoding", block_.mime.transfer_encoding);
            case name_hash("content-disposition"):
                return keep(field, "content-disposition", block_.mime.disposition);
            case name_hash("from"):
                return once(field, 0);
            case name_hash("sender"):
                return once(field, 1);
            case name_hash("reply-to"):
                return once(field, 2);
            case name_hash("to"):
                return once(field, 3);
            case name_hash("cc"):
                return once(field, 4);
            case name_hash("subject"):
                return once(field, 5);
            case name_hash("date"):
                return once(field, 6);
            case name_hash("message-id"):
                return once(field, 7);
            case name_hash("mime-version"):
                return once(field, 8);
            default:
                return;
        }
    }

    void keep(const HeaderField& field, std::string_view name, MimeFields::Found& found) {
        if (!base::iequals(field.name, name)) return;  // another name of the same hash
        if (found.count < MimeFields::kKept) {
            found.at[found.count] = static_cast<std::uint32_t>(context_.out.fields.size() - 1);
        }
        ++found.count;
    }

    /// RFC 5322 3.6: at most one of each.
    void once(const HeaderField& field, unsigned bit) {
        const unsigned mask = 1U << bit;
        if ((seen_once_ & mask) != 0) context_.note(AnomalyKind::duplicate_field, part_, field.offset);
        seen_once_ |= mask;
    }

    void end_at(std::size_t end) {
        Part& part = context_.out.parts[part_];
        part.header = {begin_, end};
        part.body = {end, end};
        part.first_field = static_cast<std::uint32_t>(first_field_);
        part.field_count = static_cast<std::uint32_t>(context_.out.fields.size() - first_field_);
    }

    void finish(bool ended, const Line& last) {
        const Range range = context_.out.parts[part_].header;
        const std::string_view bytes = context_.lines.bytes().substr(range.begin, range.size());
        if (bytes.find('\0') != std::string_view::npos) {
            context_.note(AnomalyKind::nul_in_header, part_, range.begin + bytes.find('\0'));
        }
        if (!base::is_ascii(bytes)) context_.note(AnomalyKind::eight_bit_header, part_, range.begin);
        if (!ended) context_.note(AnomalyKind::no_body, part_, range.end);
        const bool message_root = is_message_root(context_.out, context_.out.parts[part_]);
        if (!field_seen_ && message_root) context_.note(AnomalyKind::no_header, part_, range.begin);
        if (ended && !field_seen_ && last.is_empty()) check_after_empty_header(message_root);
        check_controls();
    }

    /// A blank line, and then what looks like the header: some readers skip the blank line.
    void check_after_empty_header(bool message_root) {
        Line line;
        LineScanner ahead = context_.lines;
        for (int i = 0; i < kLinesAhead && ahead.next(line); ++i) {
            if (line.is_empty()) continue;
            const std::string_view text = ahead.text(line);
            const bool field = field_name(text) && (message_root || is_mime_field_name(text));
            if (field) context_.note(AnomalyKind::fields_after_empty_header, part_, line.begin);
            return;
        }
    }

    void check_controls() {
        for (const auto* found :
             {&block_.mime.content_type, &block_.mime.transfer_encoding, &block_.mime.disposition}) {
            for (std::size_t i = 0; i < found->kept(); ++i) {
                const HeaderField& field = context_.out.fields[found->at[i]];
                if (has_control(field.value))
                    context_.note(AnomalyKind::control_in_mime_field, part_, field.offset);
            }
        }
    }

    Context& context_;
    std::uint32_t part_;
    HeaderBlock block_;
    std::size_t begin_ = 0;
    std::size_t first_field_ = 0;
    unsigned seen_once_ = 0;
    bool field_seen_ = false;
    bool field_kept_ = false;
    bool blank_fold_ = false;
    std::size_t after_blank_fold_ = 0;  ///< where the line after the first one begins
};

}  // namespace

void Context::note(AnomalyKind kind, std::uint32_t part, std::size_t offset) {
    out.kinds.insert(kind);
    AnomalySet& seen = out.parts[part].anomalies;
    if (seen.contains(kind)) return;
    seen.insert(kind);
    if (out.anomalies.size() < limits.max_anomalies) {
        out.anomalies.push_back({kind, part, offset});
    } else {
        out.anomalies_dropped = true;
    }
}

void Context::note(const AnomalySet& kinds, std::uint32_t part, std::size_t offset) {
    if (kinds.is_empty()) return;
    kinds.for_each([&](AnomalyKind kind) { note(kind, part, offset); });
}

std::optional<Delimiter> Context::match(const Line& line, std::uint32_t part) {
    if (open.is_empty()) return std::nullopt;
    bool near = false;
    const auto delimiter = open.match(lines.text(line).substr(2), near);
    if (near) note(AnomalyKind::near_delimiter, part, line.begin);
    if (!delimiter) return std::nullopt;
    check_line_end(line, part);
    if (delimiter->loose) note(AnomalyKind::loose_delimiter, open.part(delimiter->level), line.begin);
    if (delimiter->mixed) note(AnomalyKind::mixed_delimiters, open.part(delimiter->level), line.begin);
    if (delimiter->several) note(AnomalyKind::boundary_prefix, part, line.begin);
    if (delimiter->after_close) note(AnomalyKind::part_after_close, open.part(delimiter->level), line.begin);
    return delimiter;
}

bool is_field_line(std::string_view line) {
    return field_name(line).has_value();
}

HeaderBlock read_header(Context& context, std::uint32_t part) {
    return HeaderReader(context, part).run();
}

}  // namespace gatehouse::inspect::mime
