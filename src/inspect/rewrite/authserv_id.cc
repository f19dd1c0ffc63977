#include "inspect/rewrite/authserv_id.h"

#include "base/text.h"
#include "inspect/mime/lexer.h"

namespace gatehouse::inspect::rewrite {

std::string authserv_id(std::string_view value) {
    mime::Lexer lexer(value);
    lexer.skip_blanks_and_comments();
    return base::lower(lexer.is_at('"') ? lexer.quoted_string() : std::string(lexer.word(";(")));
}

}  // namespace gatehouse::inspect::rewrite
