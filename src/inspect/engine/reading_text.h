// Text that people read, for links: which parts have any, in which charset, and what a page's relative links
// count from. Used by engine.cc for parts, other readings and members. Pure; linear in the bytes.
#pragma once

#include <string>
#include <string_view>

#include "inspect/find/url_list.h"
#include "inspect/format/true_type.h"
#include "inspect/mime/structure.h"
#include "message/facts.h"

namespace gatehouse::inspect::engine {

struct TextSource {
    const message::Part& row;
    std::string_view bytes;
    const format::FileType& type;  ///< as it is opened
    std::string_view charset;      ///< as declared; may be empty
    std::string base;              ///< what relative links count from; may be empty
    bool is_reading_text = false;  ///< the message itself, not a file
};

/// Nothing happens for what is no text. At most `room` bytes of text are made.
void look_for_links(const TextSource& source, std::size_t room, find::UrlList& urls);

/// Content-Location or Content-Base of the part or of what it stands in (RFC 2557 4.2).
std::string base_of(const mime::Structure& structure, const mime::Part& part);

}  // namespace gatehouse::inspect::engine
