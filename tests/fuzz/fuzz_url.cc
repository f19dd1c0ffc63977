// inspect/format's URL parser: total, and its own output is a fixed point.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "inspect/format/idna.h"
#include "inspect/format/url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gatehouse::inspect::format;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto cut = text.find('\0');
    const auto base = cut == std::string_view::npos ? std::nullopt : parse_url(text.substr(cut + 1));
    const auto url = parse_url(text.substr(0, cut), base ? &*base : nullptr);
    if (!url) return 0;
    const auto href = url->href();
    const auto again = parse_url(href);
    if (!again || again->href() != href) std::abort();
    (void)url->canonical();
    const auto shown = domain_to_unicode(url->host.text);
    (void)look_of_label(shown);
    return 0;
}
