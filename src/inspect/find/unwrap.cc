#include "inspect/find/unwrap.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"
#include "inspect/format/url_percent.h"

namespace gatehouse::inspect::find {

namespace {

using format::percent_decode;
using format::Url;

constexpr std::size_t kMaxInner = 16;
constexpr std::size_t kMaxBase64 = 16'384;

bool is_web(std::string_view text) {
    for (const std::string_view scheme : {"http:", "https:", "ftp:"}) {
        if (base::istarts_with(text, scheme)) return text.size() > scheme.size() + 2;
    }
    return false;
}

bool is_or_is_below(std::string_view host, std::string_view zone) {
    return host == zone ||
           (host.size() > zone.size() && host.ends_with(zone) && host[host.size() - zone.size() - 1] == '.');
}

/// The value of one parameter as it stands; "&amp;" separates as well, because pages are quoted in mail.
std::optional<std::string_view> parameter(std::string_view query, std::string_view name) {
    for (auto part : base::split(query, '&')) {
        if (part.starts_with("amp;")) part.remove_prefix(4);
        const auto equals = part.find('=');
        if (equals != std::string_view::npos && base::iequals(part.substr(0, equals), name))
            return part.substr(equals + 1);
    }
    return std::nullopt;
}

int base64_value(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (base::is_digit(c)) return c - '0' + 52;
    if (c == '+' || c == '-') return 62;
    if (c == '/' || c == '_') return 63;
    return -1;
}

/// Both alphabets of RFC 4648; nothing when another character stands in it.
std::optional<std::string> decode_base64(std::string_view text) {
    while (text.ends_with('=')) text.remove_suffix(1);
    if (text.size() > kMaxBase64) return std::nullopt;
    std::string out;
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const char c : text) {
        const int value = base64_value(c);
        if (value < 0) return std::nullopt;
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        count += 6;
        if (count < 8) continue;
        count -= 8;
        out += static_cast<char>(bits >> count & 0xFFU);
    }
    return out;
}

/// With the scheme that wrappers leave out.
std::string with_scheme(std::string text) {
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first == std::string::npos) return "";
    text.erase(0, first);
    return text.contains("://") || is_web(text) ? text : "http://" + text;
}

// ---- Proofpoint: https://help.proofpoint.com, the three forms that its own decoder knows

std::string proofpoint_2(std::string_view value) {
    std::string text(value);
    std::ranges::replace(text, '-', '%');
    std::ranges::replace(text, '_', '/');
    return percent_decode(text);
}

/// How many characters "**X" stands for.
std::size_t run_of(char c) {
    const int value = base64_value(c);
    return value < 0 ? 0 : static_cast<std::size_t>(value) + 2;
}

/// ".../v3/__URL__;BASE64!!...": each '*' is a character of the decoded text, "**X" a run of them.
std::string proofpoint_3(std::string_view rest) {
    constexpr std::string_view kBegin = "/v3/__";
    const auto begin = rest.find(kBegin);
    if (begin == std::string_view::npos) return "";
    rest.remove_prefix(begin + kBegin.size());
    const auto end = rest.rfind("__;");
    if (end == std::string_view::npos) return "";
    const auto code = rest.substr(end + 3);
    const auto removed = decode_base64(code.substr(0, code.find('!'))).value_or("");
    std::string out;
    std::size_t taken = 0;
    const auto url = rest.substr(0, end);
    for (std::size_t i = 0; i < url.size(); ++i) {
        if (url[i] != '*' || taken >= removed.size()) {
            out += url[i];
            continue;
        }
        const bool is_run = i + 2 < url.size() && url[i + 1] == '*' && run_of(url[i + 2]) > 0;
        auto count = is_run ? run_of(url[i + 2]) : 1;
        if (is_run) i += 2;
        // A character of several bytes counts as one.
        while (count > 0 && taken < removed.size()) {
            do out += removed[taken++];
            while (taken < removed.size() && (static_cast<unsigned char>(removed[taken]) & 0xC0U) == 0x80);
            --count;
        }
    }
    // Paths of URLs lose one slash of "https://" on some ways.
    for (const std::string_view scheme : {"http:/", "https:/"}) {
        if (out.starts_with(scheme) && !out.substr(scheme.size()).starts_with('/'))
            out.insert(scheme.size(), 1, '/');
    }
    return out;
}

// ---- the table

enum class Way : std::uint8_t {
    query,         ///< percent-encoded in a parameter
    base64,        ///< base64 in a parameter
    proofpoint_2,  ///< '-' and '_' for '%' and '/'
    proofpoint_3,
    segment,       ///< percent-encoded in the path, behind `key`
    last_segment,  ///< percent-encoded, the rest of the path from the first segment that is a URL
    host_hint,     ///< the parameter names the host alone
};

struct Wrapper {
    std::string_view name;
    std::string_view zone;  ///< the host, or what it ends in
    std::string_view path;  ///< the path begins so; empty = any
    Way way;
    std::string_view key;
};

constexpr auto kWrappers = std::to_array<Wrapper>({
    {"Microsoft Safe Links", "safelinks.protection.outlook.com", "", Way::query, "url"},
    {"Microsoft Safe Links", "safelinks.protection.office365.us", "", Way::query, "url"},
    {"Proofpoint", "urldefense.proofpoint.com", "/v1/", Way::query, "u"},
    {"Proofpoint", "urldefense.proofpoint.com", "/v2/", Way::proofpoint_2, "u"},
    {"Proofpoint", "urldefense.proofpoint.com", "/v3/", Way::proofpoint_3, ""},
    {"Proofpoint", "urldefense.com", "/v3/", Way::proofpoint_3, ""},
    {"Proofpoint", "urldefense.us", "/v3/", Way::proofpoint_3, ""},
    {"Trend Micro", "ctp.trendmicro.com", "", Way::query, "url"},
    {"Barracuda", "linkprotect.cudasvc.com", "", Way::query, "a"},
    {"Sophos", "protection.sophos.com", "", Way::base64, "u"},
    {"FireEye", "protect2.fireeye.com", "", Way::query, "u"},
    {"FireEye", "protect.fireeye.com", "", Way::query, "u"},
    {"Libraesva", "urlsand.esvalabs.com", "", Way::query, "u"},
    {"Amazon SES", "awstrack.me", "/L0/", Way::segment, "L0"},
    {"Azure", "safelink.emails.azure.net", "", Way::query, "destination"},
    {"WhatsApp", "l.wl.co", "/l", Way::query, "u"},
    {"Mimecast", "mimecast.com", "/s/", Way::host_hint, "domain"},
    {"Cisco", "secure-web.cisco.com", "", Way::last_segment, ""},
    {"Symantec", "clicktime.symantec.com", "", Way::query, "u"},
    {"Google", "www.google.com", "/url", Way::query, "q"},
    {"Google", "www.google.com", "/url", Way::query, "url"},
    {"Facebook", "l.facebook.com", "/l.php", Way::query, "u"},
    {"LinkedIn", "www.linkedin.com", "/redir/", Way::query, "url"},
    {"YouTube", "www.youtube.com", "/redirect", Way::query, "q"},
});

std::string from_segment(const Url& url, std::string_view key) {
    const auto at = std::ranges::find(url.path, key);
    if (at == url.path.end() || at + 1 == url.path.end()) return "";
    return percent_decode(*(at + 1));
}

std::string from_rest_of_path(const Url& url) {
    for (auto segment = url.path.begin(); segment != url.path.end(); ++segment) {
        auto text = percent_decode(*segment);
        if (!is_web(text) && !base::iequals(text, "http:") && !base::iequals(text, "https:")) continue;
        for (auto more = segment + 1; more != url.path.end(); ++more) text += "/" + *more;
        if (url.query) text += "?" + *url.query;
        return text;
    }
    return "";
}

std::string by_table(const Url& url, const Wrapper& wrapper) {
    const auto value = parameter(url.query ? std::string_view(*url.query) : std::string_view(), wrapper.key);
    switch (wrapper.way) {
        case Way::query:
            return value ? percent_decode(*value) : "";
        case Way::base64:
            return value ? decode_base64(percent_decode(*value)).value_or("") : "";
        case Way::proofpoint_2:
            return value ? proofpoint_2(*value) : "";
        case Way::proofpoint_3:
            return proofpoint_3(url.href());
        case Way::segment:
            return from_segment(url, wrapper.key);
        case Way::last_segment:
            return from_rest_of_path(url);
        case Way::host_hint:
            return value ? percent_decode(*value) : "";
    }
    return "";
}

// ---- whatever else stands in a URL

/// "https://..." written once or percent-encoded, also several times, or in base64.
std::string nested_in(std::string_view value) {
    std::string text(value);
    for (int layer = 0; layer < 3; ++layer) {
        if (is_web(text) && text.contains("//")) return text;
        auto next = percent_decode(text);
        if (next == text) break;
        text = std::move(next);
    }
    // Base64 of "http" and "HTTP".
    if (text.size() >= 12 && (text.starts_with("aHR0c") || text.starts_with("SFRUU"))) {
        const auto inner = decode_base64(text);
        if (inner && is_web(*inner)) return *inner;
    }
    return "";
}

void look_at_parameters(std::string_view query, std::vector<Inner>& out) {
    for (auto part : base::split(query, '&')) {
        if (out.size() >= kMaxInner) return;
        if (part.starts_with("amp;")) part.remove_prefix(4);
        const auto equals = part.find('=');
        const auto value = equals == std::string_view::npos ? part : part.substr(equals + 1);
        if (auto inner = nested_in(value); !inner.empty()) out.push_back({std::move(inner), ""});
    }
}

void look_at_path(const Url& url, std::vector<Inner>& out) {
    if (url.has_opaque_path) return;
    if (auto inner = from_rest_of_path(url); !inner.empty()) {
        out.push_back({std::move(inner), ""});
        return;
    }
    for (const auto& segment : url.path) {
        if (out.size() >= kMaxInner) return;
        if (auto inner = nested_in(segment); !inner.empty()) out.push_back({std::move(inner), ""});
    }
}

}  // namespace

std::vector<Inner> unwrap(const Url& url) {
    std::vector<Inner> out;
    const auto path = url.path_text();
    for (const auto& wrapper : kWrappers) {
        if (!is_or_is_below(url.host.text, wrapper.zone) || !base::istarts_with(path, wrapper.path)) continue;
        auto inner = with_scheme(by_table(url, wrapper));
        if (inner.size() <= 8) continue;
        out.push_back({std::move(inner), wrapper.name});
        return out;
    }
    if (url.query) look_at_parameters(*url.query, out);
    look_at_path(url, out);
    if (url.fragment) look_at_parameters(*url.fragment, out);
    return out;
}

}  // namespace gatehouse::inspect::find
