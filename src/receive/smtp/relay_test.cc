#include "receive/smtp/relay.h"

#include <gtest/gtest.h>

namespace gatehouse::receive::smtp {
namespace {

RelayRules rules() {
    return *RelayRules::make({"*.corp.test", "Gw.Test", "other.test"}, {"10.0.0.0/8", "2001:db8::/32"});
}

RelayVerdict judge(std::string local, std::string domain, bool permitted = false, bool routed = false) {
    return rules().judge({std::move(local), std::move(domain)}, permitted, routed);
}

TEST(Relay, KnowsItsDomains) {
    const auto all = rules();
    for (const char* domain : {"gw.test", "GW.TEST", "a.corp.test", "b.a.CORP.test", "other.test"}) {
        EXPECT_TRUE(all.is_relay_domain(domain)) << domain;
    }
    for (const char* domain :
         {"corp.test", "sub.gw.test", "xgw.test", "gw.test.", "xcorp.test", "a.xcorp.test", "test", "",
          "gw.test.evil.test", "[127.0.0.1]", "*.corp.test.evil"}) {
        EXPECT_FALSE(all.is_relay_domain(domain)) << domain;
    }
    EXPECT_EQ(all.home_domain(), "gw.test");
    EXPECT_EQ(RelayRules().home_domain(), "");
}

TEST(Relay, IsNeverOpen) {
    EXPECT_EQ(judge("x", "elsewhere.test"), RelayVerdict::foreign);
    EXPECT_EQ(judge("x", "[192.0.2.1]"), RelayVerdict::foreign);
    EXPECT_EQ(judge("x", ""), RelayVerdict::foreign);
    EXPECT_EQ(judge("x", "gw.test"), RelayVerdict::accept);
    EXPECT_EQ(judge("x", "elsewhere.test", true), RelayVerdict::accept);
    EXPECT_EQ(RelayRules().judge({"x", "gw.test"}, false, true), RelayVerdict::foreign);
    EXPECT_FALSE(RelayRules().is_permitted(*base::IpAddress::parse("127.0.0.1")));
}

TEST(Relay, SeesRoutesInLocalParts) {
    for (const char* local :
         {"x%elsewhere.test", "elsewhere.test!x", "\"x@elsewhere.test\"", "\"x\\@y\"", "%", "\"a!b\""}) {
        EXPECT_EQ(judge(local, "gw.test"), RelayVerdict::routed) << local;
        EXPECT_EQ(judge(local, "elsewhere.test"), RelayVerdict::foreign) << local;
        EXPECT_EQ(judge(local, "gw.test", true), RelayVerdict::accept) << local;
        EXPECT_EQ(judge(local, "gw.test", false, true), RelayVerdict::accept) << local;
    }
}

TEST(Relay, PermitsNetworks) {
    const auto all = rules();
    EXPECT_TRUE(all.is_permitted(*base::IpAddress::parse("10.1.2.3")));
    EXPECT_TRUE(all.is_permitted(*base::IpAddress::parse("::ffff:10.1.2.3")));
    EXPECT_TRUE(all.is_permitted(*base::IpAddress::parse("2001:db8::1")));
    EXPECT_FALSE(all.is_permitted(*base::IpAddress::parse("11.0.0.1")));
    EXPECT_FALSE(all.is_permitted({}));
    EXPECT_FALSE(RelayRules::make({}, {"::/0"})->is_permitted({}));
}

TEST(Relay, RefusesWrongEntries) {
    for (const char* bad :
         {"", "*", "*.", "a..b", "a.*", "**.a", "*.*.a", "user@a.test", "a.test.", "[1.2.3.4]", "a b"}) {
        EXPECT_FALSE(RelayRules::make({bad}, {})) << bad;
    }
    EXPECT_NE(RelayRules::make({"*"}, {}).error().sentence.find("open relay"), std::string::npos);
    EXPECT_FALSE(RelayRules::make({}, {"example.com"}));
}

}  // namespace
}  // namespace gatehouse::receive::smtp
