// inspect/find's URLs of plain text, unwrapped: total, bounded, canonical forms are fixed points.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "inspect/find/text_urls.h"
#include "inspect/find/url_list.h"
#include "message/charset.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gatehouse;
    const auto text =
        message::guess_to_utf8(std::string_view(reinterpret_cast<const char*>(data), size), 4 * size + 4)
            .text;
    if (inspect::find::find_urls(text, 100).size() > 100) std::abort();
    if (inspect::find::without_invisible(text).size() > text.size()) std::abort();
    inspect::find::UrlList urls;
    urls.enter("1", true);
    urls.add_text(text);
    message::Facts facts;
    urls.finish(facts);
    for (const auto& url : facts.urls) {
        const auto parsed = inspect::format::parse_url(url.canonical);
        if (!parsed || parsed->canonical() != url.canonical) std::abort();
    }
    return 0;
}
