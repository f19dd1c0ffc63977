// PDF: embedded files, JavaScript, forms, and actions that start programs.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/text.h"
#include "inspect/format/pdf.h"
#include "inspect/open/openers.h"
#include "message/charset.h"

namespace gatehouse::inspect::open {

namespace {

using format::FileGroup;
using format::PdfFile;
using format::PdfKind;
using format::PdfObject;
using format::PdfToken;
using message::GapReason;
using Tokens = std::span<const PdfToken>;

constexpr std::size_t kMaxName = 1024;
constexpr std::size_t kMaxLink = 16'384;
// Of one kind in one object.
constexpr std::size_t kMaxValues = 200;
// Enough to know a type by.
constexpr std::size_t kBeginning = 1024;

/// Text strings are UTF-16 with a byte order mark, UTF-8 with one, or nearly Latin-1 (ISO 32000-2 7.9.2.2).
std::string text_of(std::string_view bytes, std::size_t limit) {
    if (bytes.starts_with("\xFE\xFF")) {
        if (auto text = message::to_utf8(bytes.substr(2), "utf-16be", limit)) return std::move(text->text);
    }
    return std::string(bytes.substr(bytes.starts_with("\xEF\xBB\xBF") ? 3 : 0, limit));
}

class PdfOpener {
  public:
    PdfOpener(const PdfFile& file, Visitor& visitor) : file_(file), visitor_(visitor) {}

    void run() {
        if (file_.is_encrypted()) {
            visitor_.on_evidence(kEncrypted, "", "the document is encrypted");
            visitor_.on_gap("", GapReason::encrypted, "the document is encrypted");
        }
        if (file_.is_damaged())
            visitor_.on_gap("", GapReason::corrupt, "objects of this document could not be unpacked wholly");
        if (!file_.is_complete())
            visitor_.on_gap("", GapReason::too_many, "this document holds more objects than the limit");
        for (const auto& object : file_.objects()) {
            const auto tokens = format::pdf_tokens(object.head);
            note_actions(tokens);
            note_links(tokens);
            if (!look_at_specification(tokens) || !look_at_scripts(tokens) || !look_at_forms(tokens)) return;
        }
        look_at_streams();
    }

  private:
    static bool has_name(Tokens tokens, std::string_view name) {
        return std::ranges::any_of(
            tokens, [&](const PdfToken& token) { return token.kind == PdfKind::name && token.text == name; });
    }

    void note_actions(Tokens tokens) {
        if (has_name(tokens, "Launch")) {
            const auto target = format::pdf_value(tokens, "F");
            const auto found = std::ranges::find(target, PdfKind::string, &PdfToken::kind);
            visitor_.on_evidence(kLaunch, "",
                                 found == target.end()
                                     ? std::string(kLaunch.help)
                                     : "it starts " + base::printable(text_of(found->text, 200), 200));
        }
        if (!is_script_noted_ && (has_name(tokens, "JavaScript") || has_name(tokens, "JS"))) {
            is_script_noted_ = true;
            visitor_.on_evidence(kScript, "", std::string(kScript.help));
        }
    }

    /// Of URI actions, and files on other machines that GoToR, SubmitForm and Launch name (ISO
    /// 32000-2 12.6.4).
    void note_links(Tokens tokens) {
        for (const std::string_view key : {"URI", "F", "UF"}) {
            if (key != "URI" && !has_name(tokens, "S") && !has_name(tokens, "URL")) continue;
            for_each_value(tokens, key, [&](Tokens value) {
                note_link(value, key != "URI");
                return true;
            });
        }
    }

    void note_link(Tokens value, bool is_file) {
        for (const auto* object : file_.find(format::pdf_reference(value))) {
            const auto text = format::pdf_tokens(object->head, 1);
            if (!text.empty() && text[0].kind == PdfKind::string) note_link(Tokens(text).first(1), is_file);
        }
        if (value.size() != 1 || value[0].kind != PdfKind::string) return;
        const auto text = text_of(value[0].text, kMaxLink);
        if (!is_file || text.contains("://") || text.starts_with("\\\\")) visitor_.on_link(text, "");
    }

    /// A file specification: its name, and the stream that it names (ISO 32000-2 7.11.3).
    bool look_at_specification(Tokens tokens) {
        if (!has_name(tokens, "EF")) return true;
        std::string name;
        for (const std::string_view key : {"UF", "F", "DOS", "Unix", "Mac"}) {
            const auto value = format::pdf_value(tokens, key);
            if (name.empty() && value.size() == 1 && value[0].kind == PdfKind::string)
                name = text_of(value[0].text, kMaxName);
        }
        return for_each_value(tokens, "EF", [&](Tokens files) { return look_at_files(files, name); });
    }

    /// False when `look` wants no more.
    template <typename Look>
    bool for_each_value(Tokens tokens, std::string_view key, Look look) {
        std::size_t next = 0;
        std::size_t count = 0;
        for (auto value = format::pdf_value(tokens, key, 0, &next); !value.empty();
             value = format::pdf_value(tokens, key, next, &next)) {
            if (++count > kMaxValues) {
                visitor_.on_gap("", GapReason::too_many, "an object of this document names too many others");
                return true;
            }
            if (!look(value)) return false;
        }
        return true;
    }

    bool look_at_files(Tokens files, const std::string& name) {
        for (std::size_t i = 0; i + 2 < files.size(); ++i) {
            for (const auto* object : file_.find(format::pdf_reference(files.subspan(i, 3)))) {
                if (object->has_stream && !show(*object, name.empty() ? "embedded" : name)) return false;
            }
        }
        return true;
    }

    bool look_at_scripts(Tokens tokens) {
        return for_each_value(tokens, "JS", [&](Tokens script) { return look_at_text(script, ".js"); });
    }

    /// XML forms: one stream, or an array of names and streams.
    bool look_at_forms(Tokens tokens) {
        const auto form = format::pdf_value(tokens, "XFA");
        for (std::size_t i = 0; i + 2 < form.size(); ++i) {
            if (!look_at_text(form.subspan(i, 3), ".xml")) return false;
        }
        return true;
    }

    bool look_at_text(Tokens value, std::string_view extension) {
        if (value.size() == 1 && value[0].kind == PdfKind::string) {
            const auto text = text_of(value[0].text, visitor_.room());
            return visitor_.on_member({fmt::format("script-{}{}", ++scripts_, extension), text, false});
        }
        for (const auto* object : file_.find(format::pdf_reference(value))) {
            if (object->has_stream && !show(*object, fmt::format("script-{}{}", ++scripts_, extension)))
                return false;
            const auto text = format::pdf_tokens(object->head, 1);
            if (!object->has_stream && !text.empty() && text[0].kind == PdfKind::string &&
                !look_at_text(text, extension))
                return false;
        }
        return true;
    }

    /// Once each.
    bool show(const PdfObject& object, const std::string& name) {
        if (!shown_.insert(&object).second) return true;
        const auto content = format::decode_pdf_stream(object, visitor_.room());
        if (!content.is_complete)
            visitor_.on_gap(name, GapReason::too_large, "only the beginning was inspected");
        if (content.is_damaged && !file_.is_encrypted())
            visitor_.on_gap(name, GapReason::corrupt, "this stream is damaged");
        if (!content.unknown_filter.empty())
            visitor_.on_gap(
                name, GapReason::refused,
                "packed by a filter that nobody here reads: " + base::printable(content.unknown_filter, 40));
        if (!name.starts_with("script-"))
            visitor_.on_evidence(kEmbeddedFile, name, std::string(kEmbeddedFile.help));
        return visitor_.on_member({name, content.bytes, true});
    }

    /// Files that nothing names, or that are no text, picture or font of the pages.
    void look_at_streams() {
        std::size_t number = 0;
        for (const auto& object : file_.objects()) {
            if (!object.has_stream || shown_.contains(&object)) continue;
            ++number;
            const auto tokens = format::pdf_tokens(object.head, 1000);
            const auto type = format::pdf_value(tokens, "Type");
            const bool is_file = !type.empty() && type[0].text == "EmbeddedFile";
            if ((is_file || holds_file(object)) && !show(object, fmt::format("stream-{}", number))) return;
        }
    }

    static bool holds_file(const PdfObject& object) {
        const auto beginning = format::decode_pdf_stream(
            {object.number, object.head, object.stream.substr(0, kBeginning), true}, kBeginning);
        if (!beginning.unknown_filter.empty() || beginning.bytes.empty()) return false;
        const auto group = format::true_type(beginning.bytes).group;
        return group == FileGroup::executable || group == FileGroup::archive || group == FileGroup::disk;
    }

    const PdfFile& file_;
    Visitor& visitor_;
    std::set<const PdfObject*> shown_;
    std::size_t scripts_ = 0;
    bool is_script_noted_ = false;
};

}  // namespace

void open_pdf(const Item& item, Visitor& visitor) {
    const auto file = PdfFile::read(item.bytes);
    PdfOpener(file, visitor).run();
}

}  // namespace gatehouse::inspect::open
