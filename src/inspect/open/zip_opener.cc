// Zips: every member that any program would see (format/zip.h), encrypted ones with words of the message.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "inspect/format/zip.h"
#include "inspect/format/zip_cipher.h"
#include "inspect/open/archive_library.h"
#include "inspect/open/office_part.h"
#include "inspect/open/openers.h"

namespace gatehouse::inspect::open {

namespace {

using format::ZipCipher;
using format::ZipContent;
using format::ZipDoubt;
using format::ZipEnd;
using format::ZipMember;
using message::GapReason;

// An AES password costs half a millisecond to try.
constexpr std::size_t kMaxTries = 200;

class ZipOpener {
  public:
    ZipOpener(const Item& item, Visitor& visitor)
        : bytes_(item.bytes),
          is_document_(item.type->group == format::FileGroup::document),
          visitor_(visitor) {}

    void run() {
        const auto list = format::list_zip(bytes_, visitor_.max_members());
        note(list);
        if (list.members.empty())
            return visitor_.on_gap("", GapReason::corrupt, "this archive has no files that can be read");
        for (const auto& member : list.members) {
            if (!look_at(member)) return;
        }
        if (!list.complete)
            visitor_.on_gap("", GapReason::too_many, "this archive holds more files than the limit");
    }

  private:
    void note(const format::ZipList& list) {
        for (std::size_t i = 0; i < format::kZipDoubts; ++i) {
            const auto doubt = static_cast<ZipDoubt>(i);
            if (list.doubts.contains(doubt))
                visitor_.on_evidence(kAmbiguous, "", std::string(to_string(doubt)));
        }
        const auto found = std::ranges::find_if(
            list.members, [](const ZipMember& member) { return member.cipher != ZipCipher::none; });
        if (found != list.members.end())
            visitor_.on_evidence(kEncrypted, found->name, std::string(kEncrypted.help));
    }

    bool look_at(const ZipMember& member) {
        if (member.is_folder && member.packed == 0) return true;
        if (member.doubts.contains(ZipDoubt::overlap)) {
            visitor_.on_gap(member.name, GapReason::refused, to_string(ZipDoubt::overlap));
            return true;
        }
        if (member.cipher == ZipCipher::none)
            return hand_on(member, read(format::packed_data(bytes_, member), member));
        return look_at_encrypted(member);
    }

    ZipContent read(std::string_view packed, const ZipMember& member) const {
        auto content = format::unpack_zip_data(packed, member, visitor_.room());
        if (content.end != ZipEnd::unsupported) return content;
        auto found = read_one_by_library(format::rewrap_zip_member(packed, member), visitor_.room());
        if (!found) return content;
        const auto end = found->is_cut       ? ZipEnd::limit
                         : found->is_damaged ? ZipEnd::damaged
                                             : ZipEnd::complete;
        return {std::move(found->bytes), end};
    }

    bool look_at_encrypted(const ZipMember& member) {
        if (auto content = open_with_words(member)) return hand_on(member, std::move(*content));
        visitor_.on_gap(member.name, GapReason::encrypted,
                        "this file is encrypted, and no word of the message opens it");
        return true;
    }

    std::optional<ZipContent> open_with_words(const ZipMember& member) {
        const auto packed = format::packed_data(bytes_, member);
        if (packed.size() > visitor_.room()) return std::nullopt;
        // Archives have one password, as a rule.
        if (!password_.empty()) {
            if (auto content = open_with(packed, member, password_)) return content;
        }
        for (const auto& word : visitor_.passwords()) {
            if (tries_ == kMaxTries) return std::nullopt;
            ++tries_;
            auto content = open_with(packed, member, word);
            if (!content) continue;
            if (password_.empty())
                visitor_.on_evidence(kPasswordInText, member.name, std::string(kPasswordInText.help));
            password_ = word;
            return content;
        }
        return std::nullopt;
    }

    std::optional<ZipContent> open_with(std::string_view packed, const ZipMember& member,
                                        std::string_view word) const {
        const auto plain = format::decrypt_zip_data(packed, member, word);
        if (!plain) return std::nullopt;
        auto content = read(*plain, member);
        // The check of the old cipher is one byte: what then does not unpack was another word.
        const bool fits = content.end == ZipEnd::complete || content.end == ZipEnd::limit ||
                          member.cipher == ZipCipher::aes;
        return fits ? std::optional(std::move(content)) : std::nullopt;
    }

    bool hand_on(const ZipMember& member, ZipContent content) {
        if (content.end == ZipEnd::unsupported) {
            visitor_.on_gap(
                member.name, GapReason::refused,
                fmt::format("this file is packed with a method that nobody here reads ({})", member.method));
            return true;
        }
        if (content.end == ZipEnd::limit)
            visitor_.on_gap(member.name, GapReason::too_large, "only the beginning was unpacked");
        if (content.end == ZipEnd::damaged)
            visitor_.on_gap(member.name, GapReason::corrupt,
                            "this file is damaged; what could be unpacked was inspected");
        const bool is_hidden = !member.doubts.is_empty() || member.cipher != ZipCipher::none ||
                               (member.method != 0 && member.method != 8 && member.method != 12);
        if (is_document_) note_office_part(member.name, content.bytes, visitor_);
        return visitor_.on_member({member.name, content.bytes, is_hidden});
    }

    std::string_view bytes_;
    bool is_document_;
    Visitor& visitor_;
    std::string password_;
    std::size_t tries_ = 0;
};

}  // namespace

void open_zip(const Item& item, Visitor& visitor) {
    ZipOpener(item, visitor).run();
}

}  // namespace gatehouse::inspect::open
