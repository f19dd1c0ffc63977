// The engine's databases as values: our own signature file, the headers of signed databases, and what a set
// of files is called (its generation) and how old it is. Pure; database_folder.h does the files.
//
// Our own file is always installed: clamd ends at once on an empty folder. It knows the EICAR test string
// (written in hexadecimal, here and there, so that no scanner takes our files for the test file) and carries
// the generation's name as a signature (clamd_reply.h), so that the loaded set can be asked for.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/reference.h"

namespace gatehouse::consult::engines {

inline constexpr std::string_view kOwnSignatureFile = "gatehouse.ndb";

/// Text of our signature file for that generation, in ClamAV's extended signature format (.ndb).
std::string own_signatures(std::uint64_t generation);

/// The first 512 bytes of a .cvd or .cld: "ClamAV-VDB:date:version:signatures:level:md5:dsig:builder:stime".
struct CvdHeader {
    std::uint64_t version = 0;
    std::uint64_t signatures = 0;
    base::WallTime built{};
};
inline constexpr std::size_t kCvdHeaderSize = 512;
std::optional<CvdHeader> parse_cvd_header(std::string_view bytes);

struct DatabaseFile {
    std::string name;
    std::uint64_t size = 0;
    base::WallTime changed{};
    std::optional<CvdHeader> header;  ///< of signed databases
};

/// Names clamd loads and we take: a known ending, plain ASCII, no dot in front, not our own file's name.
bool is_database_name(std::string_view name);

/// What a folder of the operator's holds; our own file is not listed.
struct DatabaseSet {
    std::vector<DatabaseFile> files;      ///< sorted by name
    std::uint64_t generation = 0;         ///< of these files and our own signatures; never 0
    std::optional<base::WallTime> built;  ///< the newest of the signed headers, else of the files' times
    std::uint64_t signatures = 0;         ///< as the signed headers count them
    std::string problem;                  ///< why the operator's folder could not be read; empty = none
};
/// Sorts the files and fills in the rest.
DatabaseSet make_database_set(std::vector<DatabaseFile> files);

/// "database of 2026-01-05 (12 days old), 8,700,123 signatures", or what else an operator should know.
std::string describe(const DatabaseSet& set, base::WallTime now);
/// Nullopt when there is nothing but our own signatures.
std::optional<std::chrono::days> age_of(const DatabaseSet& set, base::WallTime now);

}  // namespace gatehouse::consult::engines
