// Whole gateways at their edges: clients that others speak for (PROXY, XCLIENT), TLS on both sides, reload
// and restart under open transactions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "support/gateway/gateway_test.h"

namespace gatehouse::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using namespace std::chrono_literals;
using namespace std::string_literals;

class EdgesTest : public GatewayTest {
  protected:
    /// What tracking says of the mail to one recipient.
    std::string tracked(const std::string& to, const char* key) {
        const auto rows = gateway_->rows({"track", "--to", to});
        return rows.size() == 1 ? std::string(rows[0].at(key).as_string())
                                : "rows: " + std::to_string(rows.size());
    }
    /// Replaces text in gatehouse.toml.
    void edit(const std::string& from, const std::string& to) const {
        std::ifstream in(gateway_->config());
        std::string text((std::istreambuf_iterator<char>(in)), {});
        ASSERT_NE(text.find(from), std::string::npos);
        text.replace(text.find(from), from.size(), to);
        std::ofstream(gateway_->config()) << text;
    }
};

/// A PROXY header, version 2, of a TCP connection over IPv4.
std::string proxy_header(std::array<unsigned char, 4> client) {
    std::string out("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", 16);
    out.append(reinterpret_cast<const char*>(client.data()), 4);
    out.append("\x7f\0\0\x01\x30\x39\0\x19", 8);
    return out;
}

TEST_F(EdgesTest, AProxyHeaderNamesTheClient) {
    start({.smtp = "proxy_hosts = [\"127.0.0.1\"]\npermitted_senders = [\"198.51.100.0/24\"]"});
    SmtpTalk ours(gateway_->smtp_port());
    ours.send(proxy_header({198, 51, 100, 7}));
    EXPECT_THAT(ours.deliver("a@example.org", {"one@elsewhere.test"}, kMail), StartsWith("250"));
    SmtpTalk foreign(gateway_->smtp_port());
    foreign.send(proxy_header({203, 0, 113, 9}));
    EXPECT_THAT(foreign.deliver("a@example.org", {"two@elsewhere.test"}, kMail), StartsWith("550 5.7.1"));
    EXPECT_EQ(tracked("one@elsewhere.test", "client"), "198.51.100.7");
    EXPECT_EQ(tracked("two@elsewhere.test", "client"), "203.0.113.9");
    EXPECT_EQ(tracked("two@elsewhere.test", "outcome"), "refused");
    ASSERT_EQ(sink_->message_count(), 1U);
    EXPECT_THAT(sink_->messages()[0].content(), HasSubstr("[198.51.100.7]"));
    // A listed host that sends no header is not believed to be the client itself.
    SmtpTalk without(gateway_->smtp_port());
    EXPECT_THAT(without.ask("EHLO client.test"), IsEmpty());
}

TEST_F(EdgesTest, XclientNamesTheClientForListedHostsOnly) {
    start({.smtp = "xclient_hosts = [\"127.0.0.2\"]\npermitted_senders = [\"198.51.100.7\"]"});
    SmtpTalk unlisted(gateway_->smtp_port());
    unlisted.hear();
    unlisted.ask("EHLO outer.test");
    EXPECT_THAT(unlisted.ask("XCLIENT ADDR=198.51.100.7"), StartsWith("550 5.7.0"));
    edit("127.0.0.2", "127.0.0.1");
    const auto reloaded = gateway_->command({"reload"});
    EXPECT_EQ(reloaded.exit_code, 0) << reloaded.err;
    EXPECT_THAT(reloaded.out + reloaded.err, HasSubstr("smtp.xclient_hosts"));
    std::this_thread::sleep_for(200ms);
    SmtpTalk listed(gateway_->smtp_port());
    listed.hear();
    listed.ask("EHLO outer.test");
    EXPECT_THAT(listed.ask("XCLIENT ADDR=198.51.100.7 NAME=real.example HELO=real.example PROTO=ESMTP"),
                StartsWith("220"));
    listed.ask("EHLO client.test");
    EXPECT_THAT(listed.deliver_greeted("a@example.org", {"x@elsewhere.test"}, kMail), StartsWith("250"));
    EXPECT_EQ(tracked("x@elsewhere.test", "client"), "198.51.100.7");
    EXPECT_EQ(tracked("x@elsewhere.test", "helo"), "real.example");
}

TEST_F(EdgesTest, EachNextHopHasItsTlsMode) {
    test::SinkOptions with_tls;
    with_tls.starttls = true;
    const auto secure = test::Sink::start(with_tls).value();
    std::string hops;
    const auto hop = [&](const std::string& domain, const std::string& mode, const test::Sink& at) {
        hops += "[[next_hop]]\ndomain = \"" + domain + "\"\naddress = \"" + at.endpoint().to_string() +
                "\"\ntls = \"" + mode + "\"\nname = \"mx." + domain + "\"\n\n";
    };
    hop("opportunistic.test", "opportunistic", *secure);
    hop("required.test", "required", *secure);
    hop("verify.test", "verify", *secure);  // its certificate is self-signed
    hop("never.test", "never", *secure);
    hop("lost.test", "required", *sink_);  // does not offer STARTTLS
    start({.gatehouse = hops, .smtp = "permitted_senders = [\"127.0.0.1\"]"});
    SmtpTalk talk(gateway_->smtp_port());
    talk.hear();
    talk.ask("EHLO client.test");
    for (const std::string domain : {"opportunistic", "required", "never"}) {
        EXPECT_THAT(talk.deliver_greeted("a@example.org", {"user@" + domain + ".test"}, kMail),
                    StartsWith("250"));
        talk.ask("RSET");
    }
    for (const std::string domain : {"verify", "lost"}) {
        EXPECT_THAT(talk.deliver_greeted("a@example.org", {"user@" + domain + ".test"}, kMail),
                    StartsWith("250"))
            << "queued";
        talk.ask("RSET");
    }
    ASSERT_EQ(secure->message_count(), 3U);
    EXPECT_EQ(secure->messages()[0].tls_version, "TLSv1.3");
    EXPECT_EQ(secure->messages()[1].tls_version, "TLSv1.3");
    EXPECT_EQ(secure->messages()[2].tls_version, "");
    EXPECT_EQ(sink_->message_count(), 0U);
    EXPECT_THAT(tracked("user@required.test", "next_hop"), HasSubstr(" tls"));
    EXPECT_THAT(tracked("user@never.test", "next_hop"), ::testing::Not(HasSubstr("tls")));
    EXPECT_EQ(tracked("user@verify.test", "outcome"), "queued");
    const auto front = gateway_->role_status("front");
    for (const auto& row : front.at("next_hops").as_array()) {
        const std::string domain(row.as_object().at("domain").as_string());
        const bool is_down = domain == "verify.test" || domain == "lost.test";
        EXPECT_EQ(row.as_object().at("down").as_bool(), is_down) << domain;
    }
}

TEST_F(EdgesTest, SilentClientsDoNotHoldTheWayToTheNextHop) {
    start({.gatehouse = "[delivery]\nmax_connections = 2\n\n[process]\nthreads = 1\n"});
    std::vector<std::unique_ptr<SmtpTalk>> silent;
    for (int i = 0; i < 2; ++i) {
        silent.push_back(std::make_unique<SmtpTalk>(gateway_->smtp_port()));
        silent.back()->hear();
        silent.back()->ask("EHLO client.test");
        silent.back()->ask("MAIL FROM:<silent@example.org>");
        ASSERT_THAT(silent.back()->ask("RCPT TO:<user@gw.test>"), StartsWith("250"));
    }
    for (int i = 0; i < 2; ++i) {
        SmtpTalk lively(gateway_->smtp_port());
        EXPECT_THAT(lively.deliver("a@example.org", {"user@gw.test"}, kMail), StartsWith("250"));
    }
    // Who was silent goes on where he was: one recipient more, and the message.
    EXPECT_THAT(silent[0]->ask("RCPT TO:<second@gw.test>"), StartsWith("250"));
    for (auto& talk : silent) {
        ASSERT_THAT(talk->ask("DATA"), StartsWith("354"));
        EXPECT_THAT(talk->ask("Subject: late\r\n\r\nbut whole\r\n."), StartsWith("250"));
    }
    ASSERT_EQ(sink_->message_count(), 4U);
    EXPECT_EQ(sink_->messages()[2].recipients.size(), 2U);
}

TEST_F(EdgesTest, AMessageWithoutHeaderGetsAnEmptyLineBetweenOursAndItsText) {
    start({});
    SmtpTalk talk(gateway_->smtp_port());
    EXPECT_THAT(talk.deliver("a@example.org", {"user@gw.test"}, "just a line\r\n\r\nmore\r\n"),
                StartsWith("250"));
    EXPECT_THAT(talk.deliver("a@example.org", {"user@gw.test"}, "\r\nempty header\r\n"), StartsWith("250"));
    EXPECT_THAT(talk.deliver("a@example.org", {"user@gw.test"}, kMail), StartsWith("250"));
    ASSERT_EQ(sink_->message_count(), 3U);
    EXPECT_TRUE(sink_->messages()[0].content().ends_with("Verdict: clean\r\n\r\njust a line\r\n\r\nmore\r\n"))
        << sink_->messages()[0].content();
    EXPECT_TRUE(sink_->messages()[1].content().ends_with("Verdict: clean\r\n\r\nempty header\r\n"));
    EXPECT_TRUE(sink_->messages()[2].content().ends_with(std::string("Verdict: clean\r\n") + kMail));
}

TEST_F(EdgesTest, ARewrittenMessageWithoutHeaderGetsItsMarkInTheHeader) {
    start({.policy = "[[rule]]\nname = \"Global antivirus rule\"\nkind = \"antivirus\"\nwhen = { any = "
                     "[\"antivirus.match\"] }\nthen = \"quarantine\"\n\n[[rule]]\nname = \"mark\"\nwhen = "
                     "\"always\"\nthen = [{ action = \"x_header\", name = \"X-Mark\", text = \"yes\" }]\n"});
    SmtpTalk talk(gateway_->smtp_port());
    for (const char* mail :
         {"just a line\r\n", "\r\nan empty header\r\n", "X-Spam-Flag: YES\r\njust a line\r\n"}) {
        ASSERT_THAT(talk.deliver("a@example.org", {"user@gw.test"}, mail), StartsWith("250"));
        const std::string content = sink_->messages().back().content();
        const auto mark = content.find("\r\nX-Mark: yes\r\n");
        ASSERT_NE(mark, std::string::npos) << content;
        EXPECT_EQ(content.find("\r\n\r\n"), mark + 13) << content;
    }
}

TEST_F(EdgesTest, AHopThatIsDownHoldsBackNobodyElsesMail) {
    start({.gatehouse = "[[next_hop]]\ndomain = \"down.test\"\naddress = \"127.0.0.1:1\"\n",
           .smtp = "permitted_senders = [\"127.0.0.1\"]"});
    auto talk = client();
    talk.ask("MAIL FROM:<a@example.org>");
    EXPECT_THAT(talk.ask("RCPT TO:<user@down.test>"), StartsWith("250"));
    EXPECT_THAT(talk.ask("RCPT TO:<user@gw.test>"), StartsWith("250"));
    ASSERT_THAT(talk.ask("DATA"), StartsWith("354"));
    EXPECT_THAT(talk.ask("Subject: up\r\n\r\nx\r\n."), StartsWith("250"));
    EXPECT_TRUE(sink_->wait_for_messages(1, 10s));
    EXPECT_EQ(gateway_->rows({"queue", "list"}).size(), 1U);
}

/// What a role that was taken over might leave behind for root to stumble upon.
TEST_F(EdgesTest, RootFollowsNoLinkThatARoleLeftInTheStateFolder) {
    namespace fs = std::filesystem;
    if (::geteuid() != 0) GTEST_SKIP() << "only root changes owners";
    start();
    struct stat folder{};
    ASSERT_EQ(::stat(gateway_->state().c_str(), &folder), 0);
    EXPECT_EQ(folder.st_uid, 0U);
    EXPECT_TRUE((folder.st_mode & S_ISVTX) != 0) << "else a role could exchange the folders in it";
    const unsigned front = static_cast<unsigned>(gateway_->role_status("front").at("uid").to_number<int>());
    ASSERT_TRUE(gateway_->stop());
    const fs::path state = gateway_->state();
    const TemporaryFolder outside;
    std::ofstream(outside.path() + "/secret") << "x";
    const auto is_roots = [](const std::string& path) {
        struct stat status{};
        return ::lstat(path.c_str(), &status) == 0 && status.st_uid == 0;
    };
    // Deep in a tree it is passed over.
    fs::create_symlink(outside.path(), state / "items/quarantine/link");
    ASSERT_EQ(::lchown((state / "items/quarantine/link").c_str(), front, front), 0);
    ASSERT_TRUE(gateway_->start()) << gateway_->why();
    EXPECT_TRUE(is_roots(outside.path()) && is_roots(outside.path() + "/secret"));
    ASSERT_TRUE(gateway_->stop());
    // In the place of a folder it is refused, by name.
    for (const char* name : {"journal", "engine", "keys"}) {
        fs::rename(state / name, state / "aside");
        fs::create_symlink(outside.path(), state / name);
        ASSERT_EQ(::lchown((state / name).c_str(), front, front), 0);
        const auto refused = gateway_->command({"run"});
        EXPECT_EQ(refused.exit_code, 3) << refused.err;
        EXPECT_THAT(refused.err, HasSubstr("/"s + name + " is a symbolic link that root did not make"));
        EXPECT_TRUE(is_roots(outside.path()) && is_roots(outside.path() + "/secret"));
        fs::remove(state / name);
        fs::rename(state / "aside", state / name);
    }
    EXPECT_TRUE(gateway_->start()) << gateway_->why();
}

TEST_F(EdgesTest, ReloadNamesWhatItCannotApply) {
    start({.gatehouse = "[delivery]\nfinal_timeout = 100\n\n[limits]\nidle_timeout = 200"});
    edit("final_timeout = 100", "final_timeout = 99");
    edit("idle_timeout = 200", "idle_timeout = 199");
    auto said = gateway_->command({"reload"});
    EXPECT_EQ(said.exit_code, 0);
    EXPECT_THAT(said.out + said.err, HasSubstr("applied: limits.idle_timeout"));
    EXPECT_THAT(said.out + said.err,
                HasSubstr("`gatehouse restart all` is needed for: delivery.final_timeout"));
    edit("idle_timeout = 199", "idle_timeot = 198");
    said = gateway_->command({"reload"});
    EXPECT_EQ(said.exit_code, 2);
    EXPECT_THAT(said.err, HasSubstr("did you mean limits.idle_timeout"));
    SmtpTalk talk(gateway_->smtp_port());
    EXPECT_THAT(talk.deliver("a@example.org", {"user@gw.test"}, kMail), StartsWith("250"))
        << "nothing was half-applied";
}

TEST_F(EdgesTest, AnInspectorThatDiesTakesNobodyWithIt) {
    start({});
    const pid_t front = gateway_->pid_of("front");
    for (int i = 0; i < 4; ++i) {
        if (i == 2) {
            EXPECT_EQ(gateway_->command({"restart", "scan"}).exit_code, 0);
        } else {
            const pid_t inspector = gateway_->pid_of("inspector");
            ASSERT_GT(inspector, 1);
            ::kill(inspector, SIGKILL);
        }
        SmtpTalk talk(gateway_->smtp_port());
        EXPECT_THAT(talk.deliver("a@example.org", {"user@gw.test"}, kMail), StartsWith("250"));
    }
    EXPECT_EQ(gateway_->pid_of("front"), front) << gateway_->log();
    EXPECT_EQ(sink_->message_count(), 4U);
}

TEST_F(EdgesTest, RestartAllDrainsAndKeepsListening) {
    start({});
    SmtpTalk open(gateway_->smtp_port());
    open.hear();
    open.ask("EHLO client.test");
    open.ask("MAIL FROM:<a@example.org>");
    open.ask("RCPT TO:<user@gw.test>");
    ASSERT_THAT(open.ask("DATA"), StartsWith("354"));
    open.send("Subject: half of it\r\n\r\nfirst ");
    SmtpTalk idle(gateway_->smtp_port());
    idle.hear();
    const pid_t before = gateway_->pid_of("front");
    EXPECT_EQ(gateway_->command({"restart", "all"}).exit_code, 0);
    std::this_thread::sleep_for(300ms);
    EXPECT_THAT(idle.ask("NOOP"), ::testing::AnyOf(IsEmpty(), StartsWith("421")));
    SmtpTalk waiting(gateway_->smtp_port());  // waits in the backlog of the listening socket
    ASSERT_TRUE(waiting.is_open());
    EXPECT_THAT(open.ask("second\r\n."), StartsWith("250"));
    open.close();
    EXPECT_THAT(waiting.deliver("a@example.org", {"user@gw.test"}, kMail), StartsWith("250"));
    EXPECT_NE(gateway_->pid_of("front"), before);
    EXPECT_EQ(sink_->message_count(), 2U);
    EXPECT_EQ(gateway_->rows({"track"}).size(), 2U);
}

TEST_F(EdgesTest, StarttlsAndTheStatusPageAreServedWithTheCertificateMadeAtTheFirstStart) {
    start({});
    const auto port = std::to_string(gateway_->smtp_port());
    const auto smtp =
        run_program({"/usr/bin/openssl", "s_client", "-starttls", "smtp", "-connect", "127.0.0.1:" + port},
                    "QUIT\r\n", 30);
    EXPECT_THAT(smtp.out, HasSubstr("TLSv1.3"));
    EXPECT_THAT(smtp.out, HasSubstr("gateway.test"));
    const auto https = "127.0.0.1:" + std::to_string(gateway_->admin_port());
    const auto ask = [&](const std::string& path) {
        return run_program({"/usr/bin/openssl", "s_client", "-quiet", "-ign_eof", "-connect", https},
                           "GET " + path + " HTTP/1.0\r\nHost: gateway.test\r\n\r\n", 30)
            .out;
    };
    EXPECT_THAT(ask("/healthz"), HasSubstr("200 OK"));
    EXPECT_THAT(ask("/readyz"), HasSubstr("200 OK"));
    EXPECT_THAT(ask("/metrics"), HasSubstr("gatehouse_sessions"));
    EXPECT_THAT(ask("/"), HasSubstr("<html"));
    EXPECT_THAT(ask("/nothing"), HasSubstr(" 404 "));
}

}  // namespace
}  // namespace gatehouse::testing
