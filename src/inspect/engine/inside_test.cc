// What is inside: archives within archives, their limits, passwords in the text, messages that came as files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "inspect/engine/engine.h"
#include "inspect/format/inflate.h"
#include "inspect/mime/decode.h"

namespace gatehouse::inspect::engine {
namespace {

using message::Facts;
using message::GapReason;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Heard : Listener {
    void on_early(const Early&) override {}
    bool on_part(const message::Part& part, std::string_view) override {
        paths.push_back(part.path);
        return true;
    }
    std::vector<std::string> paths;
};

Facts look(std::string_view raw, const Settings& settings = {}, Listener* listener = nullptr) {
    return inspect({.raw = raw, .settings = settings, .detectors = catalogue(), .listener = listener});
}

std::string number(std::uint64_t value, std::size_t count) {
    std::string out;
    for (; count > 0; --count, value >>= 8) out += static_cast<char>(value & 0xFF);
    return out;
}

/// Stored, and without a directory: the shortest zip.
std::string zip(std::string_view name, std::string_view content) {
    return "PK\x03\x04" + number(20, 2) + number(0, 8) + number(format::crc32(content), 4) +
           number(content.size(), 4) + number(content.size(), 4) + number(name.size(), 2) + number(0, 2) +
           std::string(name) + std::string(content);
}

std::string mail(std::string_view text, std::string_view attachment, std::string_view name = "a.bin") {
    return "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n" +
           std::string(text) +
           "\r\n--b\r\nContent-Type: application/octet-stream; name=" + std::string(name) +
           "\r\nContent-Transfer-Encoding: binary\r\n\r\n" + std::string(attachment) + "\r\n--b--\r\n";
}

std::string from_base64(std::string_view text) {
    return mime::decode_base64(text, 1 << 20).bytes;
}

std::vector<GapReason> gaps(const Facts& facts) {
    std::vector<GapReason> out;
    for (const auto& gap : facts.coverage.gaps) out.push_back(gap.reason);
    return out;
}

std::vector<std::string> ids(const Facts& facts) {
    std::vector<std::string> out;
    for (const auto& evidence : facts.evidence) out.push_back(evidence.id);
    return out;
}

TEST(Inside, MembersAreLookedAtOneWithinTheOther) {
    const auto facts = look(mail("hi", zip("b.zip", zip("c/d.txt", "deep")), "a.zip"));
    std::vector<std::string> paths;
    for (const auto& part : facts.parts) paths.push_back(part.path);
    EXPECT_THAT(paths, ElementsAre("1:text/plain", "2:a.zip", "2:a.zip/b.zip", "2:a.zip/b.zip/c_d.txt"));
    EXPECT_EQ(facts.parts[3].name, "d.txt");
    EXPECT_EQ(facts.parts[3].size, 4U);
    EXPECT_EQ(facts.parts[3].type, "text");
}

TEST(Inside, TheSameArchiveIsOpenedOnce) {
    const auto inner = zip("x.txt", "deep");
    const auto facts = look(mail("hi", zip("a.zip", inner) + zip("b.zip", inner)));
    EXPECT_EQ(std::ranges::count(facts.parts, "x.txt", &message::Part::name), 1);
    EXPECT_EQ(facts.parts.size(), 5U) << "and both copies are listed";
    EXPECT_TRUE(facts.coverage.is_complete());
}

TEST(Inside, BeyondTheDepthIsAGap) {
    std::string nested = "x";
    for (int i = 0; i < 30; ++i) nested = zip("n", nested);
    Settings settings;
    settings.process.max_depth = 5;
    const auto facts = look(mail("hi", nested), settings);
    EXPECT_THAT(gaps(facts), Contains(GapReason::too_deep));
    EXPECT_EQ(facts.parts.size(), 2U + 5U);
}

TEST(Inside, TooManyFilesAreAGap) {
    std::string many;
    for (int i = 0; i < 20; ++i) many += zip("n" + std::to_string(i), "x");
    Settings settings;
    settings.open.max_files = 10;
    const auto facts = look(mail("hi", many), settings);
    EXPECT_THAT(gaps(facts), ElementsAre(GapReason::too_many));
    EXPECT_EQ(facts.parts.size(), 2U + 10U);
}

// 64 MiB of zeros, compressed twice.
constexpr std::string_view kBomb =
    "H4sIAAAAAAAC/+3cr05CcRTA8QteN4abQjAR5BGMFOafQCZAZj6A0SybI1l8CbObm5uVxhuozc6f4JyJceXex/"
    "idzyedfOLZ2ffssZGV6sVqXqvt"
    "h+nT7mXTaGYAAABA4qZfDwflMSDrFh+D4RgAAABI3c3JcV4dBbaTzpV1AAAAQPJm/V6r+hD4ub/NrQMAAACSd/"
    "r3fVndAhbFW3tkHwAAAJC8T8EA"
    "AAAACEUwAAAAAGIRDAAAAIBYBAMAAAAgGMEAAAAAiEUwAAAAAGIRDAAAAIBYBAMAAAAgGMEAAAAAiEUwAAAAAGIRDAAAAIBYBAMAAAAg"
    "GMEAAAAAiEUwAAAAAGJ57ve65WNA67e4u7g+zAAAAIjk/Wh9vnzdD/k/dTcIweL+AAA=";

TEST(Inside, ABombEndsAsAGap) {
    const auto facts = look(mail("hi", from_base64(kBomb)));
    EXPECT_THAT(gaps(facts), Contains(GapReason::too_large));
    Settings settings;
    settings.open.max_file_size = 1 << 20;
    const auto cut = look(mail("hi", from_base64(kBomb)), settings);
    EXPECT_THAT(gaps(cut), Contains(GapReason::too_large));
    EXPECT_LE(cut.parts.back().size, 1U << 20);
    settings = {};
    settings.process.max_decoded = 2 << 20;
    EXPECT_THAT(gaps(look(mail("hi", from_base64(kBomb)), settings)), Contains(GapReason::too_large));
}

// 7-Zip 22.01, ZipCrypto, password "S3cret".
constexpr std::string_view kEncrypted =
    "UEsDBBQAAQAAAIU8eF2qtx4UIQAAABUAAAAFAAAAYS50eHSoco9frexGHRVDygPOZXOMP+nl4zF22z2N2G3L/2ccx1RQSwECPwMU"
    "AAEAAACFPHhdqrceFCEAAAAVAAAABQAkAAAAAAAAACCApIEAAAAAYS50eHQKACAAAAAAAAEAGAAua7945nvdAQAAAAAAAAAAAAAA"
    "AAAAAABQSwUGAAAAAAEAAQBXAAAARAAAAAAA";

TEST(Inside, AWordOfTheTextOpensAnEncryptedArchive) {
    const auto packed = from_base64(kEncrypted);
    for (const auto* text :
         {"The password is S3cret.", "passwort: S3cret", "Code=S3cret", "see \"S3cret\", please"}) {
        Heard heard;
        const auto facts = look(mail(text, packed, "a.zip"), {}, &heard);
        EXPECT_TRUE(facts.coverage.is_complete()) << text;
        EXPECT_THAT(ids(facts), Contains("archive.password_in_text")) << text;
        EXPECT_EQ(facts.parts.back().size, 21U) << text;
        EXPECT_THAT(heard.paths, Contains("2:a.zip/a.txt")) << "engines beside us cannot look into it";
    }
    const auto closed = look(mail("no word", packed, "a.zip"));
    EXPECT_THAT(gaps(closed), ElementsAre(GapReason::encrypted));
    EXPECT_THAT(ids(closed), testing::AllOf(Contains("archive.encrypted"),
                                            testing::Not(Contains("archive.password_in_text"))));
}

TEST(Inside, MessagesThatAreFilesAreParsed) {
    const std::string inner =
        "Received: from a by b; now\r\nFrom: a@example.org\r\nTo: b@example.org\r\nSubject: "
        "inner\r\nMessage-ID: <1@x>\r\n"
        "Date: Tue, 1 Jan 2030 00:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; "
        "boundary=q\r\n\r\n--q\r\n\r\nhello\r\n--q\r\n"
        "Content-Type: application/x-a; name=evil.bin\r\nContent-Transfer-Encoding: "
        "base64\r\n\r\nTVqQAA==\r\n--q--\r\n";
    const auto facts = look(mail("hi", zip("a.eml", inner)));
    ASSERT_EQ(facts.parts.at(2).type, "message");
    EXPECT_THAT(facts.parts.back().path, HasSubstr("a.eml/2:evil.bin"));
    EXPECT_EQ(facts.parts.back().size, 4U);
    EXPECT_TRUE(facts.coverage.is_complete());
}

TEST(Inside, WhatIsElsewhereIsAGap) {
    EXPECT_THAT(
        gaps(look("Content-Type: message/partial; number=1; total=2; id=x\r\n\r\nSubject: a\r\n\r\nb\r\n")),
        Contains(GapReason::refused));
    EXPECT_THAT(
        gaps(look("Content-Type: message/external-body; access-type=URL; URL=\"http://x.invalid/\"\r\n\r\n"
                  "Content-Type: text/plain\r\n\r\n")),
        Contains(GapReason::refused));
}

TEST(Inside, FilesInTextAreFoundInEitherEncoding) {
    const auto facts = look(
        "Content-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n\r\nhello\r\n"
        "=ybegin line=128 size=3 name=a.bin\r\nkkk\r\n=yend size=3\r\n");
    ASSERT_EQ(facts.parts.size(), 2U);
    EXPECT_EQ(facts.parts[1].path, "1:text/plain/a.bin");
    EXPECT_EQ(facts.parts[1].size, 3U);
}

}  // namespace
}  // namespace gatehouse::inspect::engine
