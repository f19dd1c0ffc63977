// Words of a message's text that may be the password of what is attached, best first: those that follow a
// word such as "password" in some language, then what everybody uses, then all others that are not too many.
// Pure, bounded: 256 KiB of text, 2,000 words. Used by engine.cc when the first encrypted file is met.
#pragma once

#include <string>
#include <vector>

#include "inspect/mime/structure.h"

namespace gatehouse::inspect::engine {

std::vector<std::string> words_of_texts(const mime::Structure& structure);

}  // namespace gatehouse::inspect::engine
