// Reads the Content- fields of one entity into its Part: type, encoding, file names, and what is
// contradictory in them. Not part of the module's public face.
#pragma once

#include <string>

#include "inspect/mime/header_reader.h"

namespace gatehouse::inspect::mime {

/// Sets everything of the part but its role.
void read_content_fields(Context& context, std::uint32_t part, const MimeFields& mime);

/// The boundary a multipart is to be cut with: its parameter, else the one its body shows; empty = none.
std::string find_boundary(Context& context, std::uint32_t part);

/// The boundary of an entity that is no multipart by its type, but shows parts: a message without a type
/// whose body begins with a delimiter and a part's header, or any entity that gives a boundary and shows such
/// a delimiter.
std::string find_undeclared_boundary(Context& context, std::uint32_t part);

}  // namespace gatehouse::inspect::mime
