#include "inspect/engine/reading_text.h"

#include <algorithm>
#include <array>

#include "base/text.h"
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

void look_for_links(const TextSource& source, std::size_t room, find::UrlList& urls) {
    if (!is_text(source)) return;
    const bool page = is_page(source);
    urls.enter(source.row.path, source.is_reading_text);
    std::string owned;
    std::string_view text = source.bytes;
    const auto charset = charset_of(source, page);
    const bool is_wide = charset.starts_with("utf-16") || charset.starts_with("utf-32");
    if (is_wide || !base::is_ascii(text) || charset.starts_with("utf-7") || charset.starts_with("iso-2022") ||
        charset.starts_with("hz")) {
        auto decoded = message::to_utf8_or_guess(text, charset, room);
        if (!decoded.complete) urls.note_cut();
        owned = std::move(decoded.text);
        text = owned;
    }
    if (page)
        urls.add_page(find::read_page(text, room), source.base);
    else
        urls.add_text(text);
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
