// Sessions in spellings that clients, attackers and other servers use: told to a whole gateway, which must
// answer each with the reply its RFC asks for, pass nothing on that was not said, and serve the next client.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "support/gateway/gateway_test.h"

namespace gatehouse::testing {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using namespace std::chrono_literals;
using namespace std::string_literals;

constexpr const char* kEnvelope = "MAIL FROM:<a@example.org>\r\nRCPT TO:<user@gw.test>\r\n";
/// What a smuggler hides behind a false end of data.
constexpr const char* kSmuggled =
    "MAIL FROM:<evil@example.org>\r\nRCPT TO:<smuggled@gw.test>\r\nDATA\r\nSubject: "
    "smuggled\r\n\r\nx\r\n.\r\n";

enum class Pace { whole, bytewise };

class SpellingsTest : public GatewayTest {
  protected:
    /// The codes of all replies until the gateway has no more to say: "250 354 550".
    static std::string rest(SmtpTalk& talk) {
        talk.half_close();
        std::string out;
        for (auto reply = talk.hear(); !reply.empty(); reply = talk.hear()) {
            out += (out.empty() ? "" : " ") + reply.substr(0, 3);
        }
        return out;
    }
    /// Says `bytes` to a fresh session behind EHLO, then nothing any more.
    std::string codes(const std::string& bytes) const {
        auto talk = client();
        talk.send(bytes);
        return rest(talk);
    }
    /// A message whose content is `content`, as DATA; the codes behind 354.
    std::string data(const std::string& content, Pace pace) const {
        auto talk = client();
        talk.send(kEnvelope);
        talk.hear();
        talk.hear();
        if (const auto reply = talk.ask("DATA"); !reply.starts_with("354")) return reply;
        if (pace == Pace::whole) {
            talk.send(content);
        } else {
            for (const char byte : content) {
                talk.send({&byte, 1});
                std::this_thread::sleep_for(100us);
            }
        }
        return rest(talk);
    }
    /// What reached the sink, and that nothing of it was smuggled, foreign or unfit for a strict server.
    std::size_t arrived() const {
        std::size_t count = 0;
        for (const auto& message : sink_->messages()) {
            ++count;
            EXPECT_THAT(message.sender, Not(HasSubstr("evil")));
            for (const auto& recipient : message.recipients) {
                EXPECT_THAT(recipient.address, Not(HasSubstr("smuggled")));
                EXPECT_TRUE(is_ours(recipient.address)) << recipient.address;
            }
            EXPECT_TRUE(is_plain(message.raw)) << message.raw;
        }
        return count;
    }
    /// Neither NUL nor a CR or LF without its other half.
    static bool is_plain(const std::string& raw) {
        if (raw.contains('\0')) return false;
        for (std::size_t i = 0; i < raw.size(); ++i) {
            if (raw[i] == '\n' && (i == 0 || raw[i - 1] != '\r')) return false;
            if (raw[i] == '\r' && (i + 1 == raw.size() || raw[i + 1] != '\n')) return false;
        }
        return true;
    }
    static bool is_ours(std::string address) {
        std::transform(address.begin(), address.end(), address.begin(), ::tolower);
        return address == "postmaster" || address.ends_with("@gw.test") || address.ends_with("@example.com");
    }
    void expect_served() const {
        SmtpTalk talk(gateway_->smtp_port());
        EXPECT_THAT(talk.deliver("next@example.org", {"user@gw.test"}, kMail), StartsWith("250"));
    }
};

// --- end of data: RFC 5321 section 4.1.1.4, CR LF . CR LF and nothing else

const std::vector<std::string> kFalseEnds = {
    "\n.\n",         "\n.\r\n",      "\r\n.\n",   "\r.\r",         "\r\n.\r",      "\r.\r\n",
    "\r\r\n.\r\r\n", "\r\n.\r\r\n",  "\r\r\n.\n", "\n\r\n.\n",     "\r\n\0.\r\n"s, "\r\n.\0\r\n"s,
    "\r\n.\r\0\n"s,  "\r\0\n.\r\n"s, "\n\n.\n\n", "\r.\n",         "\n.\r",        "\r\n.\r\r",
    "\r\n\r.\r\n",   "\r\n.\n\r\n",  "\n..\n",    "\r\n..\n",      "\n..\r\n",     "\r..\r",
    "\0\n.\r\n"s,    "\n\0.\r\n"s,   "\n.\0\n"s,  "\r\n.\r\0\r\n"s};
/// Without a bare CR, LF or NUL: plain text to everybody, and passed on as it is.
const std::vector<std::string> kHarmlessEnds = {
    "\r\n..\r\n",    "\r\n. \r\n",    "\r\n.\t\r\n",   "\r\n .\r\n",  "\r\n.x\r\n",
    "\r\n.\x0b\r\n", "\r\n.\x0c\r\n", "\x85.\x85\r\n", "\r\n=2E\r\n", "\xe2\x80\xa8.\xe2\x80\xa8\r\n"};

std::string printable(const std::string& bytes) {
    std::string out;
    for (const char c : bytes) {
        out += c == '\r' ? "\\r" : c == '\n' ? "\\n" : c == '\0' ? "\\0" : std::string(1, c);
    }
    return out;
}

std::string hiding(const std::string& false_end) {
    return "From: <a@example.org>\r\nSubject: s\r\n\r\nhello" + false_end + kSmuggled;
}

TEST_F(SpellingsTest, NoFalseEndOfDataIsTakenForOne) {
    start();
    for (const auto& end : kFalseEnds) {
        for (const Pace pace : {Pace::whole, Pace::bytewise}) {
            SCOPED_TRACE(printable(end) + (pace == Pace::whole ? ", whole" : ", byte by byte"));
            // The smuggled message ends with the one true end of data, so there is one reply and no more.
            EXPECT_EQ(data(hiding(end), pace), "550");
        }
    }
    EXPECT_EQ(arrived(), 0U);
    expect_served();
}

TEST_F(SpellingsTest, NoFalseEndOfDataIsMadeByMending) {
    start({.smtp = "bare_newline = \"normalise\""});
    std::size_t sent = 0;
    for (const auto& end : kFalseEnds) {
        for (const Pace pace : {Pace::whole, Pace::bytewise}) {
            SCOPED_TRACE(printable(end) + (pace == Pace::whole ? ", whole" : ", byte by byte"));
            EXPECT_EQ(data(hiding(end), pace), "250");
            ASSERT_EQ(arrived(), ++sent);
            // All of it is content of the one message: what was hidden stands in its body.
            EXPECT_THAT(sink_->messages().back().content(), HasSubstr("RCPT TO:<smuggled@gw.test>"));
            EXPECT_EQ(sink_->messages().back().sender, "a@example.org");
        }
    }
    expect_served();
}

TEST_F(SpellingsTest, WhatOnlyLooksLikeAnEndIsText) {
    start();
    std::size_t sent = 0;
    for (const auto& end : kHarmlessEnds) {
        SCOPED_TRACE(printable(end));
        const std::string text = "Subject: s\r\n\r\nhello" + end + "more\r\n";
        EXPECT_EQ(data(text + ".\r\n", Pace::bytewise), "250");
        ASSERT_EQ(arrived(), ++sent);
        test::SinkMessage as_sent;
        as_sent.raw = text;
        EXPECT_TRUE(sink_->messages().back().content().ends_with(as_sent.content()));
    }
    expect_served();
}

TEST_F(SpellingsTest, ContentThatNeverEndsIsNoMessage) {
    start();
    for (const char* cut : {"", "hello", "hello\r\n", "hello\r\n.", "hello\r\n.\r"}) {
        EXPECT_EQ(data(cut, Pace::whole), "") << printable(cut);
    }
    EXPECT_EQ(arrived(), 0U);
    expect_served();
}

// --- chunks: RFC 3030

std::string bdat(const std::string& bytes, const std::string& last = " LAST") {
    return "BDAT " + std::to_string(bytes.size()) + last + "\r\n" + bytes;
}

struct Spoken {
    const char* what;
    std::string bytes;
    const char* codes;  ///< of all replies
    std::size_t delivered;
};

TEST_F(SpellingsTest, ChunksAreCountedAndNothingElse) {
    start();
    const std::string env = kEnvelope;
    const std::string mail = kMail;
    const std::string inject =
        "RSET\r\nMAIL FROM:<evil@example.org>\r\nRCPT TO:<smuggled@gw.test>\r\nBDAT 2 LAST\r\nhi";
    const std::string over = std::to_string(100 * 1024 * 1024 + 1);
    const std::vector<Spoken> all = {
        {"one chunk", env + bdat(mail), "250 250 250", 1},
        {"an empty message", env + "BDAT 0 LAST\r\n", "250 250 250", 1},
        {"an empty last chunk", env + bdat(mail, "") + "BDAT 0 LAST\r\n", "250 250 250 250", 1},
        {"an empty chunk between", env + bdat("Subject: a\r", "") + "BDAT 0\r\n" + bdat("\n\r\nb\r\n"),
         "250 250 250 250 250", 1},
        {"verb and LAST in small letters", env + "bdat 15 last\r\nSubject: a\r\n\r\nb", "250 250 250", 1},
        {"white space behind", env + "BDAT 15 LAST  \r\nSubject: a\r\n\r\nb", "250 250 250", 1},
        {"leading zeros", env + "BDAT 00000000015 LAST\r\nSubject: a\r\n\r\nb", "250 250 250", 1},
        {"lines cut anywhere",
         env + bdat("Subject: a\r", "") + bdat("\n\r", "") + bdat("\n.", "") + bdat("\r", "") +
             bdat("\nMAIL FROM:<evil@example.org>\r\n"),
         "250 250 250 250 250 250 250", 1},
        {"dots are content", env + bdat("Subject: a\r\n\r\n.\r\n..\r\n.x\r\n.\r\n" + std::string(kSmuggled)),
         "250 250 250", 1},
        {"two messages in a row", env + bdat(mail) + env + bdat(mail) + "QUIT\r\n",
         "250 250 250 250 250 250 221", 2},
        {"LAST twice", env + bdat(mail) + bdat(mail), "250 250 250 503", 1},
        {"content that ends in CR", env + bdat("Subject: a\r\n\r\nabc\r"), "250 250 550", 0},
        {"a bare LF", env + bdat("Subject: a\n\r\nabc\r\n") + "NOOP\r\n", "250 250 550 250", 0},
        {"a bare LF in the first of two", env + bdat("Subject: a\n\r\n", "") + bdat("b\r\n") + "NOOP\r\n",
         "250 250 550 550 250", 0},
        {"a NUL", env + bdat("Subject: a\r\n\r\na\0b\r\n"s) + "NOOP\r\n", "250 250 550 250", 0},
        {"RSET between", env + bdat(mail, "") + "RSET\r\n" + bdat(mail), "250 250 250 250 503", 0},
        {"EHLO between", env + bdat(mail, "") + "EHLO x.test\r\n" + bdat(mail), "250 250 250 250 503", 0},
        {"MAIL between", env + bdat(mail, "") + "MAIL FROM:<evil@example.org>\r\n" + bdat("x\r\n"),
         "250 250 250 503 250", 1},
        {"RCPT between", env + bdat(mail, "") + "RCPT TO:<smuggled@gw.test>\r\n" + bdat("x\r\n"),
         "250 250 250 503 250", 1},
        {"DATA between", env + bdat(mail, "") + "DATA\r\n", "250 250 250 503", 0},
        {"DATA between, and more behind it", env + bdat(mail, "") + "DATA\r\n" + bdat("x\r\n"),
         "250 250 250 554", 0},
        {"without RCPT", "MAIL FROM:<a@example.org>\r\n" + bdat(mail) + "NOOP\r\n", "250 503 250", 0},
        {"all RCPT refused",
         "MAIL FROM:<a@example.org>\r\nRCPT TO:<x@elsewhere.test>\r\n" + bdat(mail, "") + bdat(mail) +
             "NOOP\r\n",
         "250 550 503 503 250", 0},
        {"before MAIL", bdat(mail) + "NOOP\r\n", "503 250", 0},
        {"larger than allowed, and never sent", env + "BDAT " + over + " LAST\r\nx", "250 250", 0},
        // Where the size cannot be known, what follows cannot be told from commands: the session ends.
        {"a negative size", env + "BDAT -1 LAST\r\n" + inject, "250 250 501", 0},
        {"a sign", env + "BDAT +5 LAST\r\n" + inject, "250 250 501", 0},
        {"hexadecimal", env + "BDAT 0x5 LAST\r\n" + inject, "250 250 501", 0},
        {"a size of 2^64", env + "BDAT 18446744073709551616 LAST\r\n" + inject, "250 250 501", 0},
        {"a size of 2^64-1", env + "BDAT 18446744073709551615 LAST\r\n" + inject, "250 250 552", 0},
        {"no size", env + "BDAT\r\n" + inject, "250 250 501", 0},
        {"LAST alone", env + "BDAT LAST\r\n" + inject, "250 250 501", 0},
        {"another word", env + "BDAT 78 LASTX\r\n" + inject, "250 250 501", 0},
        {"one word too many", env + "BDAT 78 LAST LAST\r\n" + inject, "250 250 501", 0},
        {"no space", env + "BDAT 78LAST\r\n" + inject, "250 250 501", 0},
    };
    std::size_t delivered = 0;
    for (const auto& one : all) {
        SCOPED_TRACE(one.what);
        EXPECT_EQ(codes(one.bytes), one.codes);
        delivered += one.delivered;
        ASSERT_EQ(arrived(), delivered);
    }
    expect_served();
}

// --- recipients: never an open relay, whatever the spelling

TEST_F(SpellingsTest, NoSpellingOfARecipientOpensTheRelay) {
    start();
    const std::vector<std::pair<std::string, std::string>> all = {
        {"<user@GW.Test>", "250"},
        {"<\"user\"@gw.test>", "250"},
        {"<\"us er\"@gw.test>", "250"},
        {"<\"us>er\"@gw.test>", "250"},
        {"<user+tag@gw.test>", "250"},
        {"<-oQ@gw.test>", "250"},
        {"<u`id`@gw.test>", "250"},
        {"<|cat@gw.test>", "250"},
        {"</etc/passwd@gw.test>", "250"},
        {"<Postmaster>", "250"},
        {"<pOSTMASTER>", "250"},
        {"<@elsewhere.test:user@gw.test>", "553"},
        {"<user@gw.test> NOTIFY=never", "250"},
        {"<user@gw.test> ORCPT=rfc822;u+40x", "250"},
        {"<user@gw.test.>", "501 550"},
        {"<user@gw.test..>", "501"},
        {"<user@.gw.test>", "501"},
        {"<user@sub.gw.test>", "550"},
        {"<user@xgw.test>", "550"},
        {"<user@gw.test.elsewhere.test>", "550"},
        {"<user@*.gw.test>", "501"},
        {"<user@[127.0.0.1]>", "550"},
        {"<user@[IPv6:::1]>", "550"},
        {"<user@[gw.test]>", "501"},
        {"<user@#2130706433>", "501"},
        {"<user@gw.test\0.elsewhere.test>"s, "500"},
        {"<user@gw.test%elsewhere.test>", "501"},
        {"<user%elsewhere.test@gw.test>", "553"},
        {"<elsewhere.test!user@gw.test>", "553"},
        {"<\"user@elsewhere.test\"@gw.test>", "553"},
        {"<\"user\\@elsewhere.test\"@gw.test>", "553"},
        {"<@gw.test:user@elsewhere.test>", "550 553"},
        {"<@gw.test,@elsewhere.test:user@elsewhere.test>", "550 553"},
        {"<user@elsewhere.test@gw.test>", "501"},
        {"<user@gw.test@elsewhere.test>", "501"},
        {"<user@gw.test,x@elsewhere.test>", "501"},
        {"<user@gw.test> <x@elsewhere.test>", "501 555"},
        {"<user@gw.test>x@elsewhere.test", "501"},
        {"<user@elsewhere.test(@gw.test)>", "501"},
        {"<user@gw.test", "501"},
        {"<<user@gw.test>>", "501"},
        {"< user@gw.test>", "501"},
        {"<user@ gw.test>", "501"},
        {"<>", "501"},
        {"<abuse>", "501"},
        {"<@gw.test>", "501"},
        {"<user@>", "501"},
        {"<.user@gw.test>", "501"},
        {"<us..er@gw.test>", "501"},
        {"<user@-x.gw.test>", "501"},
        {"<" + std::string(65, 'u') + "@gw.test>", "250 501"},
        {"<user@" + std::string(64, 'a') + ".gw.test>", "501"},
        {"<\xc3\xbc@gw.test>", "553"},
        {"<user@gw\xef\xbc\x8etest>", "553"},
        {"<user@gw.test> ORCPT=rfc822;u+0D+0Ax", "501"},
        {"<user@gw.test> NOTIFY=NEVER,SUCCESS", "501"},
        {"<user@gw.test> NOTIFY=", "501"},
        {"<user@gw.test> UNKNOWN=1", "555"},
        {"<user@gw.test>,<x@elsewhere.test>", "501"},
    };
    std::size_t sent = 0;
    for (const auto& [path, expected] : all) {
        SCOPED_TRACE(printable(path));
        auto talk = client();
        ASSERT_THAT(talk.ask("MAIL FROM:<a@example.org>"), StartsWith("250"));
        const auto code = talk.ask("RCPT TO:" + path).substr(0, 3);
        EXPECT_THAT(expected, HasSubstr(code));
        if (code != "250") {
            EXPECT_THAT(talk.ask("DATA"), AnyOf(StartsWith("503"), StartsWith("554")));
            continue;
        }
        ASSERT_THAT(talk.ask("DATA"), StartsWith("354"));
        EXPECT_THAT(talk.ask("Subject: s\r\n\r\nx\r\n."), StartsWith("250"));
        ASSERT_EQ(arrived(), ++sent);
    }
    expect_served();
}

// --- commands

TEST_F(SpellingsTest, CommandsInOtherSpellings) {
    start();
    const std::string at = " FROM:<a@example.org>";
    const std::vector<std::pair<std::string, std::string>> all = {
        {"mail from:<a@example.org>", "250"},
        {"MAIL FROM: <a@example.org>", "250 501"},
        {"MAIL FROM:<>", "250"},
        {"MAIL" + at + " SIZE=1 SIZE=2", "501"},
        {"MAIL" + at + " SIZE=", "501"},
        {"MAIL" + at + " SIZE=-1", "501"},
        {"MAIL" + at + " SIZE=104857600", "250"},
        {"MAIL" + at + " SIZE=104857601", "552"},
        {"MAIL" + at + " SIZE=99999999999999999999", "552 501"},
        {"MAIL" + at + " SIZE=\xef\xbc\x91", "501 500"},
        {"MAIL" + at + " BODY=8bitmime", "250"},
        {"MAIL" + at + " BODY=BINARYMIME", "501 555 504"},
        {"MAIL" + at + " BODY=", "501"},
        {"MAIL" + at + " SMTPUTF8=1", "501"},
        {"MAIL" + at + " RET=FULL ENVID=abc", "250"},
        {"MAIL" + at + " RET=some", "501"},
        {"MAIL" + at + " ENVID=a+0D+0Ab", "501"},
        {"MAIL" + at + " ENVID=" + std::string(101, 'e'), "501"},
        {"MAIL" + at + " REQUIRETLS", "555"},
        {"MAIL FROM:<\xc3\xa9@example.org> SMTPUTF8", "250"},
        {"MAIL FROM:<\xc3\xa9@example.org>", "550 553"},
        {"MAIL FROM:<\xff@example.org> SMTPUTF8", "501 553"},
        {"MAIL FROM:<a@[1.2.3.4]>", "250"},
        {"MAIL FROM:<a@[1.2.3.256]>", "501"},
        {"MAIL FROM:<\"a b\"@example.org>", "250"},
        {"MAIL FROM:<a@b@c>", "501"},
        {"MAIL FROM <a@example.org>", "501"},
        {"MAIL", "501"},
        {"MAILFROM:<a@example.org>", "500"},
        {" MAIL FROM:<a@example.org>", "500"},
        {"\xef\xbb\xbfMAIL FROM:<a@example.org>", "500"},
        {"EHLO", "501"},
        {"HELO", "501"},
        {"EHLO [192.0.2.1]", "250"},
        {"EHLO " + std::string(256, 'a'), "501"},
        {"RSET x", "501"},
        {"NOOP " + std::string(500, 'a'), "250"},
        {"NOOP " + std::string(5000, 'a'), "500"},
        {"VRFY root", "252"},
        {"EXPN staff", "502 550"},
        {"HELP", "214"},
        {"ETRN x", "500 502"},
        {"AUTH PLAIN AGEAYg==", "502 503 504 538 500"},
        {"XCLIENT ADDR=192.0.2.1", "550 500 502"},
        {"PROXY TCP4 192.0.2.1 192.0.2.2 1 25", "500"},
        {"STARTTLS now", "501"},
        {"BDAT", "501 503"},
        {"", "500"},
        {" ", "500"},
        {"\x16\x03\x01\x02", "500"},
        {"NOOP\n", "500"},
        {"NOOP\rRSET", "500"},
        {"NO\0OP"s, "500"},
    };
    for (const auto& [command, expected] : all) {
        SCOPED_TRACE(printable(command.substr(0, 60)));
        auto talk = client();
        EXPECT_THAT(expected, HasSubstr(talk.ask(command).substr(0, 3)));
    }
    EXPECT_EQ(arrived(), 0U);
    expect_served();
}

TEST_F(SpellingsTest, GroupsOfCommandsAndSendersInAHurry) {
    start();
    const std::string env = kEnvelope;
    const std::string content = kMail + ".\r\n"s;
    // PIPELINING groups, RFC 2920; content must wait for 354.
    EXPECT_EQ(codes(env + "DATA\r\n"), "250 250 354");
    EXPECT_EQ(codes(env + "RCPT TO:<x@elsewhere.test>\r\nRCPT TO:<two@gw.test>\r\nRSET\r\nQUIT\r\n"),
              "250 250 550 250 250 221");
    EXPECT_THAT(codes(env + "DATA\r\n" + content), AnyOf("250 250 503", "250 250 550", "250 250 554"));
    EXPECT_THAT(codes(env + "DATA\r\n" + content + kSmuggled),
                AnyOf("250 250 503", "250 250 550", "250 250 554"));
    EXPECT_EQ(codes(env + "QUIT\r\n" + kSmuggled), "250 250 221");
    EXPECT_EQ(arrived(), 0U);
    SmtpTalk web(gateway_->smtp_port());
    web.hear();
    web.send("POST / HTTP/1.1\r\nHost: gw\r\n\r\nEHLO x.test\r\n" + env + "DATA\r\n" + content);
    web.half_close();
    web.hear();
    EXPECT_EQ(web.hear(), "");
    EXPECT_EQ(arrived(), 0U);
    EXPECT_EQ(codes(env + bdat(kMail) + "QUIT\r\n"), "250 250 250 221");
    EXPECT_EQ(arrived(), 1U);
    expect_served();
}

TEST_F(SpellingsTest, WhoSpeaksBeforeTheGreetingIsNotHeard) {
    start({.smtp = "greeting_delay = 300"});
    const std::string all = "EHLO early.test\r\n"s + kEnvelope + bdat(kMail) + "QUIT\r\n";
    SmtpTalk early(gateway_->smtp_port());
    early.send(all);
    EXPECT_THAT(early.hear(), StartsWith("554"));
    EXPECT_EQ(early.hear(), "");
    SmtpTalk one_byte(gateway_->smtp_port());
    one_byte.send("\r");
    EXPECT_THAT(one_byte.hear(), StartsWith("554"));
    EXPECT_EQ(arrived(), 0U);
    expect_served();
}

// --- STARTTLS: RFC 3207

TEST_F(SpellingsTest, NothingSaidInClearSurvivesStarttls) {
    start();
    auto talk = client();
    talk.send("STARTTLS\r\nEHLO evil.test\r\nMAIL FROM:<evil@example.org>\r\nRCPT TO:<smuggled@gw.test>\r\n");
    ASSERT_THAT(talk.hear(), StartsWith("220"));
    ASSERT_TRUE(talk.start_tls());
    EXPECT_THAT(talk.ask("DATA"), StartsWith("503"));
    EXPECT_THAT(talk.ask("EHLO client.test"), StartsWith("250"));
    EXPECT_THAT(talk.ask("STARTTLS"), StartsWith("503"));
    EXPECT_THAT(talk.deliver_greeted("a@example.org", {"user@gw.test"}, kMail), StartsWith("250"));
    EXPECT_THAT(talk.ask("RSET"), StartsWith("250"));
    // The envelope of before is gone, too.
    auto second = client();
    second.ask("MAIL FROM:<evil@example.org>");
    second.ask("RCPT TO:<user@gw.test>");
    EXPECT_THAT(second.ask("STARTTLS"), StartsWith("503"));
    auto third = client();
    EXPECT_THAT(third.ask("STARTTLS"), StartsWith("220"));
    third.send("GARBAGE THAT IS NO TLS\r\n" + std::string(kSmuggled));
    third.half_close();
    EXPECT_THAT(third.hear(), Not(StartsWith("250")));
    EXPECT_EQ(arrived(), 1U);
    expect_served();
}

TEST_F(SpellingsTest, ClearTextInsideTlsEndsTheSession) {
    start();
    for (const std::string begun : {"DATA", "BDAT 100 LAST"}) {
        auto talk = client();
        ASSERT_THAT(talk.ask("STARTTLS"), StartsWith("220"));
        ASSERT_TRUE(talk.start_tls());
        talk.ask("EHLO client.test");
        talk.ask("MAIL FROM:<a@example.org>");
        talk.ask("RCPT TO:<user@gw.test>");
        talk.send(begun + "\r\n");
        if (begun == "DATA") talk.hear();
        talk.send("Subject: half\r\n\r\n");
        talk.leave_tls();  // close_notify, and what follows is in clear
        talk.send("rest in clear\r\n.\r\n" + std::string(kSmuggled));
        talk.half_close();
        EXPECT_EQ(talk.hear(), "") << begun;
    }
    EXPECT_EQ(arrived(), 0U);
    expect_served();
}

}  // namespace
}  // namespace gatehouse::testing
