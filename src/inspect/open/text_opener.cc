// Files written as text, as mailers attached them before MIME.
#include <algorithm>

#include "inspect/mime/decode.h"
#include "inspect/open/openers.h"

namespace gatehouse::inspect::open {

using message::GapReason;

namespace {

using Find = std::vector<mime::UuencodedFile> (*)(std::string_view, std::size_t);
using Decode = mime::Decoded (*)(std::string_view, std::size_t);

void open_encoded(const Item& item, Visitor& visitor, Find find, Decode decode) {
    const auto files = find(item.bytes, visitor.max_members());
    if (files.empty()) return visitor.on_gap("", GapReason::corrupt, "this file cannot be decoded");
    for (const auto& file : files) {
        const auto decoded = decode(item.bytes.substr(file.begin, file.end - file.begin), visitor.room());
        if (!decoded.complete)
            visitor.on_gap(file.name, GapReason::too_large, "only the beginning was decoded");
        if (!visitor.on_member({file.name, decoded.bytes, false})) return;
    }
    if (files.size() == visitor.max_members())
        visitor.on_gap("", GapReason::too_many, "there may be more files than the limit");
}

}  // namespace

void open_uuencoded(const Item& item, Visitor& visitor) {
    open_encoded(item, visitor, mime::find_uuencoded, mime::decode_uuencode);
}

void open_yenc(const Item& item, Visitor& visitor) {
    open_encoded(item, visitor, mime::find_yenc, mime::decode_yenc);
}

}  // namespace gatehouse::inspect::open
