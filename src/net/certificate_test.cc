#include "net/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatehouse::net {
namespace {

base::WallTime now() {
    return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

TEST(SelfSigned, CanBeServed) {
    for (const auto& host : {std::string("mail.example.com"), std::string("192.0.2.1"), std::string("::1"),
                             std::string(250, 'a')}) {
        const auto pem = make_self_signed(host, now());
        ASSERT_TRUE(pem) << host;
        EXPECT_THAT(pem->certificate, ::testing::StartsWith("-----BEGIN CERTIFICATE-----"));
        EXPECT_THAT(pem->key, ::testing::StartsWith("-----BEGIN PRIVATE KEY-----"));
        EXPECT_TRUE(TlsContext::make_server(*pem));
        EXPECT_NE(make_self_signed(host, now())->key, pem->key);
    }
}

TEST(SelfSigned, RefusesWhatIsNoName) {
    for (const char* host : {"", "a,DNS:b", "a b", "a\nb", "a;b"})
        EXPECT_FALSE(make_self_signed(host, now())) << host;
    EXPECT_FALSE(make_self_signed(std::string(254, 'a'), now()));
}

}  // namespace
}  // namespace gatehouse::net
