#include "receive/smtp/line_reader.h"

#include <gtest/gtest.h>

#include <vector>

namespace gatehouse::receive::smtp {
namespace {

using Status = LineReader::Status;

/// Each line in brackets, "(bare)" behind one that ended in LF, "long", "flood".
std::string read_all(std::string_view input, std::size_t cut, std::size_t limit = 16) {
    LineReader reader;
    std::string out;
    while (!input.empty()) {
        std::string piece(input.substr(0, cut));
        input.remove_prefix(piece.size());
        std::string_view rest = piece;
        while (!rest.empty()) {
            std::size_t used = 0;
            const auto status = reader.read(rest, limit, used);
            rest.remove_prefix(used);
            if (status == Status::flood) return out + "flood";
            if (status == Status::too_long) out += "long";
            if (status == Status::line)
                out += "[" + std::string(reader.text()) + "]" + (reader.is_bare() ? "(bare)" : "");
        }
    }
    return out + (reader.has_part() ? "+" : "");
}

TEST(LineReader, GivesLinesHoweverTheyArrive) {
    for (std::size_t cut = 1; cut < 40; ++cut) {
        EXPECT_EQ(read_all("one\r\ntwo\n\r\n\n\r\r\nthree\rx\r\nrest", cut),
                  "[one][two](bare)[][](bare)[\r][three\rx]+")
            << cut;
        EXPECT_EQ(read_all("0123456789abcd\r\n0123456789abcde\r\nok\r\n", cut), "[0123456789abcd]long[ok]")
            << cut;
        EXPECT_EQ(read_all(std::string(100, 'x') + "\r\nok\r\n" + std::string(20, 'y'), cut), "long[ok]+")
            << cut;
    }
}

TEST(LineReader, GivesUpOnAFlood) {
    EXPECT_EQ(read_all(std::string(LineReader::kFlood + 100, 'x') + "\r\nok\r\n", 4096), "flood");
    EXPECT_EQ(read_all(std::string(LineReader::kFlood - 2, 'x') + "\r\nok\r\n", 4096), "long[ok]");
}

}  // namespace
}  // namespace gatehouse::receive::smtp
