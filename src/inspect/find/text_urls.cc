#include "inspect/find/text_urls.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "inspect/format/public_suffix.h"

namespace gatehouse::inspect::find {

namespace {

using base::is_alnum;
using base::is_alpha;

constexpr std::size_t kMaxName = 255;

struct Scheme {
    std::string_view written;
    std::string_view meant;
    bool defanged;
};
constexpr auto kSchemes = std::to_array<Scheme>({
    {"https", "https", false},
    {"http", "http", false},
    {"ftp", "ftp", false},
    {"wss", "wss", false},
    {"ws", "ws", false},
    {"file", "file", false},
    {"hxxps", "https", true},
    {"hxxp", "http", true},
    {"h**ps", "https", true},
    {"h**p", "http", true},
    {"htxps", "https", true},
    {"htxp", "http", true},
    {"httxp", "http", true},
    {"fxp", "ftp", true},
});

// Names for tests and private use, which the public suffix list does not have.
constexpr auto kSpecialTopLevels = std::to_array<std::string_view>(
    {"test", "example", "invalid", "localhost", "local", "internal", "onion", "lan", "corp", "home"});
// Top-level domains that are ends of file names first; a name alone is no link there.
constexpr auto kAlsoFileNames = std::to_array<std::string_view>(
    {"ai", "app", "bat", "cc", "md", "mov", "pl", "ps", "py", "rs", "sh", "so", "zip", "java", "doc"});

/// What stands for a dot or a slash where people want no program to follow.
struct Mark {
    std::string_view written;
    char meant;
};
constexpr auto kDefangedMarks = std::to_array<Mark>({
    {"[.]", '.'},
    {"(.)", '.'},
    {"{.}", '.'},
    {"[dot]", '.'},
    {"(dot)", '.'},
    {"{dot}", '.'},
    {"[.", '.'},
    {"\\.", '.'},
    {"[:]", ':'},
    {"[/]", '/'},
    {"[://]", '/'},
    {"[at]", '@'},
});

/// The length of a character that nobody sees at the beginning of `text`; 0 = there is none.
std::size_t invisible_length(std::string_view text) {
    if (text.empty()) return 0;
    const auto byte = [&](std::size_t at) {
        return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
    };
    switch (byte(0)) {
        case 0xC2:  // soft hyphen
            return byte(1) == 0xAD ? 2 : 0;
        case 0xCD:  // combining grapheme joiner
            return byte(1) == 0x8F ? 2 : 0;
        case 0xD8:  // Arabic letter mark
            return byte(1) == 0x9C ? 2 : 0;
        case 0xE1:  // Hangul fillers, Mongolian selectors
            if (byte(1) == 0x85 && (byte(2) == 0x9F || byte(2) == 0xA0)) return 3;
            return byte(1) == 0xA0 && byte(2) >= 0x8B && byte(2) <= 0x8F ? 3 : 0;
        case 0xE2:  // U+200B..200F, 202A..202E, 2060..206F
            if (byte(1) == 0x80)
                return (byte(2) >= 0x8B && byte(2) <= 0x8F) || (byte(2) >= 0xAA && byte(2) <= 0xAE) ? 3 : 0;
            return byte(1) == 0x81 && byte(2) >= 0xA0 && byte(2) <= 0xAF ? 3 : 0;
        case 0xEF:  // variation selectors, byte order mark
            if (byte(1) == 0xB8 && byte(2) >= 0x80 && byte(2) <= 0x8F) return 3;
            return byte(1) == 0xBB && byte(2) == 0xBF ? 3 : 0;
        case 0xF3:  // tags, more variation selectors
            return byte(1) == 0xA0 && byte(2) >= 0x80 && byte(2) <= 0x87 ? 4 : 0;
        default:
            return 0;
    }
}

/// Characters of several bytes that end a URL: spaces and the punctuation of other scripts.
bool is_wide_end(std::string_view text) {
    const auto three = text.substr(0, 3);
    if (text.starts_with("\xC2\xA0") || text.starts_with("\xC2\xAB") || text.starts_with("\xC2\xBB"))
        return true;
    if (three.starts_with("\xE2\x80")) {
        const auto last = static_cast<unsigned char>(three.size() > 2 ? three[2] : 0);
        return last <= 0x8A || (last >= 0x93 && last <= 0x9F) || last == 0xA6 || last == 0xAF ||
               last == 0xB9 || last == 0xBA || last == 0xA8 || last == 0xA9;
    }
    if (three.starts_with("\xE3\x80"))
        return three != "\xE3\x80\x82";  // the ideographic full stop is a dot in names
    return three == "\xEF\xBC\x8C" || three == "\xEF\xBC\x88" || three == "\xEF\xBC\x89" ||
           three == "\xEF\xBC\x9B" || three == "\xEF\xBC\x81";
}

/// U+FF01..FF5E are ASCII in another width.
char full_width(std::string_view text) {
    if (text.size() < 3 || text[0] != '\xEF') return 0;
    const auto second = static_cast<unsigned char>(text[1]);
    const auto third = static_cast<unsigned char>(text[2]);
    if (second == 0xBC && third >= 0x81 && third <= 0xBF) return static_cast<char>(third - 0x60);
    if (second == 0xBD && third >= 0x80 && third <= 0x9E) return static_cast<char>(third - 0x20);
    return 0;
}

constexpr bool is_url_char(char c) {
    return static_cast<unsigned char>(c) > 0x20 && c != '\x7F' && c != '<' && c != '>' && c != '"' &&
           c != '`';
}

/// Where a URL that begins at `at` ends, before its last punctuation is looked at.
std::size_t end_of_url(std::string_view text, std::size_t at) {
    const auto last = std::min(text.size(), at + kMaxUrlBytes);
    while (at < last && is_url_char(text[at])) {
        if (static_cast<unsigned char>(text[at]) >= 0xC2 && is_wide_end(text.substr(at, 3))) break;
        ++at;
    }
    return at;
}

/// Sentences go on behind URLs: marks at the end belong to them, and brackets that were not opened.
std::string_view without_last_marks(std::string_view url) {
    constexpr std::string_view kMarks = ".,;:!?'*_~|\\";
    constexpr std::string_view kOpening = "([{";
    constexpr std::string_view kClosing = ")]}";
    std::array<std::ptrdiff_t, 3> open = {};
    for (const char c : url) {
        if (const auto i = kOpening.find(c); i != std::string_view::npos) ++open[i];
        if (const auto i = kClosing.find(c); i != std::string_view::npos) --open[i];
    }
    while (!url.empty()) {
        const auto bracket = kClosing.find(url.back());
        if (bracket != std::string_view::npos) {
            if (open[bracket] >= 0) return url;
            ++open[bracket];
        } else if (!kMarks.contains(url.back())) {
            return url;
        }
        url.remove_suffix(1);
    }
    return url;
}

/// RFC 3986 appendix C: white space within <...> is no part of the URL, where it comes from broken lines.
std::string in_angles(std::string_view text, std::size_t at) {
    const auto close = text.substr(at, kMaxUrlBytes).find_first_of("<>\"");
    if (close == std::string_view::npos || text[at + close] != '>') return "";
    const auto inner = text.substr(at, close);
    if (inner.find_first_of("\r\n") == std::string_view::npos) return "";
    std::string out;
    for (std::size_t i = 0; i < inner.size();) {
        if (!base::is_space(inner[i])) {
            out += inner[i++];
            continue;
        }
        const auto end = std::min(inner.find_first_not_of(" \t\r\n", i), inner.size());
        if (inner.substr(i, end - i).find_first_of("\r\n") == std::string_view::npos) return "";
        i = end;
    }
    return out;
}

/// Reads what was written for people: marks, full-width signs and invisible characters in their plain form.
struct Plain {
    std::string text;
    bool defanged = false;
    bool obfuscated = false;
    bool invisible = false;
};
Plain make_plain(std::string_view text) {
    Plain out;
    while (!text.empty()) {
        if (const auto length = invisible_length(text); length > 0) {
            out.invisible = true;
            text.remove_prefix(std::min(length, text.size()));
            continue;
        }
        if (const char wide = full_width(text); wide != 0) {
            out.obfuscated = true;
            out.text += wide;
            text.remove_prefix(3);
            continue;
        }
        const bool may_be_mark = text[0] == '[' || text[0] == '(' || text[0] == '{';
        const auto mark =
            may_be_mark
                ? std::ranges::find_if(kDefangedMarks,
                                       [&](const Mark& m) { return base::istarts_with(text, m.written); })
                : kDefangedMarks.end();
        if (mark != kDefangedMarks.end()) {
            out.defanged = true;
            if (mark->written == "[://]") out.text += ":/";
            out.text += mark->meant;
            text.remove_prefix(mark->written.size());
            continue;
        }
        out.text += text[0];
        text.remove_prefix(1);
    }
    return out;
}

bool is_special_top_level(std::string_view label) {
    return std::ranges::any_of(kSpecialTopLevels,
                               [&](std::string_view known) { return base::iequals(label, known); });
}

/// "name.example", with at least one dot and a top-level domain that exists.
bool is_host_name(std::string_view host, bool is_www) {
    if (host.size() > kMaxName || host.size() < 4 || host.front() == '.' || host.front() == '-') return false;
    if (host.contains("..")) return false;
    const auto is_host_char = [](char c) {
        return is_alnum(c) || c == '-' || c == '.' || c == '_' || static_cast<unsigned char>(c) >= 0x80;
    };
    if (!std::ranges::all_of(host, is_host_char)) return false;
    const auto dot = host.rfind('.');
    if (dot == std::string_view::npos || dot + 2 > host.size()) return false;
    const auto top = host.substr(dot + 1);
    if (is_www && std::ranges::none_of(top, base::is_digit)) return true;
    return is_special_top_level(top) || format::has_known_top_level(host);
}

/// "one.com" is a link in every mail program; "script.sh" in few.
bool is_rather_a_file(std::string_view host) {
    const auto top = host.substr(host.rfind('.') + 1);
    return std::ranges::any_of(kAlsoFileNames, [&](std::string_view end) { return base::iequals(top, end); });
}

/// What a mark, a dot or a colon in another width begins with: others are not looked at.
bool is_mark(std::string_view text) {
    if (text[0] == '\xEF') return full_width(text) == '.' || full_width(text) == ':';
    if (text[0] == '\xE3') return text.starts_with("\xE3\x80\x82");
    return std::ranges::any_of(kDefangedMarks,
                               [&](const Mark& mark) { return base::istarts_with(text, mark.written); });
}

/// By byte: every URL has one of these near its beginning.
constexpr auto kTriggers = [] {
    std::array<bool, 256> out{};
    for (const char c : std::string_view(":.[({\xEF\xE3")) out.at(static_cast<unsigned char>(c)) = true;
    return out;
}();

class Finder {
  public:
    Finder(std::string_view text, std::size_t max) : text_(text), max_(max) {}

    std::vector<TextUrl> run() {
        for (auto at = next(0); at < text_.size() && found_.size() < max_;) {
            const auto end = look_at(at);
            at = next(std::max(end, at + 1));
        }
        return std::move(found_);
    }

  private:
    std::size_t next(std::size_t from) const {
        while (from < text_.size() && !kTriggers[static_cast<unsigned char>(text_[from])]) ++from;
        return from;
    }

    /// Where the search goes on.
    std::size_t look_at(std::size_t at) {
        if (text_[at] != ':' && text_[at] != '.' && !is_mark(text_.substr(at))) return at + 1;
        const auto begin = begin_of_word(at);
        if (begin == at) return at + 1;
        if (const auto end = look_for_scheme(begin, at); end > 0) return end;
        return look_for_name(begin);
    }

    /// Letters, digits and what may stand in schemes and names, back from `at`.
    std::size_t begin_of_word(std::size_t at) const {
        const auto first = std::max(done_, at > kMaxName ? at - kMaxName : 0);
        while (at > first) {
            const char c = text_[at - 1];
            if (!is_alnum(c) && c != '-' && c != '_' && c != '*' && static_cast<unsigned char>(c) < 0x80)
                break;
            --at;
        }
        // Not within a character.
        while (at < text_.size() && (static_cast<unsigned char>(text_[at]) & 0xC0U) == 0x80) ++at;
        return at;
    }

    /// 0: there is none before `colon`.
    std::size_t look_for_scheme(std::size_t begin, std::size_t colon) {
        const auto window = text_.substr(colon, 12);
        const auto after = make_plain(window).text;
        if (!after.starts_with(":/") && !after.starts_with(":\\")) return 0;
        const auto word = make_plain(text_.substr(begin, colon - begin));
        const auto scheme = std::ranges::find_if(
            kSchemes, [&](const Scheme& s) { return base::iends_with(word.text, s.written); });
        if (scheme == kSchemes.end()) return 0;
        // "xhttp://": a word before it, which mail programs cut off.
        const auto end = end_of_url(text_, colon);
        auto url = without_last_marks(text_.substr(colon, end - colon));
        std::string joined;
        const bool in_brackets = begin > 0 && (text_[begin - 1] == '<' || is_url_label(begin));
        if (in_brackets) joined = in_angles(text_, colon);
        if (!joined.empty()) url = joined;
        auto plain = make_plain(url);
        const auto slashes = plain.text.find_first_not_of("/\\", 1);
        if (slashes == std::string::npos || slashes < 2) return 0;
        TextUrl found;
        found.begin = begin;
        found.url = std::string(scheme->meant) + plain.text;
        found.defanged = scheme->defanged || (plain.defanged && is_in_host(url));
        found.obfuscated = plain.obfuscated || word.obfuscated || !plain.text.starts_with("://");
        found.invisible = plain.invisible || word.invisible;
        return take(std::move(found), end);
    }

    /// "<URL:http://...>", RFC 3986 appendix C.
    bool is_url_label(std::size_t begin) const {
        return begin >= 5 && base::iequals(text_.substr(begin - 5, 5), "<url:");
    }

    /// Marks in paths mean themselves; in hosts nobody writes brackets but for addresses.
    static bool is_in_host(std::string_view url) {
        const auto host = url.find_first_not_of(":/\\");
        if (host == std::string_view::npos) return false;
        const auto end = url.find_first_of("/?#", host);
        const auto name = url.substr(host, end - host);
        return make_plain(name).defanged || url.substr(0, host + 1).find('[') < host;
    }

    std::size_t look_for_name(std::size_t begin) {
        if (begin > done_ && begin > 0) {
            const char before = text_[begin - 1];
            // Addresses, paths, and the inside of other words.
            if (before == '@' || before == '/' || before == '\\' || before == '=' || before == '.' ||
                before == '&' || before == '%' || before == '#' || before == '$')
                return 0;
        }
        // A cheap look before the whole is read: most words with a dot in them are no names.
        const auto window = text_.substr(begin, kMaxName + 1);
        const auto authority = make_plain(window.substr(0, end_of_authority(window)));
        const bool is_www = base::istarts_with(authority.text, "www.");
        auto host = std::string_view(authority.text).substr(0, authority.text.find(':'));
        if (authority.text.find('@') != std::string::npos) return 0;
        const bool is_alone = host.size() == authority.text.size();
        host = without_last_marks(host);
        if (!is_host_name(host, is_www)) return 0;
        const auto end = end_of_url(text_, begin);
        const auto plain = make_plain(without_last_marks(text_.substr(begin, end - begin)));
        if (is_alone && plain.text.size() == host.size() && !is_www && is_rather_a_file(host)) return 0;
        TextUrl found;
        found.begin = begin;
        found.url = "http://" + plain.text;
        found.schemeless = true;
        found.bare = !is_www;
        found.defanged = plain.defanged;
        found.obfuscated = plain.obfuscated;
        found.invisible = plain.invisible;
        return take(std::move(found), end);
    }

    static std::size_t end_of_authority(std::string_view text) {
        auto end = end_of_url(text, 0);
        for (const char c : {'/', '?', '#'}) {
            // "[/]" is a mark.
            const auto at = text.substr(0, end).find(c);
            if (at != std::string_view::npos) end = at > 0 && text[at - 1] == '[' ? at - 1 : at;
        }
        return end;
    }

    std::size_t take(TextUrl found, std::size_t end) {
        found_.push_back(std::move(found));
        done_ = end;
        return end;
    }

    std::string_view text_;
    std::size_t max_;
    std::size_t done_ = 0;
    std::vector<TextUrl> found_;
};

}  // namespace

std::vector<TextUrl> find_urls(std::string_view text, std::size_t max) {
    return Finder(text, max).run();
}

std::string without_invisible(std::string_view text, std::size_t* removed) {
    std::string out;
    out.reserve(text.size());
    bool was_plain = false;
    for (std::size_t at = 0; at < text.size();) {
        const auto length =
            static_cast<unsigned char>(text[at]) < 0xC2 ? 0 : invisible_length(text.substr(at, 4));
        if (length == 0) {
            was_plain = is_alnum(text[at]);
            out += text[at++];
            continue;
        }
        at = std::min(at + length, text.size());
        if (removed != nullptr && was_plain && at < text.size() && is_alnum(text[at])) ++*removed;
    }
    return out;
}

}  // namespace gatehouse::inspect::find
