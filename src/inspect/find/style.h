// What a reader does not see although it stands in the page: the tricks of CSS and of old attributes, each
// a bit. Used by page.cc for every element. Reads declarations only ("display:none; color:#fff"), of style
// attributes and of simple selectors in style elements. Pure, total, linear.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace gatehouse::inspect::find {

/// Why text is not seen.
enum class Hiding : std::uint16_t {
    display = 1,      ///< display:none, visibility:hidden, the attribute hidden, mso-hide
    size = 2,         ///< letters or a box of no size
    colour = 4,       ///< letters in the colour of what is behind them
    transparent = 8,  ///< opacity or alpha of nothing
    off_screen = 16,  ///< moved out of the page
};

using Colour = std::uint32_t;  ///< 0xRRGGBB

/// What an element's own declarations say.
struct Style {
    std::uint16_t hiding = 0;  ///< bits of Hiding
    std::optional<Colour> colour;
    std::optional<Colour> background;
    bool unknown_background = false;  ///< a picture, or a colour that could not be read
    bool shows_again = false;         ///< visibility:visible, or letters of a size within letters of none
    void merge(const Style& over);
};

/// "white", "#fff", "rgb(255, 255, 255)", "fff" as old attributes write it.
std::optional<Colour> parse_colour(std::string_view text);
/// Whether letters of one colour cannot be told from the other behind them.
bool is_same_to_the_eye(Colour a, Colour b);

Style parse_declarations(std::string_view text);

/// What style elements say of an element's name, class or id; other selectors are not read.
class StyleSheet {
  public:
    void read(std::string_view css);
    bool is_empty() const { return rules_.empty(); }
    /// By ".class", "#id" or an element's name, lower case.
    const Style* find(std::string_view selector) const;

  private:
    void add(std::string_view selectors, const Style& style);
    std::unordered_map<std::string, Style> rules_;
};

/// The url(...) of declarations and style sheets, and @import; without quotes. At most `max`.
std::vector<std::string_view> css_urls(std::string_view css, std::size_t max);

}  // namespace gatehouse::inspect::find
