#include "inspect/format/compound_file.h"

#include <algorithm>

#include "base/text.h"
#include "inspect/format/type_inside.h"
#include "message/charset.h"

namespace gatehouse::inspect::format {

namespace {

constexpr std::string_view kSignature = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
constexpr std::uint32_t kLastSector =
    0xFFFFFFFA;  // greater numbers have a meaning of their own ([MS-CFB] 2.1)
constexpr std::uint32_t kNone = 0xFFFFFFFF;
constexpr std::size_t kEntrySize = 128;
constexpr std::size_t kHeaderSize = 512;
constexpr std::size_t kListedInHeader = 109;
constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxDepth = 64;

std::uint32_t four(std::string_view bytes, std::size_t offset) {
    return static_cast<std::uint32_t>(little_endian(bytes, offset, 4));
}

}  // namespace

struct CompoundFile::Raw {
    CompoundEntry entry;
    std::uint32_t left = kNone;
    std::uint32_t right = kNone;
    std::uint32_t child = kNone;
    bool is_used = false;
};

std::optional<CompoundFile> CompoundFile::open(std::string_view bytes, std::size_t max_entries) {
    if (bytes.size() < kHeaderSize || !bytes.starts_with(kSignature)) return std::nullopt;
    CompoundFile out(bytes);
    const auto shift = little_endian(bytes, 30, 2);
    const auto small_shift = little_endian(bytes, 32, 2);
    // Only 9 and 12, and 6, are allowed; readers differ about others, so those that could be are read.
    if (shift < 7 || shift > 20 || small_shift < 2 || small_shift > shift) return std::nullopt;
    out.sector_size_ = std::size_t{1} << shift;
    out.small_size_ = std::size_t{1} << small_shift;
    out.cutoff_ = four(bytes, 56);
    out.read_tables();
    out.read_directory(max_entries);
    return out;
}

std::string_view CompoundFile::sector(std::uint32_t number) const {
    // The header takes one sector; of 4,096 bytes in version 4.
    return behind(bytes_, (std::size_t{number} + 1) * sector_size_).substr(0, sector_size_);
}

void CompoundFile::add_table_sectors(std::string_view list, std::size_t count) {
    for (std::size_t i = 0; i < count && 4 * i < list.size(); ++i) {
        const auto number = four(list, 4 * i);
        if (number < kLastSector) table_sectors_.push_back(number);
    }
}

void CompoundFile::read_tables() {
    const auto most = bytes_.size() / sector_size_ + 1;
    add_table_sectors(bytes_.substr(76), kListedInHeader);
    const auto per_sector = sector_size_ / 4 - 1;
    std::size_t steps = 0;
    for (auto at = four(bytes_, 68); at < kLastSector; ++steps) {
        const auto list = sector(at);
        if (list.size() < sector_size_ || steps > most) {
            is_damaged_ = true;
            break;
        }
        add_table_sectors(list, per_sector);
        at = four(list, 4 * per_sector);
    }
    if (table_sectors_.size() > most) {
        table_sectors_.resize(most);
        is_damaged_ = true;
    }
    bool ends_well = true;
    const auto small = read_chain(four(bytes_, 60), bytes_.size(), ends_well);
    for (std::size_t at = 0; at + 4 <= small.size(); at += 4) small_table_.push_back(four(small, at));
    is_damaged_ = is_damaged_ || !ends_well;
}

std::uint32_t CompoundFile::next(std::uint32_t number) const {
    const auto per_sector = static_cast<std::uint32_t>(sector_size_ / 4);
    const auto table = number / per_sector;
    if (table >= table_sectors_.size()) return kNone;
    const auto list = sector(table_sectors_[table]);
    return list.size() < sector_size_ ? kNone : four(list, 4 * std::size_t{number % per_sector});
}

std::uint32_t CompoundFile::next_small(std::uint32_t number) const {
    return number < small_table_.size() ? small_table_[number] : kNone;
}

/// A chain cannot be longer than the file without running in a circle.
std::string CompoundFile::read_chain(std::uint32_t first, std::uint64_t limit, bool& ends_well) const {
    std::string out;
    std::size_t left = bytes_.size() / sector_size_ + 1;
    auto at = first;
    for (; at < kLastSector && out.size() < limit && left > 0; --left) {
        const auto piece = sector(at);
        out += piece.substr(
            0, static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), limit - out.size())));
        if (piece.size() < sector_size_) break;
        at = next(at);
    }
    ends_well = out.size() >= limit || (at >= kLastSector && at != kNone) || first >= kLastSector;
    return out;
}

void CompoundFile::read_directory(std::size_t max_entries) {
    bool ends_well = true;
    const auto bytes = read_chain(four(bytes_, 48), std::uint64_t{max_entries} * kEntrySize, ends_well);
    is_damaged_ = is_damaged_ || !ends_well;
    std::vector<Raw> raw;
    for (std::size_t at = 0; at + kEntrySize <= bytes.size(); at += kEntrySize) {
        const auto from = std::string_view(bytes).substr(at, kEntrySize);
        Raw item;
        const auto kind = static_cast<unsigned char>(from[66]);
        item.is_used = kind == 1 || kind == 2 || kind == 5;
        const auto length = std::min<std::size_t>(little_endian(from, 64, 2), kMaxName);
        const auto name = from.substr(0, length >= 2 ? (length - 2) & ~std::size_t{1} : 0);
        item.entry.name = message::to_utf8_or_guess(name, "utf-16le", 4 * kMaxName).text;
        item.entry.kind = kind == 5   ? CompoundKind::root
                          : kind == 1 ? CompoundKind::storage
                                      : CompoundKind::stream;
        item.entry.class_id = from.substr(80, 16);
        item.entry.first = four(from, 116);
        // The upper half is rubbish in files of version 3 (2.6.3).
        item.entry.size = sector_size_ == 512 ? four(from, 120) : little_endian(from, 120, 8);
        item.left = four(from, 68);
        item.right = four(from, 72);
        item.child = four(from, 76);
        raw.push_back(std::move(item));
    }
    if (raw.size() >= max_entries) is_damaged_ = true;
    place(raw);
    const auto root = std::ranges::find(entries_, CompoundKind::root, &CompoundEntry::kind);
    if (root == entries_.end()) return;
    small_stream_ = read_chain(root->first, bytes_.size(), ends_well);
}

/// Paths by a walk of the tree that goes to each entry once; what it does not reach is there all the same.
void CompoundFile::place(const std::vector<Raw>& raw) {
    struct Step {
        std::uint32_t at;
        std::string folder;
        std::size_t depth;
    };
    std::vector<std::string> paths(raw.size());
    std::vector<bool> is_reached(raw.size(), false);
    std::vector<Step> todo;
    if (!raw.empty()) {
        is_reached[0] = true;
        todo.push_back({raw[0].child, "", 0});
    }
    while (!todo.empty()) {
        const auto step = std::move(todo.back());
        todo.pop_back();
        if (step.at >= raw.size() || is_reached[step.at] || step.depth > kMaxDepth) continue;
        is_reached[step.at] = true;
        const auto& item = raw[step.at];
        paths[step.at] = step.folder + item.entry.name;
        todo.push_back({item.left, step.folder, step.depth});
        todo.push_back({item.right, step.folder, step.depth});
        todo.push_back({item.child, paths[step.at] + "/", step.depth + 1});
    }
    for (std::size_t i = 0; i < raw.size(); ++i) {
        if (!raw[i].is_used) continue;
        entries_.push_back(raw[i].entry);
        entries_.back().is_orphan = !is_reached[i];
        entries_.back().path = is_reached[i] ? paths[i] : raw[i].entry.name;
    }
}

const CompoundEntry* CompoundFile::find(std::string_view path) const {
    const auto found = std::ranges::find_if(
        entries_, [&](const CompoundEntry& entry) { return base::iequals(entry.path, path); });
    return found == entries_.end() ? nullptr : &*found;
}

CompoundFile::Bytes CompoundFile::read(const CompoundEntry& entry, std::size_t max_output) const {
    Bytes out;
    if (entry.kind != CompoundKind::stream) return out;
    const auto wanted = std::min<std::uint64_t>(entry.size, max_output);
    out.is_complete = entry.size <= max_output;
    if (entry.size >= cutoff_) {
        bool ends_well = true;
        out.bytes = read_chain(entry.first, wanted, ends_well);
    } else {
        std::size_t left = small_table_.size() + 1;
        for (auto at = entry.first; at < kLastSector && out.bytes.size() < wanted && left > 0; --left) {
            const auto piece =
                behind(small_stream_, std::size_t{at} * small_size_)
                    .substr(0, std::min<std::size_t>(small_size_,
                                                     static_cast<std::size_t>(wanted) - out.bytes.size()));
            if (piece.empty()) break;
            out.bytes += piece;
            at = next_small(at);
        }
    }
    out.is_damaged = out.bytes.size() < wanted;
    return out;
}

}  // namespace gatehouse::inspect::format
