// Random bytes from the kernel, for references, salts and names. Blocks only before the kernel's pool is
// seeded.
#pragma once

#include <cstdint>
#include <string>

namespace gatehouse::base {

std::string random_bytes(std::size_t count);
std::uint64_t random_u64();

}  // namespace gatehouse::base
