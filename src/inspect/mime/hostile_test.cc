// Limits and the cost of messages that are made to be expensive. Cost is counted in Structure::steps, never
// in time.
#include <gtest/gtest.h>

#include <list>
#include <random>
#include <string>

#include "inspect/mime/boundary.h"
#include "inspect/mime/line.h"
#include "inspect/mime/parser.h"

namespace gatehouse::inspect::mime {
namespace {

using enum AnomalyKind;

/// parse() borrows its input, so the messages of these tests are kept.
Structure read(std::string raw, const ParseLimits& limits = {}) {
    static std::list<std::string> kept;
    return parse(kept.emplace_back(std::move(raw)), limits);
}

std::string nested_multiparts(int depth, const std::string& boundary_prefix) {
    std::string raw;
    for (int i = 0; i < depth; ++i) {
        const std::string boundary = boundary_prefix + std::to_string(i);
        raw += "Content-Type: multipart/mixed; boundary=\"" + boundary + "\"\r\n\r\n--" + boundary + "\r\n";
    }
    return raw + "\r\nleaf\r\n";
}

/// The same message with any limit out of the way.
ParseLimits boundless() {
    ParseLimits limits;
    limits.max_depth = 1'000'000;
    limits.max_parts = 1'000'000;
    limits.max_header_fields = 1'000'000;
    limits.max_all_fields = 1'000'000;
    return limits;
}

void expect_linear(const std::string& raw) {
    const Structure s = read(raw, boundless());
    EXPECT_LE(s.steps, 2 * raw.size() + 1000);
}

TEST(Hostile, DepthLimitLeavesALeaf) {
    const std::string raw = nested_multiparts(100, "n");
    const Structure s = read(raw);
    EXPECT_EQ(s.parts.size(), 21U);
    EXPECT_TRUE(s.kinds.contains(too_deep));
    const Part& last = s.parts.back();
    EXPECT_TRUE(last.limit_reached);
    EXPECT_TRUE(last.is_leaf());
    EXPECT_EQ(last.raw.end, raw.size()) << "the rest is there as bytes";
}

TEST(Hostile, DepthLimitCountsMessagesToo) {
    std::string raw;
    for (int i = 0; i < 100; ++i) raw += "Content-Type: message/rfc822\r\n\r\n";
    const Structure s = read(raw + "Subject: x\r\n\r\nleaf");
    EXPECT_EQ(s.parts.size(), 21U);
    EXPECT_TRUE(s.kinds.contains(too_deep));
}

TEST(Hostile, DepthLimitHoldsThroughEncodedMessages) {
    std::string raw = "Subject: x\r\n\r\nleaf";
    for (int i = 0; i < 40; ++i) {
        raw.insert(0, "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n");
    }
    const Structure s = read(raw);
    EXPECT_LE(s.parts.size(), 21U);
    EXPECT_TRUE(s.kinds.contains(too_deep));
}

TEST(Hostile, PartLimitLeavesTheRestAsOnePart) {
    std::string raw = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
    for (int i = 0; i < 50; ++i) raw += "--b\r\n\r\nx\r\n";
    raw += "--b--\r\n";
    ParseLimits limits;
    limits.max_parts = 10;
    const Structure s = read(raw, limits);
    ASSERT_EQ(s.parts.size(), 10U);
    EXPECT_TRUE(s.kinds.contains(too_many_parts));
    EXPECT_TRUE(s.parts.back().limit_reached);
    EXPECT_EQ(s.parts.back().raw.end, raw.size());
    EXPECT_FALSE(s.parts[8].limit_reached);
}

TEST(Hostile, PartLimitHoldsForMessages) {
    std::string raw;
    for (int i = 0; i < 50; ++i) raw += "Content-Type: message/rfc822\r\n\r\n";
    ParseLimits limits;
    limits.max_parts = 10;
    limits.max_depth = 100;
    const Structure s = read(raw + "Subject: x\r\n\r\nleaf", limits);
    EXPECT_EQ(s.parts.size(), 10U);
    EXPECT_TRUE(s.kinds.contains(too_many_parts));
    EXPECT_EQ(s.parts.back().raw.end, s.raw.size());
}

TEST(Hostile, DecodedLimitIsTold) {
    ParseLimits limits;
    limits.max_decoded = 20;
    const Structure s = read(
        "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nSubject: a long "
        "one\r\n\r\nbody",
        limits);
    EXPECT_TRUE(s.kinds.contains(decoded_too_large));
    EXPECT_TRUE(s.parts[0].limit_reached);
    EXPECT_EQ(s.parts.size(), 2U) << "what was decoded is parsed";
}

TEST(Hostile, AnomalyListIsBoundedTheSetIsNot) {
    std::string raw = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
    for (int i = 0; i < 50; ++i) raw += "--b\r\nContent-Transfer-Encoding: x\r\n\r\nx\r\n";
    raw += "--b\r\nContent-Type: x\r\n\r\n";
    ParseLimits limits;
    limits.max_anomalies = 10;
    const Structure s = read(raw, limits);
    EXPECT_EQ(s.anomalies.size(), 10U);
    EXPECT_TRUE(s.anomalies_dropped);
    EXPECT_TRUE(s.kinds.contains(malformed_content_type));
}

TEST(Hostile, AllFieldsAreBounded) {
    std::string raw = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
    for (int i = 0; i < 100; ++i) raw += "--b\r\nA: b\r\nC: d\r\n\r\nx\r\n";
    ParseLimits limits;
    limits.max_all_fields = 50;
    const Structure s = read(raw, limits);
    EXPECT_EQ(s.fields.size(), 50U);
    EXPECT_TRUE(s.kinds.contains(too_many_fields));
    EXPECT_EQ(s.parts.size(), 101U);
}

TEST(Hostile, FiveThousandOpenMultiparts) {
    const std::string raw = nested_multiparts(5000, "boundary");
    const Structure s = read(raw, boundless());
    EXPECT_EQ(s.parts.size(), 5001U);
    EXPECT_LE(s.steps, 2 * raw.size());
}

TEST(Hostile, LinesThatLookLikeDelimitersOfThousands) {
    std::string raw = nested_multiparts(2000, "b");
    for (int i = 0; i < 20'000; ++i) raw += "--b" + std::to_string(i % 3000) + "x\r\n";
    expect_linear(raw);
    raw = nested_multiparts(2000, "b");
    for (int i = 0; i < 20'000; ++i) raw += "--bb\r\n";
    expect_linear(raw);
}

TEST(Hostile, BoundariesThatArePrefixesOfEachOther) {
    std::string raw;
    for (int i = 1; i < 300; ++i) {
        const std::string boundary(static_cast<std::size_t>(i), 'a');
        raw += "Content-Type: multipart/mixed; boundary=" + boundary + "\r\n\r\n--" + boundary + "\r\n";
    }
    raw += "\r\n";
    for (int i = 0; i < 3000; ++i) raw += "--" + std::string(250, 'a') + "b\r\n";
    expect_linear(raw);
}

TEST(Hostile, OneBoundaryForThousands) {
    std::string raw;
    for (int i = 0; i < 3000; ++i) raw += "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n";
    raw += "\r\n";
    for (int i = 0; i < 20'000; ++i) raw += i % 2 == 0 ? "--b--\r\n" : "--b\r\n\r\n";
    expect_linear(raw);
}

TEST(Hostile, LongBoundaries) {
    std::string raw = "Content-Type: multipart/mixed; boundary=" + std::string(100'000, 'x') + "\r\n\r\n";
    for (int i = 0; i < 50'000; ++i) raw += "--x\r\n";
    expect_linear(raw);
}

TEST(Hostile, LongBoundariesAndLinesWithBlanks) {
    for (const char* line : {"--x y\r\n", "--xy\r\n", "-- \t x\r\n"}) {
        for (const char* end : {"", " y"}) {
            std::string raw =
                "Content-Type: multipart/mixed; boundary=\"" + std::string(500'000, 'x') + end + "\"\r\n\r\n";
            for (int i = 0; i < 125'000; ++i) raw += line;
            expect_linear(raw);
        }
    }
}

TEST(Hostile, BlanksAreReadOnceForAllLevels) {
    BoundaryStack stack;
    std::uint64_t bytes = 0;
    for (std::uint32_t i = 0; i < 200; ++i) {
        const std::string boundary = std::string(1 + i, 'x') + " y";
        bytes += boundary.size();
        EXPECT_TRUE(stack.push(boundary, i));
    }
    bool near = false;
    for (int i = 0; i < 1000; ++i) {
        const std::string line = std::string(200, ' ') + "x" + std::string(200, ' ') + "z";
        bytes += line.size();
        EXPECT_FALSE(stack.match(line, near));
    }
    EXPECT_LE(stack.steps(), 3 * bytes);
    EXPECT_EQ(stack.match("xx  y", near)->level, 1U);
    EXPECT_FALSE(stack.match("xx  y- -", near)) << "no close delimiter";
}

TEST(Hostile, ManyMultipartsWithoutBoundary) {
    std::string raw = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
    for (int i = 0; i < 5000; ++i) raw += "--b\r\nContent-Type: multipart/mixed\r\n\r\n\n\n\n\n\n\n";
    const Structure s = read(raw, boundless());
    EXPECT_LE(s.steps, 1024UL * 5000 + 2 * raw.size()) << "looking ahead is bounded for each part";
}

TEST(Hostile, RunsOfOneByte) {
    for (const char c : {'\r', '\n', '-', ' ', ':', '\0', '=', '('}) expect_linear(std::string(1'000'000, c));
    expect_linear("A: b\r\n" + std::string(1'000'000, ' '));
    std::string folds = "A: b\r\n";
    for (int i = 0; i < 200'000; ++i) folds += " \r\n";
    expect_linear(folds);
}

TEST(Hostile, EveryByteIsSearchedForLineEndsOnce) {
    // Lines that end in CR alone, far before the only LF: a search for it in each line would be quadratic.
    std::string raw;
    for (int i = 0; i < 300'000; ++i) raw += "x\r";
    raw += "\n";
    LineScanner lines(raw);
    Line line;
    std::size_t count = 0;
    while (lines.next(line)) ++count;
    EXPECT_EQ(count, 300'000U);
}

TEST(Hostile, TwentyThousandHeaders) {
    std::string raw;
    for (int i = 0; i < 20'000; ++i) raw += "X-" + std::to_string(i) + ": y\r\n";
    const Structure s = read(raw + "Content-Type: text/html\r\n\r\nbody");
    EXPECT_TRUE(s.kinds.contains(too_many_fields));
    EXPECT_LE(s.fields.size(), 2001U);
    EXPECT_TRUE(s.root().type.is("text", "html"));
}

TEST(Hostile, BoundariesOfOneHashAreToldApart) {
    // Not a real collision, but what the stack does with names that share a beginning and differ at the end.
    BoundaryStack stack;
    EXPECT_TRUE(stack.push("aa", 1));
    EXPECT_TRUE(stack.push("ab", 2));
    EXPECT_FALSE(stack.push("aa", 3));
    bool near = false;
    EXPECT_EQ(stack.match("aa", near)->level, 2U);
    EXPECT_EQ(stack.match("ab", near)->level, 1U);
    EXPECT_FALSE(stack.match("ac", near));
    EXPECT_FALSE(near);
    EXPECT_FALSE(stack.match("abc", near));
    EXPECT_TRUE(near);
    stack.enter(2, true);
    EXPECT_EQ(stack.match("aa", near)->level, 0U) << "the inner one is closed";
    stack.enter(0, true);
    EXPECT_TRUE(stack.match("aa", near)->after_close);
    EXPECT_FALSE(stack.match("ab", near)) << "it was given up";
}

/// Whatever stands in a message: ranges stay inside, the tree is sound, and nothing crashes.
void expect_sound(const Structure& s) {
    for (std::uint32_t i = 0; i < s.parts.size(); ++i) {
        const Part& part = s.parts[i];
        const std::size_t size = s.source(part).size();
        ASSERT_LE(part.raw.begin, part.header.end);
        ASSERT_LE(part.header.end, part.body.end);
        ASSERT_LE(part.body.end, size);
        ASSERT_LE(part.preamble.begin, part.preamble.end);
        ASSERT_LE(part.epilogue.begin, part.epilogue.end);
        ASSERT_LE(part.epilogue.end, size);
        ASSERT_TRUE(i == 0 || part.parent < i);
        ASSERT_LE(part.first_field + part.field_count, s.fields.size());
        ASSERT_FALSE(s.section(i).empty());
        decode_body(s, part, 1 << 16);
    }
    for (const Anomaly& anomaly : s.anomalies)
        ASSERT_LE(anomaly.offset, s.source(s.parts[anomaly.part]).size());
}

TEST(Hostile, RandomPiecesOfMessages) {
    static constexpr std::string_view kPieces[] = {"\r\n",
                                                   "\n",
                                                   "\r",
                                                   "--b",
                                                   "--b--",
                                                   "--c",
                                                   "--",
                                                   "Content-Type: multipart/mixed; boundary=b\r\n",
                                                   " ",
                                                   "\t",
                                                   ":",
                                                   "Content-Type: multipart/digest; boundary=\"c\"\r\n",
                                                   "Content-Type: message/rfc822\r\n",
                                                   "\r\n\r\n",
                                                   "text",
                                                   "=",
                                                   "Content-Transfer-Encoding: base64\r\n",
                                                   "Content-Transfer-Encoding: quoted-printable\r\n",
                                                   "Zm9v",
                                                   "=41",
                                                   "\xFF",
                                                   "Content-Disposition: attachment; filename*0*=utf-8''a%",
                                                   "; filename*1=b",
                                                   "\"",
                                                   "(",
                                                   ")",
                                                   "From ",
                                                   "Subject: x\r\n"};
    std::mt19937 random(42);
    std::uniform_int_distribution<std::size_t> pick(0, std::size(kPieces) - 1);
    for (int round = 0; round < 3000; ++round) {
        std::string raw;
        for (int i = 0; i < 60; ++i) raw += kPieces[pick(random)];
        ParseLimits limits;
        if (round % 3 == 0)
            limits = {.max_parts = 5, .max_depth = 3, .max_header_fields = 2, .max_anomalies = 3};
        expect_sound(read(raw, limits));
    }
}

}  // namespace
}  // namespace gatehouse::inspect::mime
