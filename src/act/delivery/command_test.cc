#include "act/delivery/command.h"

#include <gtest/gtest.h>

namespace gatehouse::act::delivery {
namespace {

using message::Envelope;
using message::Recipient;

Capabilities everything() {
    Capabilities offers;
    offers.esmtp = offers.size = offers.pipelining = offers.eight_bit = offers.smtputf8 = offers.dsn = true;
    return offers;
}

std::string mail(const Envelope& envelope, const Capabilities& offers) {
    std::string out;
    const auto written = append_mail(out, envelope, offers);
    EXPECT_EQ(written.has_value(), !out.empty()) << "a refused command leaves nothing behind";
    return out;
}

std::string rcpt(const Recipient& recipient, const Capabilities& offers, bool smtputf8 = false) {
    std::string out;
    const auto written = append_rcpt(out, recipient, offers, smtputf8);
    EXPECT_EQ(written.has_value(), !out.empty());
    return out;
}

Envelope full_envelope() {
    Envelope envelope;
    envelope.sender = "a@example.com";
    envelope.declared_size = 1234;
    envelope.eight_bit = true;
    envelope.smtputf8 = true;
    envelope.ret = "HDRS";
    envelope.envid = "QQ314159+2B";
    return envelope;
}

TEST(Command, ParametersOnlyWhenOffered) {
    EXPECT_EQ(mail(full_envelope(), everything()),
              "MAIL FROM:<a@example.com> SIZE=1234 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ314159+2B\r\n");
    EXPECT_EQ(mail(full_envelope(), Capabilities()), "MAIL FROM:<a@example.com>\r\n");
    EXPECT_EQ(mail(Envelope(), everything()), "MAIL FROM:<>\r\n");
    Envelope known = full_envelope();
    known.size = 99;
    Capabilities size_only;
    size_only.size = true;
    EXPECT_EQ(mail(known, size_only), "MAIL FROM:<a@example.com> SIZE=99\r\n");
}

TEST(Command, DsnParametersOfRecipients) {
    Recipient recipient{"b@example.com", 0, "rfc822;b+2Bc@example.com"};
    EXPECT_EQ(rcpt(recipient, everything()), "RCPT TO:<b@example.com> ORCPT=rfc822;b+2Bc@example.com\r\n");
    EXPECT_EQ(rcpt(recipient, Capabilities()), "RCPT TO:<b@example.com>\r\n");
    recipient.orcpt.clear();
    recipient.notify = message::kNotifyDelay | message::kNotifySuccess;
    EXPECT_EQ(rcpt(recipient, everything()), "RCPT TO:<b@example.com> NOTIFY=SUCCESS,DELAY\r\n");
    recipient.notify = message::kNotifyNever;
    EXPECT_EQ(rcpt(recipient, everything()), "RCPT TO:<b@example.com> NOTIFY=NEVER\r\n");
}

TEST(Command, AnOrcptThatNeedsSmtputf8IsLeftOutWithoutIt) {
    const Recipient recipient{"b@example.com", message::kNotifyFailure, "utf-8;j\xc3\xbc@example.com"};
    EXPECT_EQ(rcpt(recipient, everything(), true),
              "RCPT TO:<b@example.com> NOTIFY=FAILURE ORCPT=utf-8;j\xc3\xbc@example.com\r\n");
    EXPECT_EQ(rcpt(recipient, everything(), false), "RCPT TO:<b@example.com> NOTIFY=FAILURE\r\n");
}

TEST(Command, NoAddressBecomesASecondCommand) {
    using namespace std::string_literals;
    const std::string bad[] = {"a@b\r\nRCPT TO:<x@y>",
                               "a@b\n",
                               "a\r@b",
                               "a\0@b"s,
                               "a@b> SIZE=1",
                               "a@b <c",
                               "a b@c",
                               "\"open@b",
                               "\"a\\",
                               "a\\b@c",
                               "\"x\r\n\"@b",
                               "\x7F@b",
                               "a@b\x1B[2Jcd",
                               std::string(2000, 'a')};
    for (const auto& address : bad) {
        Envelope envelope;
        envelope.sender = address;
        EXPECT_EQ(mail(envelope, everything()), "") << address;
        EXPECT_EQ(rcpt({address, 0, ""}, everything()), "") << address;
    }
    EXPECT_EQ(rcpt({"", 0, ""}, everything()), "") << "the null path is a sender only";
}

TEST(Command, OpaqueLocalPartsPass) {
    for (const std::string address :
         {"\"a b>c\"@d", "\"q\\\"x\"@d", "Postmaster", "o'hara+x%y!z@d", "u@[IPv6:::1]"}) {
        EXPECT_EQ(rcpt({address, 0, ""}, Capabilities()), "RCPT TO:<" + address + ">\r\n");
    }
}

TEST(Command, Utf8OnlyWithSmtputf8) {
    const Recipient recipient{"j\xC3\xBCrgen@example.com", 0, ""};
    EXPECT_EQ(rcpt(recipient, everything(), false), "");
    EXPECT_EQ(rcpt(recipient, everything(), true), "RCPT TO:<" + recipient.address + ">\r\n");
    Envelope envelope;
    envelope.sender = recipient.address;
    EXPECT_EQ(mail(envelope, everything()), "");
}

TEST(Command, NoParameterBecomesASecondOne) {
    for (const std::string value : {"x\r\nDATA", "x SIZE=1", "x\n", "x\ty", "\xC3\xA9"}) {
        Envelope envelope;
        envelope.envid = value;
        EXPECT_EQ(mail(envelope, everything()), "") << value;
        envelope.envid.clear();
        envelope.ret = value;
        EXPECT_EQ(mail(envelope, everything()), "") << value;
    }
    for (const std::string value : {"x\r\nDATA", "x SIZE=1", "x\n", "x\ty"}) {
        EXPECT_EQ(rcpt({"a@b", 0, value}, everything()), "") << value;
    }
}

TEST(Command, HelloNames) {
    std::string out;
    EXPECT_TRUE(append_hello(out, "EHLO", "gw.example.com"));
    EXPECT_TRUE(append_hello(out, "HELO", "[IPv6:2001:db8::1]"));
    EXPECT_EQ(out, "EHLO gw.example.com\r\nHELO [IPv6:2001:db8::1]\r\n");
    for (const std::string name : {"", "a b", "a\r\nMAIL", "\xC3\xA9", "a>b"}) {
        EXPECT_FALSE(check_helo_name(name)) << name;
    }
    EXPECT_FALSE(check_helo_name(std::string(256, 'a')));
}

}  // namespace
}  // namespace gatehouse::act::delivery
