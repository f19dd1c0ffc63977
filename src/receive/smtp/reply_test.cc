#include "receive/smtp/reply.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace gatehouse::receive::smtp {
namespace {

std::string wire(const Reply& reply) {
    std::string out;
    append_wire(reply, out);
    return out;
}

TEST(Reply, WritesOneLine) {
    EXPECT_EQ(wire({250, "2.1.0", "Sender ok"}), "250 2.1.0 Sender ok\r\n");
    EXPECT_EQ(wire({220, "", "mx.test ESMTP"}), "220 mx.test ESMTP\r\n");
    EXPECT_EQ(wire({250, "", ""}), "250 \r\n");
    EXPECT_EQ(wire({554, "5.0.0", ""}), "554 5.0.0 \r\n");
}

TEST(Reply, WritesSeveralLines) {
    EXPECT_EQ(wire({250, "", "mx.test\nPIPELINING\nSIZE 1"}),
              "250-mx.test\r\n250-PIPELINING\r\n250 SIZE 1\r\n");
    EXPECT_EQ(wire({550, "5.7.1", "one\r\ntwo\n"}), "550-5.7.1 one\r\n550 5.7.1 two\r\n");
    EXPECT_EQ(wire({550, "5.7.1", "one\n\ntwo"}), "550-5.7.1 one\r\n550-5.7.1 \r\n550 5.7.1 two\r\n");
}

TEST(Reply, LetsNobodyAddALine) {
    EXPECT_EQ(wire({550, "", "a\r250 injected"}), "550 a?250 injected\r\n");
    EXPECT_EQ(wire({550, "", std::string("a\0b\x1b[0m\x7f\xc3\xa9\tz", 12)}), "550 a?b?[0m??? z\r\n");
    EXPECT_EQ(wire({550, "5.1.1\r\n250 x", "a"}), "550 5.0.0 a\r\n");
    const std::string forged = wire({550, "5.7.1", "a\r\n250 ok\r\n354 go"});
    const auto lines = base::split(std::string_view(forged).substr(0, forged.size() - 2), '\n');
    EXPECT_EQ(lines.size(), 3U);
    for (const auto line : lines) EXPECT_TRUE(line.starts_with("550")) << line;
}

TEST(Reply, CutsLongText) {
    for (const std::string& word : {std::string("a"), std::string("word ")}) {
        std::string text;
        while (text.size() < 10'000) text += word;
        const std::string out = wire({451, "4.3.0", text});
        ASSERT_TRUE(out.ends_with("\r\n"));
        EXPECT_LE(out.size(), 5000U);
        const auto lines = base::split(std::string_view(out).substr(0, out.size() - 2), '\n');
        for (std::size_t i = 0; i < lines.size(); ++i) {
            EXPECT_LE(lines[i].size() + 1, 512U);
            EXPECT_TRUE(lines[i].starts_with(i + 1 == lines.size() ? "451 4.3.0 " : "451-4.3.0 "))
                << lines[i];
        }
    }
    const std::string many = wire({250, "", std::string(4000, '\n')});
    EXPECT_EQ(std::count(many.begin(), many.end(), '\n'), 64);
    EXPECT_TRUE(many.ends_with("250 \r\n"));
}

TEST(Reply, MendsWrongCodes) {
    EXPECT_EQ(wire({0, "", "x"}), "451 x\r\n");
    EXPECT_EQ(wire({1000, "5.1.1", "x"}), "451 4.0.0 x\r\n");
    EXPECT_EQ(wire({450, "5.1.1", "x"}), "450 4.0.0 x\r\n");
}

TEST(Reply, KnowsEnhancedCodes) {
    EXPECT_TRUE(is_enhanced_code("5.7.1", 550));
    EXPECT_TRUE(is_enhanced_code("4.123.456", 450));
    for (const char* bad : {"", "5", "5.7", "5.7.", "5..1", "5.7.1 ", "5.7.1234", "5.1234.1", "3.1.1",
                            "a.1.1", "57.1", "5.7.1.1"}) {
        EXPECT_FALSE(is_enhanced_code(bad, 550)) << bad;
    }
    EXPECT_FALSE(is_enhanced_code("3.0.0", 354));
}

}  // namespace
}  // namespace gatehouse::receive::smtp
