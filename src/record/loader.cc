#include "record/loader.h"

#include <algorithm>

#include "base/fault_point.h"
#include "base/log.h"

namespace gatehouse::record {
namespace {

using base::Fault;
using base::LogLevel;
using std::chrono::days;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// A batch holds the database's write lock, which the quarantine index wants too: a few milliseconds.
constexpr std::size_t kBatchEntries = 256;
constexpr std::size_t kBatchBytes = 1U << 20;
constexpr std::uint64_t kWorthCommitting = 128U << 10;
constexpr milliseconds kPause{250};
constexpr seconds kSyncEvery{1};
constexpr minutes kForgetRowsEvery{1};
constexpr minutes kForgetRecordsEvery{60};
constexpr std::int64_t kForgetRows = 2000;  // in one commit, once a second

}  // namespace

Loader::Loader(Journal& journal, RecordStore& records, TrackingStore tracking, const base::Clock& clock,
               std::optional<RetentionSettings> retention)
    : journal_(journal),
      records_(records),
      tracking_(std::move(tracking)),
      clock_(clock),
      retention_(retention) {}

Loader::~Loader() {
    stop();
}

void Loader::stop() {
    thread_.request_stop();
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void Loader::start(JournalPosition position) {
    position_ = position;
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

bool Loader::catch_up(milliseconds time_limit) {
    const auto target = journal_.end();
    std::unique_lock lock(mutex_);
    wanted_ = std::max(wanted_, target);
    wake_.notify_all();
    return moved_.wait_for(lock, time_limit, [&] { return position_ >= target; });
}

JournalPosition Loader::position() const {
    const std::lock_guard lock(mutex_);
    return position_;
}

LoaderCounters Loader::counters() const {
    const std::lock_guard lock(mutex_);
    return counters_;
}

void Loader::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        const auto loaded = load_batch();
        report(loading_fault_, loaded ? base::Result<void>() : std::unexpected(loaded.error()));
        maintain();
        wait_for_more(stop, !loaded);
    }
    const auto done = finish();
    is_finished_ = done.has_value();
    report(loading_fault_, done);
}

/// A commit of few entries costs as much as one of many: they may gather, while nobody waits for them.
void Loader::wait_for_more(const std::stop_token& stop, bool has_failed) {
    if (!has_failed && journal_.bytes_after(position()) >= kWorthCommitting) return;
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, kPause, [&] { return !has_failed && position_ < wanted_; });
}

base::Result<void> Loader::finish() {
    while (true) {
        GATEHOUSE_TRY(const bool loaded, load_batch());
        if (!loaded) break;
    }
    GATEHOUSE_CHECK(sync_and_delete());
    return tracking_.sync();
}

void Loader::report(std::string& last_fault, const base::Result<void>& result) {
    const std::string fault = result ? std::string() : result.error().sentence;
    if (!result) add({.failures = 1});
    if (fault == last_fault) return;  // once per change, not four times a second
    if (!fault.empty()) base::log(LogLevel::error, "tracking: {}; trying again", fault);
    if (fault.empty()) base::log(LogLevel::info, "tracking: working again");
    last_fault = fault;
}

void Loader::add(const LoaderCounters& counted) {
    const std::lock_guard lock(mutex_);
    counters_.entries += counted.entries;
    counters_.rows += counted.rows;
    counters_.unknown += counted.unknown;
    counters_.damaged += counted.damaged;
    counters_.failures += counted.failures;
}

void Loader::move_to(JournalPosition position) {
    const std::lock_guard lock(mutex_);
    position_ = position;
    moved_.notify_all();
}

/// Makes reader_ stand at position_; false when there is nothing behind it.
base::Result<bool> Loader::open_segment(JournalPosition end) {
    auto at = position();
    if (at >= end) return false;
    if (reader_) return true;
    // The segment of the position, or the next one that is still there.
    for (const auto segment : journal_.segments()) {
        if (segment < at.segment) continue;
        if (segment > at.segment) move_to(at = {segment, kSegmentHeaderBytes});
        break;
    }
    if (at >= end) return false;
    GATEHOUSE_TRY(auto reader, SegmentReader::open(journal_.path_of(at.segment)));
    reader.seek(at.offset);
    reader_ = std::move(reader);
    return true;
}

/// At the end of a segment that is not the last one: says what could not be read, and goes to the next.
void Loader::leave_segment(std::uint64_t until) {
    if (reader_->offset() < until) {
        base::log(LogLevel::warning, "tracking: the last {} bytes of journal segment {} cannot be read",
                  until - reader_->offset(), reader_->segment());
        add({.damaged = 1});
    }
    for (const auto segment : journal_.segments()) {
        if (segment <= reader_->segment()) continue;
        reader_.reset();
        return move_to({segment, kSegmentHeaderBytes});
    }
}

base::Result<bool> Loader::load_batch() {
    const auto end = journal_.end();
    GATEHOUSE_TRY(const bool has_more, open_segment(end));
    if (!has_more) return false;
    const bool is_live = reader_->segment() == end.segment;
    GATEHOUSE_TRY(const auto size, reader_->size());
    const auto until = is_live ? end.offset : size;
    const auto before = reader_->offset();
    const auto counted = load_until(until);
    if (!counted) {
        reader_.reset();  // it has gone ahead of position_
        return std::unexpected(counted.error());
    }
    add(*counted);
    if (reader_->offset() != before) {
        move_to({reader_->segment(), reader_->offset()});
    } else if (is_live) {
        return base::fail(Fault::malformed, "journal segment {} cannot be read from byte {} on", end.segment,
                          before);
    } else {
        leave_segment(until);
    }
    return true;
}

/// What one commit is made of.
struct Loader::Work {
    TrackingStore::Batch& batch;
    std::vector<store::KeyValue> pairs = {};
    LoaderCounters counted = {};
};

base::Result<LoaderCounters> Loader::load_until(std::uint64_t until) {
    const auto before = reader_->offset();
    const auto damaged_before = reader_->damaged_frames();
    GATEHOUSE_TRY(auto batch, tracking_.begin());
    Work work{batch};
    GATEHOUSE_CHECK(load_entries(work, until));
    if (const auto damaged = reader_->damaged_frames() - damaged_before; damaged != 0) {
        base::log(LogLevel::warning, "tracking: {} damaged entries in journal segment {}", damaged,
                  reader_->segment());
        work.counted.damaged += damaged;
    }
    if (reader_->offset() == before) return work.counted;
    // The record store first: seen twice, it only holds the same value again.
    GATEHOUSE_CHECK(records_.put(work.pairs));
    records_unsynced_ = true;
    GATEHOUSE_CHECK(base::FaultPoints::pass(base::FaultPoint::loader_before_commit));
    GATEHOUSE_CHECK(batch.commit({reader_->segment(), reader_->offset()}));
    (void)base::FaultPoints::pass(base::FaultPoint::loader_after_commit);
    return work.counted;
}

base::Result<void> Loader::load_entries(Work& work, std::uint64_t until) {
    std::size_t bytes = 0;
    for (std::size_t count = 0; count < kBatchEntries && bytes < kBatchBytes; ++count) {
        GATEHOUSE_TRY(const auto entry, reader_->next(until));
        if (!entry) break;
        bytes += entry->payload.size();
        if (entry->kind == static_cast<std::uint32_t>(FrameKind::message)) {
            GATEHOUSE_CHECK(load_message(work, entry->payload));
            continue;
        }
        base::log(LogLevel::warning, "tracking: skipped a journal entry of the unknown kind {}", entry->kind);
        ++work.counted.unknown;
    }
    return {};
}

base::Result<void> Loader::load_message(Work& work, std::string_view payload) {
    const auto entry = parse_message_entry(payload);
    const auto record = entry ? unpack_record(entry->packed) : std::unexpected(entry.error());
    if (!record) {
        base::log(LogLevel::error, "tracking: skipped a journal entry: {}", record.error().sentence);
        ++work.counted.damaged;
        return {};
    }
    const auto rows = rows_of(*record, entry->attempt);
    for (const auto& row : rows) GATEHOUSE_CHECK(work.batch.add(row));
    if (!record->is_attempt) work.pairs.push_back(RecordStore::make_pair(record->envelope.reference, *entry));
    ++work.counted.entries;
    work.counted.rows += rows.size();
    return {};
}

void Loader::maintain() {
    const auto now = clock_.steady();
    if (now - synced_at_ < kSyncEvery) return;
    synced_at_ = now;
    auto done = sync_and_delete();
    if (done) done = forget_old(now);
    report(upkeep_fault_, done);
}

base::Result<void> Loader::sync_and_delete() {
    GATEHOUSE_CHECK(journal_.sync());
    if (records_unsynced_) GATEHOUSE_CHECK(records_.sync());
    records_unsynced_ = false;
    const auto at = position();
    if (journal_.segments().front() >= at.segment) return {};
    GATEHOUSE_CHECK(tracking_.sync());
    return journal_.remove_before(at.segment);
}

base::Result<void> Loader::forget_old(base::SteadyTime now) {
    if (!retention_) return {};
    const auto today = clock_.wall();
    if (!forgot_rows_at_ || now - *forgot_rows_at_ >= kForgetRowsEvery) {
        // A full commit means there is more: the next second goes on with it.
        GATEHOUSE_TRY(const auto gone, tracking_.prune(today - days(retention_->tracking_days), kForgetRows));
        if (gone < kForgetRows) forgot_rows_at_ = now;
    }
    if (!forgot_records_at_ || now - *forgot_records_at_ >= kForgetRecordsEvery) {
        GATEHOUSE_CHECK(records_.remove_before(today - days(retention_->records_days)));
        forgot_records_at_ = now;
    }
    return {};
}

}  // namespace gatehouse::record
