// The `antivirus` table of gatehouse.toml: how clamd is run and driven. (What policy does with the answers,
// `antivirus.grace` and the scan exceptions, stands in settings.toml.) Plain data; used by apps, the
// supervisor and the front.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/field_table.h"
#include "base/result.h"

namespace gatehouse::consult::engines {

struct AntivirusSettings {
    std::string clamd = "managed";
    std::string database;
    bool bytecode = false;
    std::int64_t threads = 0;
    std::int64_t scan_timeout = 60;
    std::int64_t scratch_size = 1LL << 30;
    std::int64_t queue = 256;
    std::int64_t cache_entries = 100'000;
    std::int64_t cache_size = 32LL << 20;
    std::int64_t cache_minutes = 60;
};

/// `antivirus.clamd` taken apart.
struct ClamdMode {
    enum class Kind : std::uint8_t {
        managed,   ///< a child of the supervisor, generated configuration
        off,       ///< no malware engine
        external,  ///< somebody else's clamd, by its unix socket
    };
    Kind kind = Kind::managed;
    std::string socket;  ///< external only
};
base::Result<ClamdMode> parse_clamd_mode(std::string_view text);
/// The same as a field's check.
base::Result<void> check_clamd_mode(std::string_view text);

using S = AntivirusSettings;
inline constexpr std::array kAntivirusFields = {
    base::field<&S::clamd>("clamd",
                           "managed = run clamd as a child; off; unix:PATH = the socket of another one",
                           {.check = check_clamd_mode}),
    base::field<&S::database>("database",
                              "folder of virus databases (*.cvd, *.cld, *.ndb ...), kept current by "
                              "freshclam or by you; empty = only our own signatures, which know the EICAR "
                              "test file and nothing else"),
    base::field<&S::bytecode>("bytecode", "let the databases run their signed bytecode inside the engine"),
    base::field<&S::threads>("threads", "scans the engine runs at once; 0 = one per core",
                             {.min = 0, .max = 256}),
    base::field<&S::scan_timeout>("scan_timeout",
                                  "longest scan of one message or part; beyond: gap timed_out",
                                  {.min = 1, .max = 200, .unit = "s"}),
    base::field<&S::scratch_size>("scratch_size",
                                  "memory the engine may fill with unpacked files; when it is full, scans "
                                  "answer unavailable",
                                  {.min = 64LL << 20, .max = 64LL << 30, .unit = "bytes"}),
    base::field<&S::queue>("queue",
                           "questions that may wait for the engine in each event loop; beyond: unavailable",
                           {.min = 0, .max = 100'000}),
    base::field<&S::cache_entries>("cache_entries", "verdicts remembered; 0 = none",
                                   {.min = 0, .max = 100'000'000}),
    base::field<&S::cache_size>("cache_size", "memory of remembered verdicts",
                                {.min = 0, .max = 64LL << 30, .unit = "bytes"}),
    base::field<&S::cache_minutes>("cache_minutes", "longest life of a remembered verdict",
                                   {.min = 1, .max = 100'000, .unit = "min"}),
};
inline constexpr base::FieldTable kAntivirusTable =
    base::make_table<AntivirusSettings>("antivirus", "the malware engine beside us", kAntivirusFields);

/// `threads`, with 0 replaced by the number of cores.
unsigned engine_threads(const AntivirusSettings& settings);

}  // namespace gatehouse::consult::engines
