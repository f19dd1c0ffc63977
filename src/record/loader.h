// The thread that brings the journal into the tracking table and the record store, at most 1 s behind. Owns
// that thread and, through it, the writing connection. Each batch is one put into the record store and one
// commit that also notes the position, so a kill at any instant neither loses nor doubles. It also syncs the
// journal once a second, deletes segments that are loaded and synced, and forgets what is too old. A store
// that cannot be written is tried again for ever: the journal holds the rest, and its bound turns mail away.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "base/clock.h"
#include "record/journal.h"
#include "record/record_store.h"
#include "record/segment_reader.h"
#include "record/settings.h"
#include "record/tracking_store.h"

namespace gatehouse::record {

struct LoaderCounters {
    std::uint64_t entries = 0;
    std::uint64_t rows = 0;
    std::uint64_t unknown = 0;   ///< entries of a kind we do not know
    std::uint64_t damaged = 0;   ///< entries or ends of segments that could not be read
    std::uint64_t failures = 0;  ///< batches that must be tried again
};

class Loader {
  public:
    /// The journal and the record store outlive the loader. Without `retention` nothing is ever forgotten.
    Loader(Journal& journal, RecordStore& records, TrackingStore tracking, const base::Clock& clock,
           std::optional<RetentionSettings> retention);
    ~Loader();
    Loader(const Loader&) = delete;
    Loader& operator=(const Loader&) = delete;

    /// Begins at `position`.
    void start(JournalPosition position);
    /// Loads what is there, syncs everything, and ends the thread.
    void stop();
    /// Waits until all that was appended before the call is loaded; false when the time ran out.
    bool catch_up(std::chrono::milliseconds time_limit);
    JournalPosition position() const;
    /// After stop(): everything was loaded and survives a power cut.
    bool is_finished() const { return is_finished_; }
    LoaderCounters counters() const;

  private:
    void run(const std::stop_token& stop);
    void wait_for_more(const std::stop_token& stop, bool has_failed);
    /// True when there was something to load.
    base::Result<bool> load_batch();
    struct Work;
    base::Result<LoaderCounters> load_until(std::uint64_t until);
    base::Result<void> load_entries(Work& work, std::uint64_t until);
    base::Result<void> load_message(Work& work, std::string_view payload);
    base::Result<bool> open_segment(JournalPosition end);
    void leave_segment(std::uint64_t until);
    void move_to(JournalPosition position);
    void maintain();
    base::Result<void> finish();
    base::Result<void> sync_and_delete();
    base::Result<void> forget_old(base::SteadyTime now);
    void report(std::string& last_fault, const base::Result<void>& result);
    void add(const LoaderCounters& counted);

    Journal& journal_;
    RecordStore& records_;
    TrackingStore tracking_;
    const base::Clock& clock_;
    const std::optional<RetentionSettings> retention_;

    // Of the thread alone.
    std::optional<SegmentReader> reader_;
    base::SteadyTime synced_at_{};
    std::optional<base::SteadyTime> forgot_rows_at_;
    std::optional<base::SteadyTime> forgot_records_at_;
    bool records_unsynced_ = false;
    std::string loading_fault_;
    std::string upkeep_fault_;
    bool is_finished_ = false;

    mutable std::mutex mutex_;
    std::condition_variable_any wake_;
    std::condition_variable moved_;
    JournalPosition wanted_;  // somebody waits for this
    JournalPosition position_;
    LoaderCounters counters_;
    std::jthread thread_;  // last: it uses all of the above
};

}  // namespace gatehouse::record
