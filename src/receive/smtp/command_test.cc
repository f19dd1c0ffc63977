#include "receive/smtp/command.h"

#include <gtest/gtest.h>

namespace gatehouse::receive::smtp {
namespace {

std::string mail(std::string_view arguments) {
    const auto parsed = parse_mail(arguments);
    if (!parsed) return std::to_string(parsed.error().code) + " " + parsed.error().enhanced;
    std::string out = "<" + parsed->sender + ">";
    if (parsed->declared_size != 0) out += " " + std::to_string(parsed->declared_size);
    if (parsed->smtputf8) out += " utf8";
    if (parsed->eight_bit) out += " 8bit";
    return out + parsed->ret + parsed->envid;
}

std::string rcpt(std::string_view arguments, bool smtputf8 = false) {
    const auto parsed = parse_rcpt(arguments, smtputf8);
    if (!parsed) return std::to_string(parsed.error().code) + " " + parsed.error().enhanced;
    std::string out = "<" + parsed->path.to_string() + ">";
    if (parsed->notify != 0) out += " " + std::to_string(parsed->notify);
    return parsed->orcpt.empty() ? out : out + " " + parsed->orcpt;
}

TEST(Command, Splits) {
    EXPECT_EQ(split_command("NOOP").verb, "NOOP");
    EXPECT_EQ(split_command("NOOP \t x y  ").arguments, "x y");
    EXPECT_EQ(split_command("").verb, "");
    EXPECT_EQ(split_command(" NOOP").verb, "");
    EXPECT_EQ(split_words("  a \t b ").size(), 2U);
    EXPECT_TRUE(split_words(" ").empty());
}

TEST(Command, ReadsHello) {
    EXPECT_EQ(*parse_hello("client.test"), "client.test");
    EXPECT_EQ(*parse_hello("[IPv6:::1] and more"), "[IPv6:::1]");
    EXPECT_EQ(*parse_hello("under_score"), "under_score");
    EXPECT_EQ(parse_hello("").error().code, 501);
    EXPECT_TRUE(parse_hello(std::string(255, 'a')));
    EXPECT_EQ(parse_hello(std::string(256, 'a')).error().code, 501);
    EXPECT_EQ(parse_hello("j\xc3\xbcrgen").error().code, 501);
}

TEST(Command, ReadsMail) {
    EXPECT_EQ(mail("FROM:<a@b.test>"), "<a@b.test>");
    EXPECT_EQ(mail("from: \t<a@b.test>"), "<a@b.test>");
    EXPECT_EQ(mail("FROM:<>"), "<>");
    EXPECT_EQ(mail("FROM:<@x.test:a@b.test>"), "<a@b.test>");
    EXPECT_EQ(mail("FROM:<a@b.test>  SIZE=0042 BODY=8bitmime\tRET=hdrs ENVID=x+2By"),
              "<a@b.test> 42 8bitHDRSx+2By");
    EXPECT_EQ(mail("FROM:<a@b.test> body=7BIT SMTPUTF8 RET=FULL"), "<a@b.test> utf8FULL");
    EXPECT_EQ(mail("FROM:<a@b.test> SIZE=99999999999999999999"), "<a@b.test> 18446744073709551615");
}

TEST(Command, RefusesBadMail) {
    for (const char* bad : {"",
                            "FROM",
                            "FROM:",
                            "FROM :<a@b>",
                            "TO:<a@b>",
                            "<a@b>",
                            "FROM:<a@b.test>SIZE=1",
                            "FROM:<a@b.test>,",
                            "FROM:<a@b.test> SIZE",
                            "FROM:<a@b.test> SIZE=",
                            "FROM:<a@b.test> SIZE=abc",
                            "FROM:<a@b.test> SIZE=-1",
                            "FROM:<a@b.test> SIZE=1 size=1",
                            "FROM:<a@b.test> SIZE=999999999999999999999",
                            "FROM:<a@b.test> BODY=BINARYMIME",
                            "FROM:<a@b.test> BODY",
                            "FROM:<a@b.test> SMTPUTF8=yes",
                            "FROM:<a@b.test> RET=ALL",
                            "FROM:<a@b.test> ENVID=",
                            "FROM:<a@b.test> ENVID=a+0D+0Ab",
                            "FROM:<a@b.test> ENVID=a+2",
                            "FROM:<a@b.test> ENVID=a=b",
                            "FROM:<a@b.test> ENVID=a+2b",
                            "FROM:<a@b.test> =x",
                            "FROM:<a@b.test> A_B=x",
                            "FROM:<a@b.test> <c@d.test>"}) {
        EXPECT_EQ(mail(bad), mail(bad).starts_with("501 5.1.7") ? "501 5.1.7" : "501 5.5.4") << bad;
    }
    EXPECT_EQ(mail("FROM:a@b.test"), "501 5.1.7");
    EXPECT_EQ(mail("FROM:<a@@b.test>"), "501 5.1.7");
    EXPECT_EQ(mail("FROM:<postmaster>"), "501 5.1.7");
    EXPECT_EQ(mail("FROM:<a@b.test> ENVID=" + std::string(101, 'a')), "501 5.5.4");
    EXPECT_EQ(mail("FROM:<a@b.test> XYZZY=1"), "555 5.5.4");
    EXPECT_EQ(mail("FROM:<a@b.test> AUTH=<>"), "555 5.5.4");
    EXPECT_EQ(mail("FROM:<a@b.test> REQUIRETLS"), "555 5.5.4");
    std::string many = "FROM:<a@b.test>";
    for (int i = 0; i < 600; ++i) many += " A" + std::to_string(i);
    EXPECT_EQ(mail(many), "501 5.5.4");
}

TEST(Command, WantsSmtputf8For8BitAddresses) {
    EXPECT_EQ(mail("FROM:<j\xc3\xbcrgen@b.test>"), "553 5.6.7");
    EXPECT_EQ(mail("FROM:<j\xc3\xbcrgen@b.test> SMTPUTF8"), "<j\xc3\xbcrgen@b.test> utf8");
    EXPECT_EQ(mail("FROM:<\xff@b.test> SMTPUTF8"), "501 5.1.7");
    EXPECT_EQ(rcpt("TO:<j\xc3\xbcrgen@b.test>"), "553 5.6.7");
    EXPECT_EQ(rcpt("TO:<j\xc3\xbcrgen@b.test>", true), "<j\xc3\xbcrgen@b.test>");
    EXPECT_EQ(mail("FROM:<a@b.test> \xc3\xbc=1"), "501 5.5.4");
}

TEST(Command, ReadsRcpt) {
    EXPECT_EQ(rcpt("TO:<a@b.test>"), "<a@b.test>");
    EXPECT_EQ(rcpt("to: <POSTmaster>"), "<POSTmaster>");
    EXPECT_EQ(rcpt("TO:<a@b.test> NOTIFY=never"), "<a@b.test> 1");
    EXPECT_EQ(rcpt("TO:<a@b.test> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;a+2Bx@b.test"),
              "<a@b.test> 14 rfc822;a+2Bx@b.test");
    EXPECT_EQ(rcpt("TO:<a@b.test> ORCPT=UTF-8;\\x{FC}@b.test"), "<a@b.test> UTF-8;\\x{FC}@b.test");
    EXPECT_EQ(rcpt("TO:<a@b.test> ORCPT=utf-8;\xc3\xbc@b.test", true), "<a@b.test> utf-8;\xc3\xbc@b.test");
}

TEST(Command, RefusesBadRcpt) {
    for (const char* bad : {"TO:<>", "TO:<user>", "TO:a@b.test", "TO:<a@b@c>"})
        EXPECT_EQ(rcpt(bad), "501 5.1.3") << bad;
    for (const char* bad :
         {"FROM:<a@b.test>", "TO:<a@b.test> NOTIFY",
          "TO:<a@b.test> NOTIFY=", "TO:<a@b.test> NOTIFY=NEVER,SUCCESS", "TO:<a@b.test> NOTIFY=SUCCESS,",
          "TO:<a@b.test> NOTIFY=SOMETIMES", "TO:<a@b.test> ORCPT=a@b.test", "TO:<a@b.test> ORCPT=rfc822;",
          "TO:<a@b.test> ORCPT=;a@b", "TO:<a@b.test> ORCPT=rfc822;a+0D+0Ab",
          "TO:<a@b.test> ORCPT=rfc822;a+00", "TO:<a@b.test> ORCPT=rfc822;a+0a",
          "TO:<a@b.test> ORCPT=rfc822;a+G1", "TO:<a@b.test> ORCPT=rf=c;a",
          "TO:<a@b.test> ORCPT=utf-8;\\x{0D}", "TO:<a@b.test> ORCPT=utf-8;a+41",
          "TO:<a@b.test> ORCPT=utf-8;\xc3\xbc@b.test", "TO:<a@b.test> ORCPT=rfc822;\xc3\xbc@b.test",
          "TO:<a@b.test> NOTIFY=NEVER NOTIFY=NEVER"}) {
        EXPECT_EQ(rcpt(bad), "501 5.5.4") << bad;
    }
    EXPECT_EQ(rcpt("TO:<@b.test:a@c.test>"), "553 5.1.3");
    EXPECT_EQ(rcpt("TO:<a@b.test> SIZE=1"), "555 5.5.4");
    EXPECT_EQ(rcpt("TO:<a@b.test> ORCPT=rfc822;" + std::string(500, 'a')), "501 5.5.4");
}

TEST(Command, ReadsBdat) {
    EXPECT_EQ(parse_bdat("0")->size, 0U);
    EXPECT_FALSE(parse_bdat("86")->is_last);
    EXPECT_TRUE(parse_bdat("86 last")->is_last);
    EXPECT_EQ(parse_bdat("18446744073709551615  LAST")->size, ~std::uint64_t{0});
    for (const char* bad :
         {"", "LAST", "-1", "1x", "0x10", "18446744073709551616", "1 2", "1 LAST 2", "1LAST", "+1"}) {
        EXPECT_FALSE(parse_bdat(bad)) << bad;
    }
}

}  // namespace
}  // namespace gatehouse::receive::smtp
