#include "inspect/open/open.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "inspect/mime/decode.h"
#include "inspect/open/test_visitor.h"

namespace gatehouse::inspect::open {
namespace {

using message::GapReason;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

std::string from_base64(std::string_view text) {
    return mime::decode_base64(text, 1 << 20).bytes;
}

// Made with Python's gzip, bz2, lzma, zipfile and tarfile modules and 7-Zip 22.01; the content is "hello".
constexpr std::string_view kTarGz =
    "H4sIAAAAAAAC/+3TOw7CMBBFUS/"
    "FBQUU+EMcKFiNBUEgzEe2EVk+IyoUChqgyT0a6Y2medXEdT7ped7pybSfmdpX9X1OLEN4phimaF92uXsX"
    "mlZpp/7gVmrMUq/Gad+ldFEYK2OsTDqcj7/r+Pz/g937xq+UXtiubuw1lnLf8v8AAAAAAAAAAAAAAAAAAADAuwcFedR3ACgAAA==";
constexpr std::string_view kBz2 = "QlpoOTFBWSZTWRkxZT0AAACBAAJEoAAhmmgzTQczi7kinChIDJiynoA=";
constexpr std::string_view kXz =
    "/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQAEaGVsbG8AAAAAsTe52+XaHpsAAR0FuC2Arx+2830BAAAAAARZWg==";
constexpr std::string_view kLzmaZip =
    "UEsDBD8AAgAOACE/eF1Api0BGgAAAAsAAAAFAAAAYS50eHQJBAUAXQAAgAAANBlJ7o3pQ5Isorf//t/QAFBLAQI/Az8AAgAOACE/"
    "eF1Api0BGgAA"
    "AAsAAAAFAAAAAAAAAAAAAACAAQAAAABhLnR4dFBLBQYAAAAAAQABADMAAAA9AAAAAAA=";
constexpr std::string_view kBzip2Zip =
    "UEsDBC4AAAAMACE/"
    "eF1Api0BKwAAAAsAAAAFAAAAYS50eHRCWmg5MUFZJlNZBAgNjgAAAZEAQAACRKAAISAGaDUcpg4u5IpwoSAIEBscUEsBAi4D"
    "LgAAAAwAIT94XUCmLQErAAAACwAAAAUAAAAAAAAAAAAAAIABAAAAAGEudHh0UEsFBgAAAAABAAEAMwAAAE4AAAAAAA==";
constexpr std::string_view k7z =
    "N3q8ryccAASpefo7CQAAAAAAAABSAAAAAAAAAPsfsHIBAARoZWxsbwABBAYAAQkJAAcLAQABISEBAAwFAAgKAYamEDYAAAUBGQwAAAAA"
    "AAAAAAAA"
    "AAARDQBoAC4AdAB4AHQAAAAUCgEAMIEFZOl73QEVBgEAIICkgQAA";
constexpr std::string_view k7zWithEncryptedHeader =
    "N3q8ryccAASWerokgAAAAAAAAAAuAAAAAAAAAHr7IAOSi/"
    "KlsbsfrDBhq7aCBZNCjf8lxHjZReDD4XKC2Qp9U1MYGE5atll4Z87SK5UBcPwVh5Nz"
    "fxSjEE8PtGOkuxdIlUbI2gD95j33oRGhJBGEWs4/o7XH5L9d+MHGIDQTdhZyR7mxwK0pYcDqQAk+SlR/0XzZRF31y2Xt/"
    "kMVaWPuxBcGEAEJcAAH"
    "CwEAASQG8QcBElMPbgdfgtOLSz6d+xKX2oM4egxiCgHPgdveAAA=";
constexpr std::string_view k7zEncrypted =
    "N3q8ryccAARHaaNCEAAAAAAAAABiAAAAAAAAAKzPaHxSx0n3eJtWjuvY2tDWYbTkAQQGAAEJEAAHCwEAAiQG8QcBElMP40ENxTC419aQ"
    "QRSOGddL"
    "hCEhAQABAAwJBQAICgGGphA2AAAFARkBABENAGgALgB0AHgAdAAAABQKAQAwgQVk6XvdARUGAQAggKSBAAA=";

TEST(Open, UnpacksWhatLibrariesRead) {
    for (const auto packed : {kBz2, kXz}) {
        Seen seen;
        open_bytes(from_base64(packed), seen);
        EXPECT_THAT(seen.members, ElementsAre(Pair("", "hello")));
        EXPECT_THAT(seen.gaps, IsEmpty());
    }
    Seen seen;
    open_bytes(from_base64(k7z), seen);
    EXPECT_THAT(seen.members, ElementsAre(Pair("h.txt", "hello")));
    EXPECT_THAT(seen.gaps, IsEmpty());
}

TEST(Open, NamesAreNamesAndLinksLeadNowhere) {
    Seen outer;
    open_bytes(from_base64(kTarGz), outer);
    ASSERT_EQ(outer.members.size(), 1U);
    Seen inner;
    open_bytes(outer.members[0].second, inner);
    EXPECT_THAT(inner.members, ElementsAre(Pair("a;rm -rf $(x).txt", "hello")));
    EXPECT_THAT(inner.gaps, IsEmpty());
}

TEST(Open, MethodsOfZipThatWeDoNotUnpackGoToTheLibrary) {
    for (const auto packed : {kLzmaZip, kBzip2Zip}) {
        Seen seen;
        open_bytes(from_base64(packed), seen);
        EXPECT_THAT(seen.members, ElementsAre(Pair("a.txt", "hello hello")));
        EXPECT_THAT(seen.gaps, IsEmpty());
    }
    auto unknown = from_base64(kLzmaZip);
    for (const char* signature : {"PK\x03\x04", "PK\x01\x02"})
        unknown[unknown.find(signature) + (signature[2] == '\x03' ? 8 : 10)] = '\x61';
    Seen seen;
    open_bytes(unknown, seen);
    EXPECT_THAT(seen.members, IsEmpty());
    EXPECT_THAT(seen.gaps, ElementsAre(Pair("a.txt", GapReason::refused)));
}

TEST(Open, WhatIsEncryptedIsAGap) {
    for (const auto packed : {k7zEncrypted, k7zWithEncryptedHeader}) {
        Seen seen;
        open_bytes(from_base64(packed), seen);
        EXPECT_THAT(seen.members, IsEmpty());
        ASSERT_EQ(seen.gaps.size(), 1U);
        EXPECT_EQ(seen.gaps[0].second, GapReason::encrypted);
        EXPECT_THAT(seen.evidence, ElementsAre("archive.encrypted"));
    }
}

TEST(Open, LimitsAreGaps) {
    Seen narrow(3);
    open_bytes(from_base64(kXz), narrow);
    EXPECT_THAT(narrow.members, ElementsAre(Pair("", "hel")));
    EXPECT_THAT(narrow.gaps, Contains(Pair("", GapReason::too_large)));
    Seen small(2);
    open_bytes(from_base64(kTarGz), small);
    EXPECT_THAT(small.gaps, ElementsAre(Pair("", GapReason::too_large)));
    Seen exact(5);
    open_bytes(from_base64(kXz), exact);
    EXPECT_THAT(exact.members, ElementsAre(Pair("", "hello")));
    EXPECT_THAT(exact.gaps, IsEmpty());
}

TEST(Open, KnownContainersWithoutAnOpenerAreGaps) {
    const std::string ace = std::string(7, '\0') + "**ACE**" + std::string(100, '\0');
    const std::string chm = "ITSF" + std::string(200, '\0');
    for (const auto& bytes : {ace, chm}) {
        Seen seen;
        open_bytes(bytes, seen);
        EXPECT_THAT(seen.members, IsEmpty());
        EXPECT_THAT(seen.gaps, ElementsAre(Pair("", GapReason::refused)));
    }
}

TEST(Open, AnArchiveBehindSomethingElseIsFound) {
    const auto polyglot = "GIF89a" + std::string(300, '\x01') + from_base64(kLzmaZip);
    Seen seen;
    open_bytes(polyglot, seen);
    EXPECT_THAT(seen.members, ElementsAre(Pair("a.txt", "hello hello")));
    EXPECT_THAT(seen.evidence, Contains("archive.attached"));
    std::string program =
        "MZ" + std::string(0x3A, '\0') + std::string("\x40\0\0\0PE\0\0", 8) + std::string(300, '\0');
    Seen extracting;
    open_bytes(program + "7z\xbc\xaf\x27\x1c no archive" + from_base64(k7z), extracting);
    EXPECT_THAT(extracting.members, ElementsAre(Pair("h.txt", "hello")));
    const Item plain{"", program, &format::true_type(program)};
    EXPECT_EQ(plain.type->name, "pe");
    EXPECT_FALSE(is_container(plain));
}

TEST(Open, AnyCutOrBentArchiveIsSurvivedAndNeverSilent) {
    for (const auto packed : {kTarGz, kBz2, kXz, kLzmaZip, kBzip2Zip, k7z}) {
        const auto whole = from_base64(packed);
        for (std::size_t i = 8; i < whole.size(); ++i) {
            const auto cut = whole.substr(0, i);
            const Item item{"", cut, &format::true_type(cut)};
            if (!is_container(item)) continue;
            Seen seen(1000, 10);
            open(item, seen);
            EXPECT_FALSE(seen.gaps.empty() && seen.members.empty()) << item.type->name << " cut at " << i;
            auto bent = whole;
            bent[i] = static_cast<char>(bent[i] ^ '\x55');
            Seen other(1000, 10);
            open({"", bent, item.type}, other);
        }
    }
}

}  // namespace
}  // namespace gatehouse::inspect::open
