// The SpamAssassin corpus through a whole gateway: every message arrives byte for byte but for what the
// gateway says it changes, and tracking knows each of them. Skipped where the shared corpora are not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/text.h"
#include "support/gateway/gateway.h"
#include "support/gateway/smtp_talk.h"
#include "support/shared_data.h"
#include "support/smtp_sink/sink.h"

namespace gatehouse::testing {
namespace {

constexpr std::size_t kNominal = 6046;

struct Corpus {
    std::vector<std::pair<std::string, std::string>> messages;  // name, CRLF bytes
};

const Corpus& corpus() {
    static const Corpus kCorpus = [] {
        Corpus out;
        const auto file = test::shared_file("data/mail/spamassassin-public-corpus.tar.zst");
        if (!file) return out;
        test::for_each_file(*file, [&](const std::string& name, std::string_view bytes) {
            if (name.find("index.tsv") != std::string::npos) return;
            std::string message = with_crlf(bytes);
            if (!message.ends_with("\r\n")) message += "\r\n";
            out.messages.emplace_back(name, std::move(message));
        });
        return out;
    }();
    return kCorpus;
}

bool has_bare_cr(std::string_view bytes) {
    for (auto at = bytes.find('\r'); at != std::string_view::npos; at = bytes.find('\r', at + 1)) {
        if (at + 1 == bytes.size() || bytes[at + 1] != '\n') return true;
    }
    return false;
}

/// What must arrive: the same without X-Spam-* and X-Gatehouse-* fields (and their continuation lines).
std::string without_stripped_fields(std::string_view message, std::size_t& stripped) {
    std::string out;
    bool in_header = true;
    bool dropping = false;
    bool dropped_any = false;
    while (!message.empty()) {
        const auto end = message.find("\r\n") + 2;
        const auto line = message.substr(0, end);
        message.remove_prefix(end);
        const bool is_continuation = line[0] == ' ' || line[0] == '\t';
        if (in_header && !is_continuation) {
            dropping = base::istarts_with(line, "X-Spam-") || base::istarts_with(line, "X-Gatehouse-");
            dropped_any = dropped_any || dropping;
            if (line == "\r\n") in_header = false;
        }
        if (!in_header || !dropping) out += line;
    }
    if (dropped_any) ++stripped;
    return out;
}

/// The bytes behind our own lines.
std::string behind_our_header(const std::string& content) {
    const auto at = content.find("X-Gatehouse-Verdict: ");
    if (at == std::string::npos) return "no X-Gatehouse-Verdict";
    return content.substr(content.find("\r\n", at) + 2);
}

class CorpusTest : public ::testing::Test {
  protected:
    void SetUp() override {
        test::count_shared_cases(
            "corpus-" + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()),
            kNominal);
        if (corpus().messages.empty()) GTEST_SKIP() << "the SpamAssassin corpus is not here";
        ASSERT_EQ(corpus().messages.size(), kNominal);
        sink_ = test::Sink::start({}).value();
    }

    std::unique_ptr<test::Sink> sink_;
};

TEST_F(CorpusTest, EveryMessageArrivesUnchangedAndIsTracked) {
    GatewayPlan plan;
    plan.next_hops = {sink_->endpoint().to_string()};
    Gateway gateway(plan);
    ASSERT_TRUE(gateway.start()) << gateway.why();
    SmtpTalk talk(gateway.smtp_port());
    std::vector<std::string> expected;
    std::vector<std::string> names;
    std::size_t stripped = 0;
    std::size_t bare = 0;
    for (const auto& [name, message] : corpus().messages) {
        const std::string reply = talk.deliver("sender@example.org", {"user@gw.test"}, message);
        if (has_bare_cr(message)) {
            ++bare;
            EXPECT_THAT(reply, ::testing::StartsWith("550 5.6.11")) << name;
            continue;
        }
        EXPECT_THAT(reply, ::testing::StartsWith("250 2.0.0")) << name;
        expected.push_back(without_stripped_fields(message, stripped));
        names.push_back(name);
    }
    EXPECT_EQ(bare, 8U);
    EXPECT_EQ(stripped, 3U);
    const auto arrived = sink_->messages();
    ASSERT_EQ(arrived.size(), expected.size());
    std::size_t different = 0;
    for (std::size_t i = 0; i < arrived.size(); ++i) {
        if (behind_our_header(arrived[i].content()) == expected[i]) continue;
        if (++different <= 5) ADD_FAILURE() << names[i] << " was changed";
    }
    EXPECT_EQ(different, 0U);
    const auto rows = gateway.rows({"track", "--limit", "10000"});
    EXPECT_EQ(rows.size(), kNominal);
    std::map<std::string, std::size_t> outcomes;
    for (const auto& row : rows) ++outcomes[std::string(row.at("outcome").as_string())];
    EXPECT_EQ(outcomes["delivered"], kNominal - 8);
    EXPECT_EQ(outcomes["refused"], 8U);
    EXPECT_TRUE(gateway.stop());
}

TEST_F(CorpusTest, BareCrArrivesWhereTheSettingSaysNormalise) {
    GatewayPlan plan;
    plan.next_hops = {sink_->endpoint().to_string()};
    plan.smtp = "bare_newline = \"normalise\"";
    Gateway gateway(plan);
    ASSERT_TRUE(gateway.start()) << gateway.why();
    SmtpTalk talk(gateway.smtp_port());
    std::size_t sent = 0;
    for (const auto& [name, message] : corpus().messages) {
        if (!has_bare_cr(message)) continue;
        ++sent;
        EXPECT_THAT(talk.deliver("sender@example.org", {"user@gw.test"}, message),
                    ::testing::StartsWith("250"))
            << name;
    }
    EXPECT_EQ(sent, 8U);
    for (const auto& message : sink_->messages()) EXPECT_FALSE(has_bare_cr(message.content()));
    EXPECT_EQ(sink_->message_count(), 8U);
}

}  // namespace
}  // namespace gatehouse::testing
