// What Outlook saves: messages as files (.msg, a compound file) and TNEF (winmail.dat).
#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/text.h"
#include "inspect/format/compound_file.h"
#include "inspect/format/compressed_rtf.h"
#include "inspect/format/tnef.h"
#include "inspect/open/openers.h"
#include "message/charset.h"

namespace gatehouse::inspect::open {

namespace {

using format::CompoundEntry;
using format::CompoundFile;
using format::CompoundKind;
using format::MapiText;
using message::GapReason;

constexpr std::size_t kMaxName = 1024;
// Streams of a .msg are named after the property and its type ([MS-OXMSG] 2.2.1).
constexpr std::string_view kProperty = "__substg1.0_";
constexpr std::string_view kAttachedData = "__substg1.0_37010102";

struct Body {
    MapiText kind;
    bool is_utf16;
    std::string_view name;
};

std::string_view name_of(MapiText kind) {
    if (kind == MapiText::html) return "body.html";
    return kind == MapiText::compressed_rtf ? "body.rtf" : "body.txt";
}

bool show_body(const Body& body, std::string_view bytes, Visitor& visitor) {
    if (body.kind == MapiText::compressed_rtf) {
        const auto plain = format::decompress_rtf(bytes, visitor.room());
        if (plain.is_damaged)
            visitor.on_gap(body.name, GapReason::corrupt,
                           "this text is damaged; what could be unpacked was inspected");
        if (!plain.is_complete)
            visitor.on_gap(body.name, GapReason::too_large, "only the beginning was unpacked");
        return visitor.on_member({body.name, plain.bytes, true});
    }
    if (!body.is_utf16) return visitor.on_member({body.name, bytes, false});
    const auto text = message::to_utf8(bytes, "utf-16le", visitor.room());
    if (!text) return visitor.on_member({body.name, bytes, false});
    if (!text->complete) visitor.on_gap(body.name, GapReason::too_large, "only the beginning was inspected");
    return visitor.on_member({body.name, text->text, false});
}

class MessageOpener {
  public:
    MessageOpener(const CompoundFile& file, Visitor& visitor) : file_(file), visitor_(visitor) {}

    void run() {
        if (file_.is_damaged())
            visitor_.on_gap("", GapReason::corrupt, "the tables of this file are damaged");
        for (const auto& entry : file_.entries()) {
            if (entry.kind == CompoundKind::stream && entry.size > 0 && !look_at(entry)) return;
        }
    }

  private:
    bool look_at(const CompoundEntry& entry) {
        const auto content = file_.read(entry, visitor_.room());
        const auto name = file_name(entry);
        if (!content.is_complete)
            visitor_.on_gap(name, GapReason::too_large, "only the beginning was inspected");
        if (content.is_damaged)
            visitor_.on_gap(name, GapReason::corrupt,
                            "this stream ends early; what could be read was inspected");
        // The list of named properties has streams of the same names.
        const bool is_list = entry.path.starts_with("__nameid_version1.0");
        for (const auto kind : {MapiText::body, MapiText::compressed_rtf, MapiText::html}) {
            if (const auto body = body_of(entry.name, kind); body.is_body && !is_list)
                return show_body({kind, body.is_utf16, name_of(kind)}, content.bytes, visitor_);
        }
        return visitor_.on_member({name, content.bytes, false});
    }

    struct BodyName {
        bool is_body = false;
        bool is_utf16 = false;
    };

    static BodyName body_of(std::string_view name, MapiText kind) {
        const auto prefix = fmt::format("{}{:04X}", kProperty, static_cast<unsigned>(kind));
        if (!base::istarts_with(name, prefix)) return {};
        return {true, base::iends_with(name, "001F")};
    }

    /// Attachments are called what the properties beside them say.
    std::string file_name(const CompoundEntry& entry) const {
        if (!base::iequals(entry.name, kAttachedData)) return entry.path;
        const auto folder = entry.path.substr(0, entry.path.size() - entry.name.size());
        for (const std::string_view property : {"3707001F", "3707001E", "3704001F", "3704001E"}) {
            const auto* found = file_.find(folder + std::string(kProperty) + std::string(property));
            if (found == nullptr) continue;
            const auto bytes = file_.read(*found, kMaxName).bytes;
            if (property.ends_with('E')) return bytes;
            if (auto text = message::to_utf8(bytes, "utf-16le", kMaxName)) return std::move(text->text);
        }
        return entry.path;
    }

    const CompoundFile& file_;
    Visitor& visitor_;
};

}  // namespace

void open_outlook_message(const Item& item, Visitor& visitor) {
    const auto file = CompoundFile::open(item.bytes, visitor.max_members());
    if (!file) return visitor.on_gap("", GapReason::corrupt, "this message cannot be read");
    MessageOpener(*file, visitor).run();
}

void open_tnef(const Item& item, Visitor& visitor) {
    const auto tnef = format::read_tnef(item.bytes, visitor.max_members());
    if (tnef.is_damaged)
        visitor.on_gap("", GapReason::corrupt, "this file is damaged; what could be read was inspected");
    if (!tnef.is_complete)
        visitor.on_gap("", GapReason::too_many, "this file holds more attachments than the limit");
    for (const auto& body : tnef.bodies) {
        if (!show_body({body.kind, body.is_utf16, name_of(body.kind)}, body.bytes, visitor)) return;
    }
    for (const auto& file : tnef.files) {
        if (!visitor.on_member({file.name, file.bytes, true})) return;
    }
}

}  // namespace gatehouse::inspect::open
