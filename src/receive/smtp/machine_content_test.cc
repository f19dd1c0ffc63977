// DATA and BDAT: what becomes of content, and where it ends.
#include <gtest/gtest.h>

#include "receive/smtp/machine.h"
#include "receive/smtp/test_dialogue.h"

namespace gatehouse::receive::smtp {
namespace {

using std::string_literals::operator""s;

class ContentTest : public testing::Test {
  protected:
    /// A session with sender and recipient.
    Dialogue& open() {
        dialogue_.emplace(settings_, stranger());
        dialogue_->listen();
        dialogue_->say("EHLO client.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<user@gw.test>\r\n");
        return *dialogue_;
    }
    /// The reply to `content` with the dot behind it.
    std::string send(std::string_view content) {
        EXPECT_EQ(codes(open().say("DATA\r\n")), "354");
        return dialogue_->say(std::string(content) + "\r\n.\r\n");
    }
    std::string say(std::string_view bytes) { return dialogue_->say(bytes); }

    MachineSettings settings_ = test_settings();
    std::optional<Dialogue> dialogue_;
};

TEST_F(ContentTest, TakesAMessage) {
    EXPECT_EQ(send("Subject: x\r\n\r\nhello"), "250 2.0.0 Ok\r\n");
    EXPECT_EQ(dialogue_->messages(), std::vector<std::string>{"Subject: x\r\n\r\nhello\r\n"});
    EXPECT_EQ(dialogue_->last(), "end 21");
    EXPECT_EQ(codes(say("MAIL FROM:<a@b.test>\r\n")), "250");
}

TEST_F(ContentTest, TakesTheEmptyMessage) {
    open().say("DATA\r\n");
    EXPECT_EQ(codes(say(".\r\n")), "250");
    EXPECT_EQ(dialogue_->messages(), std::vector<std::string>{""});
}

TEST_F(ContentTest, UndoesDotStuffing) {
    EXPECT_EQ(codes(send("..one\r\n...two\r\n..\r\nend")), "250");
    EXPECT_EQ(dialogue_->messages()[0], ".one\r\n..two\r\n.\r\nend\r\n");
    EXPECT_EQ(dialogue_->last(), "end 21");
}

TEST_F(ContentTest, KeepsLongLinesAnd8BitBytes) {
    const std::string line(300'000, 'a');
    EXPECT_EQ(codes(send(line + "\xff\x80\x01\x7f")), "250");
    EXPECT_EQ(dialogue_->messages()[0], line + "\xff\x80\x01\x7f\r\n");
}

TEST_F(ContentTest, ReportsTheWalksVerdict) {
    open().set_answers([](const Event& event) -> std::optional<Reply> {
        if (std::holds_alternative<MessageEnd>(event)) return Reply{550, "5.7.1", "Virus"};
        return std::nullopt;
    });
    EXPECT_EQ(codes(say("DATA\r\n")), "354");
    EXPECT_EQ(say("x\r\n.\r\n"), "550 5.7.1 Virus\r\n");
    EXPECT_EQ(codes(say("DATA\r\n")), "503");
    EXPECT_EQ(codes(say("MAIL FROM:<a@b.test>\r\nRCPT TO:<user@gw.test>\r\n")), "250 250");
}

TEST_F(ContentTest, EndsAtCrLfDotCrLfOnly) {
    const std::vector<std::string> ends{"\n.\n",        "\n.\r\n",   "\r\n.\n",      "\r.\r",    "\r.\r\n",
                                        "\r\n.\r",      "\n.\r",     "\r\n.\r\r\n",  "\r.\n",    "\r\r\n.\n",
                                        "\r\n.\0\r\n"s, "\n\n.\n\n", "\r\n\0.\r\n"s, "\r\n.\v\n"};
    for (const auto& end : ends) {
        EXPECT_EQ(send("one" + end + "MAIL FROM:<evil@b.test>\r\nRCPT TO:<user@gw.test>\r\nDATA\r\ntwo")
                      .substr(0, 10),
                  "550 5.6.11")
            << testing::PrintToString(end);
        EXPECT_TRUE(dialogue_->messages().empty());
        EXPECT_EQ(dialogue_->last(), "aborted bad_content");
        EXPECT_EQ(codes(say("MAIL FROM:<a@b.test>\r\n")), "250");
    }
}

TEST_F(ContentTest, MendsThemWhenToldTo) {
    settings_.bare_newline = BareNewline::normalise;
    const std::vector<std::string> ends{"\n.\n",        "\n.\r\n",   "\r\n.\n",     "\r.\r", "\r.\r\n",
                                        "\r\n.\r",      "\n.\r",     "\r\n.\r\r\n", "\r.\n", "\r\r\n.\n",
                                        "\r\n.\0\r\n"s, "\n\n.\n\n", "\r\n\0.\r\n"s};
    for (const auto& end : ends) {
        EXPECT_EQ(codes(send("one" + end + "two")), "250") << testing::PrintToString(end);
        ASSERT_EQ(dialogue_->messages().size(), 1U);
        EXPECT_NE(dialogue_->messages()[0].find("\r\n.\r\n"), std::string::npos)
            << testing::PrintToString(end);
        EXPECT_NE(dialogue_->last().find(" mended="), std::string::npos);
    }
    EXPECT_EQ(codes(send("a\nb\rc\0d"s)), "250");
    EXPECT_EQ(dialogue_->messages()[0], "a\r\nb\r\ncd\r\n");
    EXPECT_EQ(codes(say("NOOP\n")), "250");
}

TEST_F(ContentTest, KeepsTheSizeLimit) {
    settings_.max_message_size = 1000;
    EXPECT_EQ(codes(send(std::string(998, 'a'))), "250");
    EXPECT_EQ(send(std::string(999, 'a')), "552 5.3.4 Message too large\r\n");
    EXPECT_EQ(dialogue_->last(), "aborted too_large");
    EXPECT_EQ(codes(say("MAIL FROM:<a@b.test> SIZE=1000\r\n")), "250");
    std::string stuffed;  // counted before stuffing: 333 lines of ".\r\n"
    for (int i = 0; i < 333; ++i) stuffed += "..\r\n";
    EXPECT_EQ(codes(send(stuffed.substr(0, stuffed.size() - 2))), "250");
    EXPECT_EQ(dialogue_->last(), "end 999");
}

TEST_F(ContentTest, CountsWhatMendingAdds) {
    settings_.max_message_size = 1000;
    settings_.bare_newline = BareNewline::normalise;
    EXPECT_EQ(codes(send(std::string(501, '\n'))), "552");
}

TEST_F(ContentTest, SwallowsToTheEndUnderACap) {
    settings_.max_message_size = 1000;
    settings_.discard_limit = 100'000;
    open().say("DATA\r\n");
    EXPECT_EQ(say(std::string(50'000, 'a')), "");
    EXPECT_EQ(say(std::string(50'000, 'a')), "");
    EXPECT_FALSE(dialogue_->is_closed());
    EXPECT_EQ(codes(say(std::string(100'000, 'a'))), "552");
    EXPECT_TRUE(dialogue_->is_closed());
    EXPECT_EQ(dialogue_->close_reason(), CloseReason::flood);
}

TEST_F(ContentTest, MayBeRefusedByTheShellHalfway) {
    open().say("DATA\r\n");
    say("half\r\n");
    dialogue_->machine().refuse_message({452, "4.3.1", "No memory"});
    EXPECT_EQ(say("rest\r\n.\r\n"), "452 4.3.1 No memory\r\n");
    EXPECT_EQ(dialogue_->last(), "aborted refused");
    EXPECT_TRUE(dialogue_->messages().empty());
    dialogue_->machine().refuse_message({452, "4.3.1", "No message"});
    EXPECT_EQ(codes(say("NOOP\r\n")), "250");
}

TEST_F(ContentTest, TakesChunks) {
    open();
    EXPECT_EQ(say("BDAT 9\r\nSubject: "), "250 2.0.0 Chunk taken\r\n");
    EXPECT_EQ(say("BDAT 12 LAST\r\nx\r\n\r\nhello\r\n"), "250 2.0.0 Ok\r\n");
    EXPECT_EQ(dialogue_->messages(), std::vector<std::string>{"Subject: x\r\n\r\nhello\r\n"});
    EXPECT_EQ(dialogue_->last(), "end 21 chunked");
    EXPECT_EQ(codes(say("BDAT 1 LAST\r\nx")), "503");
    EXPECT_EQ(codes(say("MAIL FROM:<a@b.test>\r\nRCPT TO:<user@gw.test>\r\nBDAT 3\r\nabcBDAT 0 LAST\r\n")),
              "250 250 250 250");
    EXPECT_EQ(dialogue_->messages()[1], "abc");
    EXPECT_EQ(codes(say("MAIL FROM:<a@b.test>\r\nRCPT TO:<user@gw.test>\r\nBDAT 0 LAST\r\n")), "250 250 250");
    EXPECT_EQ(dialogue_->messages()[2], "");
}

TEST_F(ContentTest, KeepsDotsOfChunks) {
    open();
    EXPECT_EQ(codes(say("BDAT 11 LAST\r\n.\r\n..\r\na\r\n.")), "250");
    EXPECT_EQ(dialogue_->messages()[0], ".\r\n..\r\na\r\n.");
    open();
    EXPECT_EQ(codes(say("BDAT 5\r\n\r\n.\r\nBDAT 9 LAST\r\nQUIT\r\n.\r\n")), "250 250");
    EXPECT_EQ(dialogue_->messages()[0], "\r\n.\r\nQUIT\r\n.\r\n");
}

TEST_F(ContentTest, TakesNewlinesCutByChunks) {
    open();
    EXPECT_EQ(codes(say("BDAT 2\r\na\rBDAT 3\r\n\nb\rBDAT 1 LAST\r\n\n")), "250 250 250");
    EXPECT_EQ(dialogue_->messages()[0], "a\r\nb\r\n");
}

TEST_F(ContentTest, ObeysNothingBehindAChunkOfUnknownSize) {
    for (const std::string bad : {"BDAT", "BDAT LAST", "BDAT -1", "BDAT 18446744073709551616 LAST",
                                  "BDAT 5 FIRST", "BDAT 1e3", "BDAT 78 LASTX"}) {
        open();
        EXPECT_EQ(codes(say(bad + "\r\nRSET\r\nMAIL FROM:<injected@b.test>\r\n")), "501") << bad;
        EXPECT_TRUE(dialogue_->is_closed()) << bad;
    }
}

TEST_F(ContentTest, RefusesBareNewlinesInChunks) {
    const std::vector<std::string> bad{"BDAT 3 LAST\r\na\nb",           "BDAT 3 LAST\r\na\rb",
                                       "BDAT 3 LAST\r\na\0b"s,          "BDAT 2 LAST\r\na\r",
                                       "BDAT 2\r\na\rBDAT 1 LAST\r\nb", "BDAT 2\r\na\rBDAT 0 LAST\r\n",
                                       "BDAT 1\r\naBDAT 1 LAST\r\n\n"};
    for (const auto& bytes : bad) {
        open();
        const std::string got = codes(say(bytes));
        EXPECT_TRUE(got == "550" || got == "250 550") << testing::PrintToString(bytes) << got;
        EXPECT_EQ(dialogue_->last(), "aborted bad_content");
        EXPECT_EQ(codes(say("MAIL FROM:<a@b.test>\r\n")), "250");
    }
    settings_.bare_newline = BareNewline::normalise;
    open();
    EXPECT_EQ(codes(say("BDAT 5\r\na\n.\n\rBDAT 3 LAST\r\n\0b\r"s)), "250 250");
    EXPECT_EQ(dialogue_->messages()[0], "a\r\n.\r\n\r\nb\r\n");
}

TEST_F(ContentTest, RefusesTheRestOfABadChunkedMessage) {
    open();
    EXPECT_EQ(codes(say("BDAT 3\r\na\nbBDAT 5\r\nQUIT\rNOOP\r\nBDAT 3 LAST\r\nabc")), "550 550 250 550");
    EXPECT_EQ(codes(say("DATA\r\n")), "503");
    EXPECT_EQ(codes(say("MAIL FROM:<a@b.test>\r\n")), "250");
    open();
    EXPECT_EQ(codes(say("BDAT 3\r\na\nbMAIL FROM:<x@b.test>\r\nRCPT TO:<user@gw.test>\r\nDATA\r\n")),
              "550 503 503 503");
    EXPECT_EQ(codes(say("RSET\r\nMAIL FROM:<a@b.test>\r\n")), "250 250");
}

TEST_F(ContentTest, KeepsChunksAndCommandsApart) {
    open();
    EXPECT_EQ(codes(say("BDAT 4\r\nX: y")), "250");
    EXPECT_EQ(codes(say("DATA\r\n")), "503");
    EXPECT_EQ(codes(say(".\r\n")), "500");
    EXPECT_EQ(codes(say("MAIL FROM:<b@b.test>\r\nRCPT TO:<user@gw.test>\r\nNOOP\r\n")), "503 503 250");
    EXPECT_EQ(codes(say("BDAT 2 LAST\r\n\r\n")), "250");
    open();
    EXPECT_EQ(codes(say("BDAT 4\r\nX: yRSET\r\nBDAT 4 LAST\r\nX: y")), "250 250 503");
    EXPECT_TRUE(dialogue_->messages().empty());
    open();
    EXPECT_EQ(codes(say("BDAT 4\r\nX: yEHLO again.test\r\nBDAT 4 LAST\r\nX: y")), "250 250 503");
}

TEST_F(ContentTest, ConsumesChunksNobodyAskedFor) {
    Dialogue dialogue(settings_, stranger());
    dialogue.listen();
    EXPECT_EQ(codes(dialogue.say("EHLO x\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n")), "250 503 250");
    EXPECT_EQ(
        codes(dialogue.say("MAIL FROM:<a@b.test>\r\nBDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n")),
        "250 503 503 250");
    EXPECT_EQ(dialogue.last(), "aborted no_recipients");
    EXPECT_EQ(codes(dialogue.say("MAIL FROM:<a@b.test>\r\n")), "250");
    EXPECT_FALSE(dialogue.is_closed());
}

TEST_F(ContentTest, KeepsTheSizeLimitOverChunks) {
    settings_.max_message_size = 10;
    open();
    EXPECT_EQ(codes(say("BDAT 6\r\n123456BDAT 5\r\n12345NOOP\r\nBDAT 1 LAST\r\n1")), "250 552 250 552");
    EXPECT_EQ(dialogue_->last(), "aborted too_large");
    open();
    EXPECT_EQ(codes(say("BDAT 11 LAST\r\n12345678901NOOP\r\n")), "552 250");
    open();
    EXPECT_EQ(codes(say("BDAT 5\r\n12345BDAT 5 LAST\r\n12345")), "250 250");
}

TEST_F(ContentTest, DoesNotSwallowChunksWithoutEnd) {
    settings_.max_message_size = 4'000;
    settings_.discard_limit = 6'000;
    open();
    EXPECT_EQ(codes(say("BDAT 18446744073709551615 LAST\r\n")), "552");
    EXPECT_EQ(dialogue_->close_reason(), CloseReason::flood);
    open();
    EXPECT_EQ(say("BDAT 10000\r\n" + std::string(9'999, 'x')), "");
    EXPECT_EQ(codes(say("x")), "552");
    EXPECT_EQ(codes(say("BDAT 1 LAST\r\n")), "552");
    EXPECT_TRUE(dialogue_->is_closed());
    EXPECT_EQ(dialogue_->log()[dialogue_->log().size() - 2], "aborted too_large");
    Dialogue other(settings_, stranger());
    other.listen();
    EXPECT_EQ(codes(other.say("BDAT 20000\r\nNOOP\r\n")), "503");
    EXPECT_TRUE(other.is_closed());
}

TEST_F(ContentTest, EndsWithTheConnection) {
    open();
    say("BDAT 100 LAST\r\nhalf");
    dialogue_->machine().end_of_input();
    EXPECT_EQ(dialogue_->listen(), "");
    EXPECT_EQ(dialogue_->log()[dialogue_->log().size() - 2], "aborted closed");
    EXPECT_EQ(dialogue_->say("QUIT\r\n"), "");
    EXPECT_TRUE(dialogue_->messages().empty());
    open().say("DATA\r\n");
    say("half\r\n.\r");
    dialogue_->machine().end_of_input();
    dialogue_->listen();
    EXPECT_TRUE(dialogue_->messages().empty());
}

}  // namespace
}  // namespace gatehouse::receive::smtp
