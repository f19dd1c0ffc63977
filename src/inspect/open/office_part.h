// What the parts of a document that is a zip (OOXML: ECMA-376 part 2; ODF 1.3) say about it: macros,
// templates and objects from elsewhere, fields that start programs. Used by the opener of zips; pure, linear.
#pragma once

#include <string_view>

#include "inspect/open/open.h"

namespace gatehouse::inspect::open {

void note_office_part(std::string_view name, std::string_view bytes, Visitor& visitor);

}  // namespace gatehouse::inspect::open
