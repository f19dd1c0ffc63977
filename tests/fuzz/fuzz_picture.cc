// inspect/format's pictures, and the codes in them: total, bounded.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "inspect/find/qr_code.h"
#include "inspect/format/true_type.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gatehouse::inspect;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    format::Picture picture;
    (void)format::read_picture(bytes, format::true_type(bytes).name, picture);
    if (picture.grey.size() != std::size_t{picture.width} * picture.height) std::abort();
    if (picture.grey.size() > (1U << 16)) return 0;
    if (find::read_codes(picture).size() > find::kMaxCodes) std::abort();
    return 0;
}
