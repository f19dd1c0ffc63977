#include "inspect/find/office_text.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "inspect/format/html.h"

namespace gatehouse::inspect::find {

namespace {

constexpr std::size_t kRootWithin = 4096;  // of the beginning, where the namespaces of a root stand

bool is_office(std::string_view xml) {
    constexpr auto kNamespaces = std::to_array<std::string_view>(
        {"http://schemas.openxmlformats.org/", "http://purl.oclc.org/ooxml/",
         "urn:oasis:names:tc:opendocument:", "http://schemas.microsoft.com/office/"});
    const auto head = xml.substr(0, kRootWithin);
    const auto is_in = [&](std::string_view name) { return head.contains(name); };
    return std::ranges::any_of(kNamespaces, is_in) && head.contains('<');
}

/// "w:p" is "p".
std::string_view local_name(std::string_view tag) {
    const auto end = tag.find_first_of(" \t\r\n/>");
    const auto name = tag.substr(0, end);
    const auto colon = name.find(':');
    return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

template <std::size_t n>
bool is_one_of(std::string_view name, const std::array<std::string_view, n>& names) {
    return std::ranges::find(names, name) != names.end();
}

class Reader {
  public:
    Reader(std::string_view xml, std::size_t max_text) : xml_(xml), max_text_(max_text) {}

    OfficeText run() {
        std::size_t at = 0;
        while (at < xml_.size() && !out_.cut) {
            const auto open = std::min(xml_.find('<', at), xml_.size());
            add(xml_.substr(at, open - at));
            at = open == xml_.size() ? open : skip_markup(open);
        }
        return std::move(out_);
    }

  private:
    std::size_t skip_markup(std::size_t open) {
        const auto rest = xml_.substr(open);
        if (rest.starts_with("<!--")) return after("-->", open + 4);
        if (rest.starts_with("<![CDATA[")) {
            const auto end = std::min(xml_.find("]]>", open), xml_.size());
            add_plain(xml_.substr(open + 9, end - std::min(end, open + 9)));
            return std::min(end + 3, xml_.size());
        }
        if (rest.starts_with("<?")) return after("?>", open + 2);
        const auto end = after(">", open + 1);
        on_tag(xml_.substr(open + 1, end - open - 1));
        return end;
    }

    std::size_t after(std::string_view mark, std::size_t from) const {
        const auto at = xml_.find(mark, from);
        return at == std::string_view::npos ? xml_.size() : at + mark.size();
    }

    void on_tag(std::string_view tag) {
        // Where a paragraph, a row or a cell ends, and what is a break by itself.
        static constexpr auto kLines = std::to_array<std::string_view>(
            {"p", "h", "si", "is", "c", "tr", "row", "v", "f", "br", "cr", "line-break", "comment", "title"});
        static constexpr auto kBlanks =
            std::to_array<std::string_view>({"tab", "s", "noBreakHyphen", "ptab"});
        static constexpr auto kHidden =
            std::to_array<std::string_view>({"instrText", "delText", "delInstrText"});
        const bool is_close = tag.starts_with('/');
        const bool is_empty = tag.ends_with("/>");
        const auto name = local_name(is_close ? tag.substr(1) : tag);
        if (is_one_of(name, kHidden)) {
            is_hidden_ = !is_close && !is_empty;
            return;
        }
        if (name == "fldSimple" && !is_close) add_instruction(tag);
        if (name == "p" && is_close && !out_.hidden.empty() && !out_.hidden.ends_with('\n'))
            out_.hidden += '\n';
        if ((is_close || is_empty) && is_one_of(name, kLines)) return add_line();
        if (is_empty && is_one_of(name, kBlanks)) return add_plain(" ");
    }

    /// <w:fldSimple w:instr=" HYPERLINK ...">
    void add_instruction(std::string_view tag) {
        const auto at = tag.find("instr=");
        if (at == std::string_view::npos || at + 7 > tag.size()) return;
        const auto end = tag.find(tag[at + 6], at + 7);
        if (end == std::string_view::npos) return;
        is_hidden_ = true;
        add(tag.substr(at + 7, end - at - 7));
        out_.hidden += '\n';
        is_hidden_ = false;
    }

    void add(std::string_view text) {
        if (text.empty()) return;
        if (!text.contains('&')) return add_plain(text);
        std::string decoded;
        format::append_html_text(decoded, text, false);
        add_plain(decoded);
    }

    void add_plain(std::string_view text) {
        auto& to = is_hidden_ ? out_.hidden : out_.text;
        const auto room = max_text_ - std::min(max_text_, out_.text.size() + out_.hidden.size());
        out_.cut |= text.size() > room;
        to += text.substr(0, room);
    }

    void add_line() {
        if (!out_.text.empty() && !out_.text.ends_with('\n')) out_.text += '\n';
    }

    std::string_view xml_;
    std::size_t max_text_;
    OfficeText out_;
    bool is_hidden_ = false;
};

}  // namespace

std::optional<OfficeText> office_text(std::string_view xml, std::size_t max_text) {
    if (!is_office(xml)) return std::nullopt;
    return Reader(xml, max_text).run();
}

}  // namespace gatehouse::inspect::find
