#include "inspect/find/style.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "base/text.h"

namespace gatehouse::inspect::find {

namespace {

constexpr std::size_t kMaxRules = 2000;
constexpr std::size_t kMaxSelector = 100;

struct NamedColour {
    std::string_view name;
    Colour colour;
};
// Those that mail is written in; an unknown name makes the colour unknown, which hides nothing.
constexpr auto kColours = std::to_array<NamedColour>({
    {"aqua", 0x00FFFF},      {"black", 0x000000},      {"blue", 0x0000FF},       {"cyan", 0x00FFFF},
    {"darkgray", 0xA9A9A9},  {"fuchsia", 0xFF00FF},    {"ghostwhite", 0xF8F8FF}, {"gray", 0x808080},
    {"green", 0x008000},     {"grey", 0x808080},       {"ivory", 0xFFFFF0},      {"lightgray", 0xD3D3D3},
    {"lightgrey", 0xD3D3D3}, {"lime", 0x00FF00},       {"magenta", 0xFF00FF},    {"maroon", 0x800000},
    {"navy", 0x000080},      {"olive", 0x808000},      {"orange", 0xFFA500},     {"purple", 0x800080},
    {"red", 0xFF0000},       {"silver", 0xC0C0C0},     {"snow", 0xFFFAFA},       {"teal", 0x008080},
    {"white", 0xFFFFFF},     {"whitesmoke", 0xF5F5F5}, {"yellow", 0xFFFF00},
});

std::uint16_t bit(Hiding hiding) {
    return static_cast<std::uint16_t>(hiding);
}

/// A number with its unit; nothing when there is none.
struct Length {
    double number = 0;
    std::string_view unit;
};
std::optional<Length> parse_length(std::string_view text) {
    const std::string digits(text.substr(0, 24));
    char* end = nullptr;
    const double number = std::strtod(digits.c_str(), &end);
    const auto taken = static_cast<std::size_t>(end - digits.c_str());
    if (taken == 0 || !std::isfinite(number) || base::is_alpha(digits[0])) return std::nullopt;
    return Length{number, base::trim(text.substr(taken))};
}

bool is_tiny(std::string_view value, double limit_px) {
    const auto length = parse_length(value);
    if (!length || length->number < 0) return false;
    const auto unit = length->unit.substr(0, 3);
    double px = length->number;
    if (base::istarts_with(unit, "em") || base::istarts_with(unit, "rem")) px *= 16;
    if (base::istarts_with(unit, "%")) px *= 0.16;
    if (base::istarts_with(unit, "pt")) px *= 4.0 / 3;
    return px <= limit_px;
}

/// Far to the left or above.
bool is_far_out(std::string_view value) {
    const auto length = parse_length(value);
    if (!length) return false;
    const bool relative = base::istarts_with(length->unit, "em") || base::istarts_with(length->unit, "rem");
    return length->number * (relative ? 16 : 1) <= -500;
}

std::optional<Colour> parse_hex(std::string_view digits) {
    if (digits.size() != 3 && digits.size() != 4 && digits.size() != 6 && digits.size() != 8)
        return std::nullopt;
    const bool is_short = digits.size() < 6;
    Colour out = 0;
    for (std::size_t i = 0; i < (is_short ? 3U : 6U); ++i) {
        const int value = base::hex_value(digits[i]);
        if (value < 0) return std::nullopt;
        out = out << 4 | static_cast<Colour>(value);
        if (is_short) out = out << 4 | static_cast<Colour>(value);
    }
    return out;
}

/// "rgb(255, 255, 255)" and "rgba(0 0 0 / 0)".
struct Channels {
    Colour colour = 0;
    double alpha = 1;
};
std::optional<Channels> parse_rgb(std::string_view text) {
    const auto open = text.find('(');
    if (!base::istarts_with(text, "rgb") || open == std::string_view::npos) return std::nullopt;
    auto rest = text.substr(open + 1);
    std::array<double, 4> values = {0, 0, 0, 1};
    std::size_t count = 0;
    while (count < values.size()) {
        const auto begin = rest.find_first_not_of(" \t\r\n,/");
        if (begin == std::string_view::npos || rest[begin] == ')') break;
        rest.remove_prefix(begin);
        const auto end = std::min(rest.find_first_of(" \t\r\n,/)"), rest.size());
        const auto value = parse_length(rest.substr(0, end));
        if (!value) return std::nullopt;
        const bool percent = value->unit.starts_with('%');
        values[count] = value->number * (percent ? (count == 3 ? 0.01 : 2.55) : 1);
        ++count;
        rest.remove_prefix(end);
    }
    if (count < 3) return std::nullopt;
    Colour out = 0;
    for (std::size_t i = 0; i < 3; ++i)
        out = out << 8 | static_cast<Colour>(std::clamp(values[i], 0.0, 255.0));
    return Channels{out, values[3]};
}

void read_display(std::string_view name, std::string_view value, Style& style) {
    if (name == "display" && base::istarts_with(value, "none")) style.hiding |= bit(Hiding::display);
    if (name == "mso-hide" && base::istarts_with(value, "all")) style.hiding |= bit(Hiding::display);
    if (name == "visibility") {
        if (base::istarts_with(value, "hidden") || base::istarts_with(value, "collapse"))
            style.hiding |= bit(Hiding::display);
        else
            style.shows_again = true;
    }
    if (name == "opacity") {
        const auto length = parse_length(value);
        if (length && length->number < (length->unit.starts_with('%') ? 5 : 0.05))
            style.hiding |= bit(Hiding::transparent);
    }
    if (name == "transform" && (value.contains("scale(0)") || value.contains("scale(0,")))
        style.hiding |= bit(Hiding::size);
    if (name == "clip" && base::istarts_with(value, "rect(0")) style.hiding |= bit(Hiding::size);
    if (name == "clip-path" && value.contains("inset(50%")) style.hiding |= bit(Hiding::size);
}

/// "font: 0/0 a" has its size before the slash.
void read_font(std::string_view name, std::string_view value, Style& style) {
    auto size = value;
    if (name == "font") {
        const auto digit = value.find_first_of("0123456789.");
        if (digit == std::string_view::npos) return;
        size = value.substr(digit, value.find_first_of("/ ", digit) - digit);
        if (!size.empty() && size.find_first_not_of("0123456789") == std::string_view::npos && size != "0")
            return;  // a weight
    } else if (name != "font-size") {
        return;
    }
    if (is_tiny(size, 2))
        style.hiding |= bit(Hiding::size);
    else if (parse_length(size))
        style.shows_again = true;
}

void read_colour(std::string_view name, std::string_view value, Style& style) {
    if (name == "color") {
        const auto channels = parse_rgb(value);
        if (base::istarts_with(value, "transparent") || (channels && channels->alpha < 0.05))
            style.hiding |= bit(Hiding::transparent);
        else
            style.colour = parse_colour(value);
    } else if (name == "background-color" || name == "background") {
        if (base::istarts_with(value, "transparent") || base::istarts_with(value, "none") ||
            base::istarts_with(value, "inherit") || base::istarts_with(value, "initial"))
            return;
        style.background =
            parse_colour(value.substr(0, base::istarts_with(value, "rgb") ? value.size() : value.find(' ')));
        style.unknown_background = !style.background;
    } else if (name == "background-image" && !base::istarts_with(value, "none")) {
        style.unknown_background = true;
    }
}

/// A box of no height or width hides what is in it only when what is beyond its edges is cut.
struct Box {
    bool none = false;
    bool cuts = false;
    bool out = false;
    bool moved = false;
};
void read_box(std::string_view name, std::string_view value, Box& box) {
    const bool is_extent = name == "height" || name == "max-height" || name == "width" || name == "max-width";
    if (is_extent && is_tiny(value, 1)) box.none = true;
    if (name.starts_with("overflow") && base::istarts_with(value, "hidden")) box.cuts = true;
    if (name == "position" && (base::istarts_with(value, "absolute") || base::istarts_with(value, "fixed") ||
                               base::istarts_with(value, "relative")))
        box.moved = true;
    if ((name == "left" || name == "top" || name == "right" || name == "bottom") && is_far_out(value))
        box.out = true;
}

bool is_out_by_itself(std::string_view name, std::string_view value) {
    return (name == "text-indent" || name == "margin-left" || name == "margin-top") && is_far_out(value);
}

void read_declaration(std::string_view name, std::string_view value, Style& style, Box& box) {
    switch (name[0]) {
        case 'd':
        case 'v':
        case 'o':
        case 't':
        case 'm':
            read_display(name, value, style);
            if (is_out_by_itself(name, value)) style.hiding |= bit(Hiding::off_screen);
            read_box(name, value, box);
            return;
        case 'c':
            read_display(name, value, style);
            read_colour(name, value, style);
            return;
        case 'f':
            return read_font(name, value, style);
        default:
            read_colour(name, value, style);
            read_box(name, value, box);
    }
}

/// Without comments, which may stand anywhere.
std::string without_comments(std::string_view css) {
    std::string out;
    while (true) {
        const auto begin = css.find("/*");
        out += css.substr(0, begin);
        if (begin == std::string_view::npos) return out;
        const auto end = css.find("*/", begin + 2);
        if (end == std::string_view::npos) return out;
        css.remove_prefix(end + 2);
    }
}

}  // namespace

void Style::merge(const Style& over) {
    hiding |= over.hiding;
    if (over.colour) colour = over.colour;
    if (over.background) background = over.background;
    unknown_background = unknown_background || over.unknown_background;
    shows_again = shows_again || over.shows_again;
}

std::optional<Colour> parse_colour(std::string_view text) {
    text = base::trim(text);
    if (text.starts_with('#')) return parse_hex(text.substr(1, text.find_first_of(" \t!", 1) - 1));
    if (const auto channels = parse_rgb(text)) return channels->colour;
    const auto word = text.substr(0, text.find_first_of(" \t!"));
    for (const auto& named : kColours) {
        if (base::iequals(named.name, word)) return named.colour;
    }
    return word.size() == 6 ? parse_hex(word) : std::nullopt;
}

bool is_same_to_the_eye(Colour a, Colour b) {
    const auto difference = [&](unsigned shift) {
        return std::abs(static_cast<int>(a >> shift & 0xFFU) - static_cast<int>(b >> shift & 0xFFU));
    };
    return difference(16) + difference(8) + difference(0) <= 24;
}

Style parse_declarations(std::string_view text) {
    std::string cleaned;
    if (text.contains("/*")) {
        cleaned = without_comments(text);
        text = cleaned;
    }
    Style style;
    Box box;
    while (!text.empty()) {
        const auto end = std::min(text.find(';'), text.size());
        const auto declaration = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const auto colon = declaration.find(':');
        if (colon == std::string_view::npos) continue;
        const auto name = base::lower(base::trim(declaration.substr(0, colon)));
        const auto value = base::trim(declaration.substr(colon + 1));
        if (!name.empty() && name.size() < 40 && !value.empty()) read_declaration(name, value, style, box);
    }
    if (box.none && box.cuts) style.hiding |= bit(Hiding::size);
    if (box.moved && box.out) style.hiding |= bit(Hiding::off_screen);
    return style;
}

void StyleSheet::read(std::string_view css) {
    const auto text = without_comments(css);
    std::string_view rest = text;
    while (rules_.size() < kMaxRules) {
        const auto open = rest.find('{');
        if (open == std::string_view::npos) return;
        auto selectors = rest.substr(0, open);
        const auto close = std::min(rest.find_first_of("{}", open + 1), rest.size());
        // "@media ... {": its rules follow as if they were the sheet's own, which they are for some readers.
        if (close < rest.size() && rest[close] == '{') {
            rest.remove_prefix(open + 1);
            continue;
        }
        const auto last = selectors.find_last_of("};");
        if (last != std::string_view::npos) selectors.remove_prefix(last + 1);
        const auto style = parse_declarations(rest.substr(open + 1, close - open - 1));
        if (style.hiding != 0 || style.colour || style.background || style.unknown_background)
            add(selectors, style);
        rest.remove_prefix(std::min(close + 1, rest.size()));
    }
}

/// "p", ".note", "p.note", "#x"; of "p.note" the class counts.
void StyleSheet::add(std::string_view selectors, const Style& style) {
    for (const auto one : base::split(selectors, ',')) {
        const auto selector = base::trim(one);
        if (selector.empty() || selector.size() > kMaxSelector || rules_.size() >= kMaxRules) continue;
        if (selector.find_first_of(" \t\r\n>+~:[*@") != std::string_view::npos) continue;
        const auto mark = selector.find_last_of(".#");
        auto key = base::lower(selector.substr(mark == std::string_view::npos ? 0 : mark));
        rules_[std::move(key)].merge(style);
    }
}

const Style* StyleSheet::find(std::string_view selector) const {
    const auto found = rules_.find(std::string(selector));
    return found == rules_.end() ? nullptr : &found->second;
}

std::vector<std::string_view> css_urls(std::string_view css, std::size_t max) {
    std::vector<std::string_view> out;
    const auto take = [&](std::size_t at, std::string_view ends) {
        at = css.find_first_not_of(" \t\r\n", at);
        if (at == std::string_view::npos) return;
        const bool quoted = css[at] == '"' || css[at] == '\'';
        const auto end = quoted ? css.find(css[at], at + 1) : css.find_first_of(ends, at);
        if (end == std::string_view::npos) return;
        const auto url = base::trim(css.substr(at + (quoted ? 1 : 0), end - at - (quoted ? 1 : 0)));
        if (!url.empty()) out.push_back(url);
    };
    for (auto at = css.find('('); at != std::string_view::npos && out.size() < max;
         at = css.find('(', at + 1)) {
        if (at >= 3 && base::iequals(css.substr(at - 3, 3), "url")) take(at + 1, ")");
    }
    for (auto at = css.find('@'); at != std::string_view::npos && out.size() < max;
         at = css.find('@', at + 1)) {
        constexpr std::string_view kImport = "import";
        const auto rest = css.substr(at + 1);
        if (!base::istarts_with(rest, kImport)) continue;
        const auto word = base::trim(rest.substr(kImport.size(), 16));
        if (word.starts_with('"') || word.starts_with('\'')) take(at + 1 + kImport.size(), ";");
    }
    return out;
}

}  // namespace gatehouse::inspect::find
