#include "act/delivery/next_hop.h"

#include <gtest/gtest.h>

namespace gatehouse::act::delivery {
namespace {

using base::Value;

std::string refusal(const NextHopSettings& settings) {
    const auto hops = NextHops::make({settings});
    return hops ? "" : hops.error().sentence;
}

NextHopSettings hop(std::string domain, std::string address) {
    NextHopSettings settings;
    settings.domain = std::move(domain);
    settings.address = {std::move(address)};
    return settings;
}

Value text(std::string value) {
    return Value(Value::Data(std::move(value)), {"gatehouse.toml", 7});
}

TEST(NextHop, PicksTheMostSpecific) {
    const auto hops =
        NextHops::make({hop("*", "10.0.0.1:1"), hop("*.example.com", "10.0.0.1:2"),
                        hop("*.b.example.com", "10.0.0.1:3"), hop("Example.COM", "10.0.0.1:4")});
    ASSERT_TRUE(hops);
    const auto port = [&](std::string_view domain) { return hops->pick(domain)->addresses[0].port; };
    EXPECT_EQ(port("example.com"), 4);
    EXPECT_EQ(port("EXAMPLE.com."), 4);
    EXPECT_EQ(port("x.example.com"), 2);
    EXPECT_EQ(port("a.b.example.com"), 3);
    EXPECT_EQ(port("b.example.com"), 2);
    EXPECT_EQ(port("notexample.com"), 1);
    EXPECT_EQ(port(""), 1);
    EXPECT_EQ(port("*.example.com"), 1) << "a domain that looks like a pattern is none";
    std::string deep;
    for (int i = 0; i < 100'000; ++i) deep += "a.";
    EXPECT_EQ(port(deep + "example.com"), 1) << "bounded work";
    const auto few = NextHops::make({hop("example.com", "10.0.0.1")});
    ASSERT_TRUE(few);
    EXPECT_EQ(few->pick("other.test"), nullptr);
    EXPECT_EQ(few->pick("x.example.com"), nullptr);
}

TEST(NextHop, Addresses) {
    const auto first = [](std::string address) {
        const auto hops = NextHops::make({hop("*", std::move(address))});
        return hops ? hops->all()[0].addresses[0].to_string() : hops.error().sentence;
    };
    EXPECT_EQ(first("127.0.0.1:2526"), "127.0.0.1:2526");
    EXPECT_EQ(first("[2001:db8::1]:2526"), "[2001:db8::1]:2526");
    EXPECT_EQ(first("192.0.2.1"), "192.0.2.1:25");
    EXPECT_EQ(first("[2001:db8::1]"), "[2001:db8::1]:25");
    EXPECT_EQ(first("mx"),
              "delivery by MX needs the DNS outlet, which is not in this version; "
              "write IP addresses such as \"192.0.2.1:25\"");
    for (const std::string name : {"mail.example.com", "mail.example.com:25", "localhost:25", "", "1.2.3.4:0",
                                   "1.2.3.4:99999", "1.2.3:25", "[::1", "1.2.3.4:25:26"}) {
        EXPECT_NE(first(name).find("is no IP address with a port"), std::string::npos) << name;
    }
}

TEST(NextHop, RefusesWithASentence) {
    EXPECT_NE(refusal(hop("", "10.0.0.1")), "");
    EXPECT_NE(refusal(hop("a@b", "10.0.0.1")), "");
    EXPECT_NE(refusal(hop("*.*.b", "10.0.0.1")), "");
    EXPECT_NE(refusal(hop("a..b", "10.0.0.1")), "");
    auto settings = hop("*", "10.0.0.1");
    settings.address.clear();
    EXPECT_EQ(refusal(settings), "next_hop * has no address, such as address = \"192.0.2.1:25\"");
    settings.address.assign(17, "10.0.0.1");
    EXPECT_NE(refusal(settings), "");
    settings = hop("*", "10.0.0.1");
    settings.tls = "verify";
    EXPECT_EQ(refusal(settings), "next_hop *: tls = \"verify\" needs name, the host name in its certificate");
    settings.name = "mx.example.com";
    EXPECT_EQ(refusal(settings), "");
    EXPECT_EQ(NextHops::make({hop("a.b", "10.0.0.1"), hop("A.B", "10.0.0.2")}).error().sentence,
              "there are two next_hop tables for domain a.b");
}

TEST(NextHop, ReadsTablesAndNamesThePlace) {
    const Value table(Value::Table{{"domain", text("example.com")},
                                   {"address", text("10.0.0.1:25")},
                                   {"tls", text("never")},
                                   {"eight_bit", text("refuse")}},
                      {"gatehouse.toml", 5});
    const auto hops = NextHops::read(Value(Value::Array{table}, {}));
    ASSERT_TRUE(hops) << hops.error().sentence;
    EXPECT_EQ(hops->all()[0].tls, TlsMode::never);
    EXPECT_TRUE(hops->all()[0].refuse_eight_bit);
    EXPECT_TRUE(NextHops::read(Value())->all().empty());
    const auto twice = NextHops::read(Value(Value::Array{table, table}, {}));
    EXPECT_EQ(twice.error().sentence,
              "gatehouse.toml:5: there are two next_hop tables for domain example.com");
    const Value named(Value::Table{{"address", text("mail.example.com")}}, {"gatehouse.toml", 5});
    EXPECT_TRUE(
        NextHops::read(Value(Value::Array{named}, {})).error().sentence.starts_with("gatehouse.toml:7: "));
    const Value wrong(Value::Table{{"adress", text("10.0.0.1")}}, {"gatehouse.toml", 5});
    EXPECT_NE(NextHops::read(Value(Value::Array{wrong}, {})).error().sentence.find("did you mean address?"),
              std::string::npos);
    EXPECT_FALSE(NextHops::read(table));
}

TEST(DeliverySettings, Table) {
    DeliverySettings settings;
    const Value good(Value::Table{{"final_timeout", text("2 min")}, {"lifetime_hours", text("5 d")}}, {});
    ASSERT_TRUE(base::fill(kDeliveryTable, good, &settings));
    EXPECT_EQ(settings.final_timeout, 120);
    EXPECT_EQ(settings.lifetime_hours, 120);
    const Value bad(Value::Table{{"retry", Value(Value::Array{text("1 min"), text("soon")}, {})}}, {});
    EXPECT_NE(base::fill(kDeliveryTable, bad, &settings).error().sentence.find("\"soon\" is no time"),
              std::string::npos);
    EXPECT_EQ(retry_times(DeliverySettings())->front(), std::chrono::seconds(60));
    DeliverySettings none;
    none.retry.clear();
    EXPECT_EQ(retry_times(none).error().fault, base::Fault::usage);
    for (const char* word : {"9000000000000000 s", "31 d", "0 s"}) {
        none.retry = {word};
        EXPECT_FALSE(retry_times(none)) << word;
    }
    none.retry = {"30 d"};
    EXPECT_TRUE(retry_times(none));
    EXPECT_EQ(kDeliveryTable.defaults(kDeliveryTable.fields).size(), kDeliveryTable.fields.size());
}

}  // namespace
}  // namespace gatehouse::act::delivery
