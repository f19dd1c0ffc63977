// Text that people read: which parts have any, in which charset, and what a page's relative links count from.
// It is decoded once, for all who read it: links and content expressions. Used by engine.cc for parts, other
// readings and members. Pure; linear in the bytes.
#pragma once

#include <string>
#include <string_view>

#include "inspect/find/expressions.h"
#include "inspect/find/min_hash.h"
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
    bool is_reading_text = false;  ///< text for people, not a file
    /// Where a policy's expressions call it.
    message::TextField field = message::TextField::attachment;
};

/// Who reads the texts of a message.
struct TextReaders {
    find::UrlList& urls;
    find::ExpressionScan& expressions;
    find::TextFingerprint& fingerprint;  ///< of the message's own text alone
};

/// Nothing happens for what is no text. At most `room` bytes of text are made.
void read_text(const TextSource& source, std::size_t room, const TextReaders& readers);

/// Subject and header lines, decoded.
void read_header(const mime::Structure& structure, const TextReaders& readers);

/// Content-Location or Content-Base of the part or of what it stands in (RFC 2557 4.2).
std::string base_of(const mime::Structure& structure, const mime::Part& part);

}  // namespace gatehouse::inspect::engine
