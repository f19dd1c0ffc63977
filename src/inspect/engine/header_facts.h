// What Facts and Early say about a message's header. Pure, linear in the header, every list and text bounded.
// Used by engine.cc only.
#pragma once

#include "inspect/engine/engine.h"
#include "inspect/mime/structure.h"
#include "message/facts.h"

namespace gatehouse::inspect::engine {

/// Summary, stripped_headers, authserv_ids, header_is_8bit and header_bytes.
void add_header(const mime::Structure& structure, message::Facts& facts);

Early early_questions(const mime::Structure& structure);

}  // namespace gatehouse::inspect::engine
