// The face of this module: append what became of a message before the client hears it, search and read it
// afterwards. One per front; the CLI opens one too while no gateway runs (a second process is told who has
// it). Thread-safe: appends come from every front thread, searches queue on a mutex of their own. Searches
// first wait, for at most 2 s, until what was appended before them is loaded.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "record/loader.h"
#include "record/tracking_query.h"

namespace gatehouse::record {

struct RecorderOptions {
    std::string state = {};     ///< the folder of paths.state: journal/ and records/ lie in it
    std::string database = {};  ///< the front's SQLite file
    std::string who = "gatehouse-front";
    RetentionSettings retention = {};
    bool forgets = true;  ///< false: keeps even what is too old (commands that only look)
    std::uint64_t segment_bytes = 64U << 20;
    std::uint64_t max_journal_bytes = 1U << 30;
};

/// Since the recorder was opened.
struct Statistics {
    std::uint64_t messages = 0;                  ///< records of inspected messages, first attempts
    std::uint64_t refusals = 0;                  ///< records without inspection
    std::uint64_t bytes = 0;                     ///< of messages as received
    std::array<std::uint64_t, 10> by_verdict{};  ///< messages, by number of message::Verdict
    std::array<std::uint64_t, 11> by_outcome{};  ///< recipients, by number of message::Outcome
    JournalCounters journal;
    LoaderCounters loader;
    std::uint64_t journal_lag_bytes = 0;  ///< appended and not loaded yet
};

class Recorder {
  public:
    /// Loads in the background what an earlier process left in the journal.
    static base::Result<std::unique_ptr<Recorder>> open(const RecorderOptions& options,
                                                        const base::Clock& clock);
    /// Loads what is there and empties the journal.
    ~Recorder();

    /// Success = it survives any kill of ours. Anything else: the message must not be acknowledged (451). A
    /// later record of the same reference and attempt replaces the earlier one; a release or a second
    /// decision comes with the next attempt.
    base::Result<void> append(const message::Record& record, std::uint16_t attempt = 0);
    /// The same of an attempt that is under way, without counting: the append() that follows replaces it.
    base::Result<void> note(const message::Record& record, std::uint16_t attempt);

    /// False = append would fail or soon will: take no mail (451). Cheap; finds out by itself when it can
    /// again.
    bool is_writable() { return journal_->is_writable(); }

    base::Result<std::vector<TrackingRow>> track(const TrackingQuery& query);
    /// See RecordStore::find.
    base::Result<StoredRecord> find_record(std::string_view prefix);
    const RecordStore& records() const { return records_; }
    /// False when it was not all loaded in time.
    bool catch_up(std::chrono::milliseconds time_limit) { return loader_->catch_up(time_limit); }
    Statistics statistics() const;

  private:
    Recorder(std::unique_ptr<Journal> journal, RecordStore records, TrackingReader reader)
        : journal_(std::move(journal)), records_(std::move(records)), reader_(std::move(reader)) {}
    void count(const message::Record& record, std::uint16_t attempt);

    std::unique_ptr<Journal> journal_;
    RecordStore records_;
    std::mutex reader_mutex_;
    TrackingReader reader_;
    mutable std::mutex count_mutex_;
    Statistics counted_;
    std::unique_ptr<Loader> loader_;  // last: its thread uses the rest
};

}  // namespace gatehouse::record
