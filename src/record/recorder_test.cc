#include "record/recorder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "base/text.h"
#include "message/codec.h"
#include "record/testing.h"
#include "store/testing.h"

namespace gatehouse::record {
namespace {

using base::Fault;
using std::chrono::milliseconds;
using std::chrono::seconds;
using store::TemporaryFolder;

constexpr seconds kAmple{60};
constexpr auto kUnknownKind = FrameKind::ledger_checkpoint;  // until the door sends them

class RecorderTest : public ::testing::Test {
  protected:
    RecorderOptions options() const {
        return {.state = folder_ / "var", .database = folder_ / "gatehouse.db"};
    }
    std::unique_ptr<Recorder> open(const RecorderOptions& options) {
        auto recorder = Recorder::open(options, clock_);
        if (!recorder) throw std::runtime_error(recorder.error().sentence);
        return std::move(*recorder);
    }
    std::unique_ptr<Recorder> open() { return open(options()); }

    TemporaryFolder folder_;
    base::Clock clock_{base::parse_rfc3339("2026-06-02T00:00:00Z").value()};
};

TEST_F(RecorderTest, WhatIsAppendedCanBeFound) {
    const auto recorder = open();
    const auto record = example_record(1);
    ASSERT_TRUE(recorder->append(record));
    const auto rows = recorder->track({.to = "bob@example.com"});
    ASSERT_TRUE(rows);
    ASSERT_EQ(rows->size(), 1U);
    const auto found = recorder->find_record(record.envelope.reference.to_string());
    ASSERT_TRUE(found) << found.error().sentence;
    EXPECT_EQ(found->record, record);
    EXPECT_EQ(found->attempt, 0);
}

TEST_F(RecorderTest, LaterAttemptsStandBesideTheFirst) {
    const auto recorder = open();
    auto record = example_record(1);
    ASSERT_TRUE(recorder->append(record));
    record.decision.verdict = message::Verdict::spam;
    ASSERT_TRUE(recorder->append(record, 300));
    record.decision.verdict = message::Verdict::virus;
    ASSERT_TRUE(recorder->append(record, 2));
    ASSERT_TRUE(recorder->append(record, 2));
    const auto found = recorder->find_record(record.envelope.reference.to_string());
    ASSERT_TRUE(found);
    EXPECT_EQ(found->attempt, 300);
    EXPECT_EQ(found->record.decision.verdict, message::Verdict::spam);
    const auto all = recorder->records().find_all(record.envelope.reference);
    ASSERT_TRUE(all);
    ASSERT_EQ(all->size(), 3U);
    EXPECT_EQ((*all)[1].attempt, 2);
    EXPECT_EQ(recorder->track({}).value().size(), 3U);
}

TEST_F(RecorderTest, PrefixesAreUniqueOrSaySo) {
    const auto recorder = open();
    const auto one = example_record(1).envelope.reference.to_string();
    ASSERT_TRUE(recorder->append(example_record(1)));
    EXPECT_TRUE(recorder->find_record(base::lower(one.substr(0, 9))));
    ASSERT_TRUE(recorder->append(example_record(2)));
    const auto several = recorder->find_record(one.substr(0, 9));
    ASSERT_FALSE(several);
    EXPECT_EQ(several.error().fault, Fault::usage);
    EXPECT_NE(several.error().sentence.find(one), std::string::npos);
    EXPECT_NE(several.error().sentence.find(example_record(2).envelope.reference.to_string()),
              std::string::npos);
    EXPECT_EQ(recorder->find_record("ZZZZZZZZ").error().fault, Fault::not_found);
    EXPECT_EQ(recorder->find_record("7Q3K").error().fault, Fault::usage);
    for (std::uint32_t n = 0; n < 3000; ++n) ASSERT_TRUE(recorder->append(example_record(n)));
    EXPECT_NE(recorder->find_record(one.substr(0, 8) + "0").error().fault, Fault::internal);
}

TEST_F(RecorderTest, ACleanStopLeavesAnEmptyJournal) {
    {
        const auto recorder = open();
        for (std::uint32_t n = 0; n < 1000; ++n) ASSERT_TRUE(recorder->append(example_record(n)));
    }
    const auto left = base::list_folder(folder_ / "var/journal").value();
    EXPECT_EQ(left, std::vector<std::string>{"lock"});
    const auto recorder = open();
    EXPECT_EQ(recorder->track({.limit = 10'000}).value().size(), 1000U);
    ASSERT_TRUE(recorder->append(example_record(1000)));
    EXPECT_EQ(recorder->track({.limit = 10'000}).value().size(), 1001U);
}

TEST_F(RecorderTest, LoadedSegmentsAreDeleted) {
    auto small = options();
    small.segment_bytes = 20'000;
    const auto recorder = open(small);
    for (std::uint32_t n = 0; n < 2000; ++n) ASSERT_TRUE(recorder->append(example_record(n)));
    ASSERT_TRUE(recorder->catch_up(kAmple));
    while (recorder->statistics().journal.segments > 1) ::usleep(20'000);
    EXPECT_EQ(recorder->track({.limit = 10'000}).value().size(), 2000U);
    const auto statistics = recorder->statistics();
    EXPECT_EQ(statistics.loader.entries, 2000U);
    EXPECT_EQ(statistics.journal_lag_bytes, 0U);
}

TEST_F(RecorderTest, CountsWhatPassed) {
    const auto recorder = open();
    ASSERT_TRUE(recorder->append(example_record(1)));
    auto virus = example_record(2);
    virus.decision.verdict = message::Verdict::virus;
    virus.outcomes[0].outcome = message::Outcome::quarantined;
    ASSERT_TRUE(recorder->append(virus));
    ASSERT_TRUE(recorder->append(virus, 1));
    message::Record refusal;
    refusal.envelope.reference = example_record(3).envelope.reference;
    refusal.outcomes = {{"", message::Outcome::refused, "554 no", "", ""}};
    ASSERT_TRUE(recorder->append(refusal));
    const auto statistics = recorder->statistics();
    EXPECT_EQ(statistics.messages, 2U);
    EXPECT_EQ(statistics.refusals, 1U);
    EXPECT_EQ(statistics.bytes, 10'000U);
    EXPECT_EQ(statistics.by_verdict[static_cast<std::size_t>(message::Verdict::virus)], 1U);
    EXPECT_EQ(statistics.by_outcome[static_cast<std::size_t>(message::Outcome::quarantined)], 2U);
    EXPECT_EQ(statistics.journal.entries, 4U);
}

TEST_F(RecorderTest, LargeRecordsPass) {
    const auto recorder = open();
    auto record = example_record(1);
    for (int i = 0; i < 5000; ++i) {
        const auto address = fmt::format("recipient-number-{}@example.com", i);
        record.envelope.recipients.push_back({address, 0, ""});
        record.outcomes.push_back({address, message::Outcome::delivered, "250 ok", "127.0.0.1:25", ""});
    }
    for (int i = 0; i < 10'000; ++i)
        record.facts.parts.push_back({"1:" + std::to_string(i), "a/b", "", "name", 1, "", false});
    ASSERT_TRUE(recorder->append(record));
    ASSERT_TRUE(recorder->catch_up(kAmple));
    EXPECT_EQ(recorder->find_record(record.envelope.reference.to_string()).value().record, record);
    EXPECT_EQ(recorder->track({.limit = 10'000}).value().size(), 5001U);
}

TEST_F(RecorderTest, UnknownAndSenselessEntriesAreSkipped) {
    {
        auto journal = Journal::open({.folder = folder_ / "var/journal"});
        ASSERT_TRUE(journal) << journal.error().sentence;
        ASSERT_TRUE((*journal)->append(kUnknownKind, "from the future"));
        ASSERT_TRUE((*journal)->append(FrameKind::message, ""));
        ASSERT_TRUE((*journal)->append(FrameKind::message, std::string("\0\0\0not protobuf", 15)));
        ASSERT_TRUE((*journal)->append(FrameKind::message, make_message_entry(example_record(1), 0)));
    }
    const auto recorder = open();
    ASSERT_TRUE(recorder->catch_up(kAmple));
    EXPECT_EQ(recorder->track({}).value().size(), 1U);
    EXPECT_EQ(recorder->statistics().loader.unknown, 1U);
    EXPECT_EQ(recorder->statistics().loader.damaged, 2U);
}

TEST_F(RecorderTest, TornSegmentsInTheMiddleAreSurvived) {
    auto small = options();
    const auto journal_folder = folder_ / "var/journal";
    {
        auto journal = Journal::open({.folder = journal_folder, .segment_bytes = 2000});
        for (std::uint32_t n = 0; n < 20; ++n) {
            ASSERT_TRUE((*journal)->append(FrameKind::message, make_message_entry(example_record(n), 0)));
        }
    }
    const auto torn = journal_folder + "/0000000002.log";
    std::filesystem::resize_file(torn, std::filesystem::file_size(torn) - 3);
    const auto recorder = open(small);
    ASSERT_TRUE(recorder->catch_up(kAmple));
    EXPECT_EQ(recorder->track({}).value().size(), 19U);
    EXPECT_EQ(recorder->statistics().loader.damaged, 1U);
}

TEST_F(RecorderTest, ALockedDatabaseOnlyDelays) {
    const auto recorder = open();
    {
        auto other = store::Database::open(options().database, {}).value();
        auto transaction = store::Transaction::begin(other);
        ASSERT_TRUE(transaction);
        ASSERT_TRUE(recorder->append(example_record(1)));
        EXPECT_FALSE(recorder->catch_up(milliseconds(50)));
    }
    EXPECT_TRUE(recorder->catch_up(kAmple));
    EXPECT_EQ(recorder->track({}).value().size(), 1U);
}

TEST_F(RecorderTest, OldRowsAndRecordsAreForgotten) {
    clock_.advance(std::chrono::hours(24 * 60));  // messages are of the 1st of June: 61 days old
    auto keep = options();
    keep.retention = {.records_days = 30, .tracking_days = 90};
    {
        const auto recorder = open(keep);
        ASSERT_TRUE(recorder->append(example_record(1)));
        EXPECT_EQ(recorder->track({}).value().size(), 1U);
    }
    {
        const auto recorder = open(keep);  // forgets at its first upkeep
        const auto reference = example_record(1).envelope.reference.to_string();
        while (recorder->find_record(reference)) ::usleep(10'000);
        EXPECT_EQ(recorder->find_record(reference).error().fault, Fault::not_found);
        EXPECT_EQ(recorder->track({}).value().size(), 1U) << "rows are kept for longer";
    }
    clock_.advance(std::chrono::hours(24 * 30));
    const auto recorder = open(keep);
    while (!recorder->track({}).value().empty()) ::usleep(10'000);
}

TEST_F(RecorderTest, WhoOnlyLooksForgetsNothing) {
    clock_.advance(std::chrono::hours(24 * 365));
    auto look = options();
    look.retention = {.records_days = 1, .tracking_days = 1};
    look.forgets = false;
    ASSERT_TRUE(open(look)->append(example_record(1)));
    const auto recorder = open(look);
    // The second is loaded after the first upkeep.
    for (const std::uint32_t n : {2U, 3U}) {
        ASSERT_TRUE(recorder->append(example_record(n)));
        ASSERT_TRUE(recorder->catch_up(kAmple));
    }
    EXPECT_TRUE(recorder->find_record(example_record(1).envelope.reference.to_string()));
    EXPECT_EQ(recorder->track({}).value().size(), 3U);
}

TEST_F(RecorderTest, ASecondProcessIsToldWhoHasIt) {
    const auto recorder = open();
    const auto second = Recorder::open(options(), clock_);
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().sentence.find("gatehouse-front"), std::string::npos);
}

TEST_F(RecorderTest, RecordsAreVisitedInTimeOrder) {
    const auto recorder = open();
    for (std::uint32_t n = 10; n-- > 0;) ASSERT_TRUE(recorder->append(example_record(n)));
    ASSERT_TRUE(recorder->catch_up(kAmple));
    std::vector<std::string> subjects;
    const auto visitor = [&](const base::Reference&, const base::Result<StoredRecord>& stored) {
        subjects.push_back(stored.value().record.facts.header.subject);
        return subjects.size() < 3;
    };
    const auto since = example_record(4).envelope.received;
    ASSERT_TRUE(recorder->records().visit(since, since + seconds(1), visitor));
    EXPECT_EQ(subjects, (std::vector<std::string>{"Message 4", "Message 5", "Message 6"}));
}

/// Appends for ever, saying each number after it was acknowledged; small segments, so that they also go.
void append_for_ever(const RecorderOptions& options, const base::Clock& clock, std::uint32_t first,
                     const std::function<void(std::string_view)>& say) {
    auto recorder = Recorder::open(options, clock);
    if (!recorder) ::_exit(3);
    for (std::uint32_t n = first;; ++n) {
        if (!(*recorder)->append(example_record(n))) ::_exit(2);
        say(std::to_string(n) + "\n");
        if (n % 8 == 0) ::usleep(300);  // lets the loader come in between
    }
}

TEST_F(RecorderTest, KilledAtAnyMomentNothingIsLostOrDoubled) {
    if (!store::can_fork()) GTEST_SKIP() << "other threads are running";
    auto small = options();
    small.segment_bytes = 30'000;
    std::set<std::string> acknowledged;
    constexpr std::uint32_t kRoom = 1'000'000;
    constexpr std::uint32_t kRounds = 12;
    for (std::uint32_t round = 0; round < kRounds; ++round) {
        const auto said = store::run_and_kill(round * 43'717 % 400'000, [&](const auto& say) {
            append_for_ever(small, clock_, round * kRoom, say);
        });
        for (const auto& line : store::lines_of(said)) {
            acknowledged.insert("Message " + line);
        }
    }
    const auto recorder = open(small);
    ASSERT_TRUE(recorder->catch_up(kAmple));
    auto database = store::Database::open(small.database, {.read_only = true}).value();
    auto select = database.prepare("SELECT subject FROM tracking").value();
    std::multiset<std::string> found;
    while (select.step().value()) found.insert(select.bytes(0));
    for (const auto& subject : acknowledged) EXPECT_EQ(found.count(subject), 1U) << subject;
    EXPECT_LE(found.size(), acknowledged.size() + kRounds) << "one in each round may not have been said";
    std::size_t records = 0;
    ASSERT_TRUE(recorder->records().visit({}, base::WallTime(std::chrono::days(30'000)),
                                          [&](const auto&, const auto& stored) {
                                              EXPECT_TRUE(stored);
                                              ++records;
                                              return true;
                                          }));
    EXPECT_EQ(records, found.size());
}

}  // namespace
}  // namespace gatehouse::record
