// Who stands beside the gateway and speaks oddly: balancers (PROXY), front servers (XCLIENT) and next hops.
// Each spelling of theirs has one outcome, nobody is believed more than he may be, no message is lost or
// doubled, and the next one passes.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "support/gateway/gateway_test.h"

namespace gatehouse::testing {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using namespace std::string_literals;

class PeersTest : public GatewayTest {
  protected:
    /// How the gateway takes the client for whom `before` was said: "ours" may send anywhere, "foreign" to
    /// the relay domains only, "" is not served.
    std::string taken_for(SmtpTalk& talk) const {
        if (!talk.ask("EHLO client.test").starts_with("250")) return "";
        if (!talk.ask("MAIL FROM:<a@example.org>").starts_with("250")) return "";
        const bool anywhere = talk.ask("RCPT TO:<x@elsewhere.test>").starts_with("250");
        const bool here = talk.ask("RCPT TO:<user@gw.test>").starts_with("250");
        return !here ? "" : anywhere ? "ours" : "foreign";
    }
};

// --- PROXY protocol, version 2

std::string proxy(unsigned char command, unsigned char family, const std::string& body) {
    std::string out("\r\n\r\n\0\r\nQUIT\n", 12);
    out += static_cast<char>(command);
    out += static_cast<char>(family);
    out += static_cast<char>(body.size() >> 8);
    out += static_cast<char>(body.size() & 0xff);
    return out + body;
}

/// Source and destination, then their ports.
std::string addresses(int family, const char* source) {
    std::array<char, 16> raw{};
    inet_pton(family, source, raw.data());
    const std::string one(raw.data(), family == AF_INET ? 4 : 16);
    return one + one + "\x30\x39\0\x19"s;
}

TEST_F(PeersTest, ProxyHeadersInEverySpelling) {
    start(
        {.smtp =
             "proxy_hosts = [\"127.0.0.1\"]\npermitted_senders = [\"198.51.100.0/24\", \"2001:db8::/32\"]"});
    constexpr unsigned char kProxy = 0x21;
    constexpr unsigned char kLocal = 0x20;
    constexpr unsigned char kTcp4 = 0x11;
    constexpr unsigned char kTcp6 = 0x21;
    const auto ours = addresses(AF_INET, "198.51.100.7");
    const auto foreign = addresses(AF_INET, "203.0.113.9");
    const auto field = [](std::size_t size) {
        return "\x04"s + static_cast<char>(size >> 8) + static_cast<char>(size & 0xff) +
               std::string(size, 'n');
    };
    const std::vector<std::tuple<const char*, std::string, const char*>> all = {
        {"IPv4, ours", proxy(kProxy, kTcp4, ours), "ours"},
        {"IPv4, foreign", proxy(kProxy, kTcp4, foreign), "foreign"},
        {"IPv6, ours", proxy(kProxy, kTcp6, addresses(AF_INET6, "2001:db8::1")), "ours"},
        {"IPv6, foreign", proxy(kProxy, kTcp6, addresses(AF_INET6, "2001:db9::1")), "foreign"},
        {"IPv4 as IPv6, ours", proxy(kProxy, kTcp6, addresses(AF_INET6, "::ffff:198.51.100.7")), "ours"},
        {"a field behind", proxy(kProxy, kTcp4, ours + field(16)), "ours"},
        {"a field of 4,000 octets", proxy(kProxy, kTcp4, foreign + field(4'000)), "foreign"},
        {"LOCAL", proxy(kLocal, 0, ""), "foreign"},
        {"LOCAL with addresses, which do not count", proxy(kLocal, kTcp4, ours), "foreign"},
        {"unspecified", proxy(kProxy, 0, ""), "foreign"},
        {"the balancer itself", proxy(kProxy, kTcp4, addresses(AF_INET, "127.0.0.1")), "foreign"},
        {"datagrams", proxy(kProxy, 0x12, ours), ""},
        {"a socket path", proxy(kProxy, 0x31, std::string(216, '\0')), ""},
        {"addresses cut short", proxy(kProxy, kTcp4, ours.substr(0, 8)), ""},
        {"version 1 in the byte of version 2", proxy(0x11, kTcp4, ours), ""},
        {"an unknown command", proxy(0x22, kTcp4, ours), ""},
        {"version 1", "PROXY TCP4 198.51.100.7 192.0.2.1 1 25\r\n", ""},
        {"none", "", ""},
    };
    for (const auto& [what, header, expected] : all) {
        SCOPED_TRACE(what);
        SmtpTalk talk(gateway_->smtp_port());
        for (const char byte : header) talk.send({&byte, 1});
        if (!header.empty() && !talk.hear().starts_with("220")) {
            EXPECT_STREQ(expected, "");
            continue;
        }
        EXPECT_EQ(taken_for(talk), expected);
    }
    // One header is believed, the next one is a client that speaks too early.
    SmtpTalk twice(gateway_->smtp_port());
    twice.send(proxy(kProxy, kTcp4, foreign) + proxy(kProxy, kTcp4, ours));
    twice.hear();
    EXPECT_NE(taken_for(twice), "ours");
}

// --- XCLIENT

TEST_F(PeersTest, XclientInEverySpelling) {
    start({.smtp = "xclient_hosts = [\"127.0.0.1\"]\npermitted_senders = [\"198.51.100.0/24\", "
                   "\"2001:db8::/32\"]"});
    const std::vector<std::pair<const char*, const char*>> all = {
        {"ADDR=198.51.100.7", "ours"},
        {"addr=198.51.100.7 name=real.example", "ours"},
        {"ADDR=203.0.113.9", "foreign"},
        {"ADDR=IPV6:2001:db8::1", "ours"},
        {"ADDR=IPv6:2001:db9::1", "foreign"},
        {"ADDR=IPV6:::ffff:198.51.100.7", "ours"},
        {"ADDR=2001:db8::1", "501"},
        {"ADDR=[UNAVAILABLE]", "foreign"},
        {"NAME=[TEMPUNAVAIL] ADDR=198.51.100.7", "ours"},
        {"HELO=other.example", "foreign"},
        {"ADDR=198.51.100", "501"},
        {"ADDR=0xc6336407", "501"},
        {"ADDR=198.51.100.007", "501"},
        {"ADDR=", "501"},
        {"ADDR", "501"},
        {"", "501"},
        {"NAME=a+0D+0Ab", "501"},
        {"NAME=a\x01", "50"},
        {"PORT=99999", "501"},
        {"UNKNOWN=1", "501"},
    };
    for (const auto& [attributes, expected] : all) {
        SCOPED_TRACE(attributes);
        SmtpTalk talk(gateway_->smtp_port());
        talk.hear();
        talk.ask("EHLO outer.test");
        const auto reply = talk.ask("XCLIENT "s + attributes);
        if (!reply.starts_with("220")) {
            EXPECT_THAT(reply, StartsWith(expected));
            continue;
        }
        EXPECT_EQ(taken_for(talk), expected);
    }
    // Not within a transaction; and what was pipelined behind it is another client's.
    SmtpTalk talk(gateway_->smtp_port());
    talk.hear();
    talk.ask("EHLO outer.test");
    talk.ask("MAIL FROM:<a@example.org>");
    EXPECT_THAT(talk.ask("XCLIENT ADDR=198.51.100.7"), StartsWith("503"));
}

// --- next hops

struct HopManner {
    const char* script;
    const char* rcpt;          ///< what the client hears at RCPT
    const char* dot;           ///< and at the final dot
    std::size_t accepted = 0;  ///< messages the sink has answered with 250
    bool queued = false;       ///< it waits in the queue then, after an attempt
    const char* offer = "";
};

TEST_F(PeersTest, NextHopsInEveryManner) {
    start({.gatehouse =
               "[delivery]\nidle_time = 0\nconnect_timeout = 1\ncommand_timeout = 1\nfinal_timeout = "
               "1\ndown_time = 0\n"});
    const std::vector<HopManner> all = {
        {"CONNECT = 554 no", "250", "250", 0, true},
        {"CONNECT = 421 busy", "250", "250", 0, true},
        {"CONNECT = cut", "250", "250", 0, true},
        {"CONNECT = reset", "250", "250", 0, true},
        {"CONNECT = stall", "250", "250", 0, true},
        {"CONNECT = garbage", "250", "250", 0, true},
        {"CONNECT = endless", "250", "250", 0, true},
        {"CONNECT = raw HTTP/1.1 400 Bad\\r\\n\\r\\n", "250", "250", 0, true},
        {"CONNECT = 220 one\\ntwo", "250", "250", 1},
        {"EHLO = cut", "250", "250", 0, true},
        {"EHLO = 502 unknown", "250", "250", 1},
        {"EHLO = endless", "250", "250", 0, true},
        {"MAIL = 452 4.2.2 full", "452", ""},
        {"MAIL = 550 5.1.8 bad sender", "550", ""},
        {"MAIL = cut", "250", "250", 0, true},
        {"RCPT = 550 5.1.1 one\\n5.1.1 two", "550", ""},
        {"RCPT = 450 4.2.0 later", "450", ""},
        {"RCPT = 421 4.3.2 going", "4", ""},
        {"RCPT = cut", "250", "250", 0, true},
        {"RCPT = reset", "250", "250", 0, true},
        {"RCPT = stall", "250", "250", 0, true},
        {"RCPT = garbage", "250", "250", 0, true},
        {"RCPT = endless", "250", "250", 0, true},
        {"RCPT = raw 250 ok\\r\\n250 once more\\r\\n", "250", "250", 0, true},
        {"RCPT = raw 999 what\\r\\n", "250", "250", 0, true},
        {"RCPT = 354 go on", "250", "250", 0, true},
        {"DATA = 550 5.7.1 no", "250", "550"},
        {"DATA = 421 bye", "250", "4"},
        {"DATA = 250 what", "250", "250", 0, true},
        {"DATA = cut", "250", "250", 0, true},
        {"DATA = stall", "250", "250", 0, true},
        {"BODY 10 = cut", "250", "451"},
        {"BODY 10 = reset", "250", "451"},
        {"DOT = 550 5.7.1 one\\n5.7.1 two", "250", "550"},
        {"DOT = 452 4.2.2 full", "250", "452"},
        {"DOT = 421 4.3.2 bye then cut", "250", "4"},
        {"DOT = 354 again", "250", "4"},
        {"DOT = cut", "250", "451"},
        {"DOT = stall", "250", "451"},
        {"DOT = garbage", "250", "451"},
        {"DOT = endless", "250", "451"},
        {"DOT = raw 250 2.0.0 ok \\x1b[31m\\x9b\\r\\n", "250", "250"},
        {"QUIT = cut", "250", "250", 1},
        {"QUIT = stall", "250", "250", 1},
        {"# nothing offered", "250", "250", 1, false, "offer = "},
        {"# a size that is too small", "250", "552", 0, false, "offer = SIZE 5"},
    };
    std::size_t accepted = 0;
    const auto accepted_at_sink = [&] {
        std::size_t count = 0;
        for (const auto& message : sink_->messages()) count += message.code / 100 == 2;
        return count;
    };
    /// The item that there is has failed once, and is taken out.
    const auto queued_and_tried = [&] {
        for (int i = 0; i < 200; ++i) {
            const auto rows = gateway_->rows({"queue", "list"});
            if (rows.empty()) return false;
            if (rows[0].at("attempts").to_number<int>() > 0) {
                const std::string id(rows[0].at("id").as_string());
                return gateway_->command({"queue", "delete", id}).exit_code == 0;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        return false;
    };
    for (const auto& one : all) {
        SCOPED_TRACE(one.script);
        rescript(one.script + "\n"s + one.offer);
        auto talk = client();
        talk.ask("MAIL FROM:<a@example.org> SIZE=100");
        const auto rcpt = talk.ask("RCPT TO:<user@gw.test>");
        EXPECT_THAT(rcpt, StartsWith(one.rcpt));
        if (rcpt.starts_with("250")) {
            ASSERT_THAT(talk.ask("DATA"), StartsWith("354"));
            EXPECT_THAT(talk.ask(kMail + "."s), StartsWith(one.dot));
        }
        accepted += one.accepted;
        EXPECT_EQ(accepted_at_sink(), accepted);
        EXPECT_EQ(queued_and_tried(), one.queued);
        sink_->set_script({});
        EXPECT_THAT(talk.ask("RSET"), StartsWith("250"));
        EXPECT_THAT(talk.deliver_greeted("next@example.org", {"user@gw.test"}, kMail), StartsWith("250"));
        EXPECT_EQ(accepted_at_sink(), ++accepted);
    }
}

}  // namespace
}  // namespace gatehouse::testing
