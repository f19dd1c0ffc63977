// Evidence, gaps and coverage: what was found, and what was not looked into. Detectors make them, policy
// reads them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gatehouse::message {

/// At most this much message text may stand in the facts of one item of evidence; never body text.
inline constexpr std::size_t kMaxFactText = 256;

struct Evidence {
    std::string feature;  ///< the switch it belongs to: "antivirus", "malformed" ...
    std::string id;       ///< a literal of base::EvidenceInfo
    std::string where;    ///< which part, URL or address: "2:a.zip/b.exe"; empty = the message
    double confidence = 1;
    double score = 0;
    std::string text;  ///< one sentence for people
    std::vector<std::pair<std::string, std::string>> facts;
    std::string source = "local";  ///< local database and generation, an engine, or a ledger entry's id
    bool operator==(const Evidence&) const = default;
};

/// Why something was not inspected. Never "clean": policy has a condition for each.
enum class GapReason : std::uint8_t {
    encrypted = 1,
    too_deep = 2,
    too_large = 3,
    too_many = 4,
    corrupt = 5,
    timed_out = 6,
    engine_unavailable = 7,
    refused = 8,
    ambiguous = 9,
};

std::string_view to_string(GapReason reason);
std::optional<GapReason> parse_gap_reason(std::string_view text);

struct Gap {
    std::string part;  ///< as Evidence::where
    GapReason reason = GapReason::refused;
    std::string text;    ///< one sentence
    std::string engine;  ///< who could not look: empty = our own MIME reader; an opener or engine by name
    bool operator==(const Gap&) const = default;
};

struct Coverage {
    std::vector<Gap> gaps;
    bool is_complete() const { return gaps.empty(); }
    bool operator==(const Coverage&) const = default;
};

}  // namespace gatehouse::message
