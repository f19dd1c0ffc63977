#include "inspect/open/archive_library.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <memory>

#include "inspect/open/openers.h"

namespace gatehouse::inspect::open {

namespace {

using message::GapReason;

constexpr std::size_t kPiece = 64U << 10;

using Enable = int (*)(archive*);

struct Kind {
    std::string_view type;
    Enable format;
    Enable filter = nullptr;
    bool is_packed = true;   ///< passing over a member means unpacking it
    bool is_hidden = false;  ///< engines beside us do not look into it
};

constexpr auto kKinds = std::to_array<Kind>({
    {"7z", archive_read_support_format_7zip},
    {"ar", archive_read_support_format_ar, nullptr, false},
    {"bz2", archive_read_support_format_raw, archive_read_support_filter_bzip2},
    {"cab", archive_read_support_format_cab},
    {"compress", archive_read_support_format_raw, archive_read_support_filter_compress, true, true},
    {"cpio", archive_read_support_format_cpio, nullptr, false},
    {"deb", archive_read_support_format_ar, nullptr, false},
    {"iso", archive_read_support_format_iso9660, nullptr, false},
    {"lz4", archive_read_support_format_raw, archive_read_support_filter_lz4, true, true},
    {"lzh", archive_read_support_format_lha},
    {"lzip", archive_read_support_format_raw, archive_read_support_filter_lzip, true, true},
    {"lzma", archive_read_support_format_raw, archive_read_support_filter_lzma, true, true},
    {"rar", archive_read_support_format_rar, nullptr, true, true},
    {"rpm", archive_read_support_format_cpio, archive_read_support_filter_rpm},
    {"tar", archive_read_support_format_tar, nullptr, false},
    {"xar", archive_read_support_format_xar},
    {"xz", archive_read_support_format_raw, archive_read_support_filter_xz},
    {"zst", archive_read_support_format_raw, archive_read_support_filter_zstd, true, true},
});

struct Close {
    void operator()(archive* reader) const { archive_read_free(reader); }
};
using Reader = std::unique_ptr<archive, Close>;

Reader make_reader(const Kind& kind) {
    Reader reader(archive_read_new());
    if (!reader) return nullptr;
    kind.format(reader.get());
    if (kind.type == "rar") archive_read_support_format_rar5(reader.get());
    // What is inside an RPM is compressed once more.
    if (kind.type == "rpm") archive_read_support_filter_all(reader.get());
    if (kind.filter != nullptr) kind.filter(reader.get());
    return reader;
}

/// The current member, as far as `room` goes.
LibraryMember read_member(archive* reader, std::size_t room) {
    LibraryMember out;
    while (true) {
        const std::size_t before = out.bytes.size();
        const std::size_t piece = std::min(kPiece, room - before);
        if (piece == 0) {
            std::array<char, 1> more{};
            out.is_cut = archive_read_data(reader, more.data(), more.size()) > 0;
            return out;
        }
        out.bytes.resize(before + piece);
        const auto count = archive_read_data(reader, out.bytes.data() + before, piece);
        out.bytes.resize(before + (count > 0 ? static_cast<std::size_t>(count) : 0));
        if (count > 0) continue;
        out.is_damaged = count < 0;
        return out;
    }
}

std::string_view name_of(archive_entry* entry) {
    if (const char* name = archive_entry_pathname_utf8(entry)) return name;
    if (const char* name = archive_entry_pathname(entry)) return name;
    return {};
}

class LibraryOpener {
  public:
    LibraryOpener(const Kind& kind, const Item& item, Visitor& visitor)
        : kind_(kind), item_(item), visitor_(visitor), reader_(make_reader(kind)) {}

    void run() {
        if (!reader_ ||
            archive_read_open_memory(reader_.get(), item_.bytes.data(), item_.bytes.size()) != ARCHIVE_OK)
            return visitor_.on_gap("", GapReason::corrupt, "this archive cannot be read");
        archive_entry* entry = nullptr;
        std::size_t count = 0;
        while (true) {
            const int state = archive_read_next_header(reader_.get(), &entry);
            if (state == ARCHIVE_EOF) break;
            if (state == ARCHIVE_RETRY) continue;
            if (state < ARCHIVE_WARN) return stop();
            if (++count > visitor_.max_members())
                return visitor_.on_gap("", GapReason::too_many,
                                       "this archive holds more files than the limit");
            if (!look_at(entry)) return;
        }
        if (count == 0) visitor_.on_gap("", GapReason::corrupt, "this archive has no files that can be read");
    }

  private:
    void stop() {
        if (archive_read_has_encrypted_entries(reader_.get()) == 1) return note_encrypted("");
        visitor_.on_gap("", GapReason::corrupt,
                        "this archive is damaged; what stood before the damage was inspected");
    }

    void note_encrypted(std::string_view name) {
        if (!said_encrypted_) visitor_.on_evidence(kEncrypted, name, std::string(kEncrypted.help));
        said_encrypted_ = true;
        visitor_.on_gap(name, GapReason::encrypted, "this file is encrypted");
    }

    /// Whether there is more to look at.
    bool look_at(archive_entry* entry) {
        const std::string name(name_of(entry));
        const bool is_link =
            archive_entry_hardlink(entry) != nullptr || archive_entry_symlink(entry) != nullptr;
        if (is_link || archive_entry_filetype(entry) == AE_IFDIR) return true;
        if (archive_entry_is_encrypted(entry) != 0) {
            note_encrypted(name);
            return true;
        }
        const auto member = read_member(reader_.get(), visitor_.room());
        if (member.is_cut) visitor_.on_gap(name, GapReason::too_large, "only the beginning was unpacked");
        if (member.is_damaged)
            visitor_.on_gap(name, GapReason::corrupt,
                            "this file is damaged; what could be unpacked was inspected");
        if (!visitor_.on_member({name == "data" && kind_.filter != nullptr ? std::string_view() : name,
                                 member.bytes, kind_.is_hidden})) {
            return false;
        }
        // Work has to stay within what is counted: what is not wanted would have to be unpacked, too.
        if (!member.is_cut || !kind_.is_packed) return true;
        visitor_.on_gap("", GapReason::too_large, "what follows a file beyond the limit was not unpacked");
        return false;
    }

    const Kind& kind_;
    const Item& item_;
    Visitor& visitor_;
    Reader reader_;
    bool said_encrypted_ = false;
};

}  // namespace

std::optional<LibraryMember> read_one_by_library(std::string_view zip, std::size_t max_output) {
    static constexpr Kind kZip{"zip", archive_read_support_format_zip_streamable};
    const auto reader = make_reader(kZip);
    archive_entry* entry = nullptr;
    if (!reader || archive_read_open_memory(reader.get(), zip.data(), zip.size()) != ARCHIVE_OK ||
        archive_read_next_header(reader.get(), &entry) < ARCHIVE_WARN) {
        return std::nullopt;
    }
    auto member = read_member(reader.get(), max_output);
    // A method it does not know is an error before the first byte.
    if (member.is_damaged && member.bytes.empty()) return std::nullopt;
    return member;
}

void open_by_library(const Item& item, Visitor& visitor) {
    const auto kind = std::ranges::find(kKinds, item.type->name, &Kind::type);
    if (kind == kKinds.end()) return;
    LibraryOpener(*kind, item, visitor).run();
}

}  // namespace gatehouse::inspect::open
