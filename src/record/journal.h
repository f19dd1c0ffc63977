// The tracking journal: what became of a message is appended here by one write(2) before the client hears it.
// Survives any kill of ours; a power cut may lose what was appended since the last sync(), at most 1 s, never
// mail. Segments NNNNNNNNNN.log of about 64 MiB; every start begins a new one, so a torn tail is never
// written behind and a number is never used twice. Thread-safe; appends queue on one mutex for the length of
// a write. A failed append is undone (cut off), or a new segment is begun: later entries stay readable.
#pragma once

#include <atomic>
#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "record/journal_format.h"
#include "store/hold.h"

namespace gatehouse::record {

struct JournalPosition {
    std::uint32_t segment = 0;
    std::uint64_t offset = 0;
    auto operator<=>(const JournalPosition&) const = default;
};

struct JournalOptions {
    std::string folder = {};
    std::string who = "gatehouse-front";  ///< named to a second process that wants the journal
    std::uint32_t first_segment = 1;      ///< at least; above all that a loader has ever seen
    std::uint64_t segment_bytes = 64U << 20;
    /// All segments together; more means that nobody loads them, and append answers Fault::limit.
    std::uint64_t max_bytes = 1U << 30;
};

struct JournalCounters {
    std::uint64_t entries = 0;  ///< since open
    std::uint64_t bytes = 0;
    std::uint64_t failures = 0;
    std::uint64_t stored_bytes = 0;  ///< in all segments now
    std::uint64_t segments = 0;
};

class Journal {
  public:
    /// Cuts a torn tail off and says so in the log; sets unreadable files aside as NAME.damaged. Refuses
    /// newer formats, and names the holder when another process has the journal.
    static base::Result<std::unique_ptr<Journal>> open(const JournalOptions& options);

    /// When it returns success the entry survives any kill. Fault::unavailable = disk full or I/O error,
    /// limit = the entry or the journal is too large.
    base::Result<void> append(FrameKind kind, std::string_view payload);
    /// Whether an append is worth trying: not after one that failed, nor near the bound. Cheap while it is
    /// true; while it is false it tries by itself, now and then, whether the journal can be written again.
    bool is_writable();
    /// All that was appended before the call survives a power cut afterwards.
    base::Result<void> sync();

    /// Behind the last acknowledged entry.
    JournalPosition end() const;
    /// Numbers of the segments there are, in order; the last one is being written.
    std::vector<std::uint32_t> segments() const;
    std::string path_of(std::uint32_t segment) const;
    /// Deletes the segments before `segment`, which must not be above the current one.
    base::Result<void> remove_before(std::uint32_t segment);
    /// For a clean stop, when everything is loaded: deletes all segments. Nothing may be appended afterwards.
    base::Result<void> remove_all();
    JournalCounters counters() const;
    /// Bytes of the segments from `position` to the end.
    std::uint64_t bytes_after(JournalPosition position) const;

  private:
    Journal(JournalOptions options, store::Hold hold)
        : options_(std::move(options)), hold_(std::move(hold)) {}
    base::Result<void> adopt_old_segments();
    base::Result<void> adopt(const std::string& name, std::uint32_t number, bool is_last);
    base::Result<void> begin_segment(std::uint32_t number);
    base::Result<void> append_locked(FrameKind kind, std::string_view payload);
    base::Result<void> make_room(std::size_t bytes);
    base::Result<void> write_frame(std::string_view frame);
    bool has_room() const;
    base::Result<void> try_to_write();
    void set_writable(bool is_writable);

    const JournalOptions options_;
    store::Hold hold_;
    mutable std::mutex mutex_;
    std::map<std::uint32_t, std::uint64_t> old_segments_;  // number -> size, without the current one
    base::Fd file_;
    JournalPosition end_;
    bool broken_ = false;    // a failed append could not be cut off: begin a new segment
    bool unsynced_ = false;  // since the last sync()
    bool folder_unsynced_ = true;
    std::vector<base::Fd> retired_;  // full segments that are not synced yet; few, see begin_segment
    JournalCounters counters_;
    std::atomic<bool> is_writable_{true};
    std::chrono::steady_clock::time_point tried_at_{};
};

}  // namespace gatehouse::record
