#include "inspect/format/html.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace gatehouse::inspect::format {

namespace {

struct Reference {
    std::string_view name;
    std::string_view text;
};
constexpr auto kReferences = std::to_array<Reference>({
#include "inspect/format/html_references.inc"
});
constexpr std::size_t kLongestReference = 32;

// Elements whose content is no markup. Mail programs run no scripts, so what is in noscript is shown.
constexpr auto kRawElements = std::to_array<std::string_view>(
    {"script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"});
constexpr std::array kShownRaw = {html_name("textarea"), html_name("title")};

constexpr bool is_html_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

void append_code_point(std::string& out, std::uint32_t code) {
    const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (code < 0x80) return put(code);
    if (code < 0x800) {
        put(0xC0U | code >> 6);
    } else {
        if (code < 0x10000) {
            put(0xE0U | code >> 12);
        } else {
            put(0xF0U | code >> 18);
            put(0x80U | (code >> 12 & 0x3FU));
        }
        put(0x80U | (code >> 6 & 0x3FU));
    }
    put(0x80U | (code & 0x3FU));
}

// What browsers make of references to the C1 controls: windows-1252.
constexpr std::array<std::uint16_t, 32> kControls = {
    0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021, 0x2C6,  0x2030, 0x160,
    0x2039, 0x152,  0x8D,   0x17D,  0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0x9D,   0x17E,  0x178};

std::uint32_t meant_code_point(std::uint32_t code) {
    if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return 0xFFFD;
    return code >= 0x80 && code < 0xA0 ? kControls[code - 0x80] : code;
}

/// `text` begins behind "&#". How many bytes were taken; 0 = this is no reference.
std::size_t append_number(std::string& out, std::string_view text) {
    std::size_t at = 0;
    const bool is_hex = !text.empty() && (text[0] == 'x' || text[0] == 'X');
    if (is_hex) ++at;
    const auto first = at;
    std::uint32_t code = 0;
    for (; at < text.size(); ++at) {
        const int digit = base::hex_value(text[at]);
        if (digit < 0 || (!is_hex && digit > 9)) break;
        code = std::min(code * (is_hex ? 16U : 10U) + static_cast<std::uint32_t>(digit), 0x110000U);
    }
    if (at == first) return 0;
    append_code_point(out, meant_code_point(code));
    return at < text.size() && text[at] == ';' ? at + 1 : at;
}

/// `text` begins behind '&'. The longest name that fits counts.
std::size_t append_named(std::string& out, std::string_view text, bool in_attribute) {
    std::size_t length = 0;
    while (length < std::min(text.size(), kLongestReference) && base::is_alnum(text[length])) ++length;
    if (length < text.size() && text[length] == ';') ++length;
    for (; length >= 2; --length) {
        const auto name = text.substr(0, length);
        const auto found = std::ranges::lower_bound(kReferences, name, {}, &Reference::name);
        if (found == kReferences.end() || found->name != name) continue;
        const bool is_open = name.back() != ';';
        const char after = length < text.size() ? text[length] : '\0';
        if (is_open && in_attribute && (after == '=' || base::is_alnum(after))) return 0;
        out += found->text;
        return length;
    }
    return 0;
}

}  // namespace

void append_html_text(std::string& out, std::string_view text, bool in_attribute) {
    while (true) {
        const auto mark = text.find('&');
        out += text.substr(0, mark);
        if (mark == std::string_view::npos) return;
        text.remove_prefix(mark + 1);
        const auto taken = text.starts_with('#') ? append_number(out, text.substr(1))
                                                 : append_named(out, text, in_attribute);
        if (taken == 0) {
            out += '&';
        } else {
            text.remove_prefix(text[0] == '#' ? taken + 1 : taken);
        }
    }
}

bool HtmlReader::next(HtmlToken& token) {
    attributes_.clear();
    if (!raw_element_.empty() && read_raw(token)) return true;
    while (at_ < html_.size()) {
        if (html_[at_] == '<' && read_markup(token)) return true;
        const auto mark = std::min(html_.find('<', at_ + 1), html_.size());
        token = {HtmlKind::text, 0, html_.substr(at_, mark - at_)};
        at_ = mark;
        return true;
    }
    return false;
}

/// False: this '<' is text.
bool HtmlReader::read_markup(HtmlToken& token) {
    const auto rest = html_.substr(at_);
    if (rest.size() < 2) return false;
    if (rest[1] == '!') {
        if (rest.starts_with("<!--"))
            read_comment(token);
        else
            read_bogus_comment(token, 2);
        return true;
    }
    if (rest[1] == '?') {
        read_bogus_comment(token, 2);
        return true;
    }
    const bool is_end = rest[1] == '/';
    if (is_end && rest.size() > 2 && !base::is_alpha(rest[2])) {
        read_bogus_comment(token, 2);
        return true;
    }
    if (!base::is_alpha(rest[is_end && rest.size() > 2 ? 2 : 1])) return false;
    token.kind = is_end ? HtmlKind::end : HtmlKind::start;
    read_tag(token);
    return true;
}

void HtmlReader::read_bogus_comment(HtmlToken& token, std::size_t from) {
    const auto begin = at_ + from;
    const auto end = std::min(html_.find('>', begin), html_.size());
    token = {HtmlKind::comment, 0, html_.substr(begin, end - begin)};
    at_ = std::min(end + 1, html_.size());
}

/// What stands in "<!--[if mso]> ... <![endif]-->" follows as content.
void HtmlReader::read_comment(HtmlToken& token) {
    const auto rest = html_.substr(at_ + 4);
    const auto inner = base::trim(rest.substr(0, 64));
    if (inner.starts_with("[if") || inner.starts_with("[IF") || rest.starts_with('>') ||
        rest.starts_with("->"))
        return read_bogus_comment(token, 4);
    std::size_t end = std::string_view::npos;
    if (!no_comment_end_) {
        end = rest.find("--");
        while (end != std::string_view::npos && !rest.substr(end + 2).starts_with('>') &&
               !rest.substr(end + 2).starts_with("!>"))
            end = rest.find("--", end + 1);
        no_comment_end_ = end == std::string_view::npos;
    }
    if (no_comment_end_) {
        token = {HtmlKind::comment, 0, {}};
        at_ += 4;
        return;
    }
    token = {HtmlKind::comment, 0, rest.substr(0, end)};
    at_ += 4 + end + (rest[end + 2] == '>' ? 3 : 4);
}

void HtmlReader::read_tag(HtmlToken& token) {
    const auto begin = at_ + (token.kind == HtmlKind::end ? 2 : 1);
    auto at = begin;
    while (at < html_.size() && !is_html_space(html_[at]) && html_[at] != '/' && html_[at] != '>') ++at;
    const auto label = html_.substr(begin, at - begin);
    token.name = html_name(label);
    token.is_self_closing = false;
    at_ = read_attributes(at, token.is_self_closing);
    token.text = html_.substr(at, at_ - at);
    if (token.kind == HtmlKind::end) {
        attributes_.clear();
        return;
    }
    const auto raw =
        std::ranges::find_if(kRawElements, [&](std::string_view name) { return base::iequals(name, label); });
    if (raw != kRawElements.end() && !token.is_self_closing) raw_element_ = *raw;
}

std::size_t HtmlReader::read_attributes(std::size_t at, bool& is_self_closing) {
    while (at < html_.size()) {
        const char c = html_[at];
        if (c == '>') return at + 1;
        if (is_html_space(c) || c == '/') {
            is_self_closing = c == '/' && at + 1 < html_.size() && html_[at + 1] == '>';
            ++at;
            continue;
        }
        const auto begin = at++;
        while (at < html_.size() && !is_html_space(html_[at]) && html_[at] != '/' && html_[at] != '>' &&
               html_[at] != '=')
            ++at;
        HtmlAttribute attribute;
        attribute.label = html_.substr(begin, at - begin);
        auto value = at;
        while (value < html_.size() && is_html_space(html_[value])) ++value;
        if (value < html_.size() && html_[value] == '=') at = read_value(value + 1, attribute.value);
        attribute.name = html_name(attribute.label);
        if (attributes_.size() < kMaxAttributes) attributes_.push_back(attribute);
    }
    return html_.size();
}

std::size_t HtmlReader::read_value(std::size_t at, std::string_view& value) {
    while (at < html_.size() && is_html_space(html_[at])) ++at;
    if (at == html_.size()) return at;
    const char quote = html_[at];
    if (quote == '"' || quote == '\'') {
        auto& is_gone = no_quote_[quote == '"' ? 0 : 1];
        const auto end = is_gone ? std::string_view::npos : html_.find(quote, at + 1);
        if (end != std::string_view::npos) {
            value = html_.substr(at + 1, end - at - 1);
            return end + 1;
        }
        is_gone = true;
        ++at;
    }
    auto end = at;
    while (end < html_.size() && !is_html_space(html_[end]) && html_[end] != '>') ++end;
    value = html_.substr(at, end - at);
    return end;
}

/// False: the element is empty, or never ends; then what follows is read as markup.
bool HtmlReader::read_raw(HtmlToken& token) {
    const auto element = std::exchange(raw_element_, {});
    const auto index = std::ranges::find(kRawElements, element) - kRawElements.begin();
    const auto bit = 1U << static_cast<unsigned>(index);
    if ((no_raw_end_ & bit) != 0) return false;
    const auto begin = at_;
    for (auto end = html_.find("</", begin); end != std::string_view::npos; end = html_.find("</", end + 2)) {
        const auto tag = html_.substr(end + 2);
        if (!base::istarts_with(tag, element)) continue;
        const char after = tag.size() > element.size() ? tag[element.size()] : '>';
        if (!is_html_space(after) && after != '/' && after != '>') continue;
        if (end == begin) return false;
        const auto name = html_name(element);
        const bool is_shown = std::ranges::find(kShownRaw, name) != kShownRaw.end();
        token = {is_shown ? HtmlKind::text : HtmlKind::raw, name, html_.substr(begin, end - begin)};
        at_ = end;
        return true;
    }
    no_raw_end_ |= bit;
    return false;
}

}  // namespace gatehouse::inspect::format
