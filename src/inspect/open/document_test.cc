// Documents and what they carry: scripts, data: URIs, calendars, TNEF, presentations, relationships.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/text.h"
#include "inspect/format/compressed_rtf.h"
#include "inspect/format/tnef.h"
#include "inspect/open/compound_records.h"
#include "inspect/open/embedded_text.h"
#include "inspect/open/office_part.h"
#include "inspect/open/test_visitor.h"

namespace gatehouse::inspect::open {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using message::GapReason;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr std::string_view kFile = "what a page hides in a script";
constexpr std::string_view kFileBase64 = "d2hhdCBhIHBhZ2UgaGlkZXMgaW4gYSBzY3JpcHQ=";
constexpr std::string_view kFileHex = "776861742061207061676520686964657320696e206120736372697074";

std::string number(std::uint64_t value, std::size_t count) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
    return out;
}

TEST(Documents, PagesShowWhatTheirScriptsCarry) {
    const auto spelled = [](std::string_view text) {
        return "<html><body><script>var a = " + std::string(text) + "; save(new Blob([atob(a)]));</script>";
    };
    const std::string base64(kFileBase64);
    const auto escaped = [&] {
        std::string out = "\"";
        for (const char c : kFileBase64) out += "\\x" + base::to_hex(std::string(1, c));
        return out + "\"";
    }();
    const auto bytes = [&] {
        std::string out = "[";
        for (const char c : kFile) out += std::to_string(static_cast<int>(c)) + ", ";
        return out + "32]";
    }();
    for (const auto& text :
         {"'" + base64 + "'", "\"" + base64.substr(0, 9) + "\" +\n  '" + base64.substr(9) + "'",
          "`" + std::string(kFileHex) + "`", escaped}) {
        Seen seen;
        open_bytes(spelled(text), seen);
        EXPECT_THAT(seen.members, Contains(Pair("carried-1", kFile))) << text;
        EXPECT_THAT(seen.evidence, Contains("document.smuggled_file")) << text;
        EXPECT_THAT(seen.gaps, IsEmpty());
    }
    Seen seen;
    open_bytes(spelled(bytes), seen);
    EXPECT_THAT(seen.members, Contains(Pair("carried-1", std::string(kFile) + " ")));
}

TEST(Documents, PagesWithoutAFileInTheirScriptsAreNotAccused) {
    Seen seen;
    open_bytes("<html><script>// don't\nvar x = 'download'; y = [1, 2, 3];</script><img alt='x'>", seen);
    EXPECT_THAT(seen.evidence, ElementsAre("document.script"));
    Seen plain;
    open_bytes("<html><p>on = one</p><a href='https://example.com/'>x</a>", plain);
    EXPECT_THAT(plain.evidence, IsEmpty());
    EXPECT_THAT(plain.members, IsEmpty());
}

TEST(Documents, ScriptsWithoutATagAreSeen) {
    for (const std::string_view svg :
         {"<svg xmlns='x' onload=\"go()\"/>", "<svg><a href='JavaScript:go()'/></svg>",
          "<svg><script>go()</script></svg>"}) {
        Seen seen;
        open_bytes(svg, seen);
        EXPECT_THAT(seen.evidence, Contains("document.script")) << svg;
    }
}

TEST(Documents, DataUrisAreFiles) {
    const std::string base64(kFileBase64);
    for (const auto& uri : {"data:text/plain;base64," + base64,
                            "DATA:;charset=x;base64," + base64.substr(0, 8) + "\n" + base64.substr(8),
                            "data:,what%20a%20page%20hides%20in%20a%20script"s,
                            "data:text/plain;base64,d2hhdCBhIHBhZ2UgaGlkZXMgaW4gYSBzY3JpcHQ%3D"s}) {
        Seen seen;
        open_bytes("<html><a href=\"" + uri + "\">x</a>", seen);
        ASSERT_EQ(seen.members.size(), 1U) << uri;
        EXPECT_EQ(seen.members[0].second, kFile) << uri;
    }
    Seen few(1 << 20, 1);
    open_bytes("<html><img src='data:,a'><img src='data:,b'>", few);
    EXPECT_THAT(few.gaps, Contains(Pair("", GapReason::too_many)));
}

TEST(Documents, CalendarsGiveTheirAttachments) {
    Seen seen;
    open_bytes(
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nATTACH;FMTTYPE=\"text/x:y\";ENCODING=BASE64;VALUE=BINARY;\r\n"
        " X-FILENAME=\"a.exe\":d2hhdCBhIHBhZ2UgaGlkZ\r\n XMgaW4gYSBzY3JpcHQ=\r\nEND:VEVENT\r\n",
        seen);
    EXPECT_THAT(seen.members, ElementsAre(Pair("a.exe", kFile)));
    EXPECT_THAT(seen.evidence, ElementsAre("document.embedded_file"));
}

std::string tnef_attribute(std::uint64_t id, std::string_view data) {
    return number(2, 1) + number(id, 4) + number(data.size(), 4) + std::string(data) + number(0, 2);
}

TEST(Documents, TnefGivesFilesAndBodies) {
    const auto name = number(0x1E, 2) + number(0x3707, 2) + number(1, 4) + number(9, 4) + "long.exe\0\0\0\0"s;
    const auto named = number(0x0003, 2) + number(0x8001, 2) + std::string(16, 'g') + number(1, 4) +
                       number(5, 4) + "abcdefgh" + number(7, 4);
    const auto many = number(0x1003, 2) + number(0x1234, 2) + number(2, 4) + number(1, 4) + number(2, 4);
    const auto html = number(0x102, 2) + number(0x1013, 2) + number(1, 4) + number(6, 4) + "<html>\0\0"s;
    const auto file = number(0x223E9F78, 4) + number(1, 2) +
                      tnef_attribute(0x69003, number(2, 4) + many + html) + tnef_attribute(0x69002, "x") +
                      tnef_attribute(0x6800F, "first") + tnef_attribute(0x18010, "a.txt\0"s) +
                      tnef_attribute(0x69002, "x") + tnef_attribute(0x6800F, "second") +
                      tnef_attribute(0x69005, number(2, 4) + named + name);
    Seen seen;
    open_bytes(file + "\r\n", seen);
    EXPECT_THAT(seen.members,
                ElementsAre(Pair("body.html", "<html>"), Pair("a.txt", "first"), Pair("long.exe", "second")));
    EXPECT_THAT(seen.gaps, IsEmpty());
    for (std::size_t size = 6; size < file.size() - 2; ++size) {
        const auto cut = format::read_tnef(std::string_view(file).substr(0, size), 10);
        EXPECT_LE(cut.files.size(), 2U);
    }
    Seen cut;
    open_bytes(std::string_view(file).substr(0, file.size() - 30), cut);
    EXPECT_THAT(cut.gaps, Contains(Pair("", GapReason::corrupt)));
}

TEST(Documents, TnefThatClaimsBillionsOfEmptyValuesCostsNothing) {
    const auto empty = number(0x1001, 2) + number(0x1234, 2) + number(0xFFFFFFFF, 4) + "abcd";
    const auto file = number(0x223E9F78, 4) + number(1, 2) + tnef_attribute(0x69003, number(1, 4) + empty);
    EXPECT_TRUE(format::read_tnef(file, 10).is_damaged);
}

// The example of [MS-OXRTFCP] 3.1.1.
TEST(Documents, CompressedRichText) {
    const auto packed = base::from_hex(
        "2d0000002b0000004c5a4675f1c5c7a703000a00726370673132354232"
        "0af32068656c090020627705b06c647d0a800fa0");
    ASSERT_TRUE(packed);
    const auto plain = format::decompress_rtf(*packed, 1000);
    EXPECT_EQ(plain.bytes, "{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
    EXPECT_FALSE(plain.is_damaged);
    const auto cut = format::decompress_rtf(*packed, 10);
    EXPECT_EQ(cut.bytes.size(), 10U);
    EXPECT_FALSE(cut.is_complete);
    EXPECT_TRUE(format::decompress_rtf(packed->substr(0, 30), 1000).is_damaged);
    EXPECT_TRUE(format::decompress_rtf("short", 1000).is_damaged);
}

TEST(Documents, PackagesHoldFiles) {
    const auto body = number(2, 2) + "label.exe\0C:\\source.exe\0"s + number(0x30000, 4) + number(4, 4) +
                      "tmp\0"s + number(kFile.size(), 4) + std::string(kFile);
    const auto stream = number(body.size(), 4) + body;
    const auto package = read_package(stream);
    ASSERT_TRUE(package);
    EXPECT_EQ(package->name, "label.exe");
    EXPECT_EQ(package->bytes, kFile);
    EXPECT_FALSE(package->is_damaged);
    for (std::size_t size = 0; size < body.size(); ++size) {
        const auto cut = read_package_body(std::string_view(body).substr(0, size));
        EXPECT_TRUE(!cut || cut->is_damaged) << size;
    }
}

std::string hex_of_object(std::string_view class_name, std::string_view bytes) {
    return base::to_hex(number(0x501, 4) + number(2, 4) + number(class_name.size() + 1, 4) +
                        std::string(class_name) + '\0' + number(0, 8) + number(bytes.size(), 4) +
                        std::string(bytes));
}

TEST(Documents, ObjectsOfRichTextAreFilesHoweverTheyAreSpelled) {
    const auto hex = hex_of_object("Other", kFile);
    const auto package = hex_of_object("Package", number(2, 2) + "a.exe\0b\0"s + number(0, 4) + number(0, 4) +
                                                      number(kFile.size(), 4) + std::string(kFile));
    std::string spread;
    for (const char c : hex) spread += std::string(1, c) + "\r\n\\ignored5 \t";
    for (const auto& data : {hex, spread, hex.substr(0, 20) + "{\\*\\x 41}" + hex.substr(20),
                             hex.substr(0, 21) + "{" + hex.substr(21, 4) + "}" + hex.substr(25)}) {
        Seen seen;
        open_bytes("{\\rtf1{\\object\\objemb{\\*\\objdata " + data + "}}}", seen);
        EXPECT_THAT(seen.members, Contains(Pair(testing::_, kFile))) << data;
        EXPECT_THAT(seen.evidence, Contains("document.embedded_file"));
    }
    Seen seen;
    open_bytes("{\\rtf1{\\*\\objdata " + package + "}{\\*\\objdata " + hex_of_object("Equation.3", "x") +
                   "}{\\*\\objdata\\bin4 {}ab",
               seen);
    EXPECT_THAT(seen.members, Contains(Pair("a.exe", kFile)));
    EXPECT_THAT(seen.members, Contains(Pair("object-3", "{}ab")));
    EXPECT_THAT(seen.evidence, Contains("document.equation_object"));
}

TEST(Documents, RichTextNamesWhatItFetchesAndStarts) {
    Seen seen;
    open_bytes("{\\rtf1{\\*\\template http://example.com/a.dot}{\\field{\\*\\fldinst {\\b DDE}AUTO c:}}}",
               seen);
    EXPECT_THAT(seen.evidence, ElementsAre("document.remote_template", "document.dde"));
    Seen plain;
    open_bytes("{\\rtf1{\\*\\template C:\\\\a.dot}{\\field{\\*\\fldinst PAGE}} \\'", plain);
    EXPECT_THAT(plain.evidence, IsEmpty());
    Seen few(1 << 20, 1);
    open_bytes("{\\rtf1{\\*\\objdata 41}{\\*\\objdata 42}}", few);
    EXPECT_THAT(few.gaps, Contains(Pair("", GapReason::too_many)));
}

TEST(Documents, WorkbooksSayWhatTheyHold) {
    const auto record = [](std::uint64_t kind, std::string_view data) {
        return number(kind, 2) + number(data.size(), 2) + std::string(data);
    };
    EXPECT_TRUE(read_workbook(record(0x809, "x") + record(0x85, number(0, 4) + "\0\1\0"s)).has_macro_sheet);
    EXPECT_FALSE(read_workbook(record(0x85, number(0, 4) + "\0\0\0"s)).has_macro_sheet);
    EXPECT_TRUE(read_workbook(record(0x2F, "key")).is_encrypted);
    EXPECT_TRUE(read_workbook(record(0x1AE, number(0, 2) + number(7, 2) + "\0cmd\3topic"s)).has_dde);
    EXPECT_TRUE(has_dde_field("text \x13 DDEAUTO c:\\\\a \x15"));
    EXPECT_TRUE(has_dde_field("\x13\0D\0D\0E\0 \0"sv));
    EXPECT_FALSE(has_dde_field("\x13 PAGE \x15 DDE"));
}

TEST(Documents, PresentationsHoldStorages) {
    const auto record = [](std::uint64_t head, std::uint64_t kind, std::string_view data) {
        return number(head, 2) + number(kind, 2) + number(data.size(), 4) + std::string(data);
    };
    const auto facts =
        read_presentation(record(0x0F, 1000, record(0x10, 0x1011, number(9, 4) + "deflated")) +
                          record(0, 0x1011, "stored") + record(0, 0x40E, "PK\3\4...") + record(0, 1, "text"));
    ASSERT_EQ(facts.objects.size(), 3U);
    EXPECT_EQ(facts.objects[0].bytes, "deflated");
    EXPECT_TRUE(facts.objects[0].is_deflated);
    EXPECT_EQ(facts.objects[1].bytes, "stored");
    EXPECT_FALSE(facts.is_encrypted);
}

std::vector<std::string> evidence_of(std::string_view name, std::string_view bytes) {
    Seen seen;
    note_office_part(name, bytes, seen);
    return seen.evidence;
}

TEST(Documents, RelationshipsThatFetchAreNamed) {
    const auto relationship = [](std::string_view type, std::string_view target) {
        return "<Relationships><Relationship Id='r1' Target = \"" + std::string(target) +
               "\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/" +
               std::string(type) + "\"\n TargetMode='External'/></Relationships>";
    };
    const auto of = [&](std::string_view type, std::string_view target) {
        return evidence_of("word/_rels/settings.xml.rels", relationship(type, target));
    };
    for (const std::string_view target : {"https://example.com/a.dotm", "\\\\host\\a.dotm",
                                          "file://///host/a", "mhtml:http://x!x-usc:http://y"}) {
        EXPECT_THAT(of("attachedTemplate", target), ElementsAre("document.remote_template")) << target;
        EXPECT_THAT(of("oleObject", target), ElementsAre("document.remote_template")) << target;
    }
    EXPECT_THAT(of("attachedTemplate", "file:///C:\\Users\\a\\Normal.dotm"), IsEmpty());
    EXPECT_THAT(of("hyperlink", "https://example.com/"), IsEmpty());
}

TEST(Documents, PartsOfMacrosAndFieldsAreNamed) {
    EXPECT_THAT(evidence_of("word/vbaProject.bin", ""), ElementsAre("document.macro"));
    EXPECT_THAT(evidence_of("xl/macrosheets/sheet1.xml", ""), ElementsAre("document.macro"));
    EXPECT_THAT(evidence_of("Basic/Standard/Module1.xml", ""), ElementsAre("document.macro"));
    EXPECT_THAT(evidence_of("word/embeddings/oleObject1.bin", ""), ElementsAre("document.embedded_file"));
    EXPECT_THAT(evidence_of("word/document.xml",
                            "<w:instrText xml:space='preserve'> D</w:instrText><x/>"
                            "<w:instrText>DEAUTO c:\\\\x</w:instrText>"),
                ElementsAre("document.dde"));
    EXPECT_THAT(evidence_of("word/document.xml", "<w:fldSimple w:instr=\"DDE x\"/>"),
                ElementsAre("document.dde"));
    EXPECT_THAT(evidence_of("word/document.xml", "<w:instrText>PAGE</w:instrText><w:t>DDE a</w:t>"),
                IsEmpty());
    EXPECT_THAT(evidence_of("xl/externalLinks/externalLink1.xml", "<x:ddeLink ddeService='cmd'>"),
                ElementsAre("document.dde"));
}

}  // namespace
}  // namespace gatehouse::inspect::open
