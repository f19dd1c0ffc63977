#include "support/smtp_sink/script.h"

#include <gtest/gtest.h>

#include "support/smtp_sink/sink.h"

namespace gatehouse::test {
namespace {

using namespace std::string_literals;

TEST(SinkScript, RulesOfCaseFiles) {
    const auto rule = Script::parse_rule("hop 1 RCPT 2 = 450 4.2.0 try later");
    ASSERT_TRUE(rule) << rule.error().sentence;
    EXPECT_EQ(rule->hop, 1U);
    EXPECT_EQ(rule->stage, Stage::rcpt);
    EXPECT_EQ(rule->number, 2U);
    EXPECT_EQ(rule->action.bytes, "450 4.2.0 try later\r\n");
    EXPECT_EQ(rule->action.code, 450);
    const auto lines = Script::parse_rule("DOT = 250 2.0.0 one\\ntwo then cut");
    ASSERT_TRUE(lines);
    EXPECT_EQ(lines->action.bytes, "250-2.0.0 one\r\n250 two\r\n");
    EXPECT_EQ(lines->action.then, Then::cut);
    EXPECT_EQ(Script::parse_rule("DATA = raw 2\\x350\\0\\r\\n\\\\")->action.bytes, "250\0\r\n\\"s);
    EXPECT_EQ(Script::parse_rule("MAIL = stall")->action.say, Say::nothing);
    EXPECT_EQ(Script::parse_rule("MAIL = ok then reset")->action.then, Then::reset);
}

TEST(SinkScript, Mistakes) {
    for (const std::string_view line :
         {"RCPT 450 no", "WHAT = cut", "RCPT x = cut", "RCPT 1 2 = cut", "MAIL = maybe", "hop x MAIL = cut",
          "= cut", "MAIL = raw \\q", "MAIL = raw \\xZZ", "MAIL ="}) {
        EXPECT_FALSE(Script::parse_rule(line)) << line;
    }
}

TEST(SinkScript, NumberedRulesGoFirst) {
    Script script;
    ASSERT_TRUE(script.add_lines("# what\n\nMAIL = 451 a\nMAIL 2 = 452 b\noffer = SIZE 5, PIPELINING\n"));
    EXPECT_EQ(script.find(Stage::mail, 1)->code, 451);
    EXPECT_EQ(script.find(Stage::mail, 2)->code, 452);
    EXPECT_EQ(script.find(Stage::rcpt, 1), nullptr);
    EXPECT_EQ(script.offers, (std::vector<std::string>{"SIZE 5", "PIPELINING"}));
    ASSERT_TRUE(script.add_line("offer ="));
    EXPECT_TRUE(script.offers.empty());
}

TEST(Sink, UnstuffsOnlyAtLineStarts) {
    SinkMessage message;
    message.raw = "..a\r\n.b\r\nc\n..d\r\n...\r\n";
    EXPECT_EQ(message.content(), ".a\r\nb\r\nc\n..d\r\n..\r\n");
}

}  // namespace
}  // namespace gatehouse::test
