#include "inspect/format/zip.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <map>
#include <optional>

#include "inspect/format/type_inside.h"

namespace gatehouse::inspect::format {

namespace {

constexpr std::size_t kLocalSize = 30;    // APPNOTE 4.3.7
constexpr std::size_t kCentralSize = 46;  // 4.3.12
constexpr std::size_t kEndSize = 22;      // 4.3.16
constexpr std::size_t kMaxEnds = 64;
constexpr std::uint64_t kInZip64 = 0xFFFFFFFF;
constexpr std::uint16_t kAesMethod = 99;

constexpr std::uint16_t kEncrypted = 1U << 0;
constexpr std::uint16_t kSizesFollow = 1U << 3;
constexpr std::uint16_t kStrong = 1U << 6;
constexpr std::uint16_t kUtf8 = 1U << 11;

constexpr std::array<std::string_view, kZipDoubts> kWords = {
    "programs see other names of a file in this archive",
    "directory and file headers of this archive contradict each other",
    "this archive holds files that its directory does not list",
    "this archive lists files whose headers are missing",
    "files of this archive lie over each other",
    "this file is more than one archive",
    "the end of this archive is missing",
};

std::uint16_t two(std::string_view bytes, std::size_t offset) {
    return static_cast<std::uint16_t>(little_endian(bytes, offset, 2));
}
std::uint32_t four(std::string_view bytes, std::size_t offset) {
    return static_cast<std::uint32_t>(little_endian(bytes, offset, 4));
}
std::uint64_t eight(std::string_view bytes, std::size_t offset) {
    return little_endian(bytes, offset, 8);
}

/// The content of the extra field of that kind (APPNOTE 4.5).
std::optional<std::string_view> find_extra(std::string_view extra, std::uint16_t kind) {
    while (extra.size() >= 4) {
        const auto size = two(extra, 2);
        const auto content = extra.substr(4, size);
        if (two(extra, 0) == kind) return content;
        extra = behind(extra, std::size_t{4} + size);
    }
    return std::nullopt;
}

/// The fields that both kinds of headers have, from "version needed" without it (central) or flags on
/// (local).
struct Common {
    std::uint16_t flags;
    std::uint16_t method;
    std::uint16_t time;
    std::uint32_t crc;
    std::uint64_t packed;
    std::uint64_t size;
};

Common read_common(std::string_view from_flags) {
    return {.flags = two(from_flags, 0),
            .method = two(from_flags, 2),
            .time = two(from_flags, 4),
            .crc = four(from_flags, 8),
            .packed = four(from_flags, 12),
            .size = four(from_flags, 16)};
}

void fill_in(ZipMember& member, Common common, std::string_view extra) {
    member.method = common.method;
    member.crc = common.crc;
    member.size = common.size;
    member.packed = common.packed;
    member.is_utf8 = (common.flags & kUtf8) != 0;
    member.is_folder = member.name.ends_with('/') && common.size == 0;
    member.check =
        static_cast<std::uint8_t>((common.flags & kSizesFollow) != 0 ? common.time >> 8 : common.crc >> 24);
    if ((common.flags & kEncrypted) != 0) {
        member.cipher = (common.flags & kStrong) != 0 ? ZipCipher::strong : ZipCipher::traditional;
    }
    if (common.method != kAesMethod) return;
    const auto aes = find_extra(extra, 0x9901);
    member.cipher = aes ? ZipCipher::aes : ZipCipher::strong;
    if (!aes) return;
    member.aes_strength = static_cast<std::uint8_t>(little_endian(*aes, 4, 1));
    member.method = two(*aes, 5);
}

/// Sizes and, in a directory, the offset, where 32 bits were too few (4.5.3). They stand in this order, each
/// only if its own field is full.
void apply_zip64(std::string_view extra, ZipMember& member, std::uint64_t* offset) {
    auto wide = find_extra(extra, 1);
    if (!wide) return;
    const auto take = [&](std::uint64_t& value) {
        if (value != kInZip64 || wide->size() < 8) return;
        value = eight(*wide, 0);
        wide->remove_prefix(8);
    };
    take(member.size);
    take(member.packed);
    if (offset != nullptr) take(*offset);
}

struct Listed {
    ZipMember member;
    std::uint64_t offset = 0;  ///< of the local header, as declared
    std::size_t at = 0;        ///< of this entry
    std::size_t end = 0;
};

std::optional<Listed> read_central(std::string_view bytes, std::size_t at) {
    const auto entry = behind(bytes, at);
    if (entry.size() < kCentralSize) return std::nullopt;
    const std::size_t name_size = two(entry, 28);
    const auto common = read_common(entry.substr(8));
    Listed out;
    out.member.name = entry.substr(kCentralSize, name_size);
    const auto extra = behind(entry, kCentralSize + name_size).substr(0, two(entry, 30));
    out.offset = four(entry, 42);
    fill_in(out.member, common, extra);
    apply_zip64(extra, out.member, &out.offset);
    out.at = at;
    out.end = at + kCentralSize + name_size + two(entry, 30) + two(entry, 32);
    return out;
}

std::optional<ZipMember> read_local(std::string_view bytes, std::size_t at) {
    const auto entry = behind(bytes, at);
    if (entry.size() < kLocalSize) return std::nullopt;
    const std::size_t name_size = two(entry, 26);
    const auto common = read_common(entry.substr(6));
    ZipMember out;
    out.name = entry.substr(kLocalSize, name_size);
    const auto extra = behind(entry, kLocalSize + name_size).substr(0, two(entry, 28));
    fill_in(out, common, extra);
    apply_zip64(extra, out, nullptr);
    out.has_open_end = (common.flags & kSizesFollow) != 0 && out.packed == 0;
    out.header = at;
    out.data = at + kLocalSize + name_size + two(entry, 28);
    return out;
}

/// Where a directory says that it is: by its size before its end, and by its offset.
struct End {
    std::size_t at = 0;
    std::uint64_t size = 0;
    std::uint64_t offset = 0;
};

End read_end(std::string_view bytes, std::size_t at) {
    End end{at, four(bytes, at + 12), four(bytes, at + 16)};
    // The locator of the 64-bit end stands right before (4.3.15).
    if (at < 20 || bytes.substr(at - 20, 4) != "PK\x06\x07") return end;
    const auto wide_at = eight(bytes, at - 12);
    const auto wide = wide_at < at ? bytes.substr(static_cast<std::size_t>(wide_at)) : std::string_view();
    if (!wide.starts_with("PK\x06\x06")) return end;
    if (end.size == kInZip64) end.size = eight(wide, 40);
    if (end.offset == kInZip64) end.offset = eight(wide, 48);
    end.at = static_cast<std::size_t>(wide_at);
    return end;
}

class Lister {
  public:
    Lister(std::string_view bytes, std::size_t max_members) : bytes_(bytes), max_members_(max_members) {}

    ZipList run() {
        sweep();
        mark_listed();
        for (const auto& listed : listed_) {
            if (listed.member.is_listed) add_listed(listed);
        }
        remember_data();
        for (const auto& listed : listed_) {
            if (!listed.member.is_listed && !is_in_data(listed.at)) add_listed(listed);
        }
        for (const auto& local : locals_) add_unlisted(local);
        find_overlaps();
        tidy();
        return std::move(out_);
    }

  private:
    void sweep() {
        for (std::size_t at = 0; (at = bytes_.find("PK", at)) != std::string_view::npos; ++at) {
            switch (two(bytes_, at + 2)) {
                case 0x0403:
                    if (auto local = read_local(bytes_, at); local && has_room(locals_.size()))
                        locals_.push_back(std::move(*local));
                    break;
                case 0x0201:
                    if (auto listed = read_central(bytes_, at); listed && has_room(listed_.size()))
                        listed_.push_back(std::move(*listed));
                    break;
                case 0x0605:
                    if (bytes_.size() - at >= kEndSize) ends_.push_back(at);
                    if (ends_.size() > kMaxEnds) ends_.erase(ends_.begin() + 1);
                    break;
                default:
                    break;
            }
        }
    }

    // What a whole file of stored archives holds is found again in its members; the limit is on what is
    // listed.
    bool has_room(std::size_t count) {
        if (count < 4 * max_members_) return true;
        out_.complete = false;
        return false;
    }

    /// Which entries a reader meets that starts at the last end, and what to add to their offsets.
    void mark_listed() {
        if (ends_.empty()) {
            out_.doubts.insert(ZipDoubt::cut);
            return;
        }
        const auto end = read_end(bytes_, ends_.back());
        const bool is_sized = end.size <= end.at;
        std::size_t at = is_sized ? end.at - static_cast<std::size_t>(end.size) : 0;
        if (is_sized && at >= end.offset) base_ = at - static_cast<std::size_t>(end.offset);
        if (bytes_.substr(at, 4) != "PK\x01\x02" && end.offset < bytes_.size()) {
            at = static_cast<std::size_t>(end.offset);
            base_ = 0;
        }
        for (auto& listed : listed_) {
            if (listed.at != at) continue;
            listed.member.is_listed = true;
            at = listed.end;
        }
    }

    void add_listed(const Listed& listed) {
        ZipMember member = listed.member;
        const auto local = find_local(listed);
        if (local != locals_.end()) {
            member.header = local->header;
            member.data = local->data;
            compare(member, *local);
            seen_.insert_or_assign(local->header, true);
        } else {
            // Its header is damaged; where it should be, its data follows.
            const auto guess = listed.offset + (member.is_listed ? base_ : 0);
            if (guess >= bytes_.size()) return note_missing(member);
            member.header = static_cast<std::size_t>(guess);
            member.data = member.header + kLocalSize + two(bytes_, member.header + 26) +
                          two(bytes_, member.header + 28);
            if (behind(bytes_, member.header + kLocalSize).substr(0, member.name.size()) != member.name)
                member.data = member.header + kLocalSize + member.name.size();
            member.doubts.insert(ZipDoubt::no_local_header);
        }
        if (!member.is_listed) member.doubts.insert(ZipDoubt::unlisted);
        out_.members.push_back(std::move(member));
    }

    /// Where the data of listed members lies that every reader sees alike.
    void remember_data() {
        for (const auto& member : out_.members) {
            if (member.has_open_end || member.doubts.contains(ZipDoubt::fields_differ)) continue;
            auto& end = data_[member.data];
            end = std::max(end, member.data + std::min<std::uint64_t>(member.packed, bytes_.size()));
        }
    }

    /// A directory in there is of an archive within this one.
    bool is_in_data(std::size_t at) const {
        auto behind_it = data_.upper_bound(at);
        return behind_it != data_.begin() && at < std::prev(behind_it)->second;
    }

    void note_missing(ZipMember member) {
        member.header = member.data = bytes_.size();
        member.doubts.insert(ZipDoubt::no_local_header);
        out_.members.push_back(std::move(member));
    }

    using Locals = std::vector<ZipMember>;

    // Archives that are joined or have something before them count from their own beginning.
    Locals::iterator find_local(const Listed& listed) {
        const auto at = [&](std::uint64_t offset) {
            const auto found = std::ranges::lower_bound(locals_, offset, {}, &ZipMember::header);
            return found != locals_.end() && found->header == offset ? found : locals_.end();
        };
        const auto based = at(listed.offset + base_);
        if (based != locals_.end() && (listed.member.is_listed || based->name == listed.member.name))
            return based;
        const auto plain = at(listed.offset);
        if (plain != locals_.end() && plain->name == listed.member.name) return plain;
        if (listed.member.is_listed) return plain;
        // Of another archive in the same file: the nearest before the entry that has this name.
        const auto behind_it = std::ranges::lower_bound(locals_, listed.at, {}, &ZipMember::header);
        for (auto it = behind_it; it != locals_.begin() && behind_it - it < 64;) {
            --it;
            if (it->name == listed.member.name) return it;
        }
        return plain;
    }

    /// Where the local header tells another story, that is a member, too.
    void compare(ZipMember& member, const ZipMember& local) {
        const bool same_name = member.name == local.name;
        const bool same_sizes =
            local.has_open_end || (member.packed == local.packed && member.size == local.size);
        const bool same = member.method == local.method && member.cipher == local.cipher && same_sizes;
        if (!same_name) member.doubts.insert(ZipDoubt::names_differ);
        if (!same) member.doubts.insert(ZipDoubt::fields_differ);
        if (same && same_name) return;
        ZipMember other = local;
        other.is_listed = member.is_listed;
        other.doubts = member.doubts;
        out_.members.push_back(std::move(other));
    }

    void add_unlisted(const ZipMember& local) {
        if (seen_.contains(local.header)) return;
        ZipMember member = local;
        member.doubts.insert(ZipDoubt::unlisted);
        out_.members.push_back(std::move(member));
    }

    /// How far the data of a member reaches.
    struct Cover {
        std::uint64_t end = 0;
        std::size_t owner = 0;

        bool holds(const ZipMember& member, const std::vector<ZipMember>& kept) const {
            return member.header < end && kept[owner].header != member.header;
        }
        void extend(std::uint64_t to, std::size_t by) {
            if (to <= end) return;
            end = to;
            owner = by;
        }
    };

    /// Members with another header that begin before the data of one ends. What was listed covers what was
    /// not: a signature inside its data is part of it and found again when the member is looked at.
    void find_overlaps() {
        // Not stable_sort: Clang refuses what libstdc++ 12 makes of it.
        std::ranges::sort(out_.members, [](const ZipMember& a, const ZipMember& b) {
            return std::pair(a.header, !a.is_listed) < std::pair(b.header, !b.is_listed);
        });
        std::vector<ZipMember> kept;
        Cover listed;
        Cover any;
        for (auto& member : out_.members) {
            const bool is_inside = listed.holds(member, kept);
            if (!member.is_listed && (is_inside || any.holds(member, kept))) continue;
            if (is_inside) {
                member.doubts.insert(ZipDoubt::overlap);
                kept[listed.owner].doubts.insert(ZipDoubt::overlap);
            }
            const bool is_agreed = !member.has_open_end && !member.doubts.contains(ZipDoubt::fields_differ);
            const auto end = member.data + std::min<std::uint64_t>(member.packed, bytes_.size());
            kept.push_back(std::move(member));
            const auto& now = kept.back();
            if (is_agreed && now.is_listed) listed.extend(end, kept.size() - 1);
            if (is_agreed && now.method == 0 && now.cipher == ZipCipher::none)
                any.extend(end, kept.size() - 1);
        }
        out_.members = std::move(kept);
    }

    void tidy() {
        if (out_.members.size() > max_members_) {
            out_.members.resize(max_members_);
            out_.complete = false;
        }
        for (const auto& member : out_.members) out_.doubts.merge(member.doubts);
        const bool has_unlisted = out_.doubts.contains(ZipDoubt::unlisted);
        if (ends_.size() > 1 && has_unlisted) out_.doubts.insert(ZipDoubt::several_archives);
    }

    std::string_view bytes_;
    std::size_t max_members_;
    std::size_t base_ = 0;
    Locals locals_;
    std::vector<Listed> listed_;
    std::vector<std::size_t> ends_;
    std::map<std::size_t, bool> seen_;
    std::map<std::size_t, std::uint64_t> data_;  ///< end by begin
    ZipList out_;
};

/// Sizes follow: a stored member ends where the next header begins (4.3.9).
std::string_view until_next_header(std::string_view data) {
    for (std::size_t at = 0; (at = data.find("PK", at)) != std::string_view::npos; ++at) {
        const auto kind = two(data, at + 2);
        if (kind == 0x0807 || kind == 0x0403 || kind == 0x0201) return data.substr(0, at);
    }
    return data;
}

void put(std::string& out, std::uint64_t value, std::size_t count) {
    for (; count > 0; --count, value >>= 8) out += static_cast<char>(value & 0xFF);
}

}  // namespace

std::string_view to_string(ZipDoubt doubt) {
    return kWords[static_cast<std::size_t>(doubt)];
}

bool ends_as_zip(std::string_view bytes) {
    constexpr std::size_t kMaxComment = 0xFFFF;
    const auto last = behind(bytes, bytes.size() - std::min(bytes.size(), kEndSize + kMaxComment));
    const auto at = last.rfind("PK\x05\x06");
    if (at == std::string_view::npos) return false;
    // Compound files hold archives in their streams, in pieces and before other things: that is no end of
    // theirs.
    const bool is_compound = bytes.starts_with("\xD0\xCF\x11\xE0");
    if (is_compound && at + kEndSize + two(last, at + 20) != last.size()) return false;
    const auto end = read_end(bytes, bytes.size() - last.size() + at);
    const auto is_directory = [&](std::uint64_t offset) {
        return offset < end.at && bytes.substr(static_cast<std::size_t>(offset), 4) == "PK\x01\x02";
    };
    return (end.size <= end.at && is_directory(end.at - end.size)) || is_directory(end.offset);
}

ZipList list_zip(std::string_view bytes, std::size_t max_members) {
    return Lister(bytes, max_members).run();
}

std::string_view packed_data(std::string_view bytes, const ZipMember& member) {
    const auto rest = behind(bytes, member.data);
    // A deflated stream ends by itself; what its declared size says is checked, not believed.
    const bool ends_itself = member.method == 8 && member.cipher == ZipCipher::none;
    if (ends_itself) return rest;
    if (member.has_open_end) return until_next_header(rest);
    return rest.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(member.packed, rest.size())));
}

ZipContent read_zip_member(std::string_view bytes, const ZipMember& member, std::size_t max_output) {
    if (member.cipher != ZipCipher::none) return {"", ZipEnd::encrypted};
    return unpack_zip_data(packed_data(bytes, member), member, max_output);
}

ZipContent unpack_zip_data(std::string_view packed, const ZipMember& member, std::size_t max_output) {
    ZipContent out;
    if (member.method == 0) {
        out.bytes = packed.substr(0, max_output);
        if (packed.size() > max_output) {
            out.end = ZipEnd::limit;
            return out;
        }
        const auto declared = member.cipher == ZipCipher::none ? member.packed : member.size;
        const bool is_whole = member.has_open_end || packed.size() >= declared;
        out.end = is_whole ? ZipEnd::complete : ZipEnd::damaged;
    } else if (member.method == 8) {
        auto inflated = inflate(packed, Wrapper::none, max_output);
        out.bytes = std::move(inflated.bytes);
        if (inflated.end == InflateEnd::limit) {
            out.end = ZipEnd::limit;
            return out;
        }
        out.end = inflated.end == InflateEnd::complete ? ZipEnd::complete : ZipEnd::damaged;
    } else {
        out.end = ZipEnd::unsupported;
        return out;
    }
    // AE-2 writes no checksum (its own code authenticates), and who streams may write none that we know.
    const bool has_checksum = !member.has_open_end && !(member.cipher == ZipCipher::aes && member.crc == 0);
    if (has_checksum && crc32(out.bytes) != member.crc) out.end = ZipEnd::damaged;
    return out;
}

std::string rewrap_zip_member(std::string_view packed, const ZipMember& member) {
    constexpr std::string_view kName = "a";
    constexpr std::size_t kLzmaHeader = 9;  // version, size and properties: 4.4.4, 5.8.8
    constexpr std::uint64_t kMaxDictionary = 64U << 20;
    std::string common;
    put(common, 63, 2);
    // Flag 1 of LZMA: the data has an end mark, so it may be read to its end.
    put(common, member.method == 14 ? 2 : 0, 2);
    put(common, member.method, 2);
    put(common, 0, 4);
    put(common, member.crc, 4);
    put(common, packed.size(), 4);
    put(common, member.size, 4);
    put(common, kName.size(), 2);
    put(common, 0, 2);
    std::string out = "PK\x03\x04" + common;
    out.append(kName).append(packed);
    // Memory is taken for the whole dictionary at once, however little data follows.
    if (member.method == 14 && packed.size() >= kLzmaHeader && little_endian(packed, 5, 4) > kMaxDictionary) {
        std::string size;
        put(size, kMaxDictionary, 4);
        out.replace(out.size() - packed.size() + 5, 4, size);
    }
    const auto directory = out.size();
    out.append("PK\x01\x02").append("\x3f\0", 2).append(common);
    put(out, 0, 10);
    put(out, 0, 4);
    out.append(kName);
    const auto size = out.size() - directory;
    out.append("PK\x05\x06");
    put(out, 0, 4);
    put(out, 1, 2);
    put(out, 1, 2);
    put(out, size, 4);
    put(out, directory, 4);
    put(out, 0, 2);
    return out;
}

}  // namespace gatehouse::inspect::format
