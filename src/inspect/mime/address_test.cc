#include "inspect/mime/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatehouse::inspect::mime {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<Mailbox> read(std::string_view value) {
    return parse_address_list(value).mailboxes;
}

TEST(Address, Rfc5322Examples) {  // RFC 5322 appendix A.1
    EXPECT_THAT(read(" John Doe <jdoe@machine.example>"),
                ElementsAre(Mailbox{"John Doe", "jdoe@machine.example"}));
    EXPECT_THAT(read("\"Joe Q. Public\" <john.q.public@example.com>"),
                ElementsAre(Mailbox{"Joe Q. Public", "john.q.public@example.com"}));
    EXPECT_THAT(read("Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>"),
                ElementsAre(Mailbox{"Mary Smith", "mary@x.test"}, Mailbox{"", "jdoe@example.org"},
                            Mailbox{"Who?", "one@y.test"}));
    EXPECT_THAT(
        read("<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>"),
        ElementsAre(Mailbox{"", "boss@nil.test"}, Mailbox{"Giant; \"Big\" Box", "sysservices@example.net"}));
    EXPECT_THAT(read("A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;"),
                ElementsAre(Mailbox{"Ed Jones", "c@a.test"}, Mailbox{"", "joe@where.test"},
                            Mailbox{"John", "jdoe@one.test"}));
    EXPECT_THAT(read("Undisclosed recipients:;"), IsEmpty());
    EXPECT_THAT(read("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>"),
                ElementsAre(Mailbox{"Pete", "pete@silly.test"}));
    EXPECT_THAT(
        read("A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n"
             "         joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end of the group)"),
        ElementsAre(Mailbox{"Chris Jones", "c@public.example"}, Mailbox{"", "joe@example.org"},
                    Mailbox{"John", "jdoe@one.test"}, Mailbox{"the end of the group", ""}));
    EXPECT_THAT(read("Mary Smith <@node.test,@b.test:mary@example.net>, , jdoe@test  . example"),
                testing::Contains(Mailbox{"Mary Smith", "mary@example.net"}));
}

TEST(Address, NamesAreDecoded) {
    EXPECT_THAT(read("=?UTF-8?Q?J=C3=BCrgen?= =?UTF-8?Q?_M=C3=BCller?= <j@x.test>"),
                ElementsAre(Mailbox{"Jürgen Müller", "j@x.test"}));
    EXPECT_THAT(read("\"=?UTF-8?B?SsO8cmdlbg==?=\" <j@x.test>"), ElementsAre(Mailbox{"Jürgen", "j@x.test"}));
    EXPECT_THAT(read("J\xFCrgen <j@x.test>"), ElementsAre(Mailbox{"Jürgen", "j@x.test"}));
    EXPECT_THAT(read("j@x.test (=?UTF-8?Q?J=C3=BCrgen?=)"), ElementsAre(Mailbox{"Jürgen", "j@x.test"}));
}

TEST(Address, OddAddresses) {
    EXPECT_THAT(read("\"a b@c\"@x.test"), ElementsAre(Mailbox{"", "\"a b@c\"@x.test"}));
    EXPECT_EQ(read("\"a b@c\"@x.test")[0].domain(), "x.test");
    EXPECT_EQ(read("\"a b@c\"@x.test")[0].local_part(), "\"a b@c\"");
    EXPECT_THAT(read("user@[IPv6:2001:db8::1]"), ElementsAre(Mailbox{"", "user@[IPv6:2001:db8::1]"}));
    EXPECT_THAT(read("user @ x.test"), ElementsAre(Mailbox{"", "user@x.test"}));
    EXPECT_THAT(read("\xC3\xBC@x.test"), ElementsAre(Mailbox{"", "ü@x.test"}));
    EXPECT_THAT(read("root"), ElementsAre(Mailbox{"", "root"}));
    EXPECT_THAT(read("root (Cron Daemon)"), ElementsAre(Mailbox{"Cron Daemon", "root"}));
    EXPECT_THAT(read("<>"), ElementsAre(Mailbox{"", ""}));
    EXPECT_EQ(read("root")[0].domain(), "");
}

TEST(Address, BrokenLists) {
    EXPECT_THAT(read("John Smith j@x.test"), ElementsAre(Mailbox{"John Smith", "j@x.test"}));
    EXPECT_THAT(read("John Smith"), ElementsAre(Mailbox{"John Smith", ""}));
    EXPECT_THAT(read("\"John\" <j@x.test"), ElementsAre(Mailbox{"John", "j@x.test"}));
    EXPECT_THAT(read("a <a@x.test, b@x.test"),
                ElementsAre(Mailbox{"a", "a@x.test"}, Mailbox{"", "b@x.test"}));
    EXPECT_THAT(read("a@x.test; b@x.test"), ElementsAre(Mailbox{"", "a@x.test"}, Mailbox{"", "b@x.test"}));
    EXPECT_THAT(read(",, ,"), IsEmpty());
    EXPECT_THAT(read(""), IsEmpty());
    EXPECT_THAT(read("\"unclosed <j@x.test>"), testing::SizeIs(1));
    EXPECT_THAT(read("\"PayPal\" <service@paypal.test> <evil@x.test>"), testing::SizeIs(1));
}

TEST(Address, LimitsAndHostileInput) {
    std::string many;
    for (int i = 0; i < 5000; ++i) many += "a@b,";
    const AddressList list = parse_address_list(many);
    EXPECT_EQ(list.mailboxes.size(), 1000U);
    EXPECT_FALSE(list.complete);
    EXPECT_TRUE(parse_address_list("a@b,c@d").complete);
    parse_address_list(std::string(200'000, '('));
    parse_address_list(std::string(200'000, '<'));
    parse_address_list(std::string(200'000, '"'));
    parse_address_list(std::string(200'000, ':'));
    parse_address_list(std::string(200'000, '@'));
    std::string words;
    for (int i = 0; i < 100'000; ++i) words += "@ ";
    parse_address_list(words);
}

}  // namespace
}  // namespace gatehouse::inspect::mime
