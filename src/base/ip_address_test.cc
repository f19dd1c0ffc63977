#include "base/ip_address.h"

#include <gtest/gtest.h>

namespace gatehouse::base {
namespace {

std::string round(std::string_view text) {
    const auto address = IpAddress::parse(text);
    return address ? address->to_string() : "-";
}

TEST(IpAddress, ReadsAndWritesVersion4) {
    EXPECT_EQ(round("127.0.0.1"), "127.0.0.1");
    EXPECT_EQ(round("0.0.0.0"), "0.0.0.0");
    EXPECT_EQ(round("255.255.255.255"), "255.255.255.255");
    for (const char* bad :
         {"", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1..2.3", "1.2.3.",
          "0x1.2.3.4", "1.2.3.-4", "1.2.3.999999999999", "a.b.c.d", "1.2.3.4/8"}) {
        EXPECT_EQ(round(bad), "-") << bad;
    }
}

TEST(IpAddress, ReadsAndWritesVersion6) {
    EXPECT_EQ(round("::"), "::");
    EXPECT_EQ(round("::1"), "::1");
    EXPECT_EQ(round("1::"), "1::");
    EXPECT_EQ(round("2001:DB8:0:0:1:0:0:1"), "2001:db8::1:0:0:1");
    EXPECT_EQ(round("2001:db8:0:1:1:1:1:1"), "2001:db8:0:1:1:1:1:1");
    EXPECT_EQ(round("1:0:0:2:0:0:0:3"), "1:0:0:2::3");
    EXPECT_EQ(round("1:2:3:4:5:6:7::"), "1:2:3:4:5:6:7:0");
    EXPECT_EQ(round("::2:3:4:5:6:7:8"), "0:2:3:4:5:6:7:8");
    EXPECT_EQ(round("64:ff9b::1.2.3.4"), "64:ff9b::102:304");
    EXPECT_EQ(round("0:0:0:0:0:0:0:0"), "::");
    for (const char* bad :
         {":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "g::", ":1:2:3:4:5:6:7",
          "1:2:3:4:5:6:7:", "1:2:3:4:5:6:7:8::", "::1.2.3", "1.2.3.4::", "::1.2.3.4:5", "fe80::1%eth0",
          "[::1]", "1:2:3:4:5:6:7:1.2.3.4", "::1 "}) {
        EXPECT_EQ(round(bad), "-") << bad;
    }
}

TEST(IpAddress, TakesTheMappedFormForVersion4) {
    const auto mapped = IpAddress::parse("::ffff:192.0.2.1");
    ASSERT_TRUE(mapped);
    EXPECT_TRUE(mapped->is_v4());
    EXPECT_EQ(*mapped, *IpAddress::parse("192.0.2.1"));
    EXPECT_EQ(mapped->to_string(), "192.0.2.1");
    EXPECT_TRUE(IpAddress::parse("::FFFF:7f00:1")->is_loopback());
}

TEST(IpAddress, ReadsBytes) {
    const std::array<std::uint8_t, 4> four{10, 1, 2, 3};
    EXPECT_EQ(IpAddress::from_bytes(four)->to_string(), "10.1.2.3");
    std::array<std::uint8_t, 16> sixteen{};
    sixteen[15] = 1;
    EXPECT_TRUE(IpAddress::from_bytes(sixteen)->is_loopback());
    EXPECT_FALSE(IpAddress::from_bytes(std::span(sixteen).first(5)));
    EXPECT_TRUE(IpAddress().is_unspecified());
    EXPECT_FALSE(IpAddress().is_loopback());
    EXPECT_FALSE(IpAddress::parse("0.0.0.0")->is_unspecified());
}

bool is_in(std::string_view network, std::string_view address) {
    return Network::parse(network)->contains(*IpAddress::parse(address));
}

TEST(Network, Contains) {
    EXPECT_TRUE(is_in("10.0.0.0/8", "10.255.0.1"));
    EXPECT_FALSE(is_in("10.0.0.0/8", "11.0.0.0"));
    EXPECT_TRUE(is_in("10.0.0.0/8", "::ffff:10.1.1.1"));
    EXPECT_TRUE(is_in("192.0.2.128/25", "192.0.2.128"));
    EXPECT_FALSE(is_in("192.0.2.128/25", "192.0.2.127"));
    EXPECT_TRUE(is_in("192.0.2.7", "192.0.2.7"));
    EXPECT_FALSE(is_in("192.0.2.7", "192.0.2.6"));
    EXPECT_TRUE(is_in("0.0.0.0/0", "203.0.113.9"));
    EXPECT_TRUE(is_in("2001:db8::/33", "2001:db8:7fff::1"));
    EXPECT_FALSE(is_in("2001:db8::/33", "2001:db8:8000::1"));
    EXPECT_TRUE(is_in("::ffff:10.0.0.0/104", "10.2.3.4"));
}

TEST(Network, KeepsTheFamiliesApart) {
    EXPECT_FALSE(is_in("::/0", "10.0.0.1"));
    EXPECT_FALSE(is_in("0.0.0.0/0", "2001:db8::1"));
    EXPECT_TRUE(is_in("::/0", "2001:db8::1"));
}

TEST(Network, RefusesWhatIsNone) {
    for (const char* bad : {"10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/08", "/8", "2001:db8::/129",
                            "2001:db8::1/32", "10.0.0.0/-1", "10.0.0.0/8/8", "example.com", "10/8"}) {
        EXPECT_FALSE(Network::parse(bad)) << bad;
    }
    EXPECT_EQ(Network::parse("10.0.0.0/8")->to_string(), "10.0.0.0/8");
    EXPECT_EQ(Network::parse("2001:db8::/32")->to_string(), "2001:db8::/32");
    EXPECT_EQ(Network::parse("0.0.0.0/0")->to_string(), "0.0.0.0/0");
}

TEST(Endpoint, ReadsAndWrites) {
    EXPECT_EQ(Endpoint::parse("127.0.0.1:2525")->to_string(), "127.0.0.1:2525");
    EXPECT_EQ(Endpoint::parse("[::1]:25")->to_string(), "[::1]:25");
    EXPECT_EQ(Endpoint::parse("0.0.0.0:0")->port, 0);
    for (const char* bad : {"", "25", ":25", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:25",
                            "[127.0.0.1]:25", "[]:25", "localhost:25", "127.0.0.1:025"}) {
        EXPECT_FALSE(Endpoint::parse(bad)) << bad;
    }
}

}  // namespace
}  // namespace gatehouse::base
