// Searching the tracking table: filters in, rows out, newest first. On a connection of its own, which only
// reads, so a search never holds up the loader. An address, a reference, an exact subject, a verdict or an
// outcome is found by index; a part of a subject or address scans the time range. One thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "record/tracking_row.h"
#include "store/database.h"

namespace gatehouse::record {

enum class SubjectMatch { contains, equals, starts_with };

struct TrackingQuery {
    static constexpr std::int64_t kMaxLimit = 10'000;

    std::string from =
        {};  ///< envelope sender or From: "a@b" exactly, "@b" a domain, "<>" none, "a" a part of it
    std::string to = {};       ///< envelope recipient, likewise
    std::string subject = {};  ///< letter case ignored (ASCII)
    SubjectMatch subject_match = SubjectMatch::contains;
    std::optional<base::WallTime> since = {};  ///< in
    std::optional<base::WallTime> until = {};  ///< out
    std::optional<message::Verdict> verdict = {};
    std::optional<message::Outcome> outcome = {};
    std::string client = {};     ///< IP address, as IpAddress::to_string writes it
    std::string reference = {};  ///< a prefix of 8 symbols or more
    std::int64_t limit = 100;
};

class TrackingReader {
  public:
    static base::Result<TrackingReader> open(const std::string& path,
                                             std::chrono::milliseconds time_limit = std::chrono::seconds(10));
    /// Fault::usage = a reference that is none; timed_out = too much to scan.
    base::Result<std::vector<TrackingRow>> find(const TrackingQuery& query);

  private:
    TrackingReader(store::Database database, std::chrono::milliseconds time_limit)
        : database_(std::move(database)), time_limit_(time_limit) {}
    base::Result<std::vector<TrackingRow>> run(const TrackingQuery& query);
    store::Database database_;
    std::chrono::milliseconds time_limit_;
};

}  // namespace gatehouse::record
