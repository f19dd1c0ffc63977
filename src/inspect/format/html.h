// HTML as browsers cut it: tags, attributes, text, character references. Used by inspect/find for what a page
// shows and where it leads. Reads by https://html.spec.whatwg.org/#tokenization, and leniently where mail
// programs differ: what stands in conditional comments is content (Outlook shows it), and so is what follows
// a comment, quotation mark or script that never ends. Pure, total, linear; thread-safe. UTF-8 or any other
// superset of ASCII. Everything is borrowed from the text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::inspect::format {

/// Names of elements and attributes as one number: equal for names that are equal but for case, and different
/// for all names that HTML knows.
using HtmlName = std::uint64_t;

constexpr HtmlName html_name(std::string_view text) {
    HtmlName out = 0xCBF29CE484222325U;  // FNV-1a
    for (const char c : text) {
        const auto lower = c >= 'A' && c <= 'Z' ? c + 32 : c;
        out = (out ^ static_cast<unsigned char>(lower)) * 0x100000001B3U;
    }
    return out;
}

enum class HtmlKind : std::uint8_t {
    text,     ///< with its character references
    start,    ///< a start tag
    end,      ///< an end tag
    raw,      ///< what stands in script, style and their like: no references, no tags
    comment,  ///< or whatever browsers take for one
};

struct HtmlToken {
    HtmlKind kind = HtmlKind::text;
    HtmlName name = 0;           ///< of start, end and raw
    std::string_view text = {};  ///< of text, raw and comment; of tags: what follows the name
    bool is_self_closing = false;
};

struct HtmlAttribute {
    HtmlName name = 0;
    std::string_view label = {};  ///< the name as written
    std::string_view value = {};  ///< without quotes, with its character references
};

class HtmlReader {
  public:
    explicit HtmlReader(std::string_view html) : html_(html) {}
    /// False at the end.
    bool next(HtmlToken& token);
    /// Of the start tag that came last; valid until the next call. At most kMaxAttributes.
    std::span<const HtmlAttribute> attributes() const { return attributes_; }

    static constexpr std::size_t kMaxAttributes = 256;

  private:
    bool read_markup(HtmlToken& token);
    void read_comment(HtmlToken& token);
    void read_bogus_comment(HtmlToken& token, std::size_t from);
    void read_tag(HtmlToken& token);
    std::size_t read_attributes(std::size_t at, bool& is_self_closing);
    std::size_t read_value(std::size_t at, std::string_view& value);
    bool read_raw(HtmlToken& token);

    std::string_view html_;
    std::size_t at_ = 0;
    std::string_view raw_element_;  ///< its end tag is what ends the raw text that follows
    bool no_comment_end_ = false;   ///< nothing from here on ends a comment
    std::array<bool, 2> no_quote_ = {};
    std::uint32_t no_raw_end_ = 0;  ///< bit by raw element
    std::vector<HtmlAttribute> attributes_;
};

/// Appends `text` with its references decoded. `in_attribute`: a name without ';' before '=' or a letter
/// means nothing there.
void append_html_text(std::string& out, std::string_view text, bool in_attribute);

}  // namespace gatehouse::inspect::format
