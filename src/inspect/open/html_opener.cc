// HTML and SVG: scripts, and the files that scripts and data: URIs carry ("HTML smuggling").
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/text.h"
#include "inspect/open/embedded_text.h"
#include "inspect/open/openers.h"
#include "message/charset.h"

namespace gatehouse::inspect::open {

namespace {

using message::GapReason;

constexpr std::size_t kMaxScripts = 1000;

// How scripts hand a file to the reader.
constexpr auto kDownloads = std::to_array<std::string_view>(
    {"Blob", "createObjectURL", "msSaveOrOpenBlob", "msSaveBlob", "download", "atob", "FileReader"});

/// `wanted` in lower case.
std::size_t ifind(std::string_view text, std::string_view wanted, std::size_t from) {
    const char first = wanted.front();
    const char other = base::is_alpha(first) ? static_cast<char>(first - 32) : first;
    if (text.size() < wanted.size()) return std::string_view::npos;
    const std::size_t end = text.size() - wanted.size() + 1;
    for (std::size_t at = from; at < end; ++at) {
        if (first == other) {
            at = text.find(first, at);
            if (at >= end) break;
        }
        const bool is_begin = text[at] == first || text[at] == other;
        if (is_begin && base::istarts_with(text.substr(at), wanted)) return at;
    }
    return std::string_view::npos;
}

/// What stands between <script ...> and </script>.
std::vector<std::string_view> scripts_of(std::string_view html) {
    std::vector<std::string_view> out;
    for (auto at = ifind(html, "<script", 0); at != std::string_view::npos && out.size() < kMaxScripts;) {
        const auto begin = html.find('>', at);
        if (begin == std::string_view::npos) break;
        const auto end = std::min(ifind(html, "</script", begin), html.size());
        out.push_back(html.substr(begin + 1, end - begin - 1));
        at = ifind(html, "<script", end);
    }
    return out;
}

/// An attribute that is code: onload="...", href="javascript:..."
bool has_script_attribute(std::string_view html) {
    if (ifind(html, "javascript:", 0) != std::string_view::npos) return true;
    for (auto at = ifind(html, "on", 0); at != std::string_view::npos; at = ifind(html, "on", at + 2)) {
        if (at == 0 || !(base::is_space(html[at - 1]) || html[at - 1] == '/' || html[at - 1] == '"'))
            continue;
        auto end = at + 2;
        while (end < html.size() && base::is_alpha(html[end]) && end - at < 32) ++end;
        if (end - at < 5) continue;
        while (end < html.size() && base::is_space(html[end])) ++end;
        if (end < html.size() && html[end] == '=') return true;
    }
    return false;
}

bool offers_download(std::string_view script) {
    return std::ranges::any_of(
        kDownloads, [&](std::string_view word) { return script.find(word) != std::string_view::npos; });
}

class PageOpener {
  public:
    PageOpener(std::string_view html, Visitor& visitor) : html_(html), visitor_(visitor) {}

    void run() {
        const auto scripts = scripts_of(html_);
        if (!scripts.empty() || has_script_attribute(html_))
            visitor_.on_evidence(kScript, "", std::string(kScript.help));
        if (scripts.size() == kMaxScripts)
            visitor_.on_gap("", GapReason::too_many, "there may be more scripts than the limit");
        for (const auto script : scripts) {
            if (!look_at(script)) return;
        }
        show_data_uris(html_, visitor_);
    }

  private:
    bool look_at(std::string_view script) {
        if (base::trim(script).empty()) return true;
        const auto name = fmt::format("script-{}.js", ++scripts_);
        if (!visitor_.on_member({name, script, false})) return false;
        const auto carried = carried_by_script(script, visitor_.max_members(), visitor_.room());
        if (!carried.is_complete)
            visitor_.on_gap(name, GapReason::too_many, "this script carries more than the limit");
        // The page offers what one of its scripts holds.
        if (!carried.files.empty() && !is_noted_ && offers_download(html_)) {
            visitor_.on_evidence(kSmuggled, name, std::string(kSmuggled.help));
            is_noted_ = true;
        }
        return std::ranges::all_of(carried.files, [&](const std::string& file) {
            return visitor_.on_member({fmt::format("carried-{}", ++files_), file, true});
        });
    }

    std::string_view html_;
    Visitor& visitor_;
    std::size_t scripts_ = 0;
    std::size_t files_ = 0;
    bool is_noted_ = false;
};

}  // namespace

void open_html(const Item& item, Visitor& visitor) {
    const bool is_wide = item.bytes.substr(0, 64).find('\0') != std::string_view::npos;
    if (!is_wide) return PageOpener(item.bytes, visitor).run();
    const auto text = message::guess_to_utf8(item.bytes, visitor.room());
    if (!text.complete) visitor.on_gap("", GapReason::too_large, "only the beginning was inspected");
    PageOpener(text.text, visitor).run();
}

}  // namespace gatehouse::inspect::open
