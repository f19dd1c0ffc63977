#include "receive/smtp/xclient.h"

#include <gtest/gtest.h>

namespace gatehouse::receive::smtp {
namespace {

TEST(Xclient, AppliesAttributes) {
    const auto client = apply_xclient(
        "NAME=a.test ADDR=192.0.2.7 port=2500 PROTO=ESMTP HELO=h.test LOGIN=bob+20smith DESTADDR=IPv6:::1 "
        "DESTPORT=25",
        {});
    ASSERT_TRUE(client);
    EXPECT_EQ(client->name, "a.test");
    EXPECT_EQ(client->remote.to_string(), "192.0.2.7:2500");
    EXPECT_EQ(client->local.to_string(), "[::1]:25");
    EXPECT_EQ(client->helo, "h.test");
    EXPECT_EQ(client->login, "bob smith");
}

TEST(Xclient, KeepsWhatIsNotGivenAndForgetsWhatIsUnavailable) {
    Client before;
    before.remote = *base::Endpoint::parse("192.0.2.7:1");
    before.name = "old.test";
    const auto client = apply_xclient("ADDR=[UNAVAILABLE] PORT=[TEMPUNAVAIL]", before);
    ASSERT_TRUE(client);
    EXPECT_TRUE(client->remote.address.is_unspecified());
    EXPECT_EQ(client->remote.port, 0);
    EXPECT_EQ(client->name, "old.test");
    EXPECT_EQ(apply_xclient("NAME=[unavailable]", before)->name, "");
    EXPECT_EQ(apply_xclient("PORT=2", before)->remote.to_string(), "192.0.2.7:2");
}

TEST(Xclient, RefusesBadOnes) {
    for (const char* bad :
         {"", "NAME", "NAME=", "WHAT=x", "ADDR=::1", "ADDR=IPV6:192.0.2.1", "ADDR=host.test", "PORT=65536",
          "PORT=x", "PROTO=LMTP", "NAME=a+0D+0Ab", "HELO=a+20b", "NAME=+zz", "=x", "ADDR=192.0.2.1 X"}) {
        const auto client = apply_xclient(bad, {});
        ASSERT_FALSE(client) << bad;
        EXPECT_EQ(client.error().code, 501);
    }
    EXPECT_FALSE(apply_xclient("NAME=" + std::string(256, 'a'), {}));
}

}  // namespace
}  // namespace gatehouse::receive::smtp
