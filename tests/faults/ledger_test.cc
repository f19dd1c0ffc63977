// The harness must see what it is there to see.
#include "faults/ledger.h"

#include <gtest/gtest.h>

namespace gatehouse::faults {
namespace {

using namespace std::chrono_literals;

const Time kStart = Time(1h);

Time at(int milliseconds) {
    return kStart + std::chrono::milliseconds(milliseconds);
}

Try acknowledged(const Name& name, std::vector<Place> places = {Place::inner}) {
    return {name, std::move(places), at(0), at(10), Answer::accepted, "250 2.0.0 ok"};
}

TEST(FaultLedger, NamesSurviveTheirHeader) {
    const Name name{"s1-22", 13};
    EXPECT_EQ(find_name("Received: x <y@z>\r\nMessage-ID: " + message_id(name) + "\r\n\r\n"), name);
    EXPECT_FALSE(find_name("Message-ID: <s1@example.org>"));
}

TEST(FaultLedger, WhatIsNowhereIsLost) {
    Seen seen;
    seen.tries = {acknowledged({"a", 1}), acknowledged({"b", 1}, {Place::inner, Place::outer}),
                  acknowledged({"c", 2}), acknowledged({"d", 1}, {Place::quarantine}),
                  acknowledged({"e", 1})};
    seen.copies[{"a", Place::inner}] = {{at(5), 1}};
    seen.copies[{"b", Place::inner}] = {{at(5), 1}};  // and not at the other hop
    seen.copies[{"c", Place::inner}] = {{at(5), 1}};  // of an earlier try, not of the acknowledged one
    seen.kept = {{{"d", 1}, Place::quarantine}};
    const auto judged = judge(seen);
    EXPECT_EQ(judged.acknowledged, 5U);
    EXPECT_EQ(judged.lost, 3U);
    EXPECT_EQ(judged.findings.size(), 3U);
    EXPECT_EQ(judged.doubled, 0U);
}

TEST(FaultLedger, WhatWasNotAcknowledgedMayBeGone) {
    Seen seen;
    seen.tries = {{{"a", 1}, {Place::inner}, at(0), at(1), Answer::later, "451 later"}};
    EXPECT_EQ(judge(seen).lost, 0U);
}

TEST(FaultLedger, DoublesAreExplainedByTheWindowOnly) {
    Seen seen;
    seen.tries = {acknowledged({"a", 1}), acknowledged({"b", 1})};
    seen.copies[{"a", Place::inner}] = {{at(100), 1}, {at(500), 1}};
    EXPECT_EQ(judge(seen).unexplained, 1U) << "nobody died";
    seen.deaths = {{at(101), at(105)}};
    EXPECT_EQ(judge(seen).in_window, 1U);
    EXPECT_EQ(judge(seen).unexplained, 0U);
    seen.deaths = {{at(3000), at(3010)}};
    EXPECT_EQ(judge(seen).unexplained, 1U) << "died long after both";
    seen.copies[{"a", Place::inner}] = {{at(100), 1}, {at(9000), 1}};
    EXPECT_EQ(judge(seen).unexplained, 1U) << "there was time enough to note the first";
}

TEST(FaultLedger, AClientMaySendAgainWhatADeathLeftUnanswered) {
    Seen seen;
    seen.tries = {{{"a", 1}, {Place::inner}, at(0), at(110), Answer::lost, ""}, acknowledged({"a", 2})};
    seen.copies[{"a", Place::inner}] = {{at(100), 1}, {at(500), 2}};
    EXPECT_EQ(judge(seen).unexplained, 1U) << "nobody died";
    seen.deaths = {{at(105), at(108)}};
    EXPECT_EQ(judge(seen).sent_again, 1U);
    EXPECT_EQ(judge(seen).unexplained, 0U);
    seen.tries[0].answer = Answer::later;
    EXPECT_EQ(judge(seen).unexplained, 1U) << "told to come again, and delivered all the same";
}

TEST(FaultLedger, RecoveryCountsMessagesBegunAfterTheFault) {
    Ledger ledger;
    ledger.add({{"a", 1}, {}, at(0), at(300), Answer::accepted, ""});
    EXPECT_FALSE(ledger.recovered(at(100)));
    ledger.add({{"b", 1}, {}, at(120), at(350), Answer::accepted, ""});
    ledger.add({{"c", 1}, {}, at(110), at(200), Answer::later, ""});
    EXPECT_EQ(ledger.recovered(at(100)), 250ms);
}

}  // namespace
}  // namespace gatehouse::faults
