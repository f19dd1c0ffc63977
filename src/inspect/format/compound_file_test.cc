#include "inspect/format/compound_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "inspect/format/vba.h"

namespace gatehouse::inspect::format {
namespace {

using testing::SizeIs;

constexpr std::uint32_t kEnd = 0xFFFFFFFE;
constexpr std::uint32_t kFree = 0xFFFFFFFF;

std::string number(std::uint64_t value, std::size_t count) {
    std::string out;
    for (; count > 0; --count, value >>= 8) out += static_cast<char>(value & 0xFF);
    return out;
}
std::string filled(std::string text, std::size_t size) {
    text.resize((text.size() + size - 1) / size * size, '\0');
    return text;
}

struct Entry {
    std::string name;
    int kind;
    std::uint32_t right = kFree;
    std::uint32_t child = kFree;
    std::uint32_t first = kEnd;
    std::uint64_t size = 0;

    std::string bytes() const {
        std::string wide;
        for (const char c : name) (wide += c) += '\0';
        const auto length = name.empty() ? 0 : wide.size() + 2;
        wide.resize(64, '\0');
        return wide + number(length, 2) + number(static_cast<unsigned>(kind), 1) + number(1, 1) +
               number(kFree, 4) + number(right, 4) + number(child, 4) + std::string(16, 'c') + number(0, 20) +
               number(first, 4) + number(size, 8);
    }
};

/// Sector 0 is the table, 1 the directory, 2 the table of small sectors, 3 the small stream, 4 on what
/// follows.
std::string compound(const std::vector<Entry>& entries, const std::string& small, const std::string& large,
                     std::uint32_t directory_follows = kEnd) {
    std::string header = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1" + number(0, 16) + number(0x3E, 2) + number(3, 2) +
                         number(0xFFFE, 2) + number(9, 2) + number(6, 2) + number(0, 6) + number(0, 4) +
                         number(1, 4) + number(1, 4) + number(0, 4) + number(4096, 4) + number(2, 4) +
                         number(1, 4) + number(kEnd, 4) + number(0, 4) + number(0, 4);
    for (int i = 1; i < 109; ++i) header += number(kFree, 4);
    std::string table =
        number(0xFFFFFFFD, 4) + number(directory_follows, 4) + number(kEnd, 4) + number(kEnd, 4);
    const auto sectors = filled(large, 512).size() / 512;
    for (std::size_t i = 0; i < sectors; ++i) table += number(i + 1 == sectors ? kEnd : 5 + i, 4);
    while (table.size() < 512) table += number(kFree, 4);
    std::string directory;
    for (const auto& entry : entries) directory += entry.bytes();
    std::string small_table;
    const auto smalls = filled(small, 64).size() / 64;
    for (std::size_t i = 0; i < smalls; ++i) small_table += number(i + 1 == smalls ? kEnd : i + 1, 4);
    while (small_table.size() < 512) small_table += number(kFree, 4);
    return header + table + filled(directory, 512) + small_table + filled(small, 512) + filled(large, 512);
}

std::vector<Entry> root_and(std::vector<Entry> more, std::uint64_t small_size = 512) {
    more.insert(more.begin(), Entry{"Root Entry", 5, kFree, 1, 3, small_size});
    return more;
}

TEST(CompoundFile, ReadsSmallAndLargeStreams) {
    const std::string large(5000, 'L');
    const auto bytes =
        compound(root_and({{"Small", 2, 2, kFree, 0, 100}, {"Large", 2, kFree, kFree, 4, 5000}}),
                 std::string(100, 's'), large);
    const auto file = CompoundFile::open(bytes);
    ASSERT_TRUE(file);
    EXPECT_FALSE(file->is_damaged());
    ASSERT_NE(file->find("small"), nullptr);
    EXPECT_EQ(file->read(*file->find("small"), 1000).bytes, std::string(100, 's'));
    const auto whole = file->read(*file->find("Large"), 10'000);
    EXPECT_EQ(whole.bytes, large);
    EXPECT_TRUE(whole.is_complete && !whole.is_damaged);
    const auto cut = file->read(*file->find("Large"), 700);
    EXPECT_EQ(cut.bytes.size(), 700U);
    EXPECT_FALSE(cut.is_complete);
}

TEST(CompoundFile, PathsAreOfTheTreeAndOrphansAreThere) {
    const auto bytes = compound(
        root_and(
            {{"Folder", 1, kFree, 2}, {"Inside", 2, kFree, kFree, 0, 10}, {"Lost", 2, kFree, kFree, 0, 10}}),
        "0123456789", "");
    const auto file = CompoundFile::open(bytes);
    ASSERT_TRUE(file);
    ASSERT_NE(file->find("Folder/Inside"), nullptr);
    EXPECT_FALSE(file->find("Folder/Inside")->is_orphan);
    ASSERT_NE(file->find("Lost"), nullptr);
    EXPECT_TRUE(file->find("Lost")->is_orphan);
    EXPECT_EQ(file->read(*file->find("Lost"), 100).bytes, "0123456789");
}

TEST(CompoundFile, CirclesAndLiesEnd) {
    // The directory's chain runs back into itself; an entry is its own child and its own sibling.
    const auto bytes = compound(root_and({{"A", 1, 1, 1}, {"B", 2, 1, 0, 0, 1ULL << 31}}), "x", "", 1);
    const auto file = CompoundFile::open(bytes, 100);
    ASSERT_TRUE(file);
    EXPECT_TRUE(file->is_damaged());
    EXPECT_LE(file->entries().size(), 100U);
    for (const auto& entry : file->entries()) EXPECT_LE(file->read(entry, 1 << 20).bytes.size(), 1U << 20);
}

TEST(CompoundFile, AnyCutOrBentFileIsSurvived) {
    const auto whole = compound(root_and({{"VBA", 1, kFree, 2}, {"dir", 2, kFree, kFree, 0, 64}}),
                                std::string("\x01\x03\xb0xxx", 6), std::string(600, 'L'));
    for (std::size_t i = 0; i < whole.size(); ++i) {
        auto bent = whole;
        bent[i] = static_cast<char>(bent[i] ^ '\xFF');
        for (const auto& bytes : {bent, whole.substr(0, i)}) {
            const auto file = CompoundFile::open(bytes, 50);
            if (!file) continue;
            for (const auto& entry : file->entries()) EXPECT_LE(file->read(entry, 1000).bytes.size(), 1000U);
            read_vba(*file);
        }
    }
}

// [MS-OVBA] 3.2.2: a container that is mostly copies.
TEST(Vba, DecompressesCopiesAndSaysWhatIsDamaged) {
    const std::string container = std::string(
        "\x01\x2F\xB0\x00#aaabcde\x82"
        "f\x00"
        "ag",
        16);
    const auto start = decompress_vba(container, 1000);
    EXPECT_TRUE(start.is_damaged) << "its chunk is cut";
    EXPECT_TRUE(start.bytes.starts_with("#aaabcde"));
    const std::string copies("\x01\x03\xB0\x02\x61\x45\x00", 7);
    const auto run = decompress_vba(copies, 1000);
    EXPECT_FALSE(run.is_damaged);
    EXPECT_EQ(run.bytes, std::string(1 + 0x45 + 3, 'a'));
    const auto cut = decompress_vba(copies, 10);
    EXPECT_EQ(cut.bytes, std::string(10, 'a'));
    EXPECT_FALSE(cut.is_complete);
    EXPECT_TRUE(decompress_vba("no container", 10).is_damaged);
    EXPECT_TRUE(decompress_vba(std::string("\x01\x03\xB0\x01\x45\x00\x00", 7), 100).is_damaged)
        << "copies of nothing";
}

TEST(Vba, FindsSourceThatNoListNames) {
    std::string packed("\x01", 1);
    std::string chunk;
    const std::string text = "Attribute VB_Name = \"Evil\"\r\nSub AutoOpen()\r\nEnd Sub\r\n";
    for (std::size_t at = 0; at < text.size(); at += 8) chunk += '\0' + text.substr(at, 8);
    packed += number(0xB000 | (chunk.size() - 1), 2) + chunk;
    const auto bytes = compound(root_and({{"Anything", 2, kFree, kFree, 0, packed.size()}}), packed, "");
    const auto file = CompoundFile::open(bytes);
    ASSERT_TRUE(file);
    const auto projects = read_vba(*file);
    ASSERT_THAT(projects, SizeIs(1));
    ASSERT_THAT(projects[0].modules, SizeIs(1));
    EXPECT_EQ(projects[0].modules[0].source, text);
    EXPECT_TRUE(projects[0].is_damaged) << "there is no list";
}

}  // namespace
}  // namespace gatehouse::inspect::format
