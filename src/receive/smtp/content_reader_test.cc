#include "receive/smtp/content_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace gatehouse::receive::smtp {
namespace {

using std::string_view_literals::operator""sv;

/// The content, "!" behind it when it is void, "|" and what is left when the data ended.
std::string read_all(std::string_view input, std::size_t cut, BareNewline mode, bool with_dots = true) {
    ContentReader reader;
    reader.begin(with_dots, mode);
    std::string out;
    while (!input.empty()) {
        std::string piece(input.substr(0, cut));
        const auto read = reader.read(piece);
        input.remove_prefix(read.used);
        out.append(read.kept.data(), read.kept.size());
        if (read.is_end) return (reader.is_bad() ? "!" : out) + "|" + std::string(input);
        EXPECT_EQ(read.used, piece.size());
    }
    const auto tail = reader.finish();
    out.append(tail.data(), tail.size());
    return reader.is_bad() ? "!" : out;
}

void expect_strict(std::string_view input, std::string_view wanted) {
    for (std::size_t cut = 1; cut <= input.size(); ++cut) {
        EXPECT_EQ(read_all(input, cut, BareNewline::refuse), wanted)
            << testing::PrintToString(std::string(input)) << " cut " << cut;
    }
}

void expect_mended(std::string_view input, std::string_view wanted) {
    for (std::size_t cut = 1; cut <= input.size(); ++cut) {
        EXPECT_EQ(read_all(input, cut, BareNewline::normalise), wanted)
            << testing::PrintToString(std::string(input)) << " cut " << cut;
    }
}

TEST(ContentReader, RemovesDotsAndFindsTheEnd) {
    expect_strict(".\r\nrest", "|rest");
    expect_strict("a\r\n.\r\n", "a\r\n|");
    expect_strict("a\r\n..\r\n.\r\nx", "a\r\n.\r\n|x");
    expect_strict("..one\r\n...two\r\n.x\r\n.\r\n", ".one\r\n..two\r\nx\r\n|");
    expect_strict("a.\r\n.\r\n", "a.\r\n|");
    expect_strict("\r\n\r\n.\r\n.\r\n", "\r\n\r\n|.\r\n");
    expect_strict("no end\r\n..", "no end\r\n.");
}

TEST(ContentReader, EndsAtNothingElse) {
    for (const char* input :
         {"a\n.\n.\r\n", "a\n.\r\n.\r\n", "a\r\n.\n.\r\n", "a\r.\r.\r\n", "a\r.\r\n.\r\n", "a\r\n.\r.\r\n",
          "a\r\n.\r\r\n", "a\r\r\n.\rb\r\n", "a\r\n.\rb\r\n", "\n.\r\nb\r\n", ".\nb\r\n"}) {
        const std::string text(input);
        for (std::size_t cut = 1; cut <= text.size(); ++cut) {
            const auto got = read_all(text, cut, BareNewline::refuse);
            EXPECT_TRUE(got.starts_with("!")) << testing::PrintToString(text) << " gave " << got;
        }
    }
    expect_strict("a\nb\r\n.\r\nrest", "!|rest");
    expect_strict("a\n.\r\nb\r\n.\r\nrest", "!|rest");
    expect_strict("a\n.\nb\r\n.\r\nrest", "!|rest");
    expect_strict("a\r\n.\rb\r\n.\r\nrest", "!|rest");
    expect_strict("a\r\r\n.\r\nrest", "!|rest");
    expect_strict("a\0b\r\n.\r\nrest"sv, "!|rest");
    expect_strict("a\r\n.\0\r\nb\r\n.\r\nrest"sv, "!|rest");
    expect_strict("a\r\n\0.\r\nb\r\n.\r\nrest"sv, "!|rest");
}

TEST(ContentReader, MendsNewlinesWithoutMakingAnEnd) {
    expect_mended("plain\r\n..x\r\n.\r\nrest", "plain\r\n.x\r\n|rest");
    expect_mended("a\nb\rc\r\n.\r\n", "a\r\nb\r\nc\r\n|");
    expect_mended("a\n.\nb\r\n.\r\n", "a\r\n.\r\nb\r\n|");
    expect_mended("a\n.\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n|");
    expect_mended("a\r\n.\nb\r\n.\r\n", "a\r\n.\r\nb\r\n|");
    expect_mended("a\r\n.\rb\r\n.\r\n", "a\r\n.\r\nb\r\n|");
    expect_mended("a\r.\rb\r\n.\r\n", "a\r\n.\r\nb\r\n|");
    expect_mended("a\r.\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n|");
    expect_mended("a\r\n.\r\r\nb\r\n.\r\n", "a\r\n.\r\n\r\nb\r\n|");
    expect_mended("a\r\r\n.\r\nrest", "a\r\n\r\n|rest");
    expect_mended("a\r\r\r\n.\r\n", "a\r\n\r\n\r\n|");
    expect_mended(".\nb\r\n.\r\n", ".\r\nb\r\n|");
}

TEST(ContentReader, UnstuffsWhatWasStuffedBehindABareNewline) {
    expect_mended("a\n..b\n...c\n.d\n..\ne\r\n.\r\n", "a\r\n.b\r\n..c\r\n.d\r\n.\r\ne\r\n|");
    expect_mended("a\r..b\r\n.\r\n", "a\r\n.b\r\n|");
}

TEST(ContentReader, RemovesNulWithoutMakingAnEnd) {
    expect_mended("a\0b\r\n.\r\n"sv, "ab\r\n|");
    expect_mended("a\r\n.\0\r\nb\r\n.\r\n"sv, "a\r\n.\r\nb\r\n|");
    expect_mended("a\r\n\0.\r\nb\r\n.\r\n"sv, "a\r\n.\r\nb\r\n|");
    expect_mended("a\r\0\nb\r\n.\r\n"sv, "a\r\n\r\nb\r\n|");
    expect_mended("a\r\n.\r\0\nb\r\n.\r\n"sv, "a\r\n.\r\n\r\nb\r\n|");
    expect_mended("a\n\0.\r\nb\r\n.\r\n"sv, "a\r\n.\r\nb\r\n|");
}

TEST(ContentReader, LeavesDotsAloneInChunks) {
    const std::string text = ".\r\n..\r\na\r\n.\r\nb\r\n";
    for (std::size_t cut = 1; cut <= text.size(); ++cut) {
        EXPECT_EQ(read_all(text, cut, BareNewline::refuse, false), text);
        EXPECT_EQ(read_all(text, cut, BareNewline::normalise, false), text);
        EXPECT_EQ(read_all("a\r", cut, BareNewline::refuse, false), "!");
        EXPECT_EQ(read_all("a\nb", cut, BareNewline::refuse, false), "!");
        EXPECT_EQ(read_all("a\rb", cut, BareNewline::refuse, false), "!");
        EXPECT_EQ(read_all("a\r", cut, BareNewline::normalise, false), "a\r\n");
        EXPECT_EQ(read_all("a\n.\n.\rb\r", cut, BareNewline::normalise, false), "a\r\n.\r\n.\r\nb\r\n");
        EXPECT_EQ(read_all("no newline", cut, BareNewline::refuse, false), "no newline");
    }
}

TEST(ContentReader, CountsWhatItMended) {
    ContentReader reader;
    reader.begin(true, BareNewline::normalise);
    std::string text("a\nb\rc\0d\r\n.\r\n"sv);
    EXPECT_TRUE(reader.read(text).is_end);
    EXPECT_EQ(reader.mended(), 3U);
    reader.begin(true, BareNewline::refuse);
    EXPECT_EQ(reader.mended(), 0U);
    EXPECT_FALSE(reader.is_bad());
}

TEST(ContentReader, CompactsInPlace) {
    ContentReader reader;
    reader.begin(true, BareNewline::refuse);
    std::string text = "..a\r\n..b\r\n.\r\nrest";
    const auto piece = reader.read(text);
    EXPECT_EQ(piece.kept.data(), text.data());
    EXPECT_EQ(piece.used, text.size() - 4);
}

}  // namespace
}  // namespace gatehouse::receive::smtp
