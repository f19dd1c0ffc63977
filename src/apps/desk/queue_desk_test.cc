#include "apps/desk/queue_desk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/fault_point.h"
#include "net/test_support.h"
#include "store/testing.h"

namespace gatehouse::apps {
namespace {

using act::queue::QueueItem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

QueueItem item(const base::Clock& clock, std::uint32_t number, const std::string& to) {
    QueueItem out;
    out.id = {base::Reference::make(clock.wall(), 1, number), 1};
    out.lane = "*";
    out.story.envelope.reference = out.id.reference;
    out.story.envelope.received = clock.wall();
    out.story.envelope.recipients = {{to, 0, ""}};
    out.queued = out.due = clock.wall();
    out.expires = clock.wall() + std::chrono::hours(1);
    return out;
}

class QueueDeskTest : public ::testing::Test {
  protected:
    QueueDeskTest() {
        const auto body = [&]() -> net::Task<void> {
            std::vector<act::queue::NewItem> items;
            items.push_back({item(clock_, 1, "user@gw.test"), {"Subject: x\r\n\r\n"}});
            auto stored = co_await queue_->put(io_, std::move(items), base::SteadyTime::max());
            EXPECT_TRUE(stored);
            stored->publish();
        };
        net::testing::run(io_, body());
        id_ = queue_->list({}).value().at(0).id.to_string();
        desk_.set_notices([this](const QueueItem&) -> base::Result<std::vector<pipeline::OwnMessage>> {
            return std::vector<pipeline::OwnMessage>{{item(clock_, 2, "sender@example.org"), "a notice"}};
        });
    }
    DeskEnd ask(pb::QueueRequest::Verb verb, bool raw = false) {
        pb::QueueRequest request;
        request.set_verb(verb);
        request.set_id(id_);
        request.set_who("tester (uid 7)");
        request.set_raw(raw);
        request.set_notify(true);
        return desk_.answer(request, {[this](std::string row) { rows_.push_back(std::move(row)); },
                                      [this](std::string_view piece) { raw_ += piece; }, [] {}});
    }
    std::string outcome_of(const std::string& recipient) {
        const auto rows = recorder_->track({.to = recipient}).value();
        return rows.empty() ? "" : std::string(message::to_string(rows.front().outcome));
    }

    const store::TemporaryFolder folder_;
    net::Io io_{net::kLoopHint};
    base::Clock clock_;
    std::unique_ptr<record::Recorder> recorder_ =
        record::Recorder::open({.state = folder_.path(), .database = folder_ / "gatehouse.db"}, clock_)
            .value();
    std::unique_ptr<act::queue::Queue> queue_ =
        act::queue::Queue::open({.folder = folder_ / "queue"}, clock_).value();
    QueueDesk desk_{*queue_, *recorder_, clock_};
    std::string id_;
    std::vector<std::string> rows_;
    std::string raw_;
};

TEST_F(QueueDeskTest, WhoReadsAMessageLeavesATrace) {
    ASSERT_EQ(ask(pb::QueueRequest::SHOW, true).exit_class, 0U);
    EXPECT_EQ(raw_, "Subject: x\r\n\r\n");
    EXPECT_THAT(rows_, IsEmpty());
    ASSERT_EQ(ask(pb::QueueRequest::SHOW).exit_class, 0U);
    ASSERT_THAT(rows_, SizeIs(1));
    EXPECT_THAT(rows_[0], HasSubstr("tester (uid 7)"));
    ASSERT_TRUE(queue_->take(clock_.wall()));
    raw_.clear();
    EXPECT_EQ(ask(pb::QueueRequest::SHOW, true).exit_class, 3U) << "nothing can be noted now";
    EXPECT_EQ(raw_, "");
}

TEST_F(QueueDeskTest, ANoticeIsInTheJournalBeforeTheQueueShowsIt) {
    base::FaultPoints::allow();
    ASSERT_TRUE(base::FaultPoints::arm("queue.before_commit", 1, "error"));
    EXPECT_NE(ask(pb::QueueRequest::DELETE).exit_class, 0U);
    EXPECT_EQ(outcome_of("sender@example.org"), "deleted") << "it was noted, and is not to come";
    EXPECT_THAT(queue_->list({}).value(), SizeIs(1));
    EXPECT_EQ(ask(pb::QueueRequest::DELETE).exit_class, 0U);
    EXPECT_EQ(outcome_of("sender@example.org"), "queued");
    EXPECT_EQ(outcome_of("user@gw.test"), "deleted");
}

}  // namespace
}  // namespace gatehouse::apps
