// Whole gateways under mistreatment: killed roles, hostile input, crashing detectors, a quarantine that must
// keep its word. Everything is counted by message id.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>

#include "support/eicar.h"
#include "support/gateway/gateway.h"
#include "support/gateway/smtp_talk.h"
#include "support/shared_data.h"
#include "support/smtp_sink/sink.h"

namespace gatehouse::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::chrono_literals;

bool has_clamd() {
    return std::filesystem::exists("/usr/sbin/clamd");
}

std::string message_with(const std::string& id, const std::string& body = "hello\r\n") {
    return "From: <a@example.org>\r\nTo: <user@gw.test>\r\nSubject: " + id + "\r\nMessage-ID: <" + id +
           "@example.org>\r\nDate: Mon, 01 Jun 2026 10:00:00 +0000\r\n\r\n" + body;
}

std::string id_of(const std::string& content) {
    const auto at = content.find("Message-ID: <");
    const auto end = content.find("@example.org>", at);
    return at == std::string::npos || end == std::string::npos ? "" : content.substr(at + 13, end - at - 13);
}

class WalkTest : public ::testing::Test {
  protected:
    void SetUp() override {
        sink_ = test::Sink::start({}).value();
        plan_.next_hops = {sink_->endpoint().to_string()};
    }
    std::set<std::string> ids_at_sink() const {
        std::set<std::string> out;
        for (const auto& message : sink_->messages()) out.insert(id_of(message.content()));
        return out;
    }

    std::unique_ptr<test::Sink> sink_;
    GatewayPlan plan_;
};

// --- quarantine
// ---------------------------------------------------------------------------------------------------

TEST_F(WalkTest, EicarIsHeldListedShownReleasedAndDeleted) {
    if (!has_clamd()) GTEST_SKIP() << "clamd is not installed";
    plan_.clamd = "managed";
    Gateway gateway(plan_);
    ASSERT_TRUE(gateway.start()) << gateway.why();
    ASSERT_TRUE(gateway.wait_engine(30)) << gateway.log();
    SmtpTalk talk(gateway.smtp_port());
    const std::string mail = with_crlf(mail_with("test.zip", stored_zip("test.com", eicar())));
    ASSERT_THAT(talk.deliver("a@example.org", {"user@gw.test"}, mail), StartsWith("250"));
    ASSERT_THAT(talk.deliver("a@example.org", {"user@gw.test"}, mail), StartsWith("250"));
    EXPECT_EQ(sink_->message_count(), 0U);

    const auto listed = gateway.rows({"quarantine", "list"});
    ASSERT_EQ(listed.size(), 2U);
    const std::string first(listed[0].at("id").as_string());
    const std::string second(listed[1].at("id").as_string());
    EXPECT_EQ(listed[0].at("verdict").as_string(), "virus");
    const auto shown = gateway.rows({"quarantine", "show", first});
    ASSERT_EQ(shown.size(), 1U);
    EXPECT_EQ(shown[0].at("rule").as_string(), "Global antivirus rule");
    EXPECT_EQ(gateway.command({"quarantine", "show", "--raw", first}).out, mail);

    const auto released = gateway.command({"quarantine", "release", first, "--why", "a test"});
    EXPECT_EQ(released.exit_code, 0) << released.err;
    ASSERT_EQ(sink_->message_count(), 1U);
    EXPECT_TRUE(sink_->messages()[0].content().ends_with(mail));
    EXPECT_EQ(gateway.command({"quarantine", "release", first}).exit_code,
              1);  // a second release is refused politely
    EXPECT_EQ(sink_->message_count(), 1U);

    EXPECT_EQ(gateway.command({"quarantine", "delete", second}).exit_code, 0);
    EXPECT_EQ(gateway.command({"quarantine", "show", second}).exit_code, 1);
    EXPECT_EQ(gateway.rows({"quarantine", "list"}).size(), 1U);
    ASSERT_TRUE(gateway.stop());
    // While no gateway runs, the command opens the stores itself.
    EXPECT_EQ(gateway.rows({"quarantine", "list"}).size(), 1U);
    EXPECT_GE(gateway.rows({"track"}).size(), 2U);
}

/// Every disguise goes the whole way: held, listed, shown as it came, released once.
TEST_F(WalkTest, EicarInEveryDisguiseIsHeldListedShownAndReleased) {
    namespace fs = std::filesystem;
    if (!has_clamd()) GTEST_SKIP() << "clamd is not installed";
    plan_.clamd = "managed";
    Gateway gateway(plan_);
    ASSERT_TRUE(gateway.start()) << gateway.why();
    ASSERT_TRUE(gateway.wait_engine(30)) << gateway.log();
    std::size_t released = 0;
    for (const std::string how : {"base64", "qp", "zip", "nested"}) {
        SCOPED_TRACE(how);
        const auto path = fs::path(GATEHOUSE_SOURCE_ROOT) / "tests/cases/act" / ("eicar_" + how + ".case");
        const std::string mail =
            run_program({program_folder() + "/gatehouse-case", "--message", path.string()}).out;
        ASSERT_FALSE(mail.empty());
        SmtpTalk talk(gateway.smtp_port());
        ASSERT_THAT(talk.deliver("a@example.org", {"user@gw.test"}, mail), StartsWith("250"));
        EXPECT_EQ(sink_->message_count(), released);
        const auto listed = gateway.rows({"quarantine", "list"});
        ASSERT_EQ(listed.size(), released + 1);
        const std::string id(listed[0].at("id").as_string());  // the newest
        EXPECT_EQ(listed[0].at("verdict").as_string(), "virus");
        EXPECT_EQ(gateway.command({"quarantine", "show", "--raw", id}).out, mail);
        EXPECT_EQ(gateway.command({"quarantine", "release", id}).exit_code, 0);
        ASSERT_EQ(sink_->message_count(), ++released);
        EXPECT_TRUE(sink_->messages().back().content().ends_with(mail));
    }
}

// --- killed roles
// -------------------------------------------------------------------------------------------------

/// Sends messages with ids of its own until told to stop; keeps what was acknowledged.
class Sender {
  public:
    Sender(int port, std::string name) : port_(port), name_(std::move(name)), thread_([this] { run(); }) {}
    ~Sender() { stop(); }
    void stop() {
        stop_ = true;
        if (thread_.joinable()) thread_.join();
    }
    const std::set<std::string>& acknowledged() const { return acknowledged_; }
    const std::set<std::string>& refusals() const { return refusals_; }

  private:
    void run() {
        for (int i = 0; !stop_;) {
            SmtpTalk talk(port_, 30);
            while (!stop_) {
                const std::string id = name_ + "-" + std::to_string(i++);
                const std::string reply = talk.deliver("a@example.org", {"user@gw.test"}, message_with(id));
                if (reply.starts_with("250")) {
                    acknowledged_.insert(id);
                } else if (!reply.empty()) {
                    refusals_.insert(reply);
                }
                if (reply.empty() || reply.starts_with("421")) break;
            }
            std::this_thread::sleep_for(20ms);
        }
    }

    int port_;
    std::string name_;
    std::atomic<bool> stop_{false};
    std::set<std::string> acknowledged_;
    std::set<std::string> refusals_;
    std::thread thread_;
};

/// New lists and the rules that speak of them count together: no message is judged by one without the other.
TEST_F(WalkTest, KeywordListsAreExchangedWithoutAGap) {
    const auto policy = [](const std::string& word) {
        return "[[expression_list]]\nname = \"" + word + "\"\nexpression = [\"\\\\b" + word +
               "\\\\b\"]\n[[rule]]\nname = \"r\"\nwhen = { any = [\"content.expression = " + word +
               "\"] }\nthen = [\"reject\"]\n";
    };
    plan_.policy = policy("falcon");
    Gateway gateway(plan_);
    ASSERT_TRUE(gateway.start()) << gateway.why();
    const auto send = [&](const std::string& word) {
        SmtpTalk talk(gateway.smtp_port());
        return talk.deliver("a@example.org", {"user@gw.test"}, with_crlf("Subject: x\n\nthe " + word + "\n"));
    };
    EXPECT_THAT(send("falcon"), StartsWith("550"));
    EXPECT_THAT(send("eagle"), StartsWith("250"));
    const auto folder = std::filesystem::path(gateway.config()).parent_path();
    std::ofstream(folder / "policy.toml") << policy("eagle");
    const auto reloaded = gateway.command({"reload"});
    ASSERT_EQ(reloaded.exit_code, 0) << reloaded.err;
    EXPECT_THAT(send("eagle"), StartsWith("550"));
    EXPECT_THAT(send("falcon"), StartsWith("250"));
    std::ofstream(folder / "policy.toml") << policy("(eagle");
    const auto refused = gateway.command({"reload"});
    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_THAT(refused.err, HasSubstr("is refused: Missing close"));
    EXPECT_THAT(send("eagle"), StartsWith("550"));
    ASSERT_TRUE(gateway.stop());
    std::ofstream(folder / "policy.toml") << policy("falcon");
    ASSERT_TRUE(gateway.start()) << gateway.why();
    EXPECT_THAT(send("falcon"), StartsWith("550"));
    EXPECT_EQ(
        std::distance(std::filesystem::directory_iterator(gateway.state() + "/generations/expressions"), {}),
        2);
}

TEST_F(WalkTest, KilledRolesLoseNothing) {
    if (has_clamd()) plan_.clamd = "managed";
    plan_.settings = "[antivirus]\ngrace = 600\n";
    Gateway gateway(plan_);
    ASSERT_TRUE(gateway.start()) << gateway.why();
    if (has_clamd()) {
        ASSERT_TRUE(gateway.wait_engine(30)) << gateway.log();
    }
    std::vector<std::unique_ptr<Sender>> senders;
    for (int i = 0; i < 3; ++i)
        senders.push_back(std::make_unique<Sender>(gateway.smtp_port(), "s" + std::to_string(i)));
    for (const std::string role : {"inspector", "front", "admin", "clamd", "front", "inspector"}) {
        std::this_thread::sleep_for(500ms);
        const pid_t pid = gateway.pid_of(role);
        if (pid > 0) ::kill(pid, SIGKILL);
        EXPECT_TRUE(gateway.wait_ready(30)) << role << "\n" << gateway.log();
    }
    if (has_clamd()) {
        EXPECT_TRUE(gateway.wait_engine(30)) << gateway.log();
    }
    std::this_thread::sleep_for(1s);
    std::set<std::string> acknowledged;
    for (auto& sender : senders) {
        sender->stop();
        acknowledged.insert(sender->acknowledged().begin(), sender->acknowledged().end());
    }
    EXPECT_GT(acknowledged.size(), 50U);
    const auto arrived = ids_at_sink();
    std::set<std::string> tracked;
    for (const auto& row : gateway.rows({"track", "--limit", "10000"})) {
        tracked.insert(std::string(row.at("subject").as_string()));
    }
    std::set<std::string> held;
    for (const auto& row : gateway.rows({"quarantine", "list", "--limit", "10000"})) {
        held.insert(std::string(row.at("subject").as_string()));
    }
    EXPECT_GE(tracked.size(), acknowledged.size()) << gateway.command({"track"}).err;
    std::size_t lost = 0;
    std::size_t untracked = 0;
    for (const auto& id : acknowledged) {
        if (!arrived.contains(id) && !held.contains(id)) {
            ++lost;
            ADD_FAILURE() << id << " is nowhere\n"
                          << gateway.command({"track", "--subject", id, "--json"}).out;
        }
        if (!tracked.contains(id) && ++untracked == 1)
            ADD_FAILURE() << id << " is not tracked; " << *tracked.begin() << " is";
    }
    EXPECT_EQ(lost, 0U) << "of " << acknowledged.size();
    EXPECT_EQ(untracked, 0U) << "of " << acknowledged.size();
    EXPECT_TRUE(gateway.stop());
}

// --- detectors that fail
// ------------------------------------------------------------------------------------------

/// The programs under test with gatehouse-test-inspector, whose detectors obey X-Probe, in the inspector's
/// place.
void make_test_composition(const std::string& folder) {
    namespace fs = std::filesystem;
    for (const std::string name : {"gatehouse", "gatehouse-front", "gatehouse-admin"}) {
        fs::copy_file(program_folder() + "/" + name, folder + "/" + name);
    }
    fs::copy_file(program_folder() + "/gatehouse-test-inspector", folder + "/gatehouse-inspector");
}

TEST_F(WalkTest, ADetectorThatFailsCostsItsOwnMessageOnly) {
    const TemporaryFolder programs;
    make_test_composition(programs.path());
    plan_.programs = programs.path();
    plan_.gatehouse = "[inspect]\ndeadline = 2\n";
    Gateway gateway(plan_);
    ASSERT_TRUE(gateway.start()) << gateway.why();
    std::vector<std::unique_ptr<Sender>> others;
    for (int i = 0; i < 2; ++i)
        others.push_back(std::make_unique<Sender>(gateway.smtp_port(), "o" + std::to_string(i)));
    std::size_t failed = 0;
    for (const std::string deed : {"crash", "hang", "memory", "throw", "socket"}) {
        SmtpTalk talk(gateway.smtp_port());
        const std::string reply =
            talk.deliver("a@example.org", {"user@gw.test"}, "X-Probe: " + deed + "\r\n" + message_with(deed));
        EXPECT_THAT(reply, StartsWith("250")) << deed;
        // Nothing is known of what nobody could look at, but whose it was and what became of it.
        const auto rows = gateway.rows({"track", "--verdict", "unscannable"});
        ASSERT_EQ(rows.size(), ++failed) << deed;
        EXPECT_EQ(rows[0].at("outcome").as_string(), "quarantined") << deed;
    }
    for (auto& other : others) other->stop();
    std::size_t acknowledged = 0;
    const auto arrived = ids_at_sink();
    for (auto& other : others) {
        acknowledged += other->acknowledged().size();
        for (const auto& id : other->acknowledged()) EXPECT_TRUE(arrived.contains(id)) << id;
        EXPECT_TRUE(other->refusals().empty()) << *other->refusals().begin();
    }
    EXPECT_GT(acknowledged, 50U);
    EXPECT_EQ(gateway.rows({"quarantine", "list"}).size(), 5U);
}

/// The release filter over every case message: inspected by real workers, none of which may fail.
TEST_F(WalkTest, TheReleaseFilterHoldsOverTheWholeCaseSet) {
    namespace fs = std::filesystem;
    const TemporaryFolder mail;
    std::size_t count = 0;
    for (const std::string root : {"src", "tests/cases"}) {
        for (const auto& entry : fs::recursive_directory_iterator(fs::path(GATEHOUSE_SOURCE_ROOT) / root)) {
            if (entry.path().extension() != ".case") continue;
            const auto made =
                run_program({program_folder() + "/gatehouse-case", "--message", entry.path().string()});
            ASSERT_EQ(made.exit_code, 0) << entry.path() << made.err;
            std::ofstream(mail.path() + "/" + std::to_string(count++) + ".eml", std::ios::binary) << made.out;
        }
    }
    ASSERT_GT(count, 30U);
    plan_.gatehouse = "[inspect]\nrequire_sandbox = true\n";
    Gateway gateway(plan_);  // for its configuration alone
    std::size_t seen = 0;
    for (const auto& row : gateway.rows({"scan", mail.path()})) {
        ++seen;
        const std::string text = boost::json::serialize(row);
        EXPECT_EQ(text.find("two inspectors failed"), std::string::npos) << text;
        EXPECT_FALSE(row.at("sha256").as_string().empty()) << text;
    }
    EXPECT_EQ(seen, count);
}

/// The sessions of the shared vectors with their own runner, against the whole gateway.
TEST_F(WalkTest, SharedSmtpSessionsPassWithTheirRunner) {
    constexpr std::size_t kNominalSessions = 41;
    test::count_shared_cases("smtp-sessions-runner", kNominalSessions);
    const auto runner = test::shared_file("vectors/smtp-sessions/run_sessions.py");
    const auto sessions = test::shared_file("vectors/smtp-sessions/sessions.jsonl");
    if (!runner || !sessions) GTEST_SKIP() << "the shared sessions are not here";
    const std::string hop = sink_->endpoint().to_string();
    sink_.reset();  // the runner listens there itself
    Gateway gateway(plan_);
    ASSERT_TRUE(gateway.start()) << gateway.why();
    const auto done =
        run_program({"python3", runner->string(), "--gw", "127.0.0.1:" + std::to_string(gateway.smtp_port()),
                     "--sink", hop, sessions->string()},
                    {}, 240);
    EXPECT_EQ(done.exit_code, 0) << done.out << done.err;
    EXPECT_THAT(done.out, HasSubstr(std::to_string(kNominalSessions) + " passed, 0 failed"));
}

// --- hostile input
// ------------------------------------------------------------------------------------------------

TEST_F(WalkTest, HostileInputDisturbsNobody) {
    Gateway gateway(plan_);
    ASSERT_TRUE(gateway.start()) << gateway.why();
    std::vector<SmtpTalk> slow;
    for (int i = 0; i < 50; ++i) {
        slow.emplace_back(gateway.smtp_port());
        slow.back().send(i % 2 == 0 ? "EHL"
                                    : "EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<user@gw.test>\r\nDA");
    }
    {
        SmtpTalk binary(gateway.smtp_port());
        binary.hear();
        binary.send(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) +
                    std::string(5000, '\xff') + "\r\n");
        EXPECT_THAT(binary.hear(), ::testing::AnyOf(StartsWith("5"), StartsWith("421"), ""));
        SmtpTalk half(gateway.smtp_port());
        half.hear();
        half.send("EHLO half.test\r\nMAIL FROM:<a@b.test>\r\n");
        half.half_close();
        half.hear();
    }
    std::string headers = "Subject: many\r\n";
    for (int i = 0; i < 10'000; ++i) headers += "X-" + std::to_string(i) + ": v\r\n";
    std::string parts = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n";
    for (int i = 0; i < 5'000; ++i) parts += "--b\r\n\r\nx\r\n";
    SmtpTalk talk(gateway.smtp_port());
    EXPECT_THAT(talk.deliver("a@example.org", {"user@gw.test"}, headers + "\r\nbody\r\n"), StartsWith("250"));
    EXPECT_THAT(talk.deliver("a@example.org", {"user@gw.test"}, parts + "--b--\r\n"), StartsWith("250"));
    EXPECT_THAT(talk.deliver("a@example.org", {"user@gw.test"}, std::string("a\0b\r\n", 5)), StartsWith("5"));
    EXPECT_THAT(talk.deliver("a@example.org", {"user@gw.test"}, message_with("after")), StartsWith("250"));
    EXPECT_TRUE(ids_at_sink().contains("after"));
    EXPECT_EQ(gateway.rows({"quarantine", "list"}).size(), 2U);  // the two malformed ones
    [[maybe_unused]] constexpr std::uint64_t kAllowed = 150ULL << 20;
    const auto used = gateway.pss() + gateway.memory_files();
#ifndef GATEHOUSE_SANITIZED
    EXPECT_LT(used, kAllowed);
#endif
    RecordProperty("pss_mib", static_cast<int>(used >> 20));
    for (auto& one : slow) EXPECT_TRUE(one.is_open());
}

TEST_F(WalkTest, ALineOfAGigabyteIsRefusedWithinBounds) {
    plan_.smtp = "max_message_size = \"1 MiB\"";
    plan_.gatehouse = "[limits]\ndiscard = \"8 MiB\"";
    Gateway gateway(plan_);
    ASSERT_TRUE(gateway.start()) << gateway.why();
    SmtpTalk talk(gateway.smtp_port());
    talk.hear();
    talk.ask("EHLO long.test");
    talk.ask("MAIL FROM:<a@example.org>");
    talk.ask("RCPT TO:<user@gw.test>");
    ASSERT_THAT(talk.ask("DATA"), StartsWith("354"));
    const std::string block(1 << 20, 'x');
    int sent = 0;
    while (sent < 1024 && talk.send(block)) ++sent;
    EXPECT_LT(sent, 64);
    EXPECT_THAT(talk.hear(), StartsWith("552 5.3.4"));
    EXPECT_EQ(talk.hear(), "");
    EXPECT_THAT(
        SmtpTalk(gateway.smtp_port()).deliver("a@example.org", {"user@gw.test"}, message_with("next")),
        StartsWith("250"));
}

}  // namespace
}  // namespace gatehouse::testing
