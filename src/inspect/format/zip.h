// Zip archives (APPNOTE 6.3) as all their readers together see them: the union of every central directory, of
// every local header and of a sweep for both, because programs choose differently and an attacker uses that.
// Where two sources disagree about one file, each of their readings is a member, and the doubt is named. Used
// by inspect/open.
//
// Pure and thread-safe; borrows the bytes. Total: any bytes give a (perhaps empty) list, in time linear in
// the bytes and n log n in the members, of which at most `max_members` are listed. Offsets and sizes are read
// as an attacker writes them. Nothing is decoded before read_zip_member().
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/format/inflate.h"

namespace gatehouse::inspect::format {

enum class ZipCipher : std::uint8_t {
    none,
    traditional,  ///< PKWARE's first (APPNOTE 6.1), "ZipCrypto"
    aes,          ///< WinZip AE-1 and AE-2
    strong,       ///< PKWARE's SES: we cannot read it
};

/// What programs may read differently, or what is not as the format has it.
enum class ZipDoubt : std::uint8_t {
    names_differ,      ///< directory and local header give other names
    fields_differ,     ///< method, flags or sizes
    unlisted,          ///< a local header that the last directory does not list
    no_local_header,   ///< listed, and no local header is where it should be
    overlap,           ///< data of two files lie over each other
    several_archives,  ///< more than one end of a central directory
    cut,               ///< the end of the central directory is missing
};
inline constexpr std::size_t kZipDoubts = 7;
/// In words, for a person.
std::string_view to_string(ZipDoubt doubt);

class ZipDoubts {
  public:
    void insert(ZipDoubt doubt) { bits_ |= 1U << static_cast<unsigned>(doubt); }
    bool contains(ZipDoubt doubt) const { return (bits_ >> static_cast<unsigned>(doubt) & 1U) != 0; }
    bool is_empty() const { return bits_ == 0; }
    void merge(ZipDoubts other) { bits_ |= other.bits_; }

  private:
    unsigned bits_ = 0;
};

struct ZipMember {
    std::string name;  ///< raw bytes; UTF-8 if is_utf8, else of an unknown code page
    bool is_utf8 = false;
    bool is_folder = false;
    std::uint16_t method = 0;  ///< under the encryption: 0 stored, 8 deflate, 12 bzip2, 14 LZMA ...
    ZipCipher cipher = ZipCipher::none;
    std::uint8_t aes_strength = 0;  ///< 1 to 3: keys of 128, 192, 256 bits
    std::uint32_t crc = 0;
    std::uint8_t check = 0;     ///< what the header of a traditional cipher has to end with
    std::uint64_t size = 0;     ///< as declared
    std::uint64_t packed = 0;   ///< as declared; 0 with has_open_end
    bool has_open_end = false;  ///< sizes follow the data, and this source does not know them
    std::size_t header = 0;     ///< offset of the local header
    std::size_t data = 0;       ///< offset of the data; packed bytes from there may end behind the file
    bool is_listed = false;     ///< a reader that starts at the last directory finds it
    ZipDoubts doubts;
};

struct ZipList {
    std::vector<ZipMember> members;  ///< by the offset of their headers
    ZipDoubts doubts;                ///< of all members, and of the archive
    bool complete = true;            ///< false: there were more than max_members
};

/// Whether the file ends as a zip does, whatever it begins with: what unpackers go by. Looks at the last 64
/// KiB.
bool ends_as_zip(std::string_view bytes);

ZipList list_zip(std::string_view bytes, std::size_t max_members);

enum class ZipEnd : std::uint8_t {
    complete,
    damaged,      ///< truncated, no data of that method, or the checksum is wrong; bytes hold what there was
    limit,        ///< there is more than max_output
    encrypted,    ///< and no password fits
    unsupported,  ///< the method: see rewrap_zip_member
};

struct ZipContent {
    std::string bytes;
    ZipEnd end = ZipEnd::damaged;
};

/// Decodes a stored or deflated member that is not encrypted.
ZipContent read_zip_member(std::string_view bytes, const ZipMember& member, std::size_t max_output);

/// The packed data of a member as it stands in the file, as far as the file goes.
std::string_view packed_data(std::string_view bytes, const ZipMember& member);

/// Decodes packed data of `member` from which the encryption was taken.
ZipContent unpack_zip_data(std::string_view packed, const ZipMember& member, std::size_t max_output);

/// A zip of that one member with sound headers, for libraries that know more methods.
std::string rewrap_zip_member(std::string_view packed, const ZipMember& member);

}  // namespace gatehouse::inspect::format
