// OLE compound files ([MS-CFB]) of hostile making: every entry of the directory, whether the tree reaches it
// or not, and the bytes of every stream as far as its chain goes. Used by readers of Office 97-2003
// documents, VBA projects, Outlook messages and installers.
//
// Pure, thread-safe for const use; borrows the bytes. Total: sector numbers, sizes and pointers are read as
// an attacker writes them; chains that run in circles or out of the file end there and are called damaged.
// Opening is linear in the file, reading a stream linear in its size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::inspect::format {

enum class CompoundKind : std::uint8_t { storage, stream, root };

struct CompoundEntry {
    std::string
        path;  ///< names from below the root, joined by '/', UTF-8; control characters stay ("\x01Ole")
    std::string name;
    CompoundKind kind = CompoundKind::stream;
    std::uint64_t size = 0;   ///< as declared; of a stream
    std::uint32_t first = 0;  ///< sector
    std::string class_id;     ///< 16 raw bytes
    bool is_orphan = false;   ///< the tree does not reach it
};

class CompoundFile {
  public:
    struct Bytes {
        std::string bytes;
        bool is_complete = true;  ///< false: cut at max_output
        bool is_damaged = false;  ///< the chain ended before the size that is declared
    };

    /// Nothing when the header is none.
    static std::optional<CompoundFile> open(std::string_view bytes, std::size_t max_entries = 10'000);

    std::span<const CompoundEntry> entries() const { return entries_; }
    /// The first stream of that path, in any case; null: there is none.
    const CompoundEntry* find(std::string_view path) const;
    Bytes read(const CompoundEntry& entry, std::size_t max_output) const;
    /// Tables or the directory are cut, run in circles, or hold more entries than max_entries.
    bool is_damaged() const { return is_damaged_; }

  private:
    struct Raw;

    explicit CompoundFile(std::string_view bytes) : bytes_(bytes) {}
    void read_tables();
    void add_table_sectors(std::string_view sector, std::size_t count);
    void read_directory(std::size_t max_entries);
    void place(const std::vector<Raw>& raw);
    std::string_view sector(std::uint32_t number) const;
    std::uint32_t next(std::uint32_t number) const;
    std::uint32_t next_small(std::uint32_t number) const;
    std::string read_chain(std::uint32_t first, std::uint64_t limit, bool& ends_well) const;

    std::string_view bytes_;
    std::size_t sector_size_ = 512;
    std::size_t small_size_ = 64;
    std::uint32_t cutoff_ = 4096;
    std::vector<std::uint32_t> table_sectors_;
    std::vector<std::uint32_t> small_table_;
    std::string small_stream_;
    std::vector<CompoundEntry> entries_;
    bool is_damaged_ = false;
};

}  // namespace gatehouse::inspect::format
