// inspect/find's page and office text, and everything that is read out of them: total, bounded, and text
// stays text.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "inspect/find/min_hash.h"
#include "inspect/find/office_text.h"
#include "inspect/find/page.h"
#include "inspect/find/url_list.h"
#include "message/charset.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gatehouse;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    (void)inspect::find::page_charset(bytes);
    const auto text = message::guess_to_utf8(bytes, 4 * size + 4).text;
    constexpr std::size_t kMost = 1U << 16;
    const auto page = inspect::find::read_page(text, kMost);
    if (page.text.size() > kMost || page.hidden.size() > kMost) std::abort();
    for (const auto& anchor : page.anchors) {
        if (anchor.begin > anchor.end || anchor.end > page.text.size() || anchor.link >= page.links.size())
            std::abort();
    }
    const auto office = inspect::find::office_text(text, kMost);
    if (office && office->text.size() + office->hidden.size() > kMost + text.size()) std::abort();
    inspect::find::UrlList urls;
    urls.enter("1", true);
    urls.add_page(page, "http://base.example/");
    message::Facts facts;
    urls.finish(facts);
    inspect::find::TextFingerprint fingerprint;
    fingerprint.add(page.text);
    (void)fingerprint.finish();
    return 0;
}
