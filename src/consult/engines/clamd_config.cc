#include "consult/engines/clamd_config.h"

#include <fmt/format.h>

#include <algorithm>

namespace gatehouse::consult::engines {
namespace {

constexpr std::uint64_t kMaxFileBytes = (2ULL << 30) - 1;  // "technical limitations" of clamd, clamd.conf(5)
constexpr std::uint64_t kMaxScanBytes = (4ULL << 30) - 1;  // every SIZE of clamd.conf
constexpr std::uint32_t kMaxRecursion = 100;
constexpr unsigned kQueuePerThread = 64;

/// 0 would mean "no limit".
std::uint64_t between(std::uint64_t least, std::uint64_t value, std::uint64_t most) {
    return std::clamp(value, least, most);
}

}  // namespace

ClamdLimits clamd_limits_for(const base::BudgetLimits& budget, std::uint64_t max_message_size,
                             std::uint64_t scan_timeout_s) {
    ClamdLimits out;
    constexpr std::uint64_t kMiB = 1ULL << 20;
    // Our header lines and a part of exactly the allowed size must still fit.
    out.file_bytes = between(kMiB, std::max(max_message_size + kMiB, budget.max_held), kMaxFileBytes);
    // clamd counts the input, every decoded part and every normalised copy; our budget only what we decode.
    const auto decoded = std::min(budget.max_decoded, kMaxScanBytes);
    out.scan_bytes = between(out.file_bytes, 2 * decoded + out.file_bytes, kMaxScanBytes);
    // A normalised page or script counts as up to three more files.
    out.files = between(1000, 4ULL * budget.max_parts, 10'000'000);
    // A message inside a message is up to two of clamd's levels.
    out.recursion = static_cast<std::uint32_t>(between(10, 2ULL * budget.max_depth + 10, kMaxRecursion));
    out.scan_ms = between(1000, scan_timeout_s * 1000, 3'600'000);
    return out;
}

std::string render_clamd_config(const ClamdConfig& config) {
    const auto& limits = config.limits;
    const unsigned threads = std::max(1U, config.threads);
    std::string out = "# Written by Gatehouse at every start of the engine; changes here are lost.\n";
    const auto line = [&out](std::string_view key, const auto& value) {
        out += fmt::format("{} {}\n", key, value);
    };
    line("Foreground", "yes");
    line("LogTime", "no");  // our log has the time
    line("LogSyslog", "no");
    line("DatabaseDirectory", kClamdDatabase);
    line("TemporaryDirectory", kClamdScratch);
    line("LocalSocket", kClamdSocket);
    line("LocalSocketMode", config.socket_for_group ? "660" : "600");
    line("FixStaleSocket", "yes");  // safe: the folder's lock makes sure that no other child lives

    line("ConcurrentDatabaseReload", "yes");  // "no" froze clients for seconds
    line("SelfCheck", "0");                   // the supervisor says RELOAD
    line("Bytecode", config.bytecode ? "yes" : "no");
    line("BytecodeUnsigned", "no");

    line("MaxThreads", threads);
    line("MaxQueue", threads * kQueuePerThread);
    line("MaxConnectionQueueLength", "200");
    line("CommandReadTimeout", "30");
    line("ReadTimeout", "600");  // idle sessions of our pool
    line("IdleTimeout", "60");
    line("AllowAllMatchScan", "no");
    line("ExitOnOOM", "no");  // a crafted size is "out of memory", too; it must not cost everybody the engine
    line("DisableCache", "yes");

    line("AlertExceedsMax", "yes");
    line("AlertEncrypted", "yes");
    line("HeuristicScanPrecedence", "no");
    line("PhishingScanURLs", "no");  // addresses are judged by our own Web Reputation

    line("MaxScanTime", limits.scan_ms);
    line("MaxScanSize", limits.scan_bytes);
    line("MaxFileSize", limits.file_bytes);
    line("MaxFiles", limits.files);
    line("MaxRecursion", limits.recursion);
    // What is over one of these is skipped without a word, so none may bite before MaxFileSize does.
    line("MaxEmbeddedPE", limits.file_bytes);
    line("MaxHTMLNormalize", limits.file_bytes);
    line("MaxHTMLNoTags", limits.file_bytes);
    line("MaxScriptNormalize", limits.file_bytes);
    line("PCREMaxFileSize", limits.file_bytes);
    return out;
}

std::uint64_t clamd_descriptors(const ClamdConfig& config) {
    // clamd.conf(5), MaxQueue: MaxThreads * MaxRecursion + MaxQueue - MaxThreads + 6 < RLIMIT_NOFILE
    const std::uint64_t threads = std::max(1U, config.threads);
    return threads * config.limits.recursion + threads * kQueuePerThread + 512;
}

}  // namespace gatehouse::consult::engines
