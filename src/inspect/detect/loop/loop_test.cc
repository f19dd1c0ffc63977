#include "inspect/detect/loop/loop.h"

#include <gtest/gtest.h>

#include "inspect/mime/parser.h"

namespace gatehouse::inspect::detect::loop {
namespace {

std::vector<std::string> found(const std::string& header, const Settings& settings = {}) {
    const std::string raw = header + "\r\nbody\r\n";
    const auto structure = mime::parse(raw);
    const message::Facts facts;
    base::Budget budget({});
    std::vector<std::string> ids;
    for (const auto& evidence :
         inspect({"", raw, nullptr}, {structure, {}, facts, nullptr, "mx.example.com"}, budget, settings)
             .evidence) {
        ids.push_back(evidence.id);
    }
    return ids;
}

std::string received(int count, const std::string& by) {
    std::string out;
    for (int i = 0; i < count; ++i)
        out += "Received: from a.example (a.example [192.0.2.1])\r\n\tby " + by + "; now\r\n";
    return out;
}

using Ids = std::vector<std::string>;

TEST(Loop, CountsReceivedLines) {
    EXPECT_EQ(found(received(50, "b.example")), Ids{});
    EXPECT_EQ(found(received(51, "b.example")), Ids{"loop.received"});
    EXPECT_EQ(found("X-Received: a\r\n" + received(50, "b.example")), Ids{});
}

TEST(Loop, CountsOurOwnName) {
    EXPECT_EQ(found(received(2, "mx.example.com")), Ids{});
    EXPECT_EQ(found(received(3, "mx.example.com")), Ids{"loop.own_name"});
    EXPECT_EQ(found(received(3, "MX.Example.COM.")), Ids{"loop.own_name"});
    EXPECT_EQ(found(received(3, "mx.example.com.org")), Ids{});
    EXPECT_EQ(found(received(3, "mx.example.com (Gatehouse) with ESMTP id 1")), Ids{"loop.own_name"});
    EXPECT_EQ(found(received(60, "mx.example.com")), (Ids{"loop.received", "loop.own_name"}));
}

TEST(Loop, OurNameElsewhereIsNoLoop) {
    std::string header;
    for (int i = 0; i < 5; ++i)
        header += "Received: from mx.example.com (by mx.example.com) by other.example; now\r\n";
    EXPECT_EQ(found(header), Ids{});
}

TEST(Loop, LimitsAreSettings) {
    EXPECT_EQ(found(received(11, "b.example"), {.max_received = 10}), Ids{"loop.received"});
    EXPECT_EQ(found(received(1, "mx.example.com"), {.max_own_name = 1}), Ids{"loop.own_name"});
}

TEST(Loop, ReadsByHosts) {
    EXPECT_EQ(by_host(" from a by b.example with SMTP; date by c"), "b.example");
    EXPECT_EQ(by_host(" from a (x by y (nested \\) )) BY b.example;"), "b.example");
    EXPECT_EQ(by_host(" by\r\n\tb.example(comment)"), "b.example");
    EXPECT_EQ(by_host(" from a; by b"), "");
    EXPECT_EQ(by_host(" by"), "");
    EXPECT_EQ(by_host(""), "");
    EXPECT_EQ(by_host("((((((("), "");
}

TEST(Loop, StopsAtTheBudget) {
    const std::string raw = received(3, "mx.example.com") + "\r\n";
    const auto structure = mime::parse(raw);
    base::Budget budget({.max_steps = 1});
    const message::Facts facts;
    EXPECT_TRUE(inspect({}, {structure, {}, facts, nullptr, "mx.example.com"}, budget, {}).evidence.empty());
    EXPECT_EQ(budget.steps(), 1U);
}

}  // namespace
}  // namespace gatehouse::inspect::detect::loop
