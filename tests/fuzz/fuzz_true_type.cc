// True type of any bytes: a type of the vocabulary, and the same each time.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "inspect/format/true_type.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gatehouse::inspect::format;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto& type = true_type(bytes);
    if (find_file_type(type.name) != &type || &true_type(bytes) != &type) std::abort();
    return 0;
}
