// The one adapter of xxHash.
#include <xxhash.h>

#include "base/digest.h"

namespace gatehouse::base {

std::uint64_t checksum64(std::string_view bytes) {
    return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace gatehouse::base
