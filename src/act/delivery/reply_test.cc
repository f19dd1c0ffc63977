#include "act/delivery/reply.h"

#include <gtest/gtest.h>

#include "act/delivery/capabilities.h"

namespace gatehouse::act::delivery {
namespace {

using base::Fault;

/// All replies of `bytes`, fed in slices of `step`.
base::Result<std::vector<Reply>> read_all(std::string_view bytes, std::size_t step) {
    ReplyParser parser;
    std::vector<Reply> out;
    while (!bytes.empty()) {
        auto slice = bytes.substr(0, step);
        bytes.remove_prefix(slice.size());
        while (!slice.empty()) {
            GATEHOUSE_TRY(auto reply, parser.take(slice));
            if (reply) out.push_back(std::move(*reply));
        }
    }
    return out;
}

Reply read_one(std::string_view bytes) {
    const auto all = read_all(bytes, bytes.size());
    if (!all || all->size() != 1) {
        ADD_FAILURE() << "not one reply: " << bytes;
        return {};
    }
    return all->front();
}

Fault fault_of(std::string_view bytes, std::size_t step = 1000) {
    const auto all = read_all(bytes, step);
    return all ? Fault::internal : all.error().fault;
}

TEST(Reply, SingleLineForms) {
    const auto plain = read_one("250 2.1.5 Recipient ok\r\n");
    EXPECT_EQ(plain.code, 250);
    EXPECT_EQ(plain.enhanced, "2.1.5");
    EXPECT_EQ(plain.text, "Recipient ok");
    EXPECT_EQ(read_one("250\r\n").text, "");
    EXPECT_EQ(read_one("250 \r\n").text, "");
    EXPECT_EQ(read_one("550 5.1.1\r\n").enhanced, "5.1.1");
    EXPECT_EQ(read_one("571 no\n").code, 571) << "old sendmail; a bare LF ends the line";
}

TEST(Reply, EnhancedCodeMustFitTheCodeAndTheGrammar) {
    for (const std::string_view text :
         {"550 2.1.1 x", "550 5.1 x", "550 5.1.1234 x", "550 5..1 x", "550 5.1.1x", "250 5.1.1 x",
          "354 3.0.0 x", "550 5.1.", "550 .5.1.1"}) {
        const auto reply = read_one(std::string(text) + "\r\n");
        if (text.starts_with("354")) continue;
        EXPECT_EQ(reply.enhanced, "") << text;
        EXPECT_EQ(reply.text, text.substr(4));
    }
}

TEST(Reply, MultiLineInAnySlices) {
    const std::string_view bytes =
        "250-first\r\n250-5.0.0 odd\r\n250-\r\n250 last\r\n450-4.2.0 a\r\n450 4.2.0 b\r\n";
    for (std::size_t step = 1; step <= bytes.size(); ++step) {
        const auto all = read_all(bytes, step);
        ASSERT_TRUE(all) << step;
        ASSERT_EQ(all->size(), 2U);
        EXPECT_EQ((*all)[0].text, "first\n5.0.0 odd\n\nlast");
        EXPECT_EQ((*all)[1].enhanced, "4.2.0");
        EXPECT_EQ((*all)[1].text, "a\nb");
        EXPECT_EQ((*all)[1].to_string(), "450 4.2.0 a b");
    }
}

TEST(Reply, HostileBytesAreMalformedAndBounded) {
    using namespace std::string_literals;
    EXPECT_EQ(fault_of("hello\r\n"), Fault::malformed);
    EXPECT_EQ(fault_of("25\r\n"), Fault::malformed);
    EXPECT_EQ(fault_of("250x\r\n"), Fault::malformed);
    EXPECT_EQ(fault_of("\r\n"), Fault::malformed);
    EXPECT_EQ(fault_of("150 early\r\n"), Fault::malformed);
    EXPECT_EQ(fault_of("650 late\r\n"), Fault::malformed);
    EXPECT_EQ(fault_of("250 a\0b\r\n"s), Fault::malformed);
    EXPECT_EQ(fault_of("250 a\rb\r\n"), Fault::malformed);
    EXPECT_EQ(fault_of("250-a\r\n550 b\r\n"), Fault::malformed);
    EXPECT_EQ(fault_of("250 " + std::string(ReplyParser::kMaxLine, 'x')), Fault::malformed);
    EXPECT_EQ(fault_of("250 " + std::string(ReplyParser::kMaxLine, 'x'), 1), Fault::malformed);
    std::string endless;
    for (int i = 0; i < 1000; ++i) endless += "250-more\r\n";
    EXPECT_EQ(fault_of(endless), Fault::malformed);
    std::string wide;
    for (int i = 0; i < 20; ++i) wide += "250-" + std::string(2000, 'x') + "\r\n";
    EXPECT_EQ(fault_of(wide), Fault::malformed);
}

TEST(Reply, WhatTheClientMayBeTold) {
    const auto closing = read_one("421-4.3.2 going\r\n421 down\r\n").for_client();
    EXPECT_EQ(closing.to_string(), "451 4.3.2 going down");
    EXPECT_EQ(read_one("550 no \xC3\xA9\x1B[2J\r\n").for_client().to_string(), "550 5.0.0 no ??\?[2J");
    EXPECT_EQ(read_one("250 ok\r\n").for_client().enhanced, "2.0.0");
    EXPECT_LE(read_one("550 " + std::string(1500, 'x') + "\r\n").for_client().text.size(), 400U);
    const auto own = make_own_reply(550, "5.6.7", "needs SMTPUTF8");
    EXPECT_TRUE(own.ours && own.for_client().ours && own.is_permanent());
}

TEST(Capabilities, ReadsWhatIsOffered) {
    const auto offers = parse_capabilities(read_one(
        "250-mx.example PIPELINING\r\n250-size 35882577\r\n250-8BITMIME\r\n250-AUTH PLAIN "
        "LOGIN\r\n250-DSN\r\n"
        "250-X-UNKNOWN\r\n250-STARTTLS \r\n250-CHUNKING\r\n250-ENHANCEDSTATUSCODES\r\n250 SMTPUTF8\r\n"));
    EXPECT_TRUE(offers.esmtp && offers.size && offers.eight_bit && offers.dsn && offers.starttls);
    EXPECT_TRUE(offers.chunking && offers.enhanced_codes && offers.smtputf8);
    EXPECT_FALSE(offers.pipelining) << "the first line is a greeting";
    EXPECT_EQ(offers.size_limit, 35882577U);
}

TEST(Capabilities, OddSizesAreNoLimit) {
    for (const std::string_view line :
         {"SIZE", "SIZE ", "SIZE x", "SIZE -1", "SIZE 99999999999999999999999"}) {
        const auto offers = parse_capabilities(read_one("250-hi\r\n250 " + std::string(line) + "\r\n"));
        EXPECT_TRUE(offers.size) << line;
        EXPECT_EQ(offers.size_limit, 0U) << line;
    }
}

}  // namespace
}  // namespace gatehouse::act::delivery
