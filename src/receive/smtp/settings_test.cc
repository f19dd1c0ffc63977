#include "receive/smtp/settings.h"

#include <gtest/gtest.h>

namespace gatehouse::receive::smtp {
namespace {

using base::Value;

Value table(std::string key, Value::Data data) {
    const base::Place place{"gatehouse.toml", 3};
    return Value(Value::Table{{std::move(key), Value(std::move(data), place)}}, place);
}

std::string smtp_fault(std::string key, Value::Data data) {
    SmtpSettings settings;
    const auto filled = base::fill(smtp_table(), table(std::move(key), std::move(data)), &settings);
    return filled ? "" : filled.error().sentence;
}

TEST(Settings, HasTheKeysThatTestsRelyOn) {
    for (const char* key : {"listen", "hostname", "relay_domains", "permitted_senders", "xclient_hosts",
                            "proxy_hosts", "tls_certificate", "tls_key", "bare_newline", "max_message_size",
                            "max_recipients", "routed_local_parts"}) {
        EXPECT_NE(smtp_table().find(key), nullptr) << key;
    }
    const SmtpSettings defaults;
    EXPECT_EQ(defaults.max_message_size, 104'857'600);
    EXPECT_EQ(defaults.max_recipients, 5000);
    EXPECT_TRUE(defaults.permitted_senders.empty());
    EXPECT_EQ(limit_table().name, "limits");
}

TEST(Settings, DefaultsPassTheirOwnChecks) {
    SmtpSettings smtp;
    LimitSettings limits;
    for (const auto* one : {&smtp_table(), &limit_table()}) {
        const auto values = one->defaults(one->fields);
        for (std::size_t i = 0; i < values.size(); ++i) {
            void* object = one == &smtp_table() ? static_cast<void*>(&smtp) : static_cast<void*>(&limits);
            EXPECT_TRUE(base::fill(*one, table(std::string(one->fields[i].name), values[i].data()), object))
                << one->fields[i].name;
        }
    }
}

TEST(Settings, NamesWhatIsWrong) {
    EXPECT_EQ(
        smtp_fault("listen", std::string("localhost:25")),
        "gatehouse.toml:3: listen: \"localhost:25\" is no address with a port, as 127.0.0.1:25 or [::1]:25");
    EXPECT_NE(
        smtp_fault("relay_domains", Value::Array{Value(Value::Data(std::string("*")))}).find("open relay"),
        std::string::npos);
    EXPECT_NE(smtp_fault("permitted_senders", std::string("10.0.0.1/8")), "");
    EXPECT_NE(smtp_fault("xclient_hosts", std::string("host")), "");
    EXPECT_NE(smtp_fault("proxy_hosts", std::string("::1/200")), "");
    EXPECT_NE(smtp_fault("hostname", std::string("a b")), "");
    EXPECT_NE(smtp_fault("bare_newline", std::string("accept")), "");
    EXPECT_NE(smtp_fault("max_message_size", std::int64_t{0}), "");
    EXPECT_EQ(smtp_fault("max_message_size", std::string("10 MiB")), "");
    EXPECT_EQ(smtp_fault("hostname", std::string()), "");
}

TEST(Settings, MakesTheMachines) {
    SmtpSettings smtp;
    smtp.relay_domains = {"gw.test"};
    smtp.permitted_senders = {"10.0.0.0/8"};
    smtp.xclient_hosts = {"127.0.0.1"};
    smtp.bare_newline = "normalise";
    smtp.early_commands = "note";
    LimitSettings limits;
    limits.errors = 7;
    const auto made = make_machine_settings(smtp, limits, "this.machine", true);
    ASSERT_TRUE(made);
    EXPECT_EQ(made->hostname, "this.machine");
    EXPECT_TRUE(made->relay.is_relay_domain("gw.test"));
    EXPECT_EQ(made->xclient_hosts.size(), 1U);
    EXPECT_EQ(made->max_errors, 7U);
    EXPECT_EQ(made->bare_newline, BareNewline::normalise);
    EXPECT_EQ(made->early_commands, EarlyCommands::note);
    EXPECT_TRUE(made->offers_tls);
    smtp.hostname = "mx.test";
    EXPECT_EQ(make_machine_settings(smtp, limits, "this.machine", true)->hostname, "mx.test");
    smtp.relay_domains = {"*"};
    EXPECT_FALSE(make_machine_settings(smtp, limits, "this.machine", true));
}

}  // namespace
}  // namespace gatehouse::receive::smtp
