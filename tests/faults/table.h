// The rows as people read them, and as JSON lines.
#pragma once

#include <string>

#include "faults/world.h"

namespace gatehouse::faults {

std::string table_head();
/// With a line below it for everything that is not as promised.
std::string table_line(const Row& row);
std::string json_line(const Row& row);

}  // namespace gatehouse::faults
