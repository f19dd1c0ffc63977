#include "inspect/mime/classify.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace gatehouse::inspect::mime {

namespace {

constexpr std::size_t kLongestLegalBoundary = 70;  // RFC 2046 5.1.1
constexpr std::size_t kLookAhead = 1024;           // bytes of a body that are searched for a boundary

/// RFC 2046 5.1.5: what is in a digest is a message unless it says otherwise.
ContentType default_type(const Structure& out, const Part& part) {
    ContentType type;
    const bool in_digest =
        part.parent != Part::kNone && out.parts[part.parent].type.is("multipart", "digest");
    if (in_digest) {
        type.type = "message";
        type.subtype = "rfc822";
    }
    return type;
}

class ContentReader {
  public:
    ContentReader(Context& context, std::uint32_t part, const MimeFields& mime)
        : context_(context), index_(part), part_(context.out.parts[part]), mime_(mime) {}

    void run() {
        if (mime_.content_type.count > 0) {
            part_.type_declared = true;
            part_.type = parse_content_type(first(mime_.content_type).value, notes_);
            collect_names(part_.type.parameters, "name");
        } else {
            part_.type = default_type(context_.out, part_);
        }
        if (mime_.transfer_encoding.count > 0) {
            part_.encoding = parse_transfer_encoding(first(mime_.transfer_encoding).value, notes_);
        }
        if (mime_.disposition.count > 0) {
            part_.disposition = parse_disposition(first(mime_.disposition).value, notes_);
            collect_names(part_.disposition.parameters, "filename");
            collect_names(part_.disposition.parameters, "name");
        }
        read_repeated_fields();
        choose_name();
        const std::size_t offset =
            mime_.content_type.count > 0 ? first(mime_.content_type).offset : part_.header.begin;
        context_.note(notes_.anomalies, index_, offset);
    }

  private:
    const HeaderField& first(const MimeFields::Found& found) const {
        return context_.out.fields[found.at[0]];
    }

    void read_repeated_fields() {
        compare(mime_.content_type);
        compare(mime_.transfer_encoding);
        compare(mime_.disposition);
        // The names that later ones give count as well: some client shows them.
        for (std::size_t i = 1; i < mime_.content_type.kept(); ++i) {
            ParseNotes ignored{context_.limits.max_parameters, {}};
            const auto other =
                parse_content_type(context_.out.fields[mime_.content_type.at[i]].value, ignored);
            collect_names(other.parameters, "name");
        }
        for (std::size_t i = 1; i < mime_.disposition.kept(); ++i) {
            ParseNotes ignored{context_.limits.max_parameters, {}};
            const auto other = parse_disposition(context_.out.fields[mime_.disposition.at[i]].value, ignored);
            collect_names(other.parameters, "filename");
        }
    }

    void compare(const MimeFields::Found& found) {
        for (std::size_t i = 1; i < found.kept(); ++i) {
            const HeaderField& other = context_.out.fields[found.at[i]];
            const bool same = base::iequals(base::trim(other.value), base::trim(first(found).value));
            context_.note(same ? AnomalyKind::duplicate_mime_field : AnomalyKind::conflicting_mime_field,
                          index_, other.offset);
        }
        if (found.count > MimeFields::kKept) {
            context_.note(AnomalyKind::conflicting_mime_field, index_, first(found).offset);
        }
    }

    void collect_names(const std::vector<Parameter>& parameters, std::string_view name) {
        for (const Parameter& parameter : parameters) {
            if (parameter.name != name) continue;
            names_.push_back(parameter.value);
            names_.insert(names_.end(), parameter.other_readings.begin(), parameter.other_readings.end());
        }
    }

    void choose_name() {
        if (names_.empty()) return;
        // Content-Disposition's name is what clients prefer (RFC 2183 2.3).
        for (const char* wanted : {"filename", "name"}) {
            const auto& list = *wanted == 'f' ? part_.disposition.parameters : part_.type.parameters;
            const Parameter* parameter = find_parameter(list, wanted);
            if (parameter != nullptr && part_.file_name.empty()) part_.file_name = parameter->value;
        }
        for (std::string& name : names_) {
            const std::size_t nul = name.find('\0');  // where a client written in C stops reading
            if (nul != std::string::npos) add_other(name.substr(0, nul));
            if (name.size() > 2 && name.front() == '\'' && name.back() == '\'')
                add_other(name.substr(1, name.size() - 2));
            add_other(std::move(name));
        }
        if (!part_.other_file_names.empty()) notes_.anomalies.insert(AnomalyKind::several_file_names);
    }

    void add_other(std::string name) {
        if (name.empty() || name == part_.file_name) return;
        if (part_.file_name.empty()) {
            part_.file_name = std::move(name);
            return;
        }
        auto& others = part_.other_file_names;
        if (std::ranges::find(others, name) == others.end()) others.push_back(std::move(name));
    }

    Context& context_;
    std::uint32_t index_;
    Part& part_;
    const MimeFields& mime_;
    ParseNotes notes_{context_.limits.max_parameters, {}};
    std::vector<std::string> names_;
};

/// The line after a delimiter: a part's header, which hardly begins otherwise.
bool begins_part_header(std::string_view line) {
    return base::istarts_with(line, "content-") && line.find(':') != std::string_view::npos;
}

/// The boundary that the next lines of a body show, if they do.
std::string guess(Context& context, bool at_once) {
    LineScanner ahead = context.lines;
    const std::size_t stop = ahead.position() + kLookAhead;
    Line line;
    Line next;
    while (ahead.position() < stop && ahead.next(line)) {
        ++context.out.steps;
        if (line.is_empty()) continue;
        const std::string_view text = ahead.text(line);
        if (text.size() > 2 && text.starts_with("--")) {
            LineScanner peek = ahead;
            if (peek.next(next) && begins_part_header(peek.text(next)))
                return std::string(base::trim(text.substr(2)));
        }
        if (at_once) return {};
    }
    return {};
}

}  // namespace

void read_content_fields(Context& context, std::uint32_t part, const MimeFields& mime) {
    ContentReader(context, part, mime).run();
}

std::string find_boundary(Context& context, std::uint32_t index) {
    const Part& part = context.out.parts[index];
    const std::size_t offset = part.header.begin;
    std::string boundary;
    for (const Parameter& parameter : part.type.parameters) {
        if (parameter.name != "boundary") continue;
        if (parameter.doubtful || parameter.extended)
            context.note(AnomalyKind::boundary_doubtful, index, offset);
        std::string value = parameter.value;
        while (!value.empty() && base::is_blank(value.back()))
            value.pop_back();  // RFC 2046 5.1.1: never at the end
        if (value.size() != parameter.value.size())
            context.note(AnomalyKind::boundary_doubtful, index, offset);
        if (boundary.empty()) {
            boundary = std::move(value);
        } else if (value != boundary) {
            context.note(AnomalyKind::boundary_conflict, index, offset);
        }
    }
    if (boundary.size() > kLongestLegalBoundary) context.note(AnomalyKind::boundary_long, index, offset);
    if (boundary.empty()) context.note(AnomalyKind::boundary_missing, index, offset);
    const AnomalySet& seen = part.anomalies;
    const bool sure = !boundary.empty() && !seen.contains(AnomalyKind::boundary_doubtful) &&
                      !seen.contains(AnomalyKind::boundary_conflict);
    if (sure) return boundary;
    std::string shown = guess(context, false);
    if (shown.empty() || shown == boundary) return boundary;
    context.note(AnomalyKind::boundary_guessed, index, context.lines.position());
    return shown;
}

std::string find_undeclared_boundary(Context& context, std::uint32_t part) {
    const Part& entity = context.out.parts[part];
    const bool hinted = find_parameter(entity.type.parameters, "boundary") != nullptr;
    if (!hinted && (entity.type_declared || !is_message_root(context.out, entity))) return {};
    std::string boundary = guess(context, !hinted);
    if (!boundary.empty()) context.note(AnomalyKind::undeclared_parts, part, context.lines.position());
    return boundary;
}

}  // namespace gatehouse::inspect::mime
