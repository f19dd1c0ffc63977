#include "inspect/find/url_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "inspect/find/style.h"
#include "inspect/find/unwrap.h"
#include "inspect/format/idna.h"
#include "inspect/format/public_suffix.h"

namespace gatehouse::inspect::find {

namespace {

using format::HostKind;
using format::Url;
using message::GapReason;

/// What is odd or worth knowing about one URL, as names in its record.
enum Flag : std::uint32_t {
    kFlagSchemeless = 1U << 0,
    kFlagHidden = 1U << 1,
    kFlagLoad = 1U << 2,
    kFlagForm = 1U << 3,
    kFlagRefresh = 1U << 4,
    kFlagNested = 1U << 5,
    kFlagUnwrapped = 1U << 6,
    kFlagUserinfo = 1U << 7,
    kFlagIp = 1U << 8,
    kFlagIdn = 1U << 9,
    kFlagHomograph = 1U << 10,
    kFlagInvisible = 1U << 11,
    kFlagMismatch = 1U << 12,
    kFlagObfuscated = 1U << 13,
    kFlagLenient = 1U << 14,
    kFlagScript = 1U << 15,
    kFlagCode = 1U << 16,
};
constexpr auto kFlagNames = std::to_array<std::string_view>(
    {"schemeless", "hidden", "load", "form", "refresh", "nested", "unwrapped", "userinfo", "ip", "idn",
     "homograph", "invisible", "mismatch", "obfuscated", "lenient", "script", "code"});

constexpr std::size_t kMaxUrlsOfText = 10'000;
// The text of the message may come after its files.
constexpr std::size_t kMaxUrlsOfFiles = kMaxUrls / 2;

bool is_followed(const Url& url) {
    const bool web = url.scheme == "http" || url.scheme == "https" || url.scheme == "ftp" ||
                     url.scheme == "ws" || url.scheme == "wss" || url.scheme == "file";
    return web && url.host.kind != HostKind::none && url.host.kind != HostKind::empty;
}

/// Schemes that lead to nothing a list or a browser knows.
bool is_of_no_interest(std::string_view scheme) {
    constexpr auto kNone = std::to_array<std::string_view>(
        {"mailto", "tel", "sms", "cid", "mid", "data", "about", "callto", "xmpp", "sip", "urn", "blob"});
    return std::ranges::find(kNone, scheme) != kNone.end();
}

/// White space of any script, which browsers strip in part only.
std::string_view strip(std::string_view text) {
    constexpr auto kSpaces =
        std::to_array<std::string_view>({" ", "\t", "\r", "\n", "\f", "\xC2\xA0", "\xE2\x80\xAF",
                                         "\xE3\x80\x80", "\xE2\x80\x83", "\xE2\x80\x82"});
    for (bool again = true; again;) {
        again = false;
        for (const auto space : kSpaces) {
            if (text.starts_with(space)) text.remove_prefix(space.size()), again = true;
            if (text.ends_with(space)) text.remove_suffix(space.size()), again = true;
        }
    }
    return text;
}

bool has_space_that_browsers_keep(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r\n\f");
    return first != std::string_view::npos && strip(text).data() != text.data() + first;
}

/// The site that a link's text names; empty when it names none.
std::string shown_site(std::string_view shown) {
    if (shown.empty() || shown.size() > kMaxShown) return "";
    const auto urls = find_urls(shown, 1);
    if (urls.empty() || urls[0].begin > 3) return "";
    const auto url = format::parse_url(urls[0].url);
    return url && url->host.kind == HostKind::domain ? url->host.text : "";
}

std::string without_root_dot(std::string host) {
    // A name with an empty label is none of DNS's; without its dot "4024.." would become an address.
    if (host.size() > 1 && host.ends_with('.') && !host.ends_with("..")) host.pop_back();
    return host;
}

/// As records and policies name it: browsers' form without user, and without the dot of DNS's root, which
/// names the same host.
std::string canonical_of(const Url& url) {
    if (!url.host.text.ends_with('.')) return url.canonical();
    auto copy = url;
    copy.host.text = without_root_dot(copy.host.text);
    return copy.canonical();
}

std::string words_of(std::uint16_t hiding) {
    constexpr auto kWays = std::to_array<std::pair<Hiding, std::string_view>>({
        {Hiding::display, "display"},
        {Hiding::size, "size"},
        {Hiding::colour, "colour"},
        {Hiding::transparent, "transparent"},
        {Hiding::off_screen, "off_screen"},
    });
    std::string out;
    for (const auto& [way, word] : kWays) {
        if ((hiding & static_cast<std::uint16_t>(way)) != 0) out.append(out.empty() ? "" : " ").append(word);
    }
    return out;
}

message::Evidence evidence_of(const base::EvidenceInfo& info, std::string_view where) {
    message::Evidence out;
    out.feature = info.feature;
    out.id = info.id;
    out.where = where;
    out.score = info.default_score;
    out.text = info.help;
    return out;
}

std::string fact(std::string_view text) {
    return std::string(base::cut_text(text, message::kMaxFactText));
}

std::uint32_t flags_of(LinkKind kind) {
    switch (kind) {
        case LinkKind::submit:
            return kFlagForm;
        case LinkKind::load:
            return kFlagLoad;
        case LinkKind::refresh:
            return kFlagRefresh;
        case LinkKind::script:
            return kFlagScript;
        case LinkKind::navigate:
            return 0;
    }
    return 0;
}

/// Whether the text there is shown for a link that leads somewhere.
bool is_of_a_link(const Page& page, std::size_t at, const Url* base) {
    const auto after = std::ranges::upper_bound(page.anchors, at, {}, &Page::Anchor::begin);
    if (after == page.anchors.begin()) return false;
    const auto& anchor = *(after - 1);
    if (at >= anchor.end) return false;
    const auto url = format::parse_url(strip(page.links[anchor.link].target), base);
    return url && is_followed(*url);
}

}  // namespace

struct UrlList::Circumstances {
    std::string_view where;
    const Url* base = nullptr;
    std::uint32_t flags = 0;
    std::string_view shown = {};
    std::size_t layer = 0;
    std::set<std::string_view> wrappers = {};
};

void UrlList::enter(std::string_view where, bool is_message_text) {
    where_ = where;
    is_message_text_ = is_message_text;
}

void UrlList::note_cut() {
    if (!is_message_text_) return note(kTooMany, where_, "");
    if (!cut_) cut_ = where_;
}

void UrlList::add_text(std::string_view utf8) {
    for (const auto& found : find_urls(utf8, kMaxUrlsOfText)) add_text_url(found, false);
    note_invisible(utf8);
}

void UrlList::add_text_url(const TextUrl& found, bool hidden) {
    if (found.bare && !is_message_text_) return;
    // No reader follows it with a click, so it is no link of this message.
    if (found.defanged) return note(kDefanged, where_, found.url);
    Circumstances how{where_};
    if (found.schemeless) how.flags |= kFlagSchemeless;
    if (found.obfuscated) how.flags |= kFlagObfuscated;
    if (found.invisible) how.flags |= kFlagInvisible;
    if (hidden) how.flags |= kFlagHidden;
    add_found(found.url, how);
}

void UrlList::add_page(const Page& page, std::string_view base) {
    const auto outer = format::parse_url(base);
    const auto own = format::parse_url(strip(page.base), outer ? &*outer : nullptr);
    const auto* from = own ? &*own : outer ? &*outer : nullptr;
    for (const auto& link : page.links) {
        Circumstances how{where_, from, flags_of(link.kind), link.shown};
        if (link.hidden) how.flags |= kFlagHidden;
        if (link.kind == LinkKind::script) {
            add_script(link.target, how);
            continue;
        }
        add_found(link.target, how);
        if (link.kind == LinkKind::submit) note(kForm, where_, link.target);
    }
    if (page.has_password) note(kPasswordForm, where_, "");
    if (page.links_dropped || page.text_cut) note_cut();
    for (const auto& found : find_urls(page.text, kMaxUrlsOfText)) {
        if (!is_of_a_link(page, found.begin, from)) add_text_url(found, false);
    }
    note_invisible(page.text);
    for (const auto& found : find_urls(page.hidden, kMaxUrlsOfText)) add_text_url(found, true);
    note_hidden(page);
}

/// Of code, what has a scheme.
void UrlList::add_script(std::string_view code, const Circumstances& how) {
    for (const auto& found : find_urls(code, kMaxUrlsOfText)) {
        if (!found.schemeless && !found.defanged) add_found(found.url, how);
    }
}

void UrlList::add_link(std::string_view url, std::string_view where) {
    add_found(url, {where});
}

/// Telephones follow what is a URL as a whole; people type what else they see.
void UrlList::add_code(std::string_view text, std::string_view where) {
    Circumstances how{where};
    how.flags |= kFlagCode;
    const auto before = urls_.size() + by_canonical_.size();
    const auto urls = find_urls(text, kMaxUrlsOfText);
    const bool is_one = urls.size() == 1 && urls[0].begin == 0;
    if (is_one && !urls[0].schemeless) {
        add_found(text, how);
    } else {
        for (const auto& found : urls) add_found(found.url, how);
    }
    if (!urls.empty() || before != urls_.size() + by_canonical_.size()) note(kCode, where, text);
}

/// `text` as an attribute or a document holds it.
void UrlList::add_found(std::string_view text, const Circumstances& how) {
    if (text.size() > kMaxUrlText) return note_cut();
    auto stripped = strip(text);
    if (stripped.empty() || stripped.starts_with('#')) return;
    if (stripped.starts_with("data:") || stripped.starts_with("cid:")) return;
    auto with = how;
    if (has_space_that_browsers_keep(text)) with.flags |= kFlagLenient;
    std::string share;
    if (stripped.starts_with("\\\\") && with.base == nullptr) {
        share = "file:" + std::string(stripped);
        std::ranges::replace(share, '\\', '/');
        stripped = share;
    }
    const auto url = format::parse_url(stripped, with.base);
    if (url) return add_parsed(*url, stripped, with);
    // Browsers refuse it, other programs may not: without what nobody sees it may be a URL.
    const auto visible = without_invisible(stripped);
    if (visible.size() == stripped.size()) return;
    with.flags |= kFlagInvisible;
    if (const auto other = format::parse_url(visible, with.base)) add_parsed(*other, stripped, with);
}

void UrlList::add_parsed(const Url& url, std::string_view text, const Circumstances& how) {
    if (is_followed(url)) {
        list(url, text, how);
        return add_inner(url, how);
    }
    if (is_of_no_interest(url.scheme) || how.layer >= kMaxLayers) return;
    // "javascript:location='http://...'", "ms-word:ofe|u|http://..."
    auto inner = how;
    inner.flags |= kFlagNested;
    inner.layer = how.layer + 1;
    add_script(text.substr(std::min(text.size(), text.find(':') + 1)), inner);
}

void UrlList::add_inner(const Url& url, const Circumstances& how) {
    auto layers = unwrap(url);
    if (layers.empty()) return;
    if (how.layer >= kMaxLayers) return note_cut();
    for (const auto& found : layers) {
        auto inner = how;
        inner.layer = how.layer + 1;
        inner.flags |= found.wrapper.empty() ? kFlagNested : kFlagUnwrapped;
        if (!found.wrapper.empty()) {
            inner.wrappers.insert(found.wrapper);
            note(kWrapped, how.where, url.canonical(), found.wrapper);
            if (inner.wrappers.size() >= 4) note(kRewrappedOften, how.where, url.canonical());
        }
        const auto parsed = format::parse_url(strip(found.url));
        if (parsed && is_followed(*parsed)) add_parsed(*parsed, found.url, inner);
    }
}

void UrlList::list(const Url& url, std::string_view text, const Circumstances& how) {
    auto flags = how.flags;
    judge(url, text, how, flags);
    auto canonical = canonical_of(url);
    if (const auto known = by_canonical_.find(canonical); known != by_canonical_.end()) {
        flags_[known->second] |= flags;
        return;
    }
    bytes_ += canonical.size() + text.size();
    const auto most = is_message_text_ ? kMaxUrls : kMaxUrlsOfFiles;
    if (urls_.size() >= most || bytes_ > kMaxUrlText) return note_cut();
    message::Url row;
    row.url = base::cut_text(text, kMaxUrlBytes);
    row.host = without_root_dot(url.host.text);
    row.where = how.where;
    row.source = "local";
    row.canonical = canonical;
    by_canonical_.emplace(std::move(canonical), urls_.size());
    urls_.push_back(std::move(row));
    flags_.push_back(flags);
}

void UrlList::judge(const Url& url, std::string_view text, const Circumstances& how, std::uint32_t& flags) {
    if (!url.username.empty() || !url.password.empty()) {
        flags |= kFlagUserinfo;
        // A user that looks like a site is meant to be read as one.
        if (url.username.contains('.') || url.username.contains('%') || url.password.contains('.'))
            note(kUserinfo, how.where, text);
    }
    const auto colon = text.find(':');
    const bool has_odd_slashes =
        how.base == nullptr && colon != std::string_view::npos && url.scheme != "file" &&
        (text.substr(colon + 1).starts_with("///") || !text.substr(colon + 1).starts_with("//"));
    if (has_odd_slashes || url.host.escaped || url.host.numbers) flags |= kFlagObfuscated;
    if (url.host.invisible) flags |= kFlagInvisible;
    if ((flags & kFlagObfuscated) != 0) note(kObfuscated, how.where, text);
    if ((flags & kFlagInvisible) != 0) note(kInvisible, how.where, text);
    if (url.scheme == "file") note(kRemoteFile, how.where, text);
    judge_host(url.host, how.where, flags);
    compare_shown(url, how, flags);
}

void UrlList::judge_host(const format::UrlHost& host, std::string_view where, std::uint32_t& flags) {
    if (host.kind == HostKind::ipv4 || host.kind == HostKind::ipv6) flags |= kFlagIp;
    if (host.kind != HostKind::domain || !host.text.contains("xn--")) return;
    flags |= kFlagIdn;
    const auto name = format::domain_to_unicode(host.text);
    for (const auto label : base::split(name, '.')) {
        if (base::is_ascii(label)) continue;
        const auto look = format::look_of_label(label);
        // One script throughout that reads as ASCII is as good a trick as two.
        if (!look.mixed_lookalikes && look.looks_like.empty()) continue;
        flags |= kFlagHomograph;
        note(kHomograph, where, name, look.looks_like);
    }
}

void UrlList::compare_shown(const Url& url, const Circumstances& how, std::uint32_t& flags) {
    const auto site = shown_site(base::trim(how.shown));
    if (site.empty() || how.layer > 0 || url.scheme == "file") return;
    const auto real =
        url.host.kind == HostKind::domain ? format::registrable_domain(url.host.text) : url.host.text;
    if (format::registrable_domain(site) == real) return;
    // What a protection service wrapped shows where it leads in the end.
    for (const auto& inner : unwrap(url)) {
        const auto parsed = format::parse_url(inner.url);
        if (!inner.wrapper.empty() && parsed &&
            format::registrable_domain(parsed->host.text) == format::registrable_domain(site))
            return;
    }
    flags |= kFlagMismatch;
    note(kTextMismatch, how.where, url.canonical(), site);
}

/// One item of evidence per kind and message: the first place, and how often.
void UrlList::note(const base::EvidenceInfo& info, std::string_view where, std::string_view url,
                   std::string_view shown) {
    auto& noted = noted_[info.id];
    if (noted.count++ > 0) return;
    noted.evidence = evidence_of(info, where);
    if (!url.empty()) noted.evidence.facts.emplace_back("url", fact(url));
    if (!shown.empty()) noted.evidence.facts.emplace_back("shown", fact(shown));
}

void UrlList::note_hidden(const Page& page) {
    if (page.hiding == 0 || base::trim(page.hidden).empty()) return;
    auto evidence = evidence_of(kHiddenText, where_);
    evidence.facts.emplace_back("how", words_of(page.hiding));
    evidence.facts.emplace_back("bytes", std::to_string(page.hidden.size()));
    evidence.facts.emplace_back("bytes_seen", std::to_string(page.text.size()));
    texts_.push_back(std::move(evidence));
}

void UrlList::note_invisible(std::string_view text) {
    if (base::is_ascii(text)) return;
    std::size_t count = 0;
    (void)without_invisible(text, &count);
    if (count == 0) return;
    auto evidence = evidence_of(kInvisibleText, where_);
    evidence.facts.emplace_back("count", std::to_string(count));
    texts_.push_back(std::move(evidence));
}

void UrlList::finish(message::Facts& facts) {
    for (std::size_t i = 0; i < urls_.size(); ++i) {
        for (std::size_t bit = 0; bit < kFlagNames.size(); ++bit) {
            if ((flags_[i] & 1U << bit) != 0) urls_[i].flags.emplace_back(kFlagNames[bit]);
        }
    }
    std::ranges::move(urls_, std::back_inserter(facts.urls));
    for (auto& [id, noted] : noted_) {
        if (noted.count > 1) noted.evidence.facts.emplace_back("count", std::to_string(noted.count));
        facts.evidence.push_back(std::move(noted.evidence));
    }
    std::ranges::move(texts_, std::back_inserter(facts.evidence));
    if (cut_)
        facts.coverage.gaps.push_back(
            {*cut_, GapReason::too_many, "there are more links or more text than the limit", ""});
}

}  // namespace gatehouse::inspect::find
