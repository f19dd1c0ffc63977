#include "inspect/format/type_of_text.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/text.h"

namespace gatehouse::inspect::format {

namespace {

using namespace std::string_view_literals;
using Named = std::pair<std::string_view, std::string_view>;  // in lower case, the type

constexpr std::size_t kSniffed = 1024;

constexpr bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v';
}

/// Every other byte of UTF-16; what is not Latin becomes '?'. `first` 0: little endian.
std::string narrow(std::string_view bytes, std::size_t first) {
    std::string out;
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2)
        out += bytes[i + 1 - first] == '\0' ? bytes[i + first] : '?';
    return out;
}

/// Half of it NUL, and those nearly all on one side.
bool is_wide(std::string_view bytes, std::size_t zeros_at) {
    if (bytes.size() < 8) return false;
    std::size_t zeros = 0;
    std::size_t others = 0;
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
        if (bytes[i + zeros_at] == '\0') ++zeros;
        if (bytes[i + 1 - zeros_at] == '\0') ++others;
    }
    return others == 0 && zeros * 10 >= bytes.size() / 2 * 9;
}

std::string characters(std::string_view bytes) {
    if (bytes.starts_with("\xEF\xBB\xBF")) return std::string(bytes.substr(3));
    if (bytes.starts_with("\xFF\xFE")) return narrow(bytes.substr(2), 0);
    if (bytes.starts_with("\xFE\xFF")) return narrow(bytes.substr(2), 1);
    if (is_wide(bytes, 1)) return narrow(bytes, 0);
    if (is_wide(bytes, 0)) return narrow(bytes, 1);
    return std::string(bytes);
}

/// No NUL, and no more of the other controls than an odd text has (escape sequences of terminals).
bool is_text(std::string_view text) {
    static constexpr auto kIsControl = [] {
        std::array<bool, 256> out{};
        for (std::size_t code = 0; code < 0x20; ++code) out[code] = !is_blank(static_cast<char>(code));
        out[0x1B] = out[0x08] = false;
        out[0x7F] = true;
        return out;
    }();
    std::size_t controls = 0;
    for (const char c : text) controls += kIsControl[static_cast<unsigned char>(c)] ? 1 : 0;
    return controls * 100 <= text.size() && text.find('\0') == std::string_view::npos;
}

/// Behind blanks and comments, as browsers sniff it (WHATWG MIME Sniffing 7.1).
std::string_view of_markup(std::string_view text) {
    static constexpr std::array kTags = std::to_array<std::string_view>({
        "<!doctype html", "<html",     "<head",     "<body",  "<script", "<iframe", "<h1",     "<div",
        "<font",          "<table",    "<a",        "<style", "<title",  "<b",      "<br",     "<p",
        "<meta",          "<img",      "<base",     "<form",  "<object", "<embed",  "<center", "<span",
        "<link",          "<frameset", "<noscript", "<svg",
    });
    while (text.starts_with("<!--")) {
        const auto end = text.find("-->");
        if (end == std::string_view::npos) return "html";
        text.remove_prefix(end + 3);
        while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    }
    if (text.find("<hta:application") != std::string_view::npos) return "hta";
    if (text.starts_with("<svg")) return "svg";
    if (text.starts_with("<?xml") || text.starts_with("<!doctype svg")) {
        if (text.find("<svg") != std::string_view::npos) return "svg";
        return text.find("<html") != std::string_view::npos ? "html" : "xml";
    }
    const bool is_html = std::any_of(kTags.begin(), kTags.end(), [&](std::string_view tag) {
        if (!text.starts_with(tag)) return false;
        const char next = text.size() > tag.size() ? text[tag.size()] : '>';
        return next == '>' || next == '/' || is_blank(next);
    });
    return is_html ? "html"sv : std::string_view();
}

/// By its first words.
std::string_view of_beginning(std::string_view text) {
    static constexpr std::array kBeginnings = std::to_array<Named>({
        {"#!", "script"},
        {"@echo off", "bat"},
        {"windows registry editor", "registry"},
        {"regedit4", "registry"},
        {"-----begin pgp", "pgp"},
        {"-----begin ", "pem"},
        {"begin:vcalendar", "ics"},
        {"begin:vcard", "vcard"},
        {"=ybegin ", "yenc"},
        {"(this file must be converted with binhex", "binhex"},
        {"from ", "mbox"},
        {"received:", "message"},
        {"return-path:", "message"},
        {"delivered-to:", "message"},
        {"mime-version:", "message"},
        {"message-id:", "message"},
    });
    for (const auto& [word, type] : kBeginnings) {
        if (!text.starts_with(word)) continue;
        if (type == "mbox" && text.find("\nfrom:") == std::string_view::npos) continue;
        return type;
    }
    // "begin 644 name": three digits.
    const bool is_uuencoded = text.starts_with("begin ") && text.size() > 10 && text[9] == ' ' &&
                              std::all_of(text.begin() + 6, text.begin() + 9, base::is_digit);
    return is_uuencoded ? "uuencode"sv : std::string_view();
}

}  // namespace

std::string_view type_of_text(std::string_view bytes) {
    auto text = characters(bytes.substr(0, kSniffed));
    if (!is_text(text)) return "data";
    for (char& c : text) c = base::to_lower(c);
    std::string_view rest = text;
    while (!rest.empty() && is_blank(rest.front())) rest.remove_prefix(1);
    if (const auto markup = of_markup(rest); !markup.empty()) return markup;
    if (const auto beginning = of_beginning(rest); !beginning.empty()) return beginning;
    return "text";
}

}  // namespace gatehouse::inspect::format
