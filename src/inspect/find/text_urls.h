// URLs in text that people read, as mail programs turn it into links: with a scheme, with "www.", or as a
// bare name below a known top-level domain; and those that are written so that programs do not see them while
// people do. Used for plain text, the visible text of pages, subjects and whatever a picture says. Pure,
// total, thread-safe; linear in the text, a URL has at most kMaxUrlBytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::inspect::find {

inline constexpr std::size_t kMaxUrlBytes = 8192;

struct TextUrl {
    std::string url;          ///< with a scheme, ready for the parser
    std::size_t begin = 0;    ///< in the text
    bool schemeless = false;  ///< the scheme is ours: http
    bool bare = false;        ///< a name alone, which in data may be anything
    bool defanged = false;    ///< "hxxp", "[.]": no program makes a link of it
    bool obfuscated = false;  ///< odd slashes or full-width signs
    bool invisible = false;   ///< characters that nobody sees stood in it, and are taken out
};

/// At most `max`; `text` is UTF-8.
std::vector<TextUrl> find_urls(std::string_view text, std::size_t max);

/// Without the characters that nobody sees: zero-width ones, soft hyphens, marks of direction, variation
/// selectors. `removed` counts those that stood between two letters or digits of ASCII, where no script needs
/// them.
std::string without_invisible(std::string_view text, std::size_t* removed = nullptr);

}  // namespace gatehouse::inspect::find
