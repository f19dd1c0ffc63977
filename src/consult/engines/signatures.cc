#include "consult/engines/signatures.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/digest.h"
#include "base/text.h"
#include "base/time.h"
#include "consult/engines/clamd_reply.h"

namespace gatehouse::consult::engines {
namespace {

// The 68 bytes of the EICAR anti-malware test file (eicar.org, 2003), in hexadecimal.
constexpr std::string_view kEicarHex =
    "58354f2150254041505b345c505a58353428505e2937434329377d244549434152"
    "2d5354414e444152442d414e544956495255532d544553542d46494c452124482b482a";

// Raised when own_signatures() changes what it detects, so that remembered verdicts are asked again.
constexpr std::uint32_t kOwnVersion = 1;

// What clamd 1.4 loads from a folder, but for unsigned bytecode (.cbc) and passwords (.pwdb).
constexpr std::array<std::string_view, 28> kEndings{".cvd", ".cld",  ".cud", ".hdb", ".hdu", ".hsb", ".hsu",
                                                    ".mdb", ".mdu",  ".msb", ".msu", ".ndb", ".ndu", ".ldb",
                                                    ".ldu", ".idb",  ".fp",  ".sfp", ".ftm", ".cdb", ".crb",
                                                    ".ign", ".ign2", ".pdb", ".gdb", ".wdb", ".yar", ".yara"};
constexpr std::size_t kMaxName = 128;

bool is_signed_name(std::string_view name) {
    return name.ends_with(".cvd") || name.ends_with(".cld");
}

std::uint64_t generation_from(const std::vector<DatabaseFile>& files) {
    std::string text = fmt::format("gatehouse {}\n", kOwnVersion);
    for (const auto& file : files) {
        text += fmt::format("{} {} {} {}\n", file.name, file.size, file.changed.time_since_epoch().count(),
                            file.header ? file.header->version : 0);
    }
    const std::string digest = base::sha256(text);
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < 8; ++i) out = out << 8 | static_cast<unsigned char>(digest[i]);
    return out == 0 ? 1 : out;
}

/// 8700123 -> "8,700,123"
std::string grouped(std::uint64_t number) {
    std::string out = std::to_string(number);
    for (std::size_t at = out.size(); at > 3;) out.insert(at -= 3, ",");
    return out;
}

}  // namespace

std::string own_signatures(std::uint64_t generation) {
    // NAME:TARGET:OFFSET:HEX; target 0 = any file, offset * = anywhere, 0 = at the beginning.
    return fmt::format("Eicar-Test-Signature:0:*:{}\n{}:0:0:{}\n", kEicarHex, generation_name(generation),
                       base::to_hex(generation_probe()));
}

std::optional<CvdHeader> parse_cvd_header(std::string_view bytes) {
    if (bytes.size() < kCvdHeaderSize || !bytes.starts_with("ClamAV-VDB:")) return std::nullopt;
    const auto fields = base::split(base::trim(bytes.substr(0, kCvdHeaderSize)), ':');
    // The date has its clock written 09-00, so that a colon only separates.
    constexpr std::size_t kVersion = 2;
    constexpr std::size_t kSignatures = 3;
    constexpr std::size_t kTime = 8;
    if (fields.size() <= kTime) return std::nullopt;
    const auto version = base::parse_unsigned(fields[kVersion]);
    const auto signatures = base::parse_unsigned(fields[kSignatures]);
    const auto seconds = base::parse_unsigned(base::trim(fields[kTime]));
    constexpr std::uint64_t kLatest = 253'402'300'799;  // the year 9999
    if (!version || !signatures || !seconds || *seconds > kLatest) return std::nullopt;
    return CvdHeader{.version = *version,
                     .signatures = *signatures,
                     .built = base::WallTime(std::chrono::seconds(static_cast<std::int64_t>(*seconds)))};
}

bool is_database_name(std::string_view name) {
    if (name.size() > kMaxName || name.starts_with('.') || name == kOwnSignatureFile) return false;
    const auto is_plain = [](char c) { return base::is_alnum(c) || c == '.' || c == '_' || c == '-'; };
    if (!std::all_of(name.begin(), name.end(), is_plain)) return false;
    return std::any_of(kEndings.begin(), kEndings.end(), [&](std::string_view ending) {
        return name.size() > ending.size() && name.ends_with(ending);
    });
}

DatabaseSet make_database_set(std::vector<DatabaseFile> files) {
    DatabaseSet out;
    std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    std::optional<base::WallTime> newest_file;
    for (const auto& file : files) {
        if (file.header && is_signed_name(file.name)) {
            out.built = std::max(out.built.value_or(file.header->built), file.header->built);
            out.signatures += std::min(file.header->signatures, std::uint64_t{1} << 40);
        } else {
            newest_file = std::max(newest_file.value_or(file.changed), file.changed);
        }
    }
    if (!out.built) out.built = newest_file;
    out.generation = generation_from(files);
    out.files = std::move(files);
    return out;
}

std::optional<std::chrono::days> age_of(const DatabaseSet& set, base::WallTime now) {
    if (!set.built) return std::nullopt;
    return std::max(std::chrono::days(0), std::chrono::floor<std::chrono::days>(now - *set.built));
}

std::string describe(const DatabaseSet& set, base::WallTime now) {
    const auto age = age_of(set, now);
    std::string out;
    if (age) {
        const auto days = age->count();
        out = fmt::format("database of {} ({})", base::to_rfc3339(*set.built).substr(0, 10),
                          days == 0 ? "today" : fmt::format("{} day{} old", days, days == 1 ? "" : "s"));
        if (set.signatures > 0) out += fmt::format(", {} signatures", grouped(set.signatures));
    } else {
        out =
            "own signatures only, which know the EICAR test file and nothing else; "
            "set antivirus.database to a folder that freshclam keeps current";
    }
    if (!set.problem.empty()) out += "; " + set.problem;
    return out;
}

}  // namespace gatehouse::consult::engines
