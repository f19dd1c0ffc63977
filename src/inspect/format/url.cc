#include "inspect/format/url.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "inspect/format/idna.h"
#include "inspect/format/url_percent.h"

namespace gatehouse::inspect::format {

namespace {

struct Special {
    std::string_view scheme;
    std::uint16_t port;
};

constexpr auto kSpecial = std::to_array<Special>(
    {{"http", 80}, {"https", 443}, {"ftp", 21}, {"ws", 80}, {"wss", 443}, {"file", 0}});

const Special* find_special(std::string_view scheme) {
    const auto found = std::ranges::find(kSpecial, scheme, &Special::scheme);
    return found == kSpecial.end() ? nullptr : &*found;
}

bool is_drive(std::string_view text) {
    return text.size() == 2 && base::is_alpha(text[0]) && (text[1] == ':' || text[1] == '|');
}

bool is_normal_drive(std::string_view text) {
    return is_drive(text) && text[1] == ':';
}

bool starts_with_drive(std::string_view text) {
    return is_drive(text.substr(0, 2)) &&
           (text.size() == 2 || std::string_view("/\\?#").find(text[2]) != std::string_view::npos);
}

bool is_dot(std::string_view text) {
    return text == "." || base::iequals(text, "%2e");
}

bool is_double_dot(std::string_view text) {
    return text == ".." || base::iequals(text, ".%2e") || base::iequals(text, "%2e.") ||
           base::iequals(text, "%2e%2e");
}

/// Without control characters and spaces at the ends, and without any tab and line end.
std::string cleaned(std::string_view text) {
    const auto is_edge = [](char c) { return static_cast<unsigned char>(c) <= 0x20; };
    while (!text.empty() && is_edge(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_edge(text.back())) text.remove_suffix(1);
    auto out = base::is_ascii(text) ? std::string(text) : repair_utf8(text);
    std::erase_if(out, [](char c) { return c == '\t' || c == '\n' || c == '\r'; });
    return out;
}

/// Length of "name" in "name:...", or npos.
std::size_t scheme_length(std::string_view text) {
    if (text.empty() || !base::is_alpha(text[0])) return std::string_view::npos;
    const auto end = std::ranges::find_if_not(
        text, [](char c) { return base::is_alnum(c) || c == '+' || c == '-' || c == '.'; });
    return end != text.end() && *end == ':' ? static_cast<std::size_t>(end - text.begin())
                                            : std::string_view::npos;
}

/// The states of the standard, as functions that take what is left.
class Parser {
  public:
    Parser(std::string_view rest, const Url* base) : rest_(rest), base_(base) {}

    std::optional<Url> run() {
        const bool is_good = parse();
        return is_good ? std::optional(std::move(url_)) : std::nullopt;
    }

  private:
    bool parse() {
        const auto length = scheme_length(rest_);
        if (length == std::string_view::npos) return without_scheme();
        url_.scheme = base::lower(rest_.substr(0, length));
        rest_.remove_prefix(length + 1);
        is_special_ = find_special(url_.scheme) != nullptr;
        if (url_.scheme == "file") return file();
        if (is_special_ && base_ != nullptr && base_->scheme == url_.scheme && !rest_.starts_with("//"))
            return relative();
        if (is_special_) return special_authority();
        if (rest_.starts_with("//")) {
            rest_.remove_prefix(2);
            return authority();
        }
        if (rest_.starts_with('/')) {
            rest_.remove_prefix(1);
            return path();
        }
        return opaque_path();
    }

    bool without_scheme() {
        if (base_ == nullptr || (base_->has_opaque_path && !rest_.starts_with('#'))) return false;
        if (base_->has_opaque_path) {
            url_ = *base_;
            return fragment();
        }
        url_.scheme = base_->scheme;
        is_special_ = find_special(url_.scheme) != nullptr;
        return url_.scheme == "file" ? file() : relative();
    }

    bool is_slash(std::size_t at) const {
        return at < rest_.size() && (rest_[at] == '/' || (is_special_ && rest_[at] == '\\'));
    }

    void take_authority_of_base() {
        url_.username = base_->username;
        url_.password = base_->password;
        url_.host = base_->host;
        url_.port = base_->port;
    }

    bool relative() {
        if (is_slash(0)) {
            const bool has_authority = is_slash(1);
            rest_.remove_prefix(has_authority ? 2 : 1);
            if (has_authority) return is_special_ ? special_authority() : authority();
            take_authority_of_base();
            return path();
        }
        take_authority_of_base();
        return rest_of_base();
    }

    /// What does not begin with a slash counts from the base's last segment.
    bool rest_of_base() {
        url_.path = base_->path;
        if (rest_.empty() || rest_[0] == '#') {
            url_.query = base_->query;
            return fragment();
        }
        if (rest_[0] == '?') return query();
        if (url_.scheme == "file" && starts_with_drive(rest_))
            url_.path.clear();
        else
            shorten();
        return path();
    }

    bool special_authority() {
        while (is_slash(0)) rest_.remove_prefix(1);
        return authority();
    }

    bool authority() {
        const auto end = std::min(rest_.find_first_of(is_special_ ? "/\\?#" : "/?#"), rest_.size());
        auto text = rest_.substr(0, end);
        rest_.remove_prefix(end);
        const auto at = text.rfind('@');
        if (at != std::string_view::npos) {
            user_info(text.substr(0, at));
            text.remove_prefix(at + 1);
            if (text.empty()) return false;
        }
        return host_and_port(text) && path_start();
    }

    void user_info(std::string_view text) {
        const auto colon = text.find(':');
        append_percent_encoded(url_.username, text.substr(0, colon), PercentSet::userinfo);
        if (colon != std::string_view::npos)
            append_percent_encoded(url_.password, text.substr(colon + 1), PercentSet::userinfo);
    }

    bool host_and_port(std::string_view text) {
        const auto bracket = text.find('[');
        auto colon = text.find(':');
        // Colons between brackets are of an address.
        if (bracket < colon) {
            const auto close = text.find(']', bracket);
            colon = close == std::string_view::npos ? std::string_view::npos : text.find(':', close);
        }
        const auto host = text.substr(0, colon);
        if (host.empty() && (is_special_ || colon != std::string_view::npos || !url_.username.empty() ||
                             !url_.password.empty()))
            return false;
        if (!set_host(host)) return false;
        return colon == std::string_view::npos || set_port(text.substr(colon + 1));
    }

    bool set_host(std::string_view text) {
        if (text.empty()) {
            url_.host = {.kind = HostKind::empty};
            return true;
        }
        auto host = parse_url_host(text, is_special_);
        if (!host) return false;
        url_.host = std::move(*host);
        return true;
    }

    bool set_port(std::string_view text) {
        if (text.empty()) return true;
        if (!std::ranges::all_of(text, base::is_digit)) return false;
        const auto digits = text.substr(std::min(text.find_first_not_of('0'), text.size() - 1));
        const auto port = digits.size() > 5 ? std::nullopt : base::parse_unsigned(digits);
        if (!port || *port > 65535) return false;
        const auto* special = find_special(url_.scheme);
        if (special == nullptr || special->port != *port) url_.port = static_cast<std::uint16_t>(*port);
        return true;
    }

    bool file() {
        is_special_ = true;
        url_.host = {.kind = HostKind::empty};
        const bool has_file_base = base_ != nullptr && base_->scheme == "file";
        if (is_slash(0)) {
            rest_.remove_prefix(1);
            return file_slash(has_file_base);
        }
        if (!has_file_base) return path();
        url_.host = base_->host;
        return rest_of_base();
    }

    bool file_slash(bool has_file_base) {
        if (is_slash(0)) {
            rest_.remove_prefix(1);
            return file_host();
        }
        if (has_file_base) {
            url_.host = base_->host;
            if (!starts_with_drive(rest_) && !base_->path.empty() && is_normal_drive(base_->path[0]))
                url_.path.push_back(base_->path[0]);
        }
        return path();
    }

    bool file_host() {
        const auto end = std::min(rest_.find_first_of("/\\?#"), rest_.size());
        const auto text = rest_.substr(0, end);
        if (is_drive(text)) return path();
        rest_.remove_prefix(end);
        if (!set_host(text)) return false;
        if (url_.host.text == "localhost") url_.host = {.kind = HostKind::empty};
        return path_start();
    }

    bool path_start() {
        if (is_special_) {
            if (is_slash(0)) rest_.remove_prefix(1);
            return path();
        }
        if (rest_.empty() || rest_[0] == '?' || rest_[0] == '#') return query();
        if (rest_[0] == '/') rest_.remove_prefix(1);
        return path();
    }

    void shorten() {
        const bool is_kept = url_.scheme == "file" && url_.path.size() == 1 && is_normal_drive(url_.path[0]);
        if (!is_kept && !url_.path.empty()) url_.path.pop_back();
    }

    bool path() {
        const auto end = std::min(rest_.find_first_of("?#"), rest_.size());
        auto text = rest_.substr(0, end);
        rest_.remove_prefix(end);
        while (true) {
            const auto slash = text.find_first_of(is_special_ ? "/\\" : "/");
            segment(text.substr(0, slash), slash == std::string_view::npos);
            if (slash == std::string_view::npos) return query();
            text.remove_prefix(slash + 1);
        }
    }

    void segment(std::string_view text, bool is_last) {
        if (is_double_dot(text)) {
            shorten();
            if (is_last) url_.path.emplace_back();
        } else if (is_dot(text)) {
            if (is_last) url_.path.emplace_back();
        } else {
            std::string encoded;
            append_percent_encoded(encoded, text, PercentSet::path);
            if (url_.scheme == "file" && url_.path.empty() && is_drive(encoded)) encoded[1] = ':';
            url_.path.push_back(std::move(encoded));
        }
    }

    bool opaque_path() {
        const auto end = std::min(rest_.find_first_of("?#"), rest_.size());
        std::string text;
        append_percent_encoded(text, rest_.substr(0, end), PercentSet::control);
        // A space before a query or a fragment would be lost when it is read again.
        if (end < rest_.size() && text.ends_with(' ')) text.replace(text.size() - 1, 1, "%20");
        rest_.remove_prefix(end);
        url_.has_opaque_path = true;
        url_.path = {std::move(text)};
        return query();
    }

    bool query() {
        if (!rest_.starts_with('?')) return fragment();
        const auto end = std::min(rest_.find('#'), rest_.size());
        url_.query.emplace();
        append_percent_encoded(*url_.query, rest_.substr(1, end - 1),
                               is_special_ ? PercentSet::special_query : PercentSet::query);
        rest_.remove_prefix(end);
        return fragment();
    }

    bool fragment() {
        url_.fragment.reset();
        if (!rest_.starts_with('#')) return true;
        url_.fragment.emplace();
        append_percent_encoded(*url_.fragment, rest_.substr(1), PercentSet::fragment);
        return true;
    }

    std::string_view rest_;
    const Url* base_;
    bool is_special_ = false;
    Url url_;
};

std::string serialise(const Url& url, bool with_user) {
    std::string out = url.scheme + ":";
    if (url.host.kind != HostKind::none) {
        out += "//";
        if (with_user && (!url.username.empty() || !url.password.empty())) {
            out += url.username;
            if (!url.password.empty()) out += ":" + url.password;
            out += "@";
        }
        out += url.host.text;
        if (url.port) out += ":" + std::to_string(*url.port);
    } else if (!url.has_opaque_path && url.path.size() > 1 && url.path[0].empty()) {
        out += "/.";
    }
    out += url.path_text();
    if (url.query) out += "?" + *url.query;
    if (url.fragment) out += "#" + *url.fragment;
    return out;
}

}  // namespace

bool Url::is_special() const {
    return find_special(scheme) != nullptr;
}

std::string Url::path_text() const {
    if (has_opaque_path) return path.empty() ? "" : path[0];
    std::string out;
    for (const auto& segment : path) out += "/" + segment;
    return out;
}

std::string Url::href() const {
    return serialise(*this, true);
}

std::string Url::canonical() const {
    return serialise(*this, false);
}

std::optional<Url> parse_url(std::string_view text, const Url* base) {
    const auto clean = cleaned(text);
    return Parser(clean, base).run();
}

}  // namespace gatehouse::inspect::format
