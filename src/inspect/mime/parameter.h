// The parameter list after a type or disposition: "; name=value; name*0*=utf-8''...". Not part of the public
// face.
#pragma once

#include <vector>

#include "inspect/mime/content_type.h"
#include "inspect/mime/lexer.h"

namespace gatehouse::inspect::mime {

/// Reads parameters up to the end of the lexer's text.
std::vector<Parameter> parse_parameters(Lexer& lexer, ParseNotes& notes);

}  // namespace gatehouse::inspect::mime
