#include "record/recorder.h"

#include "base/log.h"

namespace gatehouse::record {
namespace {

constexpr std::chrono::milliseconds kPatience{2000};

}  // namespace

base::Result<std::unique_ptr<Recorder>> Recorder::open(const RecorderOptions& options,
                                                       const base::Clock& clock) {
    GATEHOUSE_CHECK(base::make_folders(options.state, 02770));
    GATEHOUSE_TRY(auto tracking, TrackingStore::open(options.database));
    GATEHOUSE_TRY(const auto position, tracking.position());
    GATEHOUSE_TRY(auto journal, Journal::open({.folder = options.state + "/journal",
                                               .who = options.who,
                                               .first_segment = position.segment + 1,
                                               .segment_bytes = options.segment_bytes,
                                               .max_bytes = options.max_journal_bytes}));
    GATEHOUSE_TRY(auto records, RecordStore::open(options.state + "/records"));
    GATEHOUSE_TRY(auto reader, TrackingReader::open(options.database));
    auto recorder =
        std::unique_ptr<Recorder>(new Recorder(std::move(journal), std::move(records), std::move(reader)));
    recorder->loader_ =
        std::make_unique<Loader>(*recorder->journal_, recorder->records_, std::move(tracking), clock,
                                 options.forgets ? std::optional(options.retention) : std::nullopt);
    recorder->loader_->start(position);
    return recorder;
}

Recorder::~Recorder() {
    loader_->stop();
    if (!loader_->is_finished()) return;  // the next start loads the rest
    // Nothing is left for a Gatehouse of another format to refuse.
    if (auto done = journal_->remove_all(); !done) {
        base::log(base::LogLevel::warning, "journal: {}", done.error().sentence);
    }
}

base::Result<void> Recorder::append(const message::Record& record, std::uint16_t attempt) {
    GATEHOUSE_CHECK(note(record, attempt));
    count(record, attempt);
    return {};
}

base::Result<void> Recorder::note(const message::Record& record, std::uint16_t attempt) {
    return journal_->append(FrameKind::message, make_message_entry(record, attempt));
}

void Recorder::count(const message::Record& record, std::uint16_t attempt) {
    const std::lock_guard lock(count_mutex_);
    for (const auto& outcome : record.outcomes) {
        const auto number = static_cast<std::size_t>(outcome.outcome);
        if (number < counted_.by_outcome.size()) ++counted_.by_outcome[number];
    }
    if (attempt != 0 || record.is_attempt) return;
    if (!record.inspected) {
        ++counted_.refusals;
        return;
    }
    ++counted_.messages;
    counted_.bytes += record.envelope.size;
    const auto verdict = static_cast<std::size_t>(record.decision.verdict);
    if (verdict < counted_.by_verdict.size()) ++counted_.by_verdict[verdict];
}

base::Result<std::vector<TrackingRow>> Recorder::track(const TrackingQuery& query) {
    (void)catch_up(kPatience);
    const std::lock_guard lock(reader_mutex_);
    return reader_.find(query);
}

base::Result<StoredRecord> Recorder::find_record(std::string_view prefix) {
    (void)catch_up(kPatience);
    return records_.find(prefix);
}

Statistics Recorder::statistics() const {
    Statistics out;
    {
        const std::lock_guard lock(count_mutex_);
        out = counted_;
    }
    out.journal = journal_->counters();
    out.loader = loader_->counters();
    out.journal_lag_bytes = journal_->bytes_after(loader_->position());
    return out;
}

}  // namespace gatehouse::record
