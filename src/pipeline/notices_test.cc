#include "pipeline/notices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatehouse::pipeline {
namespace {

using act::notify::NoticeKind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

class NoticesTest : public ::testing::Test {
  protected:
    NoticesTest() {
        act::delivery::NextHopSettings hop;
        hop.address = {"192.0.2.7:2525"};
        hop.tls = "verify";
        hop.name = "mx.gw.test";
        hop.eight_bit = "refuse";
        hops_ = act::delivery::NextHops::make({hop}).value();
        item_.id = {base::Reference::make(clock_.wall(), 1, 1), 1};
        item_.story.envelope.sender = "a@example.org";
        item_.story.envelope.ret = "FULL";
    }
    std::vector<OwnMessage> refuse(std::size_t recipients, bool may_return_all = true) {
        std::vector<act::notify::NoticeRecipient> all;
        for (std::size_t i = 0; i < recipients; ++i)
            all.push_back({{"b" + std::to_string(i) + "@gw.test", 0, ""}, "550 5.1.1 no", "", {}});
        return make_notices(parts(), {NoticeKind::failed, item_, content_, may_return_all}, std::move(all));
    }
    NoticeParts parts() { return {"gw.test", hops_, delivery_, clock_}; }

    base::Clock clock_;
    act::delivery::NextHops hops_;
    act::delivery::DeliverySettings delivery_;
    act::queue::QueueItem item_;
    std::string content_ = "Subject: x\r\n\r\nthe body\r\n";
};

TEST_F(NoticesTest, TheFirstAloneReturnsTheContent) {
    const auto notices = refuse(250);
    ASSERT_THAT(notices, SizeIs(3));
    EXPECT_THAT(notices[0].text, HasSubstr("the body"));
    EXPECT_THAT(notices[1].text, Not(HasSubstr("the body")));
    EXPECT_THAT(notices[2].text, Not(HasSubstr("the body")));
    EXPECT_THAT(refuse(1, false)[0].text, Not(HasSubstr("the body"))) << "there is no memory for it";
}

TEST_F(NoticesTest, OnlyWhatIsWholeGoesBackAndOnlyOnce) {
    item_.size = content_.size();
    EXPECT_THAT(refuse(1)[0].text, HasSubstr("the body"));
    item_.is_returned = true;
    EXPECT_THAT(refuse(1)[0].text, Not(HasSubstr("the body"))) << "its sender has it";
    item_.is_returned = false;
    item_.size = content_.size() + 1;
    EXPECT_THAT(refuse(1)[0].text, Not(HasSubstr("the body"))) << "there was more of it";
}

TEST_F(NoticesTest, ANewIdIsOneEverywhere) {
    auto notice = refuse(1).front();
    const auto old = notice.item.id;
    give_new_id(parts(), notice);
    EXPECT_NE(notice.item.id, old);
    const auto record = record_of(notice);
    EXPECT_EQ(record.envelope.reference, notice.item.id.reference);
    EXPECT_EQ(record.outcomes.at(0).item, notice.item.id.to_string());
}

TEST_F(NoticesTest, AHostOfPolicyIsSpokenToAsTheNextHopThatItIs) {
    const auto known = handed_off(hops_, "handoff 192.0.2.7:2525");
    EXPECT_EQ(known.tls, act::delivery::TlsMode::verify);
    EXPECT_EQ(known.name, "mx.gw.test");
    EXPECT_TRUE(known.refuse_eight_bit);
    EXPECT_EQ(known.key, "handoff 192.0.2.7:2525");
    EXPECT_THAT(known.addresses, ElementsAre(base::Endpoint::parse("192.0.2.7:2525").value()));
    const auto other = handed_off(hops_, "handoff 192.0.2.7:25");
    EXPECT_EQ(other.tls, act::delivery::TlsMode::opportunistic);
    EXPECT_FALSE(other.refuse_eight_bit);
}

}  // namespace
}  // namespace gatehouse::pipeline
