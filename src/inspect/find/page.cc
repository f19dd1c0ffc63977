#include "inspect/find/page.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"
#include "inspect/find/style.h"
#include "inspect/format/html.h"

namespace gatehouse::inspect::find {

namespace {

using format::html_name;
using format::HtmlAttribute;
using format::HtmlKind;
using format::HtmlName;
using format::HtmlToken;

constexpr HtmlName kA = html_name("a");
constexpr HtmlName kBase = html_name("base");
constexpr HtmlName kBr = html_name("br");
constexpr HtmlName kHref = html_name("href");
constexpr HtmlName kInput = html_name("input");
constexpr HtmlName kMeta = html_name("meta");
constexpr HtmlName kObject = html_name("object");
constexpr HtmlName kParam = html_name("param");
constexpr HtmlName kPre = html_name("pre");
constexpr HtmlName kStyle = html_name("style");
constexpr HtmlName kTitle = html_name("title");

constexpr std::array kVoid = {
    html_name("area"),  html_name("base"),   html_name("br"),      html_name("col"),
    html_name("embed"), html_name("hr"),     html_name("img"),     html_name("input"),
    html_name("link"),  html_name("meta"),   html_name("param"),   html_name("wbr"),
    html_name("track"), html_name("source"), html_name("bgsound"), html_name("basefont")};
constexpr std::array kBlocks = {
    html_name("address"), html_name("article"), html_name("aside"),    html_name("blockquote"),
    html_name("body"),    html_name("center"),  html_name("dd"),       html_name("div"),
    html_name("dl"),      html_name("dt"),      html_name("fieldset"), html_name("footer"),
    html_name("form"),    html_name("h1"),      html_name("h2"),       html_name("h3"),
    html_name("h4"),      html_name("h5"),      html_name("h6"),       html_name("head"),
    html_name("header"),  html_name("hr"),      html_name("html"),     html_name("li"),
    html_name("main"),    html_name("nav"),     html_name("ol"),       html_name("option"),
    html_name("p"),       html_name("pre"),     html_name("section"),  html_name("table"),
    html_name("tbody"),   html_name("title"),   html_name("tr"),       html_name("ul")};
constexpr std::array kCells = {html_name("td"), html_name("th")};
// Elements that end when the next of their kind begins.
constexpr std::array kSelfEnding = {html_name("p"),  html_name("li"), html_name("td"), html_name("th"),
                                    html_name("tr"), html_name("dt"), html_name("dd"), html_name("option")};

struct LinkAttribute {
    HtmlName name;
    LinkKind kind;
};
// Attributes that lead somewhere, whatever element they stand on: mail programs differ in what they take.
constexpr auto kLinkAttributes = std::to_array<LinkAttribute>({
    {kHref, LinkKind::navigate},
    {html_name("xlink:href"), LinkKind::navigate},
    {html_name("o:href"), LinkKind::navigate},
    {html_name("data-saferedirecturl"), LinkKind::navigate},
    {html_name("longdesc"), LinkKind::navigate},
    {html_name("cite"), LinkKind::navigate},
    {html_name("action"), LinkKind::submit},
    {html_name("formaction"), LinkKind::submit},
    {html_name("src"), LinkKind::load},
    {html_name("background"), LinkKind::load},
    {html_name("poster"), LinkKind::load},
    {html_name("ping"), LinkKind::load},
    {html_name("dynsrc"), LinkKind::load},
    {html_name("lowsrc"), LinkKind::load},
    {html_name("codebase"), LinkKind::load},
    {html_name("archive"), LinkKind::load},
    {html_name("manifest"), LinkKind::load},
    {html_name("data-src"), LinkKind::load},
});
constexpr std::array kLoading = {html_name("link"), html_name("image"), html_name("use")};

template <typename Names>
constexpr bool is_one_of(const Names& names, HtmlName name) {
    return std::ranges::find(names, name) != names.end();
}

std::string decoded(std::string_view value) {
    std::string out;
    format::append_html_text(out, value, true);
    return out;
}

const HtmlAttribute* find_attribute(std::span<const HtmlAttribute> attributes, HtmlName name) {
    // The first counts, as in browsers.
    const auto found = std::ranges::find(attributes, name, &HtmlAttribute::name);
    return found == attributes.end() ? nullptr : &*found;
}

/// Text as it is rendered: runs of white space are one, at the beginning of a line none.
class Rendering {
  public:
    explicit Rendering(std::size_t max) : max_(max) {}

    void add(std::string_view text, bool preformatted) {
        if (out_.size() + text.size() > max_) {
            text = base::cut_text(text, max_ - std::min(max_, out_.size()));
            is_cut_ = true;
        }
        if (preformatted) {
            flush_space();
            out_ += text;
            return;
        }
        std::size_t at = 0;
        while (at < text.size()) {
            const auto word = std::min(find_space(text, at), text.size());
            if (word > at) {
                flush_space();
                out_ += text.substr(at, word - at);
            }
            at = word;
            while (at < text.size() && is_blank(text[at])) ++at;
            if (at > word) space_ = true;
        }
    }
    void end_line() {
        space_ = false;
        if (!out_.empty() && out_.back() != '\n') out_ += '\n';
    }
    void end_cell() { space_ = true; }
    std::string take() { return std::move(out_); }
    const std::string& text() const { return out_; }
    bool is_cut() const { return is_cut_; }

  private:
    static bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f'; }
    static std::size_t find_space(std::string_view text, std::size_t at) {
        while (at < text.size() && !is_blank(text[at])) ++at;
        return at;
    }
    void flush_space() {
        if (space_ && !out_.empty() && out_.back() != '\n') out_ += ' ';
        space_ = false;
    }

    std::size_t max_;
    std::string out_;
    bool space_ = false;
    bool is_cut_ = false;
};

class PageReader {
  public:
    PageReader(std::string_view html, std::size_t max_text)
        : reader_(html), seen_(max_text), unseen_(max_text) {}

    Page run() {
        HtmlToken token;
        while (reader_.next(token)) {
            switch (token.kind) {
                case HtmlKind::text:
                    on_text(token);
                    break;
                case HtmlKind::start:
                    on_start(token);
                    break;
                case HtmlKind::end:
                    on_end(token.name);
                    break;
                case HtmlKind::raw:
                    on_raw(token);
                    break;
                case HtmlKind::comment:
                    break;
            }
        }
        page_.text_cut = seen_.is_cut() || unseen_.is_cut();
        end_anchor();
        page_.text = seen_.take();
        page_.hidden = unseen_.take();
        return std::move(page_);
    }

  private:
    struct Open {
        HtmlName name = 0;
        std::uint16_t hiding = 0;
        Colour colour = 0x000000;
        std::optional<Colour> background = 0xFFFFFF;
        bool preformatted = false;
    };

    const Open& top() const { return open_.empty() ? root_ : open_.back(); }

    void on_text(const HtmlToken& token) {
        std::string_view text = token.text;
        if (text.contains('&')) {
            buffer_.clear();
            format::append_html_text(buffer_, text, false);
            text = buffer_;
        }
        const auto hiding = hiding_of(top());
        // A page's title is shown by no mail program.
        if (hiding != 0 || token.name == kTitle) {
            page_.hiding |= hiding;
            unseen_.add(text, top().preformatted);
        } else {
            seen_.add(text, top().preformatted);
        }
        if (anchor_ != kNoAnchor) {
            auto& shown = page_.links[anchor_].shown;
            if (hiding == 0 && shown.size() < kMaxShown)
                shown += base::cut_text(text, kMaxShown - shown.size());
        }
    }

    static std::uint16_t hiding_of(const Open& element) {
        auto out = element.hiding;
        if (element.background && is_same_to_the_eye(element.colour, *element.background))
            out |= static_cast<std::uint16_t>(Hiding::colour);
        return out;
    }

    void on_raw(const HtmlToken& token) {
        if (token.name != kStyle) return;
        sheet_.read(token.text);
        for (const auto url : css_urls(token.text, kMaxCssUrls)) add_link(LinkKind::load, std::string(url));
    }

    void on_start(const HtmlToken& token) {
        const auto attributes = reader_.attributes();
        const bool is_block = is_one_of(kBlocks, token.name);
        if (is_block || token.name == kBr)
            end_line();
        else if (is_one_of(kCells, token.name))
            seen_.end_cell(), unseen_.end_cell();
        close_implied(token.name, is_block);
        const auto element = open_element(token, attributes);
        look_for_links(token.name, attributes, hiding_of(element) != 0);
        const bool has_no_end = is_one_of(kVoid, token.name) || token.is_self_closing;
        if (!has_no_end && open_.size() < kMaxDepth) open_.push_back(element);
    }

    void end_line() {
        seen_.end_line();
        unseen_.end_line();
    }

    void close_implied(HtmlName name, bool is_block) {
        if (open_.empty()) return;
        constexpr auto kParagraph = html_name("p");
        const bool ends_paragraph = is_block && open_.back().name == kParagraph;
        if (ends_paragraph || (open_.back().name == name && is_one_of(kSelfEnding, name))) open_.pop_back();
        if (name == kA) end_anchor();
    }

    void end_anchor() {
        if (anchor_ != kNoAnchor) page_.anchors.push_back({anchor_begin_, seen_.text().size(), anchor_});
        anchor_ = kNoAnchor;
    }

    void on_end(HtmlName name) {
        if (is_one_of(kBlocks, name)) end_line();
        if (name == kA) end_anchor();
        for (auto at = open_.size(); at > 0; --at) {
            if (open_[at - 1].name != name) continue;
            open_.resize(at - 1);
            return;
        }
    }

    Open open_element(const HtmlToken& token, std::span<const HtmlAttribute> attributes) {
        Open element = top();
        element.name = token.name;
        element.preformatted = element.preformatted || token.name == kPre;
        if (attributes.empty() && sheet_.is_empty()) return element;
        Style style;
        if (!sheet_.is_empty()) style = of_sheet(token, attributes);
        for (const auto& attribute : attributes) read_attribute(attribute, style);
        if (style.shows_again && style.hiding == 0)
            element.hiding &= static_cast<std::uint16_t>(~static_cast<unsigned>(Hiding::size));
        element.hiding |= style.hiding;
        if (style.colour) element.colour = *style.colour;
        if (style.background) element.background = style.background;
        if (style.unknown_background) element.background.reset();
        return element;
    }

    Style of_sheet(const HtmlToken& token, std::span<const HtmlAttribute> attributes) const {
        Style style;
        for (const auto& attribute : attributes) {
            if (attribute.name == html_name("id")) merge(style, "#" + base::lower(attribute.value));
            if (attribute.name != html_name("class")) continue;
            for (const auto word : base::split(attribute.value.substr(0, 1000), ' '))
                merge(style, "." + base::lower(base::trim(word)));
        }
        (void)token;
        return style;
    }
    void merge(Style& style, const std::string& selector) const {
        if (const auto* found = sheet_.find(selector)) style.merge(*found);
    }

    void read_attribute(const HtmlAttribute& attribute, Style& style) {
        if (attribute.name == kStyle) {
            const auto css = decoded(attribute.value);
            style.merge(parse_declarations(css));
            if (!css.contains('(')) return;
            for (const auto url : css_urls(css, kMaxCssUrls)) add_link(LinkKind::load, std::string(url));
        } else if (attribute.name == html_name("bgcolor")) {
            style.background = parse_colour(attribute.value);
        } else if (attribute.name == html_name("color")) {
            style.colour = parse_colour(attribute.value);
        } else if (attribute.name == html_name("background")) {
            style.unknown_background = true;
        } else if (attribute.name == html_name("hidden")) {
            style.hiding |= static_cast<std::uint16_t>(Hiding::display);
        }
    }

    void look_for_links(HtmlName element, std::span<const HtmlAttribute> attributes, bool hidden) {
        if (element == kMeta) return look_at_meta(attributes);
        if (element == kInput) note_password(attributes);
        for (const auto& attribute : attributes) {
            if (attribute.value.empty()) continue;
            if (element == kBase && attribute.name == kHref) {
                if (page_.base.empty()) page_.base = decoded(attribute.value);
                continue;
            }
            look_at_attribute(element, attribute, hidden);
        }
    }

    void look_at_attribute(HtmlName element, const HtmlAttribute& attribute, bool hidden) {
        const auto found = std::ranges::find(kLinkAttributes, attribute.name, &LinkAttribute::name);
        if (found != kLinkAttributes.end()) {
            const bool loads = found->kind == LinkKind::navigate && is_one_of(kLoading, element);
            add_link(loads ? LinkKind::load : found->kind, decoded(attribute.value), hidden);
            if (element == kA && attribute.name == kHref && !page_.links_dropped) {
                anchor_ = page_.links.size() - 1;
                anchor_begin_ = seen_.text().size();
            }
        } else if (attribute.name == html_name("srcset") || attribute.name == html_name("imagesrcset")) {
            look_at_source_set(decoded(attribute.value));
        } else if (element == kObject && attribute.name == html_name("data")) {
            add_link(LinkKind::load, decoded(attribute.value), hidden);
        } else if (element == kParam && attribute.name == html_name("value")) {
            if (attribute.value.contains("//")) add_link(LinkKind::load, decoded(attribute.value), hidden);
        } else if (base::istarts_with(attribute.label, "on")) {
            add_link(LinkKind::script, decoded(attribute.value), hidden);
        }
    }

    /// "a.png 1x, b.png 2x"
    void look_at_source_set(const std::string& text) {
        for (const auto one : base::split(text, ',')) {
            const auto candidate = base::trim(one);
            const auto url = candidate.substr(0, candidate.find_first_of(" \t\r\n"));
            if (!url.empty()) add_link(LinkKind::load, std::string(url));
        }
    }

    /// "5; url='https://...'" with or without most of its marks.
    void look_at_meta(std::span<const HtmlAttribute> attributes) {
        const auto* equivalent = find_attribute(attributes, html_name("http-equiv"));
        const auto* content = find_attribute(attributes, html_name("content"));
        if (equivalent == nullptr || content == nullptr) return;
        if (!base::iequals(base::trim(decoded(equivalent->value)), "refresh")) return;
        const auto value = decoded(content->value);
        std::string_view rest = value;
        rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r\n0123456789."), rest.size()));
        rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r\n;,"), rest.size()));
        if (base::istarts_with(rest, "url")) {
            const auto after = base::trim(rest.substr(3));
            if (after.starts_with('=')) rest = base::trim(after.substr(1));
        }
        if (rest.starts_with('"') || rest.starts_with('\'')) rest = rest.substr(1, rest.find(rest[0], 1) - 1);
        if (!rest.empty()) add_link(LinkKind::refresh, std::string(rest));
    }

    void note_password(std::span<const HtmlAttribute> attributes) {
        const auto* type = find_attribute(attributes, html_name("type"));
        if (type != nullptr && base::iequals(base::trim(type->value), "password")) page_.has_password = true;
    }

    void add_link(LinkKind kind, std::string target, bool hidden = false) {
        if (page_.links.size() == kMaxLinks) {
            page_.links_dropped = true;
            return;
        }
        page_.links.push_back({kind, std::move(target), "", hidden});
    }

    static constexpr std::size_t kMaxCssUrls = 200;
    static constexpr std::size_t kNoAnchor = static_cast<std::size_t>(-1);

    format::HtmlReader reader_;
    Rendering seen_;
    Rendering unseen_;
    Page page_;
    StyleSheet sheet_;
    Open root_;
    std::vector<Open> open_;
    std::size_t anchor_ = kNoAnchor;
    std::size_t anchor_begin_ = 0;
    std::string buffer_;
};

}  // namespace

Page read_page(std::string_view html, std::size_t max_text) {
    return PageReader(html, max_text).run();
}

std::string_view page_charset(std::string_view html) {
    constexpr std::string_view kKey = "charset";
    const auto head = html.substr(0, 1024);
    for (std::size_t at = 0; at + kKey.size() < head.size(); ++at) {
        if (!base::istarts_with(head.substr(at), kKey)) continue;
        auto rest = base::trim(head.substr(at + kKey.size()));
        if (!rest.starts_with('=')) continue;
        rest = base::trim(rest.substr(1));
        if (rest.starts_with('"') || rest.starts_with('\'')) rest.remove_prefix(1);
        return rest.substr(0, rest.find_first_of(" \t\r\n\"';/>"));
    }
    return {};
}

}  // namespace gatehouse::inspect::find
