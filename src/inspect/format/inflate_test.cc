#include "inspect/format/inflate.h"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse::inspect::format {
namespace {

using namespace std::string_view_literals;

// One fixed block: literals and a match.
constexpr auto kZlib = "\x78\xda\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\xb9\x00\x70\xbe\x08\xbb"sv;
constexpr auto kText = "hello hello hello hello\n"sv;

/// Stored blocks of RFC 1951 3.2.4, which need no compressor.
std::string stored(std::string_view text) {
    std::string out;
    do {
        const auto piece = text.substr(0, 0xFFFF);
        text.remove_prefix(piece.size());
        const auto size = static_cast<unsigned>(piece.size());
        out += text.empty() ? '\1' : '\0';
        for (const unsigned n : {size, ~size})
            for (int shift = 0; shift <= 8; shift += 8) out += static_cast<char>((n >> shift) & 0xFF);
        out += piece;
    } while (!text.empty());
    return out;
}

TEST(Inflate, DecodesAndSaysWhereTheStreamEnded) {
    const auto out = inflate(std::string(kZlib) + "rest", Wrapper::zlib, 1000);
    EXPECT_EQ(out.bytes, kText);
    EXPECT_EQ(out.end, InflateEnd::complete);
    EXPECT_EQ(out.consumed, kZlib.size());
    EXPECT_EQ(inflate(kZlib.substr(2), Wrapper::none, 1000).bytes, kText);
}

TEST(Inflate, StopsAtTheLimitAndTellsExactFromMore) {
    const auto exact = inflate(kZlib, Wrapper::zlib, kText.size());
    EXPECT_EQ(exact.end, InflateEnd::complete);
    EXPECT_EQ(exact.bytes, kText);
    const auto less = inflate(kZlib, Wrapper::zlib, kText.size() - 1);
    EXPECT_EQ(less.end, InflateEnd::limit);
    EXPECT_EQ(less.bytes, kText.substr(0, kText.size() - 1));
    EXPECT_EQ(inflate(kZlib, Wrapper::zlib, 0).end, InflateEnd::limit);
}

TEST(Inflate, GivesWhatStoodBeforeAnErrorOrTheEnd) {
    const std::string whole(200'000, 'x');
    const auto data = stored(whole);
    const auto cut = inflate(std::string_view(data).substr(0, 100'000), Wrapper::none, 1 << 20);
    EXPECT_EQ(cut.end, InflateEnd::truncated);
    EXPECT_EQ(cut.bytes.size(), 100'000 - 10);
    auto bad = data;
    bad[5 + 0xFFFF] = '\x07';  // a block of the reserved kind
    const auto broken = inflate(bad, Wrapper::none, 1 << 20);
    EXPECT_EQ(broken.end, InflateEnd::broken);
    EXPECT_EQ(broken.bytes.size(), 0xFFFF);
    EXPECT_EQ(inflate(data, Wrapper::none, 1 << 20).bytes, whole);
}

TEST(Inflate, AWrongChecksumIsBrokenAndItsBytesAreThere) {
    std::string data(kZlib);
    data.back() = '\0';
    const auto out = inflate(data, Wrapper::zlib, 1000);
    EXPECT_EQ(out.end, InflateEnd::broken);
    EXPECT_EQ(out.bytes, kText);
}

TEST(Inflate, NothingIsTruncated) {
    EXPECT_EQ(inflate("", Wrapper::gzip, 10).end, InflateEnd::truncated);
    EXPECT_EQ(inflate("no gzip", Wrapper::gzip, 10).end, InflateEnd::broken);
}

}  // namespace
}  // namespace gatehouse::inspect::format
