#include "inspect/engine/reading_text.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "inspect/find/office_text.h"
#include "inspect/mime/encoded_word.h"
#include "message/charset.h"

namespace gatehouse::inspect::engine {

namespace {

bool is_page(const TextSource& source) {
    constexpr auto kPages = std::to_array<std::string_view>({"html", "svg", "xml", "hta"});
    return std::ranges::find(kPages, source.type.name) != kPages.end() ||
           (source.is_reading_text && base::iequals(source.row.claimed_type, "text/html"));
}

bool is_text(const TextSource& source) {
    constexpr auto kMade =
        std::to_array<std::string_view>({"text", "html", "ics", "vcard", "url", "message"});
    return source.is_reading_text || source.type.group == format::FileGroup::text ||
           std::ranges::find(kMade, source.type.name) != kMade.end() || is_page(source);
}

std::string_view charset_of(const TextSource& source, bool page) {
    if (source.bytes.starts_with("\xFF\xFE")) return "utf-16le";
    if (source.bytes.starts_with("\xFE\xFF")) return "utf-16be";
    if (!source.charset.empty() || !page) return source.charset;
    return find::page_charset(source.bytes);
}

}  // namespace

namespace {

/// `bytes` in UTF-8, as a view of them where they are that already.
std::string_view decode(const TextSource& source, bool page, std::size_t room, std::string& owned,
                        find::UrlList& urls) {
    const auto charset = charset_of(source, page);
    const bool is_stateful =
        std::ranges::any_of(std::to_array<std::string_view>({"utf-16", "utf-32", "utf-7", "iso-2022", "hz"}),
                            [&](std::string_view name) { return base::istarts_with(charset, name); });
    if (!is_stateful && base::is_ascii(source.bytes)) return source.bytes;
    auto decoded = message::to_utf8_or_guess(source.bytes, charset, room);
    if (!decoded.complete) urls.note_cut();
    owned = std::move(decoded.text);
    return owned;
}

void read_page(const TextSource& source, std::string_view text, std::size_t room,
               const TextReaders& readers) {
    const auto& path = source.row.path;
    if (source.type.name == "xml") {
        if (const auto office = find::office_text(text, room); office) {
            if (office->cut) readers.urls.note_cut();
            readers.urls.add_text(office->text);
            readers.urls.add_text(office->hidden);
            readers.expressions.add(source.field, path, office->text);
            return readers.expressions.add(source.field, path, office->hidden);
        }
    }
    const auto page = find::read_page(text, room);
    readers.urls.add_page(page, source.base);
    readers.expressions.add(source.field, path, page.text);
    readers.expressions.add(source.field, path, page.hidden);
    if (source.field == message::TextField::body) readers.fingerprint.add(page.text);
}

}  // namespace

void read_text(const TextSource& source, std::size_t room, const TextReaders& readers) {
    if (!is_text(source)) return;
    const bool page = is_page(source);
    readers.urls.enter(source.row.path, source.is_reading_text);
    std::string owned;
    const auto text = decode(source, page, room, owned, readers.urls);
    if (page) return read_page(source, text, room, readers);
    readers.urls.add_text(text);
    readers.expressions.add(source.field, source.row.path, text);
    if (source.field == message::TextField::body) readers.fingerprint.add(text);
}

void read_header(const mime::Structure& structure, const TextReaders& readers) {
    using message::TextField;
    std::string lines;
    for (const auto& field : structure.headers()) {
        const bool is_subject = base::iequals(field.name, "subject");
        if (!is_subject && !readers.expressions.is_wanted(TextField::header)) continue;
        const auto value = message::guess_to_utf8(mime::decode_encoded_words(mime::unfold(field.value)),
                                                  field.value.size() * 4 + 4)
                               .text;
        if (is_subject) {
            readers.urls.enter("subject", true);
            readers.urls.add_text(value);
            readers.expressions.add(TextField::subject, "subject", value);
        }
        lines.append(field.name).append(": ").append(value).append("\n");
    }
    readers.expressions.add(TextField::header, "header", lines);
}

std::string base_of(const mime::Structure& structure, const mime::Part& part) {
    const auto* at = &part;
    for (int level = 0; level < 20; ++level) {
        const auto headers = structure.headers(*at);
        for (const std::string_view name : {"content-base", "content-location"}) {
            const auto* field = headers.find(name);
            if (field == nullptr) continue;
            auto value = mime::unfold(field->value);
            std::erase_if(value, base::is_space);
            if (value.contains(':')) return value;
        }
        if (at->parent == mime::Part::kNone) break;
        at = &structure.parts[at->parent];
    }
    return "";
}

}  // namespace gatehouse::inspect::engine
