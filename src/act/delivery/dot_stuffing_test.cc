#include "act/delivery/dot_stuffing.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace gatehouse::act::delivery {
namespace {

/// Takes what is to be written in steps of at most `step` bytes.
std::string stuff(std::string_view head, std::string_view content, std::size_t step = 1 << 20) {
    DotStuffer stuffer(head, content);
    std::string out;
    for (auto pieces = stuffer.pieces(); !pieces.empty(); pieces = stuffer.pieces()) {
        EXPECT_LE(pieces.size(), DotStuffer::kMaxPieces);
        std::string batch;
        for (const auto piece : pieces) batch += piece;
        batch.resize(std::min(batch.size(), step));
        EXPECT_FALSE(batch.empty());
        out += batch;
        stuffer.written(batch.size());
    }
    return out;
}

/// What a hop makes of it: the end is the first line that holds a dot alone; `lenient` takes a bare LF for a
/// line end.
std::string unstuff(std::string_view wire, bool lenient, std::string_view* left = nullptr) {
    std::string out;
    bool line_start = true;
    for (std::size_t i = 0; i < wire.size(); ++i) {
        if (line_start && wire[i] == '.') {
            const auto rest = wire.substr(i + 1);
            if (rest.starts_with("\r\n") || (lenient && rest.starts_with("\n"))) {
                if (left != nullptr) *left = rest.substr(rest[0] == '\r' ? 2 : 1);
                return out;
            }
            if (++i == wire.size()) break;
        }
        out += wire[i];
        line_start = wire[i] == '\n' && (lenient || (i > 0 && wire[i - 1] == '\r'));
    }
    ADD_FAILURE() << "no final dot";
    return out;
}

TEST(DotStuffing, KnownCases) {
    EXPECT_EQ(stuff("", ""), ".\r\n");
    EXPECT_EQ(stuff("A: b\r\n", "\r\nhi\r\n"), "A: b\r\n\r\nhi\r\n.\r\n");
    EXPECT_EQ(stuff("", "no end"), "no end\r\n.\r\n");
    EXPECT_EQ(stuff("", ".\r\n"), "..\r\n.\r\n");
    EXPECT_EQ(stuff("", "."), "..\r\n.\r\n");
    EXPECT_EQ(stuff("", "a\r\n."), "a\r\n..\r\n.\r\n");
    EXPECT_EQ(stuff("", "a\r\n.b\r\n..c\r\n"), "a\r\n..b\r\n...c\r\n.\r\n");
    EXPECT_EQ(stuff("H: x\r\n", ".b\r\n"), "H: x\r\n..b\r\n.\r\n") << "a line may start where the parts meet";
    EXPECT_EQ(stuff("", "a\n.\r\nb\r\n"), "a\n..\r\nb\r\n.\r\n") << "a bare LF counts as a line end";
    EXPECT_EQ(stuff("", "a\n"), "a\n\r\n.\r\n") << "only CR LF ends the content";
    EXPECT_EQ(stuff("", "a\r"), "a\r\r\n.\r\n");
    EXPECT_EQ(stuff("a\r", "\nb"), "a\r\nb\r\n.\r\n");
}

TEST(DotStuffing, BigContentIsNotCopied) {
    const std::string head(300, 'h');
    std::string content(100'000, 'x');
    content += "\r\n";
    DotStuffer stuffer(head, content);
    const auto pieces = stuffer.pieces();
    ASSERT_EQ(pieces.size(), 3U);
    EXPECT_EQ(pieces[0].data(), head.data());
    EXPECT_EQ(pieces[1].data(), content.data());
    EXPECT_EQ(pieces[1].size(), content.size());
    EXPECT_EQ(pieces[2], ".\r\n");
    stuffer.written(300 + content.size() + 3);
    EXPECT_TRUE(stuffer.pieces().empty());
}

TEST(DotStuffing, ContentOfDotsCostsFewPieces) {
    std::string content;
    for (int i = 0; i < 100'000; ++i) content += ".\r\n";
    DotStuffer stuffer("", content);
    std::size_t batches = 0;
    std::size_t bytes = 0;
    for (auto pieces = stuffer.pieces(); !pieces.empty(); pieces = stuffer.pieces()) {
        const auto before = bytes;
        for (const auto piece : pieces) bytes += piece.size();
        stuffer.written(bytes - before);
        ++batches;
    }
    EXPECT_EQ(bytes, content.size() / 3 * 4 + 3);
    EXPECT_LE(batches, 60U);
}

TEST(DotStuffing, LongContentInManyBatches) {
    std::string content;
    for (int i = 0; i < 40'000; ++i)
        content += i % 3 == 0 ? ".a line that starts with a dot\r\n" : "another\r\n";
    EXPECT_EQ(unstuff(stuff("", content, 100'003), false), content);
    const std::string lines(1 << 20, '\n');
    EXPECT_EQ(stuff("", lines).substr(lines.size()), "\r\n.\r\n");
}

TEST(DotStuffing, AnyBytesAnySplitGoThroughAndBack) {
    std::mt19937 random(20260101);
    const std::string_view alphabet = "..\r\n\r\n.ab";
    for (int round = 0; round < 20'000; ++round) {
        std::string whole;
        const auto length = random() % 40;
        for (std::size_t i = 0; i < length; ++i) whole += alphabet[random() % alphabet.size()];
        const auto split = whole.empty() ? 0 : random() % (whole.size() + 1);
        const std::string_view view(whole);
        const auto wire = stuff(view.substr(0, split), view.substr(split), 1 + random() % 50);
        EXPECT_EQ(wire.find("\r\n.\r\n") == std::string::npos ? 0 : wire.find("\r\n.\r\n") + 5,
                  wire.starts_with(".\r\n") && whole.empty() ? 0 : wire.size());
        const auto expected = whole.empty() || whole.ends_with("\r\n") ? whole : whole + "\r\n";
        std::string_view left = "?";
        EXPECT_EQ(unstuff(wire, true, &left), expected);
        EXPECT_TRUE(left.empty());
    }
}

TEST(DotStuffing, StrictHopsGetCrlfContentBackUnchanged) {
    std::mt19937 random(7);
    const std::array<std::string_view, 5> words{".", "\r\n", "a", "..", "long word"};
    for (int round = 0; round < 20'000; ++round) {
        std::string content;
        for (auto left = random() % 30; left > 0; --left) content += words.at(random() % words.size());
        const auto expected = content.empty() || content.ends_with("\r\n") ? content : content + "\r\n";
        EXPECT_EQ(unstuff(stuff("", content, 1 + random() % 30), false), expected);
    }
}

}  // namespace
}  // namespace gatehouse::act::delivery
