#include <gtest/gtest.h>

#include "record/testing.h"
#include "record/tracking_query.h"
#include "record/tracking_store.h"
#include "store/testing.h"

namespace gatehouse::record {
namespace {

using base::Fault;
using message::Outcome;
using message::Verdict;
using store::TemporaryFolder;

using Subjects = std::vector<std::string>;

TEST(TrackingRow, OnePerRecipientWithItsRule) {
    auto record = example_record(1);
    record.envelope.recipients.push_back({"carol@example.com", 0, ""});
    record.envelope.recipients.push_back({"gone@example.com", 0, ""});
    record.decision.groups.push_back({{"carol@example.com"}, "Global antivirus rule", {}, {{}}, {}, {}, {}});
    record.outcomes.push_back({"carol@example.com", Outcome::quarantined, "250 ok", "", "X/2"});
    record.outcomes.push_back(
        {std::string("spam\0trap@example.com", 21), Outcome::refused, "550 5.7.1 no", "", ""});
    const auto rows = rows_of(record, 3);
    ASSERT_EQ(rows.size(), 4U);
    EXPECT_EQ(rows[0].recipient, "bob@example.com");
    EXPECT_EQ(rows[0].rule, "Default");
    EXPECT_EQ(rows[0].outcome, Outcome::delivered);
    EXPECT_EQ(rows[0].attempt, 3);
    EXPECT_EQ(rows[0].from, "Alice <alice@example.org>");
    EXPECT_EQ(rows[0].verdict, Verdict::clean);
    EXPECT_EQ(rows[0].steps.size(), 3U);
    EXPECT_EQ(rows[1].rule, "Global antivirus rule");
    EXPECT_EQ(rows[1].item, "X/2");
    EXPECT_EQ(rows[2].outcome, Outcome::aborted) << "accepted, but nothing became of it";
    EXPECT_EQ(rows[3].outcome, Outcome::refused);
    EXPECT_EQ(rows[3].recipient, "spam trap@example.com");
}

TEST(TrackingRow, RefusalsBeforeTheMessageHaveARow) {
    message::Record record;
    record.envelope.reference = example_record(1).envelope.reference;
    record.steps = {{"connect", 0, "554 5.7.1 no"}};
    const auto rows = rows_of(record, 0);
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].recipient, "");
    EXPECT_EQ(rows[0].outcome, Outcome::refused);
    EXPECT_EQ(rows[0].verdict, std::nullopt);
}

TEST(TrackingRow, TheLastWordOnARecipientCounts) {
    auto record = example_record(1);
    record.outcomes.push_back({"bob@example.com", Outcome::rejected, "550 no", "", ""});
    const auto rows = rows_of(record, 0);
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].outcome, Outcome::rejected);
}

TEST(TrackingRow, HostileTextIsCut) {
    auto record = example_record(1);
    record.facts.header.subject = std::string("a\0b", 3) + std::string(100'000, 'x');
    record.envelope.client.helo = std::string(60'000, 'h');
    record.outcomes[0].reply = std::string(60'000, 'r');
    const auto rows = rows_of(record, 0);
    EXPECT_EQ(rows[0].subject.substr(0, 4), "a bx");
    EXPECT_LE(rows[0].subject.size() + rows[0].helo.size() + rows[0].reply.size(), 2048U);
}

TEST(TrackingRow, AddressKeys) {
    EXPECT_EQ(address_key("Bob@Example.COM."), "example.com@bob");
    EXPECT_EQ(address_key("Bob B <bob@example.com>"), "example.com@bob");
    EXPECT_EQ(address_key("\"a@b\"@example.com"), "example.com@\"a@b\"");
    EXPECT_EQ(address_key("Postmaster"), "@postmaster");
    EXPECT_EQ(address_key("<>"), "");
    EXPECT_EQ(address_key(""), "");
    EXPECT_EQ(address_key(">x<"), "@>x<");
}

TEST(TrackingRow, StepsRoundTrip) {
    const std::vector<message::Step> steps{{"mail", 0, "250"}, {"deliver", 17, "421 \xff"}};
    EXPECT_EQ(decode_steps(encode_steps(steps)), steps);
    EXPECT_TRUE(decode_steps("\xff\xff").empty());
}

class TrackingTest : public ::testing::Test {
  protected:
    void SetUp() override {
        auto opened = TrackingStore::open(path());
        ASSERT_TRUE(opened) << opened.error().sentence;
        store_.emplace(std::move(*opened));
        reader_.emplace(TrackingReader::open(path()).value());
    }
    std::string path() const { return folder_ / "gatehouse.db"; }
    void add(const message::Record& record, std::uint16_t attempt = 0) {
        auto batch = store_->begin();
        ASSERT_TRUE(batch);
        for (const auto& row : rows_of(record, attempt)) ASSERT_TRUE(batch->add(row));
        ASSERT_TRUE(batch->commit({1, 100}));
    }
    /// Message `n` from, to, about.
    message::Record mail(std::uint32_t n, const std::string& from, const std::string& to,
                         const std::string& subject) {
        auto record = example_record(n);
        record.envelope.sender = from;
        record.envelope.recipients[0].address = to;
        record.outcomes[0].recipient = to;
        record.decision.groups[0].recipients = {to};
        record.facts.header.from = {from};
        record.facts.header.subject = subject;
        return record;
    }
    Subjects find(const TrackingQuery& query) {
        const auto rows = reader_->find(query);
        EXPECT_TRUE(rows) << rows.error().sentence;
        Subjects out;
        if (rows) {
            for (const auto& row : *rows) out.push_back(row.subject);
        }
        return out;
    }

    TemporaryFolder folder_;
    std::optional<TrackingStore> store_;
    std::optional<TrackingReader> reader_;
};

TEST_F(TrackingTest, RowsComeBackAsTheyWere) {
    const auto record = example_record(5);
    add(record);
    const auto rows = reader_->find({});
    ASSERT_TRUE(rows) << rows.error().sentence;
    EXPECT_EQ(*rows, rows_of(record, 0));
}

TEST_F(TrackingTest, LoadingAgainReplaces) {
    add(example_record(1));
    add(example_record(1));
    EXPECT_EQ(find({}).size(), 1U);
    add(example_record(1), 1);
    EXPECT_EQ(find({}).size(), 2U) << "another attempt has its own row";
}

TEST_F(TrackingTest, SearchesByAddress) {
    add(mail(1, "alice@example.org", "bob@example.com", "1"));
    add(mail(2, "ALICE@Example.org", "carol@example.net", "2"));
    add(mail(3, "dave@example.org", "bob@sub.example.com", "3"));
    auto forged = mail(4, "bounce+7@lists.example", "bob@example.com", "4");
    forged.facts.header.from = {"\"Alice\" <alice@example.org>"};
    add(forged);
    add(mail(5, "", "bob@example.com", "5"));
    EXPECT_EQ(find({.from = "alice@example.org"}), (Subjects{"4", "2", "1"}));
    EXPECT_EQ(find({.from = "Alice@EXAMPLE.org", .limit = 2}), (Subjects{"4", "2"}));
    EXPECT_EQ(find({.from = "@example.org"}), (Subjects{"4", "3", "2", "1"}));
    EXPECT_EQ(find({.from = "<>"}), (Subjects{"5"}));
    EXPECT_EQ(find({.from = "bounce"}), (Subjects{"4"}));
    EXPECT_EQ(find({.from = "nobody@example.org"}), Subjects{});
    EXPECT_EQ(find({.to = "bob@example.com"}), (Subjects{"5", "4", "1"}));
    EXPECT_EQ(find({.to = "@example.com"}), (Subjects{"5", "4", "1"}));
    EXPECT_EQ(find({.to = "EXAMPLE"}), (Subjects{"5", "4", "3", "2", "1"}));
    EXPECT_EQ(find({.from = "alice@example.org", .to = "bob@example.com"}), (Subjects{"4", "1"}));
    EXPECT_EQ(find({.from = "alice", .to = "carol"}), (Subjects{"2"}));
    EXPECT_EQ(find({.from = "'; DROP TABLE tracking; --@x"}), Subjects{});
}

TEST_F(TrackingTest, SearchesBySubject) {
    add(mail(1, "a@b", "c@d", "Invoice 7"));
    add(mail(2, "a@b", "c@d", "Your invoice 8"));
    add(mail(3, "a@b", "c@d", std::string(70, 'L') + " one"));
    add(mail(4, "a@b", "c@d", std::string(70, 'L') + " two"));
    add(mail(5, "a@b", "c@d",
             "Gr\xc3\xbc\xc3\x9f"
             "e \xff"));
    EXPECT_EQ(find({.subject = "INVOICE"}), (Subjects{"Your invoice 8", "Invoice 7"}));
    EXPECT_EQ(find({.subject = "invoice 7", .subject_match = SubjectMatch::equals}), (Subjects{"Invoice 7"}));
    EXPECT_EQ(find({.subject = "invoice", .subject_match = SubjectMatch::equals}), Subjects{});
    EXPECT_EQ(find({.subject = "invoice", .subject_match = SubjectMatch::starts_with}),
              (Subjects{"Invoice 7"}));
    const std::string longer = std::string(70, 'l');
    EXPECT_EQ(find({.subject = longer, .subject_match = SubjectMatch::starts_with}).size(), 2U);
    EXPECT_EQ(find({.subject = longer + " t", .subject_match = SubjectMatch::starts_with}).size(), 1U);
    EXPECT_EQ(find({.subject = longer + " two", .subject_match = SubjectMatch::equals}).size(), 1U);
    EXPECT_EQ(find({.subject = "gr\xc3\xbc", .subject_match = SubjectMatch::starts_with}).size(), 1U);
    EXPECT_EQ(find({.subject = "%"}), Subjects{});
}

TEST_F(TrackingTest, SearchesByTimeVerdictAndOutcome) {
    for (std::uint32_t n = 0; n < 10; ++n) {
        auto record = mail(n, "a@b", "c@d", std::to_string(n));
        if (n % 3 == 0) record.decision.verdict = Verdict::virus;
        if (n % 2 == 0) record.outcomes[0].outcome = Outcome::quarantined;
        add(record);
    }
    const auto at = [](std::uint32_t n) { return example_record(n).envelope.received; };
    EXPECT_EQ(find({.since = at(8)}), (Subjects{"9", "8"}));
    EXPECT_EQ(find({.until = at(2)}), (Subjects{"1", "0"}));
    EXPECT_EQ(find({.since = at(3), .until = at(7), .verdict = Verdict::virus}), (Subjects{"6", "3"}));
    EXPECT_EQ(find({.verdict = Verdict::virus, .outcome = Outcome::quarantined}), (Subjects{"6", "0"}));
    EXPECT_EQ(find({.outcome = Outcome::rejected}), Subjects{});
    EXPECT_EQ(find({.from = "a@b", .subject = "9", .verdict = Verdict::virus}), (Subjects{"9"}));
    EXPECT_EQ(find({.limit = 3}), (Subjects{"9", "8", "7"}));
    EXPECT_EQ(find({.limit = -5}).size(), 1U);
}

TEST_F(TrackingTest, SearchesByClient) {
    auto other = mail(2, "a@b", "c@d", "2");
    other.envelope.client.address = "2001:db8::1";
    add(mail(1, "a@b", "c@d", "1"));
    add(other);
    EXPECT_EQ(find({.client = "2001:db8::1"}), (Subjects{"2"}));
    EXPECT_EQ(find({.from = "a@b", .client = "192.0.2.1"}), (Subjects{"1"}));
    EXPECT_EQ(find({.client = "192.0.2.2"}), Subjects{});
}

TEST_F(TrackingTest, SearchesByReference) {
    add(example_record(1));
    add(example_record(2));
    add(example_record(5000));
    const auto reference = example_record(1).envelope.reference.to_string();
    EXPECT_EQ(find({.reference = reference}), (Subjects{"Message 1"}));
    EXPECT_EQ(find({.reference = reference.substr(0, 9)}), (Subjects{"Message 2", "Message 1"}));
    EXPECT_EQ(find({.from = "alice@example.org", .reference = reference}), (Subjects{"Message 1"}));
    EXPECT_EQ(reader_->find({.reference = "7Q3K"}).error().fault, Fault::usage);
}

TEST_F(TrackingTest, EveryFilterAtOnceIsValid) {
    add(mail(1, "alice@example.org", "bob@example.com", "Hello"));
    for (const auto match : {SubjectMatch::contains, SubjectMatch::equals, SubjectMatch::starts_with}) {
        for (const auto* form : {"alice@example.org", "@example.org", "alice", "<>"}) {
            const auto rows = reader_->find({.from = form,
                                             .to = form,
                                             .subject = "Hello",
                                             .subject_match = match,
                                             .since = base::WallTime(),
                                             .until = base::WallTime(),
                                             .verdict = Verdict::clean,
                                             .outcome = Outcome::delivered,
                                             .reference = "7Q3KM8TD"});
            EXPECT_TRUE(rows) << rows.error().sentence;
            const auto fewer = reader_->find({.from = form, .subject = "Hello", .subject_match = match});
            EXPECT_TRUE(fewer) << fewer.error().sentence;
        }
    }
}

TEST_F(TrackingTest, LongScansEnd) {
    for (std::uint32_t n = 0; n < 20; ++n) {
        auto batch = store_->begin();
        for (std::uint32_t i = 0; i < 500; ++i) {
            ASSERT_TRUE(batch->add(rows_of(example_record(n * 500 + i), 0).front()));
        }
        ASSERT_TRUE(batch->commit({1, 1}));
    }
    auto hasty = TrackingReader::open(path(), std::chrono::milliseconds(0)).value();
    EXPECT_EQ(hasty.find({.subject = "nothing like it"}).error().fault, Fault::timed_out);
    EXPECT_EQ(find({.subject = "nothing like it"}), Subjects{});
}

TEST_F(TrackingTest, PrunesTheOldInSmallBatches) {
    for (std::uint32_t n = 0; n < 10; ++n) add(example_record(n));
    const auto time = example_record(7).envelope.received;
    EXPECT_EQ(store_->prune(time, 5).value(), 5);
    EXPECT_EQ(store_->prune(time, 5).value(), 2);
    EXPECT_EQ(store_->prune(time, 5).value(), 0);
    EXPECT_EQ(find({}), (Subjects{"Message 9", "Message 8", "Message 7"}));
}

TEST_F(TrackingTest, AnUncommittedBatchIsNothing) {
    {
        auto batch = store_->begin();
        ASSERT_TRUE(batch->add(rows_of(example_record(1), 0).front()));
    }
    EXPECT_EQ(find({}), Subjects{});
    EXPECT_EQ(store_->position().value(), JournalPosition{});
    add(example_record(1));
    EXPECT_EQ(store_->position().value(), (JournalPosition{1, 100}));
}

}  // namespace
}  // namespace gatehouse::record
