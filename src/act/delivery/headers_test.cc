#include "act/delivery/headers.h"

#include <gtest/gtest.h>

#include <random>

#include "base/clock.h"
#include "base/text.h"

namespace gatehouse::act::delivery {
namespace {

message::Envelope envelope() {
    message::Envelope made;
    made.received = base::parse_rfc3339("2026-06-01T10:00:00Z").value();
    made.utc_offset = std::chrono::minutes(120);
    made.reference = base::Reference::parse("7Q3K-M8TD-0VZ2-6XNB").value();
    made.client = {"192.0.2.7", 4711, "mail.example.org", "ESMTP", "", "", false, false, false};
    made.recipients = {{"user@example.com", 0, ""}};
    return made;
}

TEST(Headers, Block) {
    EXPECT_EQ(header_block(envelope(), message::Verdict::clean, "gw.example.com"),
              "Received: from mail.example.org ([192.0.2.7])\r\n"
              "\tby gw.example.com with ESMTP id 7Q3K-M8TD-0VZ2-6XNB\r\n"
              "\tfor <user@example.com>;\r\n"
              "\tMon, 01 Jun 2026 12:00:00 +0200\r\n"
              "X-Gatehouse-Ref: 7Q3K-M8TD-0VZ2-6XNB\r\n"
              "X-Gatehouse-Verdict: clean\r\n");
}

TEST(Headers, TlsAndIpv6) {
    auto made = envelope();
    made.client.address = "2001:db8::7";
    made.client.protocol = "ESMTPS";
    made.client.tls_version = "TLSv1.3";
    made.client.tls_cipher = "TLS_AES_256_GCM_SHA384";
    EXPECT_TRUE(received_line(made, "gw")
                    .starts_with("Received: from mail.example.org ([IPv6:2001:db8::7])\r\n"
                                 "\t(using TLSv1.3 with TLS_AES_256_GCM_SHA384)\r\n\tby gw with ESMTPS id "));
}

TEST(Headers, ForOnlyWithASingleRecipient) {
    auto made = envelope();
    made.recipients.push_back({"blind@example.com", 0, ""});
    EXPECT_EQ(received_line(made, "gw").find("for <"), std::string::npos);
    made.recipients = {{"j\xC3\xBC@example.com", 0, ""}};
    EXPECT_EQ(received_line(made, "gw").find("for <"), std::string::npos);
    made.recipients = {{"\"a;b\"@example.com", 0, ""}};
    EXPECT_EQ(received_line(made, "gw").find("for <"), std::string::npos);
}

TEST(Headers, OddHelo) {
    auto made = envelope();
    made.client.helo = "my pc (home)";
    EXPECT_TRUE(received_line(made, "gw").starts_with("Received: from [192.0.2.7] (HELO my?pc??home?)\r\n"));
    made.client.helo.clear();
    EXPECT_TRUE(received_line(made, "gw").starts_with("Received: from [192.0.2.7]\r\n"));
    made.client.address = "what";
    EXPECT_TRUE(received_line(made, "gw").starts_with("Received: from [unknown]\r\n"));
}

TEST(Headers, AnyBytesStayInsideTheirLines) {
    std::mt19937 random(5);
    const auto bytes = [&] {
        std::string out(random() % 2000, '\0');
        for (auto& c : out) c = static_cast<char>(random());
        return out;
    };
    for (int round = 0; round < 500; ++round) {
        auto made = envelope();
        made.client = {bytes(), 0, bytes(), bytes(), bytes(), bytes(), false, false, false};
        made.recipients[0].address = bytes();
        const auto block = header_block(made, message::Verdict::spam, "gw");
        ASSERT_TRUE(block.ends_with("\r\n"));
        std::size_t fields = 0;
        std::size_t start = 0;
        for (auto end = block.find("\r\n"); end != std::string::npos; end = block.find("\r\n", start)) {
            const auto line = std::string_view(block).substr(start, end - start);
            start = end + 2;
            EXPECT_LE(line.size(), 998U);
            if (!line.starts_with('\t')) ++fields;
            EXPECT_TRUE(
                std::all_of(line.begin() + 1, line.end(), [](char c) { return c >= 0x20 && c < 0x7F; }));
        }
        EXPECT_EQ(fields, 3U);
    }
}

}  // namespace
}  // namespace gatehouse::act::delivery
