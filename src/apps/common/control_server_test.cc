#include "apps/common/control_server.h"

#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <future>
#include <thread>

#include "apps/common/control_client.h"
#include "store/testing.h"

namespace gatehouse::apps {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr unsigned kGroup = 61840;

class ControlServerTest : public ::testing::Test {
  protected:
    void SetUp() override {
        std::filesystem::create_directories(folder_ / "var/run");
        // Strangers may come as far as the socket.
        for (const auto& folder : {folder_.path(), folder_ / "var", folder_ / "var/run"}) {
            ASSERT_EQ(::chmod(folder.c_str(), 0755), 0);
        }
        ConfigTexts texts;
        texts.folder = folder_.path();
        config_ = Config::read(texts).value();
    }
    void serve(ControlServer::Handler handler) {
        auto listening = ipc::listen_unix(folder_ / "var/run/front.sock", 0666).value();
        server_ = std::make_unique<ControlServer>(std::move(listening), kGroup, std::move(handler));
    }
    base::Result<pb::ControlEnd> ask(const pb::ControlRequest& request,
                                     const ControlSinks& sinks = {}) const {
        return ask_role(config_, "front", request, sinks);
    }
    static pb::ControlRequest status() {
        pb::ControlRequest request;
        request.mutable_status();
        return request;
    }
    /// The exit class that somebody else of those groups gets; -1 = no answer.
    int ask_as(const std::vector<gid_t>& groups) const {
        const pid_t child = ::fork();
        if (child == 0) {
            const bool is_other = ::setgroups(groups.size(), groups.data()) == 0 &&
                                  ::setresgid(65534, 65534, 65534) == 0 &&
                                  ::setresuid(65534, 65534, 65534) == 0;
            const auto end = is_other ? ask(status()) : base::fail(base::Fault::internal, "not root");
            ::_exit(end ? static_cast<int>(end->exit_class()) : 100);
        }
        int status_word = 0;
        ::waitpid(child, &status_word, 0);
        return WIFEXITED(status_word) ? WEXITSTATUS(status_word) : -1;
    }
    base::Fd connect() const { return ipc::connect_unix(folder_ / "var/run/front.sock").value(); }

    store::TemporaryFolder folder_;
    Config config_;
    std::unique_ptr<ControlServer> server_;
};

TEST_F(ControlServerTest, AnswersWithRowsBytesAndAnEnd) {
    serve([](const pb::ControlRequest&, ControlReplies& replies) {
        EXPECT_TRUE(replies.may_change());
        replies.row("{\"n\":1}");
        replies.working();
        replies.raw(std::string(600'000, 'x'));
        replies.end(1, "a sentence");
    });
    std::vector<std::string> rows;
    std::size_t bytes = 0;
    const auto end = ask(status(), {[&](std::string_view row) { rows.emplace_back(row); },
                                    [&](std::string_view raw) { bytes += raw.size(); }});
    ASSERT_TRUE(end) << end.error().sentence;
    EXPECT_EQ(end->exit_class(), 1U);
    EXPECT_EQ(end->sentence(), "a sentence");
    EXPECT_THAT(rows, ElementsAre("{\"n\":1}"));
    EXPECT_EQ(bytes, 600'000U);
}

TEST_F(ControlServerTest, WhoDidItIsWhatTheKernelSays) {
    serve([](const pb::ControlRequest& request, ControlReplies& replies) {
        replies.end(0, request.quarantine().who());
    });
    pb::ControlRequest request;
    request.mutable_quarantine()->set_who("root (uid 0)\n" + std::string(2000, 'a'));
    const auto end = ask(request);
    ASSERT_TRUE(end);
    EXPECT_TRUE(end->sentence().ends_with("(uid " + std::to_string(::geteuid()) + ")")) << end->sentence();
    EXPECT_LT(end->sentence().size(), 300U);
    EXPECT_EQ(end->sentence().find('\n'), std::string::npos);
    EXPECT_EQ(signed_name("", 7), "somebody (uid 7)");
}

TEST_F(ControlServerTest, MembersOfTheGroupMayReadAndStrangersMayNot) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
    serve([](const pb::ControlRequest&, ControlReplies& replies) {
        replies.end(replies.may_change() ? 0 : 1, "");
    });
    EXPECT_EQ(ask_as({kGroup}), 1) << "a supplementary group";
    EXPECT_EQ(ask_as({kGroup + 1}), 3);
    EXPECT_EQ(ask_as({}), 3);
    EXPECT_EQ(ask(status()).value().exit_class(), 0U);
}

TEST_F(ControlServerTest, AHandlerThatThrowsIsAnAnswer) {
    serve([](const pb::ControlRequest&, ControlReplies&) { throw std::runtime_error("out of luck"); });
    const auto end = ask(status());
    ASSERT_TRUE(end);
    EXPECT_EQ(end->exit_class(), 3U);
    EXPECT_THAT(end->sentence(), HasSubstr("out of luck"));
}

/// The pager that nobody leaves: its server ends all the same.
TEST_F(ControlServerTest, TheEndWaitsForNoClient) {
    std::promise<void> begun;
    serve([&](const pb::ControlRequest&, ControlReplies& replies) {
        begun.set_value();
        for (int i = 0; i < 1000; ++i) replies.raw(std::string(1 << 20, 'x'));
        replies.end(0, "");
    });
    ipc::Channel stuck(connect(), base::kControlFrameLimit);
    auto request = status();
    request.set_version(kControlVersion);
    ASSERT_TRUE(stuck.send(request.SerializeAsString()));
    begun.get_future().wait();
    const auto silent = connect();  // and one that never asks
    server_.reset();
    SUCCEED();
}

/// Peers beyond the bound are told at once instead of costing memory; those that wait are served in the end.
TEST_F(ControlServerTest, WaitingIsBounded) {
    std::promise<void> go_on;
    const auto may_go_on = go_on.get_future().share();
    serve([&](const pb::ControlRequest&, ControlReplies& replies) {
        may_go_on.wait();
        replies.end(0, "served");
    });
    constexpr std::size_t kPeers = 2 * ControlServer::kMaxWaiting;
    std::vector<ipc::Channel> peers;
    auto request = status();
    request.set_version(kControlVersion);
    for (std::size_t i = 0; i < kPeers; ++i) {
        peers.emplace_back(connect(), base::kControlFrameLimit);
        (void)peers.back().send(request.SerializeAsString());
    }
    go_on.set_value();
    std::size_t served = 0;
    std::size_t turned_away = 0;
    for (auto& peer : peers) {
        const auto frame = peer.receive(30'000);
        pb::ControlReply reply;
        ASSERT_TRUE(frame && reply.ParseFromString(*frame));
        ++(reply.end().exit_class() == 0 ? served : turned_away);
    }
    EXPECT_EQ(served + turned_away, kPeers);
    EXPECT_GE(served, ControlServer::kMaxWaiting);
}

TEST_F(ControlServerTest, ADamagedStoreIsNobodysWrongUsage) {
    EXPECT_EQ(report({base::Fault::malformed, "the database is damaged"}), 3);
    EXPECT_EQ(report({base::Fault::unavailable, "not there"}), 3);
    EXPECT_EQ(report({base::Fault::usage, "no such key"}), 2);
}

}  // namespace
}  // namespace gatehouse::apps
