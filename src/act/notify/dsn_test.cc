#include "act/notify/dsn.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "inspect/mime/decode.h"
#include "inspect/mime/parser.h"

namespace gatehouse::act::notify {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kContent = "From: <a@example.org>\r\nSubject: the original\r\n\r\nits body\r\n";
constexpr std::size_t kHeader = kContent.find("\r\n\r\n") + 4;

base::WallTime at(std::int64_t seconds) {
    return base::WallTime(std::chrono::seconds(seconds));
}

message::Envelope envelope() {
    message::Envelope out;
    out.sender = "a@example.org";
    out.received = at(1'700'000'000);
    out.reference = base::Reference::make(out.received, 1, 1);
    return out;
}

std::string dsn(const Notice& notice, const message::Envelope& about, std::string_view content = kContent,
                std::size_t header = kHeader) {
    const auto own = base::Reference::make(at(1'700'000'100), 1, 2);
    return write_dsn(notice, {about, content, header, "<id@example.org>"},
                     {"gateway.test", own, at(1'700'000'100)});
}

Notice failed(const std::string& reply = "550 5.1.1 no such user") {
    return {NoticeKind::failed, {{{"b@gw.test", 0, ""}, reply, "192.0.2.1", at(1'700'000'050)}}, {}};
}

TEST(Dsn, TellsPeopleAndMachines) {
    auto about = envelope();
    about.envid = "QQ+3D1";
    auto notice = failed();
    notice.recipients[0].recipient.orcpt = "rfc822;B+2Bx@gw.test";
    const auto text = dsn(notice, about);
    EXPECT_THAT(
        text,
        StartsWith(
            "From: \"Mail gateway gateway.test\" <MAILER-DAEMON@gateway.test>\r\nTo: <a@example.org>\r\n"));
    for (const char* part : {"Auto-Submitted: auto-replied\r\n", "report-type=delivery-status",
                             "In-Reply-To: <id@example.org>\r\n", "Reporting-MTA: dns; gateway.test\r\n",
                             "Original-Envelope-Id: QQ=1\r\n", "Original-Recipient: rfc822; B+x@gw.test\r\n",
                             "Final-Recipient: rfc822; b@gw.test\r\n", "Action: failed\r\nStatus: 5.1.1\r\n",
                             "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n",
                             "Last-Attempt-Date: ", "Subject: the original\r\n\r\n\r\n--"}) {
        EXPECT_THAT(text, HasSubstr(part));
    }
    EXPECT_THAT(text, Not(HasSubstr("its body"))) << "nobody asked for it";
    EXPECT_THAT(text, Not(HasSubstr("192.0.2.1"))) << "a stranger learns nothing of our hops";
    about.client.permitted_sender = true;
    EXPECT_THAT(dsn(failed(), about), HasSubstr("Remote-MTA: dns; [192.0.2.1]\r\n"));
}

TEST(Dsn, IsAWellFormedReport) {
    for (const std::string ret : {"", "FULL", "HDRS"}) {
        auto about = envelope();
        about.ret = ret;
        const auto text = dsn(failed(), about);
        const auto structure = inspect::mime::parse(text);
        EXPECT_TRUE(structure.root().anomalies.is_empty());
        ASSERT_EQ(structure.parts.size(), ret == "FULL" ? 5U : 4U) << text;
        EXPECT_EQ(text.contains("its body"), ret == "FULL");
        EXPECT_TRUE(base::is_ascii(text));
        EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), std::count(text.begin(), text.end(), '\r'));
    }
}

TEST(Dsn, DelaysSayUntilWhenAndRelaysThatNoMoreWillBeHeard) {
    auto notice = failed("450 4.2.0 later");
    notice.kind = NoticeKind::delayed;
    notice.retry_until = at(1'700'400'000);
    const auto delayed = dsn(notice, envelope());
    EXPECT_THAT(delayed, HasSubstr("Action: delayed\r\nStatus: 4.2.0\r\n"));
    EXPECT_THAT(delayed, HasSubstr("Will-Retry-Until: Sun, 19 Nov 2023 13:20:00 +0000\r\n"));
    notice.kind = NoticeKind::relayed;
    notice.recipients[0].reply = "250 2.0.0 ok";
    EXPECT_THAT(dsn(notice, envelope()), HasSubstr("Action: relayed\r\nStatus: 2.0.0\r\n"));
}

TEST(Dsn, StatusCodes) {
    using enum NoticeKind;
    EXPECT_EQ(status_of("550 5.1.1 x", failed), "5.1.1");
    EXPECT_EQ(status_of("550 no code", failed), "5.0.0");
    EXPECT_EQ(status_of("550", failed), "5.0.0");
    EXPECT_EQ(status_of("450", failed), "4.4.7");
    EXPECT_EQ(status_of("450", delayed), "4.0.0");
    EXPECT_EQ(status_of("42", failed), "4.4.7");
    EXPECT_EQ(status_of("550 4.1.1 wrong class", failed), "5.0.0");
    EXPECT_EQ(status_of("451 4.4.1 x", failed), "4.4.7");
    EXPECT_EQ(status_of("451 4.4.1 x", delayed), "4.4.1");
    EXPECT_EQ(status_of("not a reply", failed), "4.4.7");
    EXPECT_EQ(status_of("", delayed), "4.0.0");
    EXPECT_EQ(status_of("550 5.1.1\r\nX: y", failed), "5.0.0");
    EXPECT_EQ(status_of("250 2.0.0 ok", relayed), "2.0.0");
    EXPECT_EQ(status_of("250 2.0.0 ok", failed), "5.0.0");
    EXPECT_EQ(status_of("250", failed), "5.0.0");
    EXPECT_EQ(status_of("950 9.1.1 x", failed), "5.0.0");
    EXPECT_EQ(status_of("550 5.1.1 x", delayed), "4.0.0");
}

TEST(Dsn, NothingThatOthersChoseBecomesALine) {
    auto about = envelope();
    about.sender = "a@example.org";
    about.envid = "x";
    const std::string evil = "550 5.1.1 no\r\nBcc: <x@y>\r\n\r\n--\x1b[31m \xc2\x9b \xff";
    auto notice = failed(evil);
    notice.recipients[0].recipient.address = "b\r\nX-Evil: 1@gw.test";
    notice.recipients[0].recipient.orcpt = "rfc822;x+0D+0AX-Evil: 2";
    const auto own = base::Reference::make(at(1), 1, 2);
    const auto text = write_dsn(notice, {about, kContent, kHeader, "<a>\r\nX-Evil: 3"},
                                {"gateway.test", own, at(1'700'000'100)});
    EXPECT_TRUE(base::is_ascii(text));
    EXPECT_THAT(text, Not(HasSubstr("\nX-Evil")));
    EXPECT_THAT(text, Not(HasSubstr("\nBcc")));
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
    for (const std::string sender :
         {"a\r\nX-Evil: 4@example.org", "a\r\n\r\n@example.org", "a\xff@example.org"}) {
        about.sender = sender;
        EXPECT_THAT(dsn(failed(), about), HasSubstr("\r\nTo: undisclosed-recipients:;\r\nSubject: "));
    }
}

// As long as a session takes them: a next hop or a reader compares them with what they know.
TEST(Dsn, AddressesAreNotCut) {
    const std::string address = std::string(255, 'l') + '@' + std::string(255, 'd');
    auto notice = failed();
    notice.recipients[0].recipient = {address, 0, "rfc822;" + address};
    const auto text = dsn(notice, envelope());
    EXPECT_THAT(text, HasSubstr("\r\n<" + address + ">\r\n"));
    EXPECT_THAT(text, HasSubstr("Original-Recipient: rfc822; " + address + "\r\n"));
    EXPECT_THAT(text, HasSubstr("Final-Recipient: rfc822; " + address + "\r\n"));
}

std::size_t longest_line(std::string_view text) {
    std::size_t longest = 0;
    for (const auto line : base::split(text, '\n')) longest = std::max(longest, line.size());
    return longest - 1;  // CR
}

TEST(Dsn, NoFieldIsLongerThanALine) {
    std::string symbols = "\xf0\x9f\x98\x80";
    for (int i = 0; i < 250; ++i) symbols += "+\xc3\xbc";
    auto notice = failed();
    notice.recipients[0].recipient = {symbols + "@gw.test", 0, "utf-8;" + symbols};
    const auto text = dsn(notice, envelope());
    EXPECT_LE(longest_line(text), 998U);
    EXPECT_THAT(text, HasSubstr("Final-Recipient: utf-8; \\x{1F600}\\x{2B}\\x{FC}"));
}

std::string returned_bytes(std::string_view text) {
    const auto from = text.rfind("base64\r\n\r\n") + 10;
    return inspect::mime::decode_base64(text.substr(from, text.rfind("\r\n\r\n--") - from), 2U << 20).bytes;
}

// A client may send longer lines than RFC 5321 section 4.5.3.1.6 lets it; our notice is mail of our own.
TEST(Dsn, NothingIsReturnedThatALineCannotHold) {
    auto about = envelope();
    about.ret = "FULL";
    for (const std::string& odd : {std::string(999, 'x'), std::string("a\nb"), std::string("a\rb"),
                                   std::string("a\r\r\nb"), std::string("a\0b", 3)}) {
        const std::string in_body = "Subject: x\r\n\r\n" + odd + "\r\n";
        const auto header_alone = dsn(failed(), about, in_body, 14);
        EXPECT_THAT(header_alone, HasSubstr("text/rfc822-headers\r\nContent-Transfer-Encoding: 7bit\r\n"));
        EXPECT_THAT(header_alone, HasSubstr("\r\n\r\nSubject: x\r\n\r\n\r\n--"));
        const std::string in_header = "X: " + odd + "\r\n\r\n";
        const auto encoded = dsn(failed(), about, in_header + "body\r\n", in_header.size());
        EXPECT_THAT(encoded, HasSubstr("text/rfc822-headers\r\nContent-Transfer-Encoding: base64\r\n"));
        EXPECT_EQ(returned_bytes(encoded), in_header);
    }
    const std::string longest = "Subject: x\r\n\r\n" + std::string(998, 'x') + "\r\n";
    EXPECT_THAT(dsn(failed(), about, longest, 14), HasSubstr("message/rfc822\r\n"));
}

TEST(Dsn, OfALargeHeaderWholeLinesAreReturned) {
    for (const std::size_t shift : {0U, 1U, 2U, 3U}) {
        std::string header = "X: " + std::string(shift, 'x') + "\r\n";
        while (header.size() < kMaxNotice) header += "Y: z\r\n";
        const auto text = dsn(failed(), envelope(), header, header.size());
        EXPECT_FALSE(text.contains("\r\r"));
        EXPECT_THAT(text, HasSubstr("\r\nY: z\r\n\r\n--"));
    }
}

TEST(Dsn, InternationalAddressesAreEscaped) {
    auto notice = failed();
    notice.recipients[0].recipient = {"j\xc3\xbc+r@gw.test", 0, "utf-8;j\xc3\xbcr@gw.test"};
    const auto text = dsn(notice, envelope());
    EXPECT_THAT(text, HasSubstr("Final-Recipient: utf-8; j\\x{FC}\\x{2B}r@gw.test\r\n"));
    EXPECT_THAT(text, HasSubstr("Original-Recipient: utf-8; j\\x{FC}r@gw.test\r\n"));
    EXPECT_TRUE(base::is_ascii(text));
}

// RFC 6533 section 6; the bytes are those of the original at either end.
TEST(Dsn, InternationalisedOriginalsAreGlobal) {
    const std::string content = "Subject: Gr\xc3\xbc\xc3\x9f\x65\r\n\r\nthe body\r\n";
    const std::size_t header = content.find("\r\n\r\n") + 4;
    auto about = envelope();
    about.smtputf8 = true;
    for (const std::string ret : {"FULL", "HDRS"}) {
        about.ret = ret;
        about.sender = "a@example.org";
        const std::string type = ret == "FULL" ? "message/global\r\n" : "message/global-headers\r\n";
        const auto encoded = dsn(failed(), about, content, header);
        EXPECT_THAT(encoded, HasSubstr("Content-Type: " + type + "Content-Transfer-Encoding: base64\r\n"));
        EXPECT_TRUE(base::is_ascii(encoded)) << "its way back may know no SMTPUTF8";
        const auto body = std::string_view(encoded).substr(encoded.rfind("base64\r\n\r\n") + 10);
        EXPECT_EQ(inspect::mime::decode_base64(body.substr(0, body.find("\r\n\r\n--")), 1000).bytes,
                  ret == "FULL" ? content : content.substr(0, header));
        about.sender = "\xc3\xbc@example.org";
        const auto plain = dsn(failed(), about, content, header);
        EXPECT_THAT(plain, HasSubstr("Content-Type: " + type + "Content-Transfer-Encoding: 8bit\r\n"));
        EXPECT_THAT(plain, HasSubstr(content.substr(0, header)));
    }
    about.ret = "FULL";
    EXPECT_THAT(dsn(failed(), about), HasSubstr("message/rfc822")) << "nothing in it needs SMTPUTF8";
    about.smtputf8 = false;
    EXPECT_THAT(dsn(failed(), about, content, header), HasSubstr("message/rfc822"));
}

TEST(Dsn, WhereTheHeaderEndsUnknownItMayBeInternationalised) {
    auto about = envelope();
    about.smtputf8 = true;
    about.ret = "FULL";
    const auto text = dsn(failed(), about, "Subject: Gr\xc3\xbc\xc3\x9f\x65\r\n\r\nthe body\r\n", 0);
    EXPECT_THAT(text, HasSubstr("message/global\r\nContent-Transfer-Encoding: base64\r\n"));
    EXPECT_TRUE(base::is_ascii(text));
}

TEST(Dsn, TheBoundaryIsNoneOfTheOriginals) {
    auto about = envelope();
    about.ret = "FULL";
    const auto own = base::Reference::make(at(1'700'000'100), 1, 2);
    const std::string content = "Subject: x\r\n\r\n--=_" + own.to_string() + "--\r\nmore\r\n";
    const auto text = dsn(failed(), about, content, 14);
    EXPECT_THAT(text, HasSubstr("boundary=\"=_1_" + own.to_string() + "\""));
    EXPECT_THAT(text, HasSubstr("more\r\n"));
    const std::string long_one = "Subject: x\r\n\r\n--=_" + own.to_string() + std::string(60, '_') + "\r\n";
    EXPECT_THAT(dsn(failed(), about, long_one, 14), HasSubstr("boundary=\"=_1_" + own.to_string() + "\""))
        << "70 at most, RFC 2046 section 5.1.1";
}

TEST(Dsn, StaysSmall) {
    std::string umlauts;
    for (int i = 0; i < 450; ++i) umlauts += "\xc3\xbc";
    auto about = envelope();
    about.ret = "FULL";
    auto notice = failed(std::string(5000, 'r'));
    for (std::size_t i = 1; i < kMaxRecipients; ++i)
        notice.recipients.push_back({{i % 2 == 0 ? std::string(900, 'u') : umlauts, 0, "utf-8;" + umlauts},
                                     notice.recipients[0].reply,
                                     "192.0.2.1",
                                     at(1)});
    for (const std::size_t size : {500U << 10, 900U << 10, 3U << 20}) {
        EXPECT_LT(dsn(notice, about, std::string(size, 'x'), size).size(), kMaxNotice);
        about.smtputf8 = true;
        EXPECT_LT(dsn(notice, about, std::string(size, '\xc3'), size).size(), kMaxNotice);
    }
}

bool wants(NoticeKind kind, std::uint8_t notify, const std::string& sender = "a@example.org",
           const message::HeaderSummary& header = {}) {
    message::Envelope about;
    about.sender = sender;
    return wants_notice(kind, about, header, {"b@gw.test", notify, ""});
}

TEST(WantsNotice, AsTheSenderAsked) {
    using enum NoticeKind;
    EXPECT_TRUE(wants(failed, 0));
    EXPECT_TRUE(wants(delayed, 0));
    EXPECT_FALSE(wants(relayed, 0));
    EXPECT_FALSE(wants(failed, message::kNotifyNever));
    EXPECT_FALSE(wants(delayed, message::kNotifyNever));
    EXPECT_TRUE(wants(failed, message::kNotifyFailure));
    EXPECT_FALSE(wants(delayed, message::kNotifyFailure));
    EXPECT_FALSE(wants(failed, message::kNotifySuccess));
    EXPECT_TRUE(wants(relayed, message::kNotifySuccess));
    for (const auto kind : {failed, delayed, relayed}) {
        EXPECT_FALSE(wants(kind, 0, ""));
        EXPECT_FALSE(wants(kind, message::kNotifyFailure | message::kNotifySuccess, ""));
    }
}

TEST(WantsNotice, NeverAtTheAddressOfAList) {
    using enum NoticeKind;
    message::HeaderSummary header;
    header.from_list = true;
    header.list_id = "talk.lists.test";
    header.list_post = {"post=here@lists.test"};
    header.to = {"alias@lists.test"};
    for (const char* sender :
         {"talk@lists.test", "Talk@LISTS.test", "post=here@lists.test", "alias@lists.test"}) {
        EXPECT_FALSE(wants(failed, 0, sender, header)) << sender;
        EXPECT_FALSE(wants(delayed, 0, sender, header)) << sender;
        EXPECT_TRUE(wants(failed, message::kNotifyFailure, sender, header)) << "it was asked for";
        EXPECT_TRUE(wants(failed, 0, sender)) << "not of a list";
    }
    for (const char* sender :
         {"talk-bounces+b=gw.test@lists.test", "prvs=123abc=a@example.org", "owner-talk@lists.test",
          "bounce-17@lists.test", "talk-return-5@lists.test", "talk-request@lists.test", "a@example.org"}) {
        EXPECT_TRUE(wants(failed, 0, sender, header)) << sender;
        EXPECT_FALSE(wants(delayed, 0, sender, header)) << sender;
        EXPECT_TRUE(wants(delayed, message::kNotifyDelay, sender, header)) << sender;
    }
}

}  // namespace
}  // namespace gatehouse::act::notify
