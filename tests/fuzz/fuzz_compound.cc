// Any bytes as a compound file: entries are bounded, every stream can be read within its limit, and so can
// macros, TNEF and compressed rich text.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "inspect/format/compound_file.h"
#include "inspect/format/compressed_rtf.h"
#include "inspect/format/tnef.h"
#include "inspect/format/vba.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gatehouse::inspect::format;
    constexpr std::size_t kEntries = 50;
    constexpr std::size_t kOutput = 4096;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (decompress_vba(bytes, kOutput).bytes.size() > kOutput) std::abort();
    if (decompress_rtf(bytes, kOutput).bytes.size() > kOutput) std::abort();
    if (read_tnef(bytes, kEntries).files.size() > kEntries) std::abort();
    const auto file = CompoundFile::open(bytes, kEntries);
    if (!file) return 0;
    if (file->entries().size() > kEntries) std::abort();
    for (const auto& entry : file->entries()) {
        if (file->read(entry, kOutput).bytes.size() > kOutput) std::abort();
    }
    read_vba(*file, {kOutput, 4 * kOutput, 20});
    return 0;
}
