// The PROXY protocol header: any bytes, at any length received so far. Checked: a prefix is never judged
// otherwise than the whole, and a header never claims more bytes than there are.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "receive/smtp/proxy_v2.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using gatehouse::receive::smtp::parse_proxy_v2;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto whole = parse_proxy_v2(bytes);
    if (whole && *whole && ((*whole)->length > size || (*whole)->length < 16)) std::abort();
    for (std::size_t cut = 0; cut < size && cut < 64; ++cut) {
        const auto part = parse_proxy_v2(bytes.substr(0, cut));
        if (!part && whole) std::abort();
        if (part && *part && (!whole || !*whole || (*whole)->length != (*part)->length)) std::abort();
    }
    return 0;
}
