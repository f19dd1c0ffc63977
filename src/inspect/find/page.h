// What a page shows to a reader, what it hides from one, and where it leads. Used by url_list.cc for links
// and by the engine for the text that expressions, fingerprints and antispam read. Text is UTF-8, rendered:
// white space collapsed, a line for each block, references decoded. Pure, total, thread-safe; linear in the
// page, with at most kMaxLinks links and kMaxDepth elements within each other (deeper ones are text of the
// last).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::inspect::find {

inline constexpr std::size_t kMaxLinks = 10'000;
inline constexpr std::size_t kMaxDepth = 256;

enum class LinkKind : std::uint8_t {
    navigate,  ///< the reader clicks: a, area
    submit,    ///< a form sends what was typed
    load,      ///< pictures, frames, style sheets: fetched by itself
    refresh,   ///< the page goes there by itself
    script,    ///< the text of an event's script
};

struct Link {
    LinkKind kind = LinkKind::navigate;
    std::string target;  ///< the attribute's value with its references decoded, else as written
    std::string shown;   ///< of navigate: the text between <a> and </a>, at most kMaxShown bytes
    bool hidden = false;
};
inline constexpr std::size_t kMaxShown = 512;

struct Page {
    std::string text;    ///< what a reader sees
    std::string hidden;  ///< what stands there and is not seen; lines as in `text`
    std::vector<Link> links;
    /// Where in `text` what is shown of a link stands, and its index: mail programs make no other link there.
    struct Anchor {
        std::size_t begin = 0;
        std::size_t end = 0;
        std::size_t link = 0;
    };
    std::vector<Anchor> anchors;
    std::string base;            ///< of the first base href; empty = none
    std::uint16_t hiding = 0;    ///< bits of Hiding, of all that was hidden
    bool has_password = false;   ///< a field that asks for a password
    bool links_dropped = false;  ///< there were more than kMaxLinks
    bool text_cut = false;       ///< there was more text than asked for
};

/// `html` in UTF-8. At most `max_text` bytes of text and as many hidden ones.
Page read_page(std::string_view html, std::size_t max_text);

/// The charset that the page itself names in its first 1024 bytes; empty when it names none.
std::string_view page_charset(std::string_view html);

}  // namespace gatehouse::inspect::find
