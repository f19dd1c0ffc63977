#include "inspect/format/true_type.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace gatehouse::inspect::format {
namespace {

using namespace std::string_view_literals;

std::string zeros(std::size_t count) {
    return std::string(count, '\0');
}
std::string number(std::uint64_t value, std::size_t count) {
    std::string out;
    for (; count > 0; --count, value >>= 8) out += static_cast<char>(value & 0xFF);
    return out;
}
std::string at(std::size_t offset, std::string_view what, std::size_t size) {
    auto out = zeros(std::max(size, offset + what.size()));
    out.replace(offset, what.size(), what);
    return out;
}
std::string wide(std::string_view text) {
    std::string out;
    for (const char c : text) (out += c) += '\0';
    return out;
}
std::string_view type_of(std::string_view bytes) {
    return true_type(bytes).name;
}

/// A local header with that name, stored.
std::string member(std::string_view name, std::string_view content = "x") {
    return "PK\x03\x04" + number(20, 2) + zeros(4) + zeros(8) + number(content.size(), 4) +
           number(content.size(), 4) + number(name.size(), 2) + zeros(2) + std::string(name) +
           std::string(content);
}

/// A compound file whose directory is the first sector behind the header, with that stream.
std::string compound(std::string_view stream, std::string_view class_id = "") {
    auto out = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1" + zeros(504);
    out.replace(0x1E, 2, number(9, 2));
    out += wide("Root Entry") + zeros(128 - 20) + wide(stream);
    out.resize(1024);
    out.replace(512 + 80, class_id.size(), class_id);
    return out;
}

std::string program(std::string_view kind) {
    auto out = "MZ" + number(0x90, 2) + number(3, 2) + number(0, 2) + number(4, 2) + zeros(54);
    out.replace(0x3C, 4, number(64, 4));
    return out.substr(0, 64) + std::string(kind) + zeros(20);
}

TEST(TrueType, IsByContent) {
    const std::vector<std::pair<std::string, std::string_view>> cases = {
        {"", "empty"},
        {program("PE\0\0"sv), "pe"},
        {program("NE"), "ne"},
        {program("??"), "dos-exe"},
        {"MZ is how a text may begin, too", "text"},
        {"\x7F"
         "ELF\x02\x01\x01",
         "elf"},
        {"%PDF-1.7\n", "pdf"},
        {"junk\n%PDF-1.4\n1 0 obj\n", "pdf"},
        {"a text that speaks of %PDF-1.4", "text"},
        {member("a.txt"), "zip"},
        {member("[Content_Types].xml") + member("word/document.xml"), "docx"},
        {member("[Content_Types].xml") + member("xl/workbook.xml"), "xlsx"},
        {member("[Content_Types].xml") + member("xl/workbook.bin"), "xlsb"},
        {member("[Content_Types].xml") + member("ppt/presentation.xml"), "pptx"},
        {member("[Content_Types].xml"), "ooxml"},
        {member("mimetype", "application/vnd.oasis.opendocument.text"), "odt"},
        {member("mimetype", "application/epub+zip"), "epub"},
        {member("META-INF/MANIFEST.MF") + member("A.class"), "jar"},
        {member("AndroidManifest.xml") + member("META-INF/MANIFEST.MF"), "apk"},
        {member("META-INF/MANIFEST.MF") + member("[Content_Types].xml") + member("word/document.xml"),
         "docx"},
        {"PK\x05\x06" + zeros(18), "zip"},
        {compound("WordDocument"), "doc"},
        {compound("Workbook"), "xls"},
        {compound("PowerPoint Document"), "ppt"},
        {compound("__properties_version1.0"), "msg"},
        {compound("EncryptedPackage"), "ooxml-encrypted"},
        {compound("other"), "ole"},
        {compound("other", "\x84\x10\x0C\0\0\0\0\0\xC0\0\0\0\0\0\0\x46"sv), "msi"},
        {std::string("\xCA\xFE\xBA\xBE\0\0\0\x34", 8), "java-class"},
        {std::string("\xCA\xFE\xBA\xBE\0\0\0\x02", 8), "macho"},
        {"RIFF" + zeros(4) + "WAVE", "wav"},
        {"RIFF" + zeros(4) + "WEBP", "webp"},
        {zeros(4) + "ftypheic", "heic"},
        {zeros(4) + "ftypisom", "mp4"},
        {"!<arch>\ndebian-binary", "deb"},
        {"!<arch>\nfoo.o/", "ar"},
        {at(257, "ustar", 512), "tar"},
        {at(148, "001046\0 "sv, 512).replace(0, 3, "abc"), "tar"},
        {at(148, "001047\0 "sv, 512).replace(0, 3, "abc"), "data"},
        {at(0x8001, "CD001", 0x9000), "iso"},
        {at(0x8001, "BEA01", 0x8801) + "NSR03" + zeros(100), "udf"},
        {zeros(1000) + "koly" + zeros(508), "dmg"},
        {"BZh91AY&SY", "bz2"},
        {"BZh of a name", "text"},
        {"\x22\x61-lh5-" + zeros(20), "lzh"},
        {"\x60\xEA" + number(40, 2) + zeros(8), "arj"},
        {zeros(7) + "**ACE**", "ace"},
        {"BM" + number(70, 4) + zeros(4) + number(54, 4) + number(40, 4) + zeros(40), "bmp"},
        {"BMW is a make of cars, and this is a text", "text"},
        {std::string("\x5D\0\0\x80\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0\0", 18), "lzma"},
        {std::string("\x30\x80\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02", 13), "pkcs7"},
        {"\xFF\xFB\x90\x44" + zeros(400), "mp3"},
        {"<!DOCTYPE html><p>", "html"},
        {"\xEF\xBB\xBF \n<!-- a comment --><SCRIPT>x</SCRIPT>", "html"},
        {wide("<html><body>"), "html"},
        {"<abbr>", "text"},
        {"<?xml version='1.0'?><svg xmlns='x'>", "svg"},
        {"<?xml version='1.0'?><a/>", "xml"},
        {"<html><hta:application id=x>", "hta"},
        {"#!/bin/sh\n", "script"},
        {"@ECHO OFF\r\n", "bat"},
        {"BEGIN:VCALENDAR\r\n", "ics"},
        {"begin 644 a.exe\r\n", "uuencode"},
        {"begin at the beginning", "text"},
        {"From a@b Mon\nFrom: x\n", "mbox"},
        {"From here on it is text", "text"},
        {"Received: from x\r\n", "message"},
        {"plain words", "text"},
        {"\xFF\xFE" + wide("plain words"), "text"},
        {std::string("\x80\x01\0\x02\x03\x04", 6), "data"},
        {"{\\rtf1", "rtf"},
    };
    for (const auto& [bytes, expected] : cases) EXPECT_EQ(type_of(bytes), expected) << bytes.substr(0, 40);
}

TEST(TrueType, HasATypeForEveryBeginningOfEveryFile) {
    std::mt19937 random(7);
    for (int i = 0; i < 20'000; ++i) {
        std::string bytes(random() % 600, '\0');
        for (auto& c : bytes) c = static_cast<char>(random());
        static constexpr std::array kHeads{"MZ"sv,
                                           "PK\x03\x04"sv,
                                           "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"sv,
                                           "RIFF"sv,
                                           "\xCA\xFE\xBA\xBE"sv,
                                           "!<arch>\n"sv,
                                           "BZh9"sv,
                                           "<!--"sv,
                                           ""sv};
        const auto head = kHeads.at(random() % kHeads.size());
        bytes.replace(0, std::min(bytes.size(), head.size()), head);
        EXPECT_NE(find_file_type(type_of(bytes)), nullptr);
    }
}

TEST(TrueType, NamesAreFoundAndGroupsHaveWords) {
    for (const auto& type : file_types()) {
        EXPECT_EQ(find_file_type(type.name), &type);
        EXPECT_FALSE(to_string(type.group).empty());
    }
    EXPECT_EQ(find_file_type("no such"), nullptr);
    EXPECT_EQ(find_file_type("pe")->group, FileGroup::executable);
}

}  // namespace
}  // namespace gatehouse::inspect::format
