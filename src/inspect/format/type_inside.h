// Inner part of true_type: formats that share their first bytes with others, told apart by what is inside.
#pragma once

#include <string_view>

#include "inspect/format/little_endian.h"

namespace gatehouse::inspect::format {

/// Name of the type, or nothing: MZ, zip, OLE compound files, CAFEBABE, RIFF, FORM, ar, ISO base media.
std::string_view type_inside(std::string_view bytes);

}  // namespace gatehouse::inspect::format
