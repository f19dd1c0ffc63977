// The configuration that a managed clamd runs with, rendered from our own limits. Pure.
//
// Every path in it is relative to the engine's folder, which the child enters before exec: clamd takes no
// blank in a path, and a unix socket's name must be short; the folder's own path may then be what it likes.
//
// What clamd was seen to do, and what is written here against it (clamd 1.4):
// - A member over a limit is called OK unless AlertExceedsMax is on; hence on, and the limits stand at or
// above
//   our own budgets, so that they fire only where our inspection has given up, too.
// - An encrypted archive is called OK unless AlertEncrypted is on.
// - Heuristic names give way to real signatures only while HeuristicScanPrecedence is off.
// - Its cache of clean files is keyed by MD5, for which an attacker makes two files of one key, and keeps an
// OK
//   that came from a full scratch folder; hence DisableCache. Our verdict cache uses SHA-256.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/budget.h"

namespace gatehouse::consult::engines {

/// Inside the engine's folder.
inline constexpr std::string_view kClamdConfigName = "clamd.conf";
inline constexpr std::string_view kClamdDatabase = "db";
inline constexpr std::string_view kClamdScratch = "tmp";
inline constexpr std::string_view kClamdRun = "run";
inline constexpr std::string_view kClamdSocket = "run/clamd.sock";

struct ClamdLimits {
    std::uint64_t file_bytes = 0;  ///< the input, or one member
    std::uint64_t scan_bytes = 0;  ///< everything unpacked from one input
    std::uint64_t files = 0;
    std::uint32_t recursion = 0;
    std::uint64_t scan_ms = 0;
};

/// At or above our own budgets, as far as clamd can go (members 2 GiB, a scan 4 GiB, depth 100).
ClamdLimits clamd_limits_for(const base::BudgetLimits& budget, std::uint64_t max_message_size,
                             std::uint64_t scan_timeout_s);

struct ClamdConfig {
    ClamdLimits limits;
    unsigned threads = 1;
    bool bytecode = false;
    bool socket_for_group = false;  ///< 660 instead of 600: the front has another uid and our group
};

std::string render_clamd_config(const ClamdConfig& config);

/// Open files the engine may need at once, with room to spare.
std::uint64_t clamd_descriptors(const ClamdConfig& config);

}  // namespace gatehouse::consult::engines
