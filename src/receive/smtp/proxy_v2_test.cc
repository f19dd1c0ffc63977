#include "receive/smtp/proxy_v2.h"

#include <gtest/gtest.h>

namespace gatehouse::receive::smtp {
namespace {

const std::string kSignature("\r\n\r\n\0\r\nQUIT\n", 12);

std::string header(char command, char family, std::string_view body) {
    std::string out = kSignature + command + family;
    out += static_cast<char>(body.size() >> 8);
    out += static_cast<char>(body.size() & 0xFF);
    return out.append(body);
}

const std::string kFour("\xc0\x00\x02\x07\x7f\x00\x00\x01\x9c\x40\x00\x19", 12);

std::string six() {
    std::string out("\x20\x01\x0d\xb8", 4);
    out.append(11, '\0');
    out += '\x01';
    out.append(15, '\0');
    out += '\x01';
    return out + std::string("\x12\x34\x00\x19", 4);
}

TEST(ProxyV2, ReadsTcp4) {
    const std::string bytes = header('\x21', '\x11', kFour) + "EHLO";
    const auto parsed = parse_proxy_v2(bytes);
    ASSERT_TRUE(parsed && *parsed);
    EXPECT_EQ((*parsed)->length, bytes.size() - 4);
    EXPECT_EQ((*parsed)->source->to_string(), "192.0.2.7:40000");
    EXPECT_EQ((*parsed)->destination->to_string(), "127.0.0.1:25");
}

TEST(ProxyV2, ReadsTcp6AndSkipsFields) {
    const auto parsed = parse_proxy_v2(header('\x21', '\x21', six() + std::string("\x03\x00\x04zzzz", 7)));
    ASSERT_TRUE(parsed && *parsed);
    EXPECT_EQ((*parsed)->length, 16U + 36U + 7U);
    EXPECT_EQ((*parsed)->source->to_string(), "[2001:db8::1]:4660");
    EXPECT_EQ((*parsed)->destination->to_string(), "[::1]:25");
}

TEST(ProxyV2, LeavesLocalAndUnspecifiedAlone) {
    for (const std::string& bytes :
         {header('\x20', '\x00', ""), header('\x20', '\x11', kFour), header('\x21', '\x00', "anything")}) {
        const auto parsed = parse_proxy_v2(bytes);
        ASSERT_TRUE(parsed && *parsed);
        EXPECT_EQ((*parsed)->length, bytes.size());
        EXPECT_FALSE((*parsed)->source);
        EXPECT_FALSE((*parsed)->destination);
    }
}

TEST(ProxyV2, WaitsForTheWhole) {
    const std::string bytes = header('\x21', '\x11', kFour);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const auto parsed = parse_proxy_v2(std::string_view(bytes).substr(0, size));
        ASSERT_TRUE(parsed) << size;
        EXPECT_FALSE(*parsed) << size;
    }
}

TEST(ProxyV2, RefusesEverythingElse) {
    EXPECT_FALSE(parse_proxy_v2("EHLO client.test\r\n"));
    EXPECT_FALSE(parse_proxy_v2("\r\n\r\nX"));
    EXPECT_FALSE(parse_proxy_v2("PROXY TCP4 192.0.2.7 127.0.0.1 1 25\r\n"));
    EXPECT_FALSE(parse_proxy_v2(header('\x11', '\x11', kFour)));
    EXPECT_FALSE(parse_proxy_v2(header('\x22', '\x11', kFour)));
    EXPECT_FALSE(parse_proxy_v2(header('\x21', '\x12', kFour)));
    EXPECT_FALSE(parse_proxy_v2(header('\x21', '\x31', std::string(216, 'x'))));
    EXPECT_FALSE(parse_proxy_v2(header('\x21', '\x11', kFour.substr(1))));
    EXPECT_FALSE(parse_proxy_v2(header('\x21', '\x21', kFour)));
    EXPECT_EQ(parse_proxy_v2(header('\x21', '\x11', std::string(5000, 'x'))).error().fault,
              base::Fault::limit);
}

}  // namespace
}  // namespace gatehouse::receive::smtp
