#include "pipeline/release.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "act/quarantine/testing.h"
#include "record/testing.h"
#include "support/delivery_fixture.h"

namespace gatehouse::pipeline {
namespace {

using act::delivery::make_sink;
using act::delivery::rescript;
using act::quarantine::Item;
using base::Fault;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr std::string_view kMail = "Subject: held\r\nX-Spam-Status: No\r\n\r\nbody\r\n";

class ReleaseTest : public act::delivery::DeliveryTest {
  protected:
    ReleaseTest() {
        inspect::pool::InspectSettings impatient;
        impatient.wait = 0;  // there is no zygote, so nothing can be rewritten
        inspectors_ = std::make_unique<inspect::pool::Pool>(
            io_, clock_, zygote_, inspect::pool::PoolOptions{.settings = impatient, .memory = memory_});
    }

    void make_hops(const std::vector<std::pair<std::string, std::string>>& hops) {
        std::vector<act::delivery::NextHopSettings> settings;
        for (const auto& [domain, address] : hops) {
            act::delivery::NextHopSettings one;
            one.domain = domain;
            one.address = {address};
            settings.push_back(one);
        }
        next_hops_ = act::delivery::NextHops::make(settings).value();
    }

    /// An item of those recipients, held, with the record of its arrival when `with_record`.
    void hold(const std::vector<std::string>& recipients, bool with_record = true) {
        auto info = act::quarantine::example_item(1);
        info.envelope.recipients.clear();
        for (const auto& address : recipients) info.envelope.recipients.push_back({address, 0, ""});
        ASSERT_TRUE(quarantine_->put(info, kMail));
        id_ = info.id.to_string();
        if (!with_record) return;
        auto record = record::example_record(1);
        record.envelope = info.envelope;
        record.decision.groups.front().recipients = recipients;
        record.outcomes.clear();
        for (const auto& address : recipients) {
            record.outcomes.push_back({address, message::Outcome::quarantined, "250 2.0.0 ok", "", id_});
        }
        ASSERT_TRUE(recorder_->append(record));
    }
    Item item() { return quarantine_->show(id_).value(); }
    ReleaseJob prepare() {
        auto job = prepare_release({*quarantine_, *recorder_, memory_, "gw.test"}, item());
        if (!job) throw std::runtime_error(job.error().sentence);
        return std::move(*job);
    }
    base::Result<Released> release_prepared(ReleaseJob job, base::SteadyTime give_up) {
        return run(release({clock_, "gw.test", next_hops_, pool(), *inspectors_, *recorder_, give_up},
                           std::move(job)));
    }
    /// As the desk does it.
    base::Result<Released> release_once(base::SteadyTime give_up = base::SteadyTime::max()) {
        auto result = release_prepared(prepare(), give_up);
        const std::string said = result ? result->sentence : result.error().sentence;
        EXPECT_TRUE(quarantine_->mark_released(item().info.id,
                                               {0, clock_.wall(), "admin", result.has_value(), said}));
        return result;
    }
    std::vector<std::string> recipients_of(const test::SinkMessage& message) {
        std::vector<std::string> out;
        for (const auto& recipient : message.recipients) out.push_back(recipient.address);
        return out;
    }

    store::TemporaryFolder folder_;
    base::MemoryBudget memory_{64U << 20};
    inspect::pool::ZygoteClient zygote_{io_, ""};
    std::unique_ptr<inspect::pool::Pool> inspectors_;
    act::delivery::NextHops next_hops_;
    std::unique_ptr<record::Recorder> recorder_ =
        record::Recorder::open(
            {.state = folder_.path(), .database = folder_ / "gatehouse.db", .forgets = false}, clock_)
            .value();
    std::unique_ptr<act::quarantine::Quarantine> quarantine_ = act::quarantine::must_open(folder_.path());
    std::string id_;
};

TEST_F(ReleaseTest, AReleaseIsANewAttemptThatKnowsWhatTheFirstFound) {
    const auto sink = make_sink();
    make_hops({{"*", sink->endpoint().to_string()}});
    hold({"bob@example.com"});
    const auto done = release_once();
    ASSERT_TRUE(done) << done.error().sentence;
    EXPECT_TRUE(done->to_everybody);
    EXPECT_THAT(done->sentence, StartsWith("250"));
    EXPECT_EQ(sink->message_count(), 1U);
    EXPECT_EQ(item().state, act::quarantine::State::released);
    const auto first = record::example_record(1);
    const auto newest = recorder_->find_record(item().info.id.reference.to_string()).value();
    EXPECT_EQ(newest.attempt, 1);
    EXPECT_TRUE(newest.record.inspected);
    EXPECT_EQ(newest.record.facts, first.facts);
    EXPECT_EQ(newest.record.decision.verdict, first.decision.verdict);
    EXPECT_EQ(newest.record.decision.groups.size(), 1U);
    const auto rows = recorder_->track({.subject = "message 1"}).value();
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0].outcome, message::Outcome::delivered);
    EXPECT_EQ(rows[0].item, id_);
    EXPECT_EQ(rows[1].outcome, message::Outcome::quarantined);
}

TEST_F(ReleaseTest, WhoHasItIsNotSentItAgain) {
    const auto sink = make_sink("RCPT 2 = 451 4.2.0 not now");
    make_hops({{"*", sink->endpoint().to_string()}});
    hold({"a@example.com", "b@example.com", "c@example.com"});
    const auto first = release_once();
    ASSERT_FALSE(first);
    EXPECT_EQ(first.error().fault, Fault::unavailable);
    EXPECT_THAT(first.error().sentence, StartsWith("b@example.com: 451"));
    EXPECT_THAT(first.error().sentence, HasSubstr("will not be sent it again"));
    EXPECT_EQ(item().state, act::quarantine::State::held);
    rescript(*sink, "");
    const auto second = release_once();
    ASSERT_TRUE(second) << second.error().sentence;
    EXPECT_TRUE(second->to_everybody);
    ASSERT_EQ(sink->message_count(), 2U);
    EXPECT_THAT(recipients_of(sink->messages()[0]), ElementsAre("a@example.com", "c@example.com"));
    EXPECT_THAT(recipients_of(sink->messages()[1]), ElementsAre("b@example.com"));
    // The second attempt is about those it tried, and about nobody else.
    EXPECT_EQ(recorder_->track({.to = "a@example.com"}).value().size(), 2U);
    EXPECT_EQ(recorder_->track({.to = "b@example.com"}).value().size(), 3U);
}

TEST_F(ReleaseTest, WhoIsRefusedForGoodIsNamedAndTheOthersCount) {
    const auto sink = make_sink("RCPT 2 = 550 5.1.1 no such user");
    make_hops({{"*", sink->endpoint().to_string()}});
    hold({"a@example.com", "b@example.com"});
    const auto done = release_once();
    ASSERT_TRUE(done) << done.error().sentence;
    EXPECT_FALSE(done->to_everybody);
    EXPECT_THAT(done->sentence, HasSubstr("b@example.com: 550 5.1.1"));
    EXPECT_EQ(item().state, act::quarantine::State::released);
    EXPECT_EQ(sink->message_count(), 1U);
}

TEST_F(ReleaseTest, RefusedByAllIsNoRelease) {
    const auto sink = make_sink("RCPT = 550 5.1.1 no such user");
    make_hops({{"*", sink->endpoint().to_string()}});
    hold({"a@example.com", "b@example.com"});
    const auto done = release_once();
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().fault, Fault::refused);
    EXPECT_EQ(item().state, act::quarantine::State::held);
}

TEST_F(ReleaseTest, WhatIsInDoubtIsNeverSentAgain) {
    const auto sink = make_sink("DOT = cut");
    make_hops({{"*", sink->endpoint().to_string()}});
    hold({"a@example.com"});
    const auto first = release_once();
    ASSERT_FALSE(first);
    EXPECT_THAT(first.error().sentence, HasSubstr("it may have it"));
    EXPECT_EQ(item().state, act::quarantine::State::held);
    rescript(*sink, "");
    const auto second = release_once();
    ASSERT_TRUE(second) << second.error().sentence;
    EXPECT_FALSE(second->to_everybody);
    EXPECT_THAT(second->sentence, HasSubstr("in doubt"));
    EXPECT_EQ(sink->message_count(), 1U);
    EXPECT_EQ(item().state, act::quarantine::State::released);
}

TEST_F(ReleaseTest, AHopThatIsDownHoldsUpItsOwnRecipientsOnly) {
    const auto sink = make_sink();
    auto gone = make_sink();
    const auto closed = gone->endpoint().to_string();
    gone.reset();
    make_hops({{"up.test", sink->endpoint().to_string()}, {"down.test", closed}});
    hold({"a@up.test", "b@down.test", "c@nowhere.test"});
    const auto first = release_once();
    ASSERT_FALSE(first);
    EXPECT_THAT(first.error().sentence, HasSubstr("b@down.test"));
    EXPECT_THAT(first.error().sentence, HasSubstr("c@nowhere.test: no next hop is configured"));
    make_hops({{"*", sink->endpoint().to_string()}});
    ASSERT_TRUE(release_once());
    ASSERT_EQ(sink->message_count(), 2U);
    EXPECT_THAT(recipients_of(sink->messages()[1]), ElementsAre("b@down.test", "c@nowhere.test"));
}

TEST_F(ReleaseTest, AfterItsTimeNoHopIsAsked) {
    const auto sink = make_sink();
    make_hops({{"*", sink->endpoint().to_string()}});
    hold({"a@example.com"});
    const auto done = release_once(clock_.steady());
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().sentence, HasSubstr("no time was left"));
    EXPECT_EQ(sink->connection_count(), 0U);
}

TEST_F(ReleaseTest, ThePlanOfTheDecisionIsKept) {
    hold({"bob@example.com"});
    EXPECT_TRUE(prepare().plan.is_empty()) << "the record says that there was nothing to take away";
}

TEST_F(ReleaseTest, WithoutARecordAllThatOnlyWeMayWriteGoes) {
    const auto sink = make_sink();
    make_hops({{"*", sink->endpoint().to_string()}});
    hold({"bob@example.com"}, false);
    const auto job = prepare();
    using message::HeaderEdit;
    EXPECT_THAT(job.plan.edits, ElementsAre(HeaderEdit{HeaderEdit::Kind::remove_prefix, "X-Gatehouse-", ""},
                                            HeaderEdit{HeaderEdit::Kind::remove_prefix, "X-Spam-", ""},
                                            HeaderEdit{HeaderEdit::Kind::remove_results_of,
                                                       "Authentication-Results", "gw.test"}));
    EXPECT_FALSE(job.record.inspected);
    EXPECT_EQ(job.record.facts.header.subject, "Message 1");
    EXPECT_GE(memory_.used(), kMail.size());
    // Nobody is there to carry the plan out, so nothing goes out.
    const auto done = release_once();
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().sentence, HasSubstr("its header could not be put right"));
    EXPECT_EQ(sink->message_count(), 0U);
    EXPECT_THAT(sink->commands(), IsEmpty());
}

TEST_F(ReleaseTest, NoMemoryIsSaidBeforeAnythingIsRead) {
    hold({"bob@example.com"});
    memory_.set_limit(1);
    const auto job = prepare_release({*quarantine_, *recorder_, memory_, "gw.test"}, item());
    ASSERT_FALSE(job);
    EXPECT_EQ(job.error().fault, Fault::unavailable);
}

}  // namespace
}  // namespace gatehouse::pipeline
