#include "inspect/rewrite/rewrite.h"

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "inspect/mime/line.h"
#include "inspect/mime/parser.h"
#include "inspect/rewrite/authserv_id.h"
#include "inspect/rewrite/field_text.h"

namespace gatehouse::inspect::rewrite {

using base::Fault;
using base::Result;
using message::HeaderEdit;

namespace {

/// One field of the block that is being made: bytes of the original, with something of ours in front of its
/// value.
struct Item {
    std::string name;
    std::string_view value;  ///< of the original; empty for ours
    std::string_view head;   ///< up to and with the colon
    std::string inserted;
    std::string_view tail;
    bool removed = false;
};

struct Block {
    std::string_view before;  ///< a From line, lines that belong to no field
    std::vector<Item> items;
    std::string_view end_line;  ///< the blank line; empty when there is none
    std::string_view body;
    std::string_view line_end = "\r\n";
};

mime::ParseLimits header_limits() {
    mime::ParseLimits limits;
    limits.max_header_fields = kMaxFields;
    limits.max_all_fields = kMaxFields;
    limits.max_header_bytes = static_cast<std::size_t>(-1);
    return limits;
}

/// Where the blank line that ends the header begins, or the header's end when none does.
std::size_t find_end_line(std::string_view header, std::size_t from) {
    mime::LineScanner lines(header.substr(from));
    mime::Line line;
    while (lines.next(line)) {
        if (line.is_empty()) return from + line.begin;
    }
    return header.size();
}

std::string_view line_end_of(std::string_view header) {
    mime::LineScanner lines(header);
    mime::Line line;
    const bool lf = lines.next(line) && line.line_end == mime::LineEnd::lf;
    return lf ? "\n" : "\r\n";
}

Result<Block> take_apart(std::string_view raw) {
    const auto structure = mime::parse_header(raw, header_limits());
    if (structure.kinds.contains(mime::AnomalyKind::too_many_fields)) {
        return base::fail(Fault::limit, "a header with more than {} fields is not edited", kMaxFields);
    }
    const auto& fields = structure.fields;
    const auto header = raw.substr(0, structure.root().header.end);
    Block block;
    const std::size_t end_line = find_end_line(header, fields.empty() ? 0 : fields.back().offset);
    block.before = header.substr(0, fields.empty() ? end_line : fields.front().offset);
    block.end_line = header.substr(end_line);
    block.body = raw.substr(header.size());
    block.line_end = line_end_of(header);
    block.items.reserve(fields.size());
    for (std::size_t i = 0; i < fields.size(); ++i) {
        const std::size_t begin = fields[i].offset;
        const std::size_t end = i + 1 < fields.size() ? fields[i + 1].offset : end_line;
        const auto value_at = static_cast<std::size_t>(fields[i].value.data() - raw.data());
        block.items.push_back({std::string(fields[i].name), fields[i].value,
                               raw.substr(begin, value_at - begin), "", raw.substr(value_at, end - value_at),
                               false});
    }
    return block;
}

class Editor {
  public:
    explicit Editor(Block& block) : block_(block) {}

    Result<void> apply(const HeaderEdit& edit) {
        switch (edit.kind) {
            case HeaderEdit::Kind::remove_named:
                GATEHOUSE_CHECK(check_name(edit.name));
                remove_if([&](const Item& item) { return base::iequals(item.name, edit.name); });
                return {};
            case HeaderEdit::Kind::remove_prefix:
                GATEHOUSE_CHECK(check_name(edit.name));
                remove_if([&](const Item& item) { return base::istarts_with(item.name, edit.name); });
                return {};
            case HeaderEdit::Kind::remove_results_of:
                remove_results_of(base::lower(edit.text));
                return {};
            case HeaderEdit::Kind::prefix_subject:
                prefix_subject(edit.text);
                return {};
            case HeaderEdit::Kind::append:
                GATEHOUSE_CHECK(check_name(edit.name));
                append(edit.name, make_field(edit.name, edit.text, block_.line_end));
                return {};
        }
        return base::fail(Fault::usage, "a plan with an unknown kind of edit");
    }

    bool changed() const { return changed_; }

  private:
    static Result<void> check_name(std::string_view name) {
        if (is_field_name(name)) return {};
        return base::fail(Fault::usage, "\"{}\" is no name of a header field", base::printable(name, 80));
    }

    template <typename Predicate>
    void remove_if(Predicate predicate) {
        for (auto& item : block_.items) {
            if (item.removed || !predicate(item)) continue;
            item.removed = true;
            changed_ = true;
        }
    }

    void remove_results_of(const std::string& id) {
        remove_if([&](const Item& item) {
            return base::iequals(item.name, "Authentication-Results") && authserv_id(item.value) == id;
        });
    }

    void prefix_subject(std::string_view text) {
        const auto subject = std::ranges::find_if(block_.items, [](const Item& item) {
            return !item.removed && base::iequals(item.name, "Subject");
        });
        if (subject == block_.items.end()) {
            append("Subject",
                   "Subject:" + subject_prefix(text, block_.line_end, false) + std::string(block_.line_end));
            return;
        }
        const auto follows =
            base::trim(subject->inserted.empty() ? subject->tail : std::string_view(subject->inserted));
        std::string prefix = subject_prefix(text, block_.line_end, follows.starts_with("=?"));
        if (prefix.empty()) return;
        changed_ = true;
        const bool is_separate = subject->tail.empty() || base::is_space(subject->tail.front());
        if (subject->inserted.empty() && !is_separate) prefix += ' ';
        subject->inserted.insert(0, prefix);
        fold_if_too_long(*subject);
    }

    // RFC 5322 2.1.1: what we put in front must not make a line too long that was not.
    void fold_if_too_long(Item& item) {
        const auto first_line = item.tail.substr(0, item.tail.find_first_of("\r\n"));
        if (first_line.size() > mime::LineScanner::kLongest) return;
        const std::size_t last_inserted = item.inserted.size() - (item.inserted.rfind('\n') + 1);
        if (item.head.size() + last_inserted + first_line.size() <= mime::LineScanner::kLongest) return;
        if (item.inserted.ends_with(' ')) item.inserted.pop_back();
        item.inserted.append(block_.line_end);
        if (item.tail.empty() || !base::is_blank(item.tail.front())) item.inserted += ' ';
    }

    void append(std::string_view name, std::string text) {
        // A message without any header gets the blank line that it lacks, or its text would seem to be one.
        const bool has_none = std::ranges::all_of(block_.items, &Item::removed);
        if (has_none && block_.end_line.empty() && !block_.body.empty()) block_.end_line = block_.line_end;
        block_.items.push_back({std::string(name), {}, {}, std::move(text), {}, false});
        changed_ = true;
    }

    Block& block_;
    bool changed_ = false;
};

/// Where a removed field stood between a bare CR and the next line end, these two must not become one.
void append_line(std::string& out, std::string_view line) {
    if (out.ends_with('\r') && (line.starts_with('\r') || line.starts_with('\n'))) out += '\n';
    out += line;
}

std::string put_together(const Block& block) {
    std::string out(block.before);
    for (const auto& item : block.items) {
        if (item.removed) continue;
        // The message may end within its header, without a line end.
        if (!out.empty() && !out.ends_with('\n') && !out.ends_with('\r')) out += block.line_end;
        out.append(item.head).append(item.inserted).append(item.tail);
    }
    // Where the last field went and none was the end of the header, the text must not become one.
    if (out.empty() && block.end_line.empty() && !block.body.empty()) out = block.line_end;
    append_line(out, block.end_line);
    return out;
}

}  // namespace

Result<Rewritten> rewrite(std::string_view raw, const message::RewritePlan& plan) {
    if (plan.is_empty()) return Rewritten{{}, raw};
    if (plan.edits.size() > kMaxEdits)
        return base::fail(Fault::usage, "a plan has more than {} edits", kMaxEdits);
    GATEHOUSE_TRY(auto block, take_apart(raw));
    Editor editor(block);
    for (const auto& edit : plan.edits) GATEHOUSE_CHECK(editor.apply(edit));
    if (!editor.changed()) return Rewritten{{}, raw};
    return Rewritten{put_together(block), block.body};
}

}  // namespace gatehouse::inspect::rewrite
