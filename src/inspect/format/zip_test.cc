#include "inspect/format/zip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/text.h"
#include "inspect/format/zip_cipher.h"

namespace gatehouse::inspect::format {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

std::string number(std::uint64_t value, std::size_t count) {
    std::string out;
    for (; count > 0; --count, value >>= 8) out += static_cast<char>(value & 0xFF);
    return out;
}

/// What both headers of a stored file say.
struct File {
    std::string name;
    std::string content;
    unsigned method = 0;
    unsigned flags = 0;

    std::string common(std::uint64_t size) const {
        return number(20, 2) + number(flags, 2) + number(method, 2) + number(0, 4) +
               number(crc32(content), 4) + number(size, 4) + number(size, 4) + number(name.size(), 2) +
               number(0, 2);
    }
    std::string local() const { return local(content.size()); }
    std::string local(std::uint64_t size) const { return "PK\x03\x04" + common(size) + name + content; }
    std::string central(std::size_t offset) const { return central(offset, content.size()); }
    std::string central(std::size_t offset, std::uint64_t size) const {
        return "PK\x01\x02" + number(20, 2) + common(size) + number(0, 10) + number(offset, 4) + name;
    }
};

std::string end_of(std::size_t entries, std::size_t size, std::size_t offset) {
    return "PK\x05\x06" + number(0, 4) + number(entries, 2) + number(entries, 2) + number(size, 4) +
           number(offset, 4) + number(0, 2);
}

std::string zip_of(const std::vector<File>& files) {
    std::string out;
    std::string directory;
    for (const auto& file : files) {
        directory += file.central(out.size());
        out += file.local();
    }
    const auto at = out.size();
    return out + directory + end_of(files.size(), directory.size(), at);
}

std::vector<std::string> contents(std::string_view zip) {
    std::vector<std::string> out;
    for (const auto& member : list_zip(zip, 1000).members) {
        const auto content = read_zip_member(zip, member, 1 << 20);
        out.push_back(member.name + "=" + content.bytes + (content.end == ZipEnd::complete ? "" : "!"));
    }
    return out;
}

bool has(const ZipList& list, ZipDoubt doubt) {
    return list.doubts.contains(doubt);
}

TEST(Zip, ListsAndReadsAPlainArchiveWithoutDoubts) {
    const auto zip = zip_of({{"a.txt", "first"}, {"b/", ""}, {"b/c.txt", "second"}});
    const auto list = list_zip(zip, 1000);
    EXPECT_TRUE(list.doubts.is_empty());
    EXPECT_TRUE(list.complete);
    EXPECT_TRUE(list.members.at(1).is_folder);
    EXPECT_THAT(contents(zip), ElementsAre("a.txt=first", "b/=", "b/c.txt=second"));
}

TEST(Zip, JunkBeforeAndBehindChangesNothing) {
    const auto zip = std::string(1000, 'j') + zip_of({{"a.txt", "first"}}) + std::string(100, 'k');
    EXPECT_THAT(contents(zip), ElementsAre("a.txt=first"));
    EXPECT_TRUE(list_zip(zip, 1000).doubts.is_empty());
}

TEST(Zip, AFileMayEndAsAZipAndBeginAsAnother) {
    const auto zip = zip_of({{"a.txt", "first"}});
    EXPECT_TRUE(ends_as_zip(zip));
    EXPECT_TRUE(ends_as_zip("GIF89a" + std::string(500, 'x') + zip));
    EXPECT_TRUE(ends_as_zip(zip + "behind"));
    EXPECT_FALSE(ends_as_zip("GIF89a" + end_of(1, 50, 0)));
    EXPECT_FALSE(ends_as_zip(zip + std::string(0x10000, 'x')));
    EXPECT_FALSE(ends_as_zip(""));
    const std::string compound = "\xD0\xCF\x11\xE0" + std::string(500, 'x') + zip;
    EXPECT_TRUE(ends_as_zip(compound));
    EXPECT_FALSE(ends_as_zip(compound + std::string(512, '\0')));
}

TEST(Zip, JoinedArchivesAreReadBoth) {
    const auto zip = zip_of({{"a.txt", "first"}}) + zip_of({{"b.txt", "second"}});
    const auto list = list_zip(zip, 1000);
    EXPECT_THAT(contents(zip), ElementsAre("a.txt=first", "b.txt=second"));
    EXPECT_TRUE(has(list, ZipDoubt::several_archives));
    EXPECT_TRUE(has(list, ZipDoubt::unlisted));
}

TEST(Zip, AFileThatNoDirectoryListsIsFound) {
    const File hidden{"hidden.exe", "MZ"};
    const File shown{"a.txt", "first"};
    const auto begin = hidden.local();
    const auto body = begin + shown.local();
    const auto directory = shown.central(begin.size());
    const auto zip = body + directory + end_of(1, directory.size(), body.size());
    EXPECT_THAT(contents(zip), ElementsAre("hidden.exe=MZ", "a.txt=first"));
    EXPECT_TRUE(has(list_zip(zip, 1000), ZipDoubt::unlisted));
}

TEST(Zip, ADamagedLocalHeaderDoesNotHideItsFile) {
    auto zip = zip_of({{"a.txt", "first"}});
    zip[1] = 'X';
    EXPECT_THAT(contents(zip), ElementsAre("a.txt=first"));
    EXPECT_TRUE(has(list_zip(zip, 1000), ZipDoubt::no_local_header));
}

TEST(Zip, WithoutADirectoryTheLocalHeadersCount) {
    const auto zip = File{"a.txt", "first"}.local() + File{"b.txt", "second"}.local();
    EXPECT_THAT(contents(zip), ElementsAre("a.txt=first", "b.txt=second"));
    EXPECT_TRUE(has(list_zip(zip, 1000), ZipDoubt::cut));
}

TEST(Zip, EachStoryAboutAFileIsAMember) {
    const File told{"invoice.pdf", "content"};
    const File listed{"invoice.exe", "content"};
    const auto body = told.local();
    const auto directory = listed.central(0);
    const auto zip = body + directory + end_of(1, directory.size(), body.size());
    EXPECT_THAT(contents(zip), testing::UnorderedElementsAre("invoice.pdf=content", "invoice.exe=content"));
    EXPECT_TRUE(has(list_zip(zip, 1000), ZipDoubt::names_differ));

    const auto short_one = told.local() + told.central(0, 3) + end_of(1, directory.size(), body.size());
    EXPECT_THAT(contents(short_one),
                testing::UnorderedElementsAre("invoice.pdf=content", "invoice.pdf=con!"));
    EXPECT_TRUE(has(list_zip(short_one, 1000), ZipDoubt::fields_differ));
}

TEST(Zip, AStoredArchiveInsideIsNotTakenForFilesOfTheOuterOne) {
    const auto inner = zip_of({{"x.txt", "inner"}});
    const auto zip = zip_of({{"a.zip", inner}, {"b.txt", "second"}});
    EXPECT_THAT(contents(zip), ElementsAre("a.zip=" + inner, "b.txt=second"));
    EXPECT_TRUE(list_zip(zip, 1000).doubts.is_empty());
    // Its first file has a name that the outer one's first file has, too, and the same offset.
    const auto same = zip_of({{"x.txt", "outer"}, {"a.zip", inner}});
    EXPECT_THAT(contents(same), ElementsAre("x.txt=outer", "a.zip=" + inner));
    EXPECT_TRUE(list_zip(same, 1000).doubts.is_empty());
}

TEST(Zip, WithoutDirectoriesToo) {
    std::string nested = "x";
    for (int i = 0; i < 10; ++i) nested = File{"n.zip", nested}.local();
    EXPECT_THAT(list_zip(nested, 1000).members, SizeIs(1));
}

TEST(Zip, FilesThatShareDataOverlap) {
    const File inner{"b.txt", "second"};
    const File outer{"a.txt", "xx" + inner.local()};
    const auto body = outer.local();
    const auto directory = outer.central(0) + inner.central(body.size() - inner.local().size());
    const auto zip = body + directory + end_of(2, directory.size(), body.size());
    const auto list = list_zip(zip, 1000);
    ASSERT_THAT(list.members, SizeIs(2));
    EXPECT_TRUE(list.members[0].doubts.contains(ZipDoubt::overlap));
    EXPECT_TRUE(list.members[1].doubts.contains(ZipDoubt::overlap));
}

TEST(Zip, SizesThatFollowTheDataAreNotNeeded) {
    const File file{"a.txt", "first", 0, 1U << 3};
    auto body = file.local(0) + "PK\x07\x08" + number(crc32("first"), 4) + number(5, 4) + number(5, 4);
    EXPECT_THAT(contents(body), ElementsAre("a.txt=first"));
    const auto directory = file.central(0);
    const auto zip = body + directory + end_of(1, directory.size(), body.size());
    EXPECT_THAT(contents(zip), ElementsAre("a.txt=first"));
    EXPECT_TRUE(list_zip(zip, 1000).doubts.is_empty());
}

TEST(Zip, SixtyFourBitFieldsAreRead) {
    const File file{"a.txt", "first"};
    const auto extra = number(1, 2) + number(24, 2) + number(5, 8) + number(5, 8) + number(0, 8);
    const auto entry = "PK\x01\x02" + number(45, 2) + number(45, 2) + number(0, 2) + number(0, 2) +
                       number(0, 4) + number(crc32("first"), 4) + number(0xFFFFFFFF, 4) +
                       number(0xFFFFFFFF, 4) + number(5, 2) + number(extra.size(), 2) + number(0, 10) +
                       number(0xFFFFFFFF, 4) + "a.txt" + extra;
    const auto body = file.local();
    const auto wide_end = "PK\x06\x06" + number(44, 8) + number(45, 2) + number(45, 2) + number(0, 8) +
                          number(1, 8) + number(1, 8) + number(entry.size(), 8) + number(body.size(), 8);
    const auto zip = body + entry + wide_end + "PK\x06\x07" + number(0, 4) +
                     number(body.size() + entry.size(), 8) + number(1, 4) +
                     end_of(0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF);
    const auto list = list_zip(zip, 1000);
    ASSERT_THAT(list.members, SizeIs(1));
    EXPECT_TRUE(list.members[0].is_listed);
    EXPECT_THAT(contents(zip), ElementsAre("a.txt=first"));
}

TEST(Zip, LimitsAreSaid) {
    std::vector<File> files(20, File{"a", "x"});
    const auto zip = zip_of(files);
    const auto list = list_zip(zip, 10);
    EXPECT_THAT(list.members, SizeIs(10));
    EXPECT_FALSE(list.complete);
    EXPECT_EQ(read_zip_member(zip, list.members[0], 0).end, ZipEnd::limit);
    EXPECT_EQ(read_zip_member(zip, list.members[0], 1).end, ZipEnd::complete);
}

TEST(Zip, AWrongChecksumAndAnUnknownMethodAreSaid) {
    auto zip = zip_of({{"a", "content"}});
    zip[zip.find("content")] = 'X';
    EXPECT_THAT(contents(zip), ElementsAre("a=Xontent!"));
    const auto lzma = zip_of({{"a", "content", 14}});
    const auto list = list_zip(lzma, 10);
    EXPECT_EQ(read_zip_member(lzma, list.members.at(0), 100).end, ZipEnd::unsupported);
    const auto again = rewrap_zip_member(packed_data(lzma, list.members[0]), list.members[0]);
    const auto wrapped = list_zip(again, 10);
    ASSERT_THAT(wrapped.members, SizeIs(1));
    EXPECT_TRUE(wrapped.doubts.is_empty());
    EXPECT_EQ(wrapped.members[0].method, 14);
    EXPECT_EQ(packed_data(again, wrapped.members[0]), "content");
}

// Made by 7-Zip 22.01 with the password "S3cret"; the content is "hidden in an archive\n".
constexpr std::string_view kAes256 =
    "504b0304330001006300853c785d00000000310000001500000005000b00612e7478740199070002004145030000f62330f299d2"
    "99b4"
    "a884c0f2afa8bf7d8c93308f59f67d56395d75025f0b8ea3d8444d8db14b8e2f17c1d1f6692ca796d4504b01023f033300010063"
    "00"
    "853c785d00000000310000001500000005002f000000000000002080a48100000000612e7478740a00200000000000010018002e"
    "6bbf"
    "78e67bdd01000000000000000000000000000000000199070002004145030000504b0506000000000100010062000000"
    "5f0000000000";
constexpr std::string_view kAes128 =
    "504b0304330001006300853c785d00000000290000001500000005000b00612e74787401990700020041450100007a87f78fb7f3"
    "e62f"
    "854dabcd1a4ee8f64d16ac71a494c1c9d6b45a5b9a91ebefe727c41e8aa7992130504b01023f03330001006300853c785d000000"
    "00"
    "290000001500000005002f000000000000002080a48100000000612e7478740a00200000000000010018002e6bbf78e67bdd0100"
    "0000"
    "000000000000000000000000000199070002004145010000504b0506000000000100010062000000570000000000";
constexpr std::string_view kTraditional =
    "504b0304140001000000853c785daab71e14210000001500000005000000612e747874a8728f5fadec461d1543ca03ce65738c3f"
    "e9e5"
    "e33176db3d8dd86dcbff671cc754504b01023f03140001000000853c785daab71e14210000001500000005002400000000000000"
    "2080"
    "a48100000000612e7478740a00200000000000010018002e6bbf78e67bdd0100000000000000000000000000000000504b050600"
    "00"
    "00000100010057000000440000000000";

std::string open_with(std::string_view hex, std::string_view password) {
    const auto zip = base::from_hex(hex).value();
    const auto list = list_zip(zip, 10);
    EXPECT_THAT(list.members, SizeIs(1));
    const auto& member = list.members.at(0);
    EXPECT_EQ(read_zip_member(zip, member, 100).end, ZipEnd::encrypted);
    const auto plain = decrypt_zip_data(packed_data(zip, member), member, password);
    if (!plain) return "wrong password";
    const auto content = unpack_zip_data(*plain, member, 100);
    return content.end == ZipEnd::complete ? content.bytes : "not whole";
}

TEST(ZipCipher, OpensWithTheRightPasswordOnly) {
    for (const auto hex : {kAes256, kAes128, kTraditional}) {
        EXPECT_EQ(open_with(hex, "S3cret"), "hidden in an archive\n");
        EXPECT_EQ(open_with(hex, "s3cret"), "wrong password");
        EXPECT_EQ(open_with(hex, ""), "wrong password");
    }
}

TEST(Zip, AnyCutAndAnyFlippedByteIsSurvived) {
    const auto inner = zip_of({{"x.txt", "inner"}});
    const auto zip = zip_of({{"a.zip", inner}, {"b.txt", "second"}}) + zip_of({{"c.txt", "third"}});
    for (std::size_t i = 0; i < zip.size(); ++i) {
        contents(zip.substr(0, i));
        contents(zip.substr(i));
        auto bent = zip;
        bent[i] = static_cast<char>(bent[i] ^ '\xFF');
        contents(bent);
        bent[i] = '\0';
        EXPECT_LE(list_zip(bent, 3).members.size(), 3U);
    }
}

}  // namespace
}  // namespace gatehouse::inspect::format
