#include "apps/desk/desk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "act/quarantine/testing.h"
#include "record/testing.h"

namespace gatehouse::apps {
namespace {

using act::quarantine::example_item;
using act::quarantine::Item;
using act::quarantine::State;
using base::Fault;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class DeskTest : public ::testing::Test {
  protected:
    DeskEnd ask(pb::QuarantineRequest::Verb verb, const std::string& id = {}, std::uint32_t limit = 0) {
        pb::ControlRequest request;
        auto& words = *request.mutable_quarantine();
        words.set_verb(verb);
        words.set_id(id);
        words.set_who("tester (uid 7)");
        words.set_limit(limit);
        rows_.clear();
        return desk_.answer(request, {[this](std::string row) { rows_.push_back(std::move(row)); },
                                      [](std::string_view) {}, [] {}});
    }
    DeskEnd release(const std::string& id) { return ask(pb::QuarantineRequest::RELEASE, id); }
    std::string put(std::uint32_t n) {
        EXPECT_TRUE(quarantine_->put(example_item(n), "Subject: x\r\n\r\n"));
        return example_item(n).id.to_string();
    }
    void answer_with(base::Result<Released> result) {
        desk_.set_release([result = std::move(result)](const Item&, const auto&) { return result; });
    }
    State state_of(const std::string& id) { return quarantine_->show(id).value().state; }

    store::TemporaryFolder folder_;
    base::Clock clock_;
    std::unique_ptr<record::Recorder> recorder_ =
        record::Recorder::open(
            {.state = folder_.path(), .database = folder_ / "gatehouse.db", .forgets = false}, clock_)
            .value();
    std::unique_ptr<act::quarantine::Quarantine> quarantine_ = act::quarantine::must_open(folder_.path());
    Desk desk_{*recorder_, *quarantine_, clock_};
    std::vector<std::string> rows_;
};

TEST_F(DeskTest, DeletedItemsDoNotPushHeldOnesOffTheList) {
    put(1);
    for (std::uint32_t n = 2; n < 6; ++n)
        EXPECT_EQ(ask(pb::QuarantineRequest::DELETE, put(n)).exit_class, 0U);
    const auto end = ask(pb::QuarantineRequest::LIST, {}, 3);
    EXPECT_EQ(end.sentence, "");
    ASSERT_THAT(rows_, SizeIs(1));
    EXPECT_THAT(rows_[0], HasSubstr(example_item(1).id.to_string()));
    ask(pb::QuarantineRequest::DELETE, example_item(1).id.to_string());
    EXPECT_EQ(ask(pb::QuarantineRequest::LIST).sentence, "the quarantine is empty");
}

TEST_F(DeskTest, AReleaseIsNotedOnce) {
    const auto id = put(1);
    EXPECT_EQ(release(id).exit_class, 3U) << "nobody can send";
    answer_with(Released{"250 2.0.0 ok", true});
    EXPECT_EQ(release(id).exit_class, 0U);
    EXPECT_EQ(state_of(id), State::released);
    EXPECT_EQ(quarantine_->attempts(example_item(1).id).value().at(0).who, "tester (uid 7)");
    EXPECT_EQ(release(id).exit_class, 1U) << "released before";
    EXPECT_THAT(quarantine_->attempts(example_item(1).id).value(), SizeIs(1));
}

TEST_F(DeskTest, TheExitClassSaysHowFarItCame) {
    const auto id = put(1);
    answer_with(base::fail(Fault::unavailable, "451 not now"));
    EXPECT_EQ(release(id).exit_class, 3U);
    answer_with(base::fail(Fault::refused, "550 nobody wants it"));
    EXPECT_EQ(release(id).exit_class, 1U);
    EXPECT_EQ(state_of(id), State::held);
    answer_with(Released{"b@example.com: 550 no such user", false});
    const auto partly = release(id);
    EXPECT_EQ(partly.exit_class, 1U);
    EXPECT_THAT(partly.sentence, HasSubstr("was released, but not to everybody: b@example.com"));
    EXPECT_EQ(state_of(id), State::released);
}

TEST_F(DeskTest, AnItemIsInOneRequestsHandsAtATime) {
    const auto id = put(1);
    const auto other = put(2);
    std::promise<void> begun;
    std::promise<void> go_on;
    auto may_go_on = go_on.get_future().share();
    int sent = 0;
    desk_.set_release([&](const Item& item, const auto&) -> base::Result<Released> {
        ++sent;
        if (item.info.id.to_string() == id) {
            begun.set_value();
            may_go_on.wait();
        }
        return Released{"250 ok", true};
    });
    auto first = std::async(std::launch::async, [&] {
        pb::ControlRequest request;
        request.mutable_quarantine()->set_verb(pb::QuarantineRequest::RELEASE);
        request.mutable_quarantine()->set_id(id);
        return desk_.answer(request, {[](const std::string&) {}, [](std::string_view) {}, [] {}});
    });
    begun.get_future().wait();
    const auto second = release(id);
    EXPECT_EQ(second.exit_class, 3U);
    EXPECT_THAT(second.sentence, HasSubstr("is being released now"));
    EXPECT_EQ(ask(pb::QuarantineRequest::DELETE, id).exit_class, 3U);
    EXPECT_EQ(release(other).exit_class, 0U) << "others are free";
    go_on.set_value();
    EXPECT_EQ(first.get().exit_class, 0U);
    EXPECT_EQ(sent, 2);
    EXPECT_EQ(ask(pb::QuarantineRequest::DELETE, id).exit_class, 0U) << "free again";
    EXPECT_EQ(release(id).exit_class, 1U) << "deleted";
}

TEST_F(DeskTest, WhatTakesLongSaysThatItIsStillAtIt) {
    const auto id = put(1);
    desk_.set_release([](const Item&, const auto& working) -> base::Result<Released> {
        working();
        return Released{"250 ok", true};
    });
    pb::ControlRequest request;
    request.mutable_quarantine()->set_verb(pb::QuarantineRequest::RELEASE);
    request.mutable_quarantine()->set_id(id);
    int words = 0;
    const auto end =
        desk_.answer(request, {[](const std::string&) {}, [](std::string_view) {}, [&] { ++words; }});
    EXPECT_EQ(end.exit_class, 0U);
    EXPECT_EQ(words, 1);
}

TEST_F(DeskTest, AskingForWhatIsNotThereIsANo) {
    EXPECT_EQ(release("7Q3K-M8TD-0VZ2-6XNB/1").exit_class, 3U);
    answer_with(Released{"250 ok", true});
    EXPECT_EQ(release("7Q3K-M8TD-0VZ2-6XNB/1").exit_class, 1U);
    EXPECT_EQ(release("no id").exit_class, 2U);
    pb::ControlRequest nothing;
    EXPECT_EQ(desk_.answer(nothing, {}).exit_class, 2U);
    pb::ControlRequest explain;
    explain.mutable_explain()->set_reference("7Q3K-M8TD-0VZ2-6XNB");
    EXPECT_EQ(desk_.answer(explain, {}).exit_class, 1U);
    pb::ControlRequest track;
    track.mutable_track()->set_verdict("purple");
    EXPECT_EQ(desk_.answer(track, {}).exit_class, 2U);
}

}  // namespace
}  // namespace gatehouse::apps
