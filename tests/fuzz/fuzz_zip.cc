// Any bytes as a zip: the list is bounded and the same each time, and every member can be read within its
// limit.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "inspect/format/zip.h"
#include "inspect/format/zip_cipher.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gatehouse::inspect::format;
    constexpr std::size_t kMembers = 20;
    constexpr std::size_t kOutput = 4096;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto list = list_zip(bytes, kMembers);
    if (list.members.size() > kMembers) std::abort();
    for (const auto& member : list.members) {
        const auto content = read_zip_member(bytes, member, kOutput);
        if (content.bytes.size() > kOutput) std::abort();
        const auto packed = packed_data(bytes, member);
        if (content.end == ZipEnd::encrypted) decrypt_zip_data(packed, member, "password");
        if (packed.size() < kOutput && list_zip(rewrap_zip_member(packed, member), 1).members.empty())
            std::abort();
    }
    return 0;
}
