// The parts of the benches that need no gateway: mail, replies, the sink's side of SMTP, figures; and the
// load generator against the sink.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <thread>

#include "apps/bench/figures.h"
#include "apps/bench/load.h"
#include "apps/bench/mail.h"
#include "apps/bench/process.h"
#include "apps/bench/reply_reader.h"
#include "apps/bench/sink.h"
#include "apps/bench/sink_talk.h"
#include "base/text.h"

namespace gatehouse::apps {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(BenchMail, HasTheSizeAndIsLawful) {
    for (const std::size_t bytes :
         {500UL, 501UL, 577UL, 2'000UL, 5'000UL, 7'999UL, 8'000UL, 8'001UL, 100'000UL}) {
        const auto mail = make_mail(bytes);
        EXPECT_EQ(mail.size(), bytes);
        EXPECT_THAT(mail, EndsWith("\r\n"));
        for (auto line : base::split(std::string_view(mail).substr(0, mail.size() - 1), '\n')) {
            EXPECT_LE(line.size(), 999U);
            EXPECT_TRUE(line.ends_with('\r'));
            EXPECT_FALSE(line.starts_with('.'));
        }
    }
}

TEST(BenchMail, NoTwoAreAlike) {
    auto one = make_mail(2'000);
    auto other = one;
    stamp_mail(one, 7);
    stamp_mail(other, 123'456'789'012);
    EXPECT_EQ(one.size(), other.size());
    EXPECT_THAT(one, HasSubstr("Message-ID: <000000000007@"));
    EXPECT_THAT(other, HasSubstr("No. 123456789012\r\n"));
}

std::vector<int> codes_of(ReplyReader& reader) {
    std::vector<int> out;
    while (const auto reply = reader.next()) out.push_back(reply->code);
    return out;
}

TEST(ReplyReader, WholeRepliesOnly) {
    ReplyReader reader;
    reader.feed("220 a\r\n250-b\r\n25");
    EXPECT_THAT(codes_of(reader), ElementsAre(220));
    reader.feed("0-PIPELINING\r\n250 SIZE\r\n354 go\r\n");
    const auto hello = reader.next();
    ASSERT_TRUE(hello);
    EXPECT_EQ(hello->text, "b\nPIPELINING\nSIZE");
    EXPECT_THAT(codes_of(reader), ElementsAre(354));
}

TEST(ReplyReader, WhatIsNoReplyHasNoCode) {
    ReplyReader reader;
    reader.feed("hello\r\n99 x\r\n700 y\r\n\r\n");
    EXPECT_THAT(codes_of(reader), ElementsAre(0, 0, 0, 0));
}

TEST(SinkTalk, TakesWhatIsPipelinedInEveryCut) {
    const std::string said =
        "EHLO a\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\nSubject: x\r\n\r\n..\r\n.x\r\n.\r\n"
        "MAIL FROM:<a>\r\nRCPT TO:<b>\r\ndata\r\n.\r\nQUIT\r\nNOOP\r\n";
    std::string whole;
    SinkTalk at_once;
    at_once.feed(said, whole);
    EXPECT_EQ(at_once.messages(), 2U);
    EXPECT_TRUE(at_once.is_over());
    EXPECT_THAT(whole, HasSubstr("250-PIPELINING\r\n"));
    EXPECT_THAT(whole, EndsWith("250 2.0.0 taken\r\n221 2.0.0 good bye\r\n"));
    for (std::size_t step = 1; step < 9; ++step) {
        SinkTalk talk;
        std::string replies;
        for (std::size_t at = 0; at < said.size(); at += step) talk.feed(said.substr(at, step), replies);
        EXPECT_EQ(replies, whole) << step;
        EXPECT_EQ(talk.messages(), 2U) << step;
    }
}

TEST(BenchFigures, PercentilesAreNearestRanks) {
    std::vector<std::uint32_t> none;
    EXPECT_EQ(percentile(none, 0.5), 0U);
    std::vector<std::uint32_t> values;
    for (std::uint32_t i = 100; i > 0; --i) values.push_back(i);
    EXPECT_EQ(percentile(values, 0.5), 50U);
    EXPECT_EQ(percentile(values, 0.99), 99U);
    EXPECT_EQ(percentile(values, 1), 100U);
    EXPECT_EQ(percentile(values, 0), 1U);
    std::vector<std::uint32_t> one{7};
    EXPECT_EQ(percentile(one, 0.99), 7U);
}

std::vector<BenchRow> some_rows() {
    std::vector<BenchRow> rows;
    rows.push_back(
        {.system = "gatehouse", .mode = "cut-through", .clamd = "off", .sessions = 10, .bytes = 5'000});
    rows.push_back({.system = "postfix", .mode = "", .clamd = "", .sessions = 10, .bytes = 5'000});
    rows.push_back({.system = "postfix", .mode = "", .clamd = "", .sessions = 1, .bytes = 5'000});
    rows.push_back({.system = "gatehouse", .mode = "queue", .clamd = "on", .sessions = 1, .bytes = 5'000});
    rows[0].messages = rows[1].messages = rows[2].messages = 1'000;
    rows[0].seconds = 0.5;
    rows[1].seconds = rows[2].seconds = 2;
    rows[0].cpu_us = 300'000;
    rows[1].cpu_us = 3'000'000;
    rows[0].micros = {1'000, 2'000, 3'000};
    rows[3].skipped = "clamd is not installed";
    return rows;
}

TEST(BenchFigures, RowsAndRatiosOfTheSameLoad) {
    auto rows = some_rows();
    EXPECT_EQ(rows[0].name(), "cut-through, 5000 bytes, 10 sessions");
    EXPECT_EQ(rows[3].name(), "queue with clamd, 5000 bytes, 1 session");
    const auto row = rows[0].json();
    EXPECT_EQ(row.at("per_second"), 2'000);
    EXPECT_EQ(row.at("cpu_us_per_message"), 300);
    EXPECT_EQ(row.at("p50_us"), 2'000U);
    EXPECT_TRUE(rows[3].json().contains("skipped"));
    EXPECT_FALSE(rows[3].json().contains("per_second"));
    const auto found = ratios(rows, "postfix");
    ASSERT_EQ(found.size(), 1U);
    EXPECT_DOUBLE_EQ(found.at(rows[0].name()).at("per_second").as_double(), 4);
    EXPECT_DOUBLE_EQ(found.at(rows[0].name()).at("cpu").as_double(), 0.1);
    EXPECT_TRUE(ratios(rows, "nobody").empty());
}

TEST(BenchFigures, TheTableSaysWhatIsMissing) {
    auto rows = some_rows();
    const auto text = table(rows, ratios(rows, "postfix"));
    EXPECT_THAT(text, HasSubstr("skipped: clamd is not installed"));
    EXPECT_THAT(text, HasSubstr("4.00 x"));
    EXPECT_THAT(table(rows, {}), Not(HasSubstr("x peer/s")));
}

base::Fd listening_socket(base::Endpoint& at) {
    base::Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(socket.get(), 128), 0);
    EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    at = {base::IpAddress::parse("127.0.0.1").value(), ntohs(address.sin_port)};
    return socket;
}

TEST(BenchLoad, EveryMessageIsCountedOnceOnBothEnds) {
    Load load{.sessions = 7, .messages = 50, .bytes = 100'000, .per_connection = 3};
    auto socket = listening_socket(load.to);
    const auto sink_board = Shared<SinkBoard>::make(0).value();
    auto sink = Process::fork([&] { return serve_sink(std::move(socket), sink_board) ? 0 : 3; }).value();
    const auto board = Shared<LoadBoard>::make(load.messages).value();
    const auto done = send_load(load, board);
    EXPECT_TRUE(done) << done.error().sentence;
    EXPECT_EQ(board->accepted, 50U);
    EXPECT_EQ(board->refused, 0U);
    EXPECT_EQ(sink_board->messages, 50U);
    EXPECT_GE(sink_board->last_at_ns, board->began_at_ns);
    for (const auto micros : board.numbers()) EXPECT_GT(micros, 0U);
    EXPECT_TRUE(sink.is_running());
}

TEST(BenchLoad, AServerThatRefusesIsAnErrorWithItsWords) {
    Load load{.messages = 5};
    listening_socket(load.to);  // closed again: nobody listens
    const auto board = Shared<LoadBoard>::make(load.messages).value();
    const auto done = send_load(load, board);
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().sentence, HasSubstr("refuses the mail"));
}

TEST(BenchProcess, TellsTheExitCodeAndWhatItCost) {
    auto process =
        Process::start({"/bin/sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; exit 7"},
                       "/dev/null")
            .value();
    while (process.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(process.exit_code(), 7);
    EXPECT_GT(process.cpu_us(), 0U);
}

}  // namespace
}  // namespace gatehouse::apps
