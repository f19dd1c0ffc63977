#include "base/random.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace gatehouse::base {

std::string random_bytes(std::size_t count) {
    std::string out(count, '\0');
    std::size_t filled = 0;
    while (filled < count) {
        const ssize_t got = ::getrandom(out.data() + filled, count - filled, 0);
        if (got < 0 && errno != EINTR) std::abort();  // no kernel we support can fail here
        if (got > 0) filled += static_cast<std::size_t>(got);
    }
    return out;
}

std::uint64_t random_u64() {
    const std::string bytes = random_bytes(sizeof(std::uint64_t));
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

}  // namespace gatehouse::base
