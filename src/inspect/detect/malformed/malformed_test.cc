#include "inspect/detect/malformed/malformed.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "inspect/mime/parser.h"

namespace gatehouse::inspect::detect::malformed {
namespace {

Finding look(const mime::Structure& structure, const Settings& settings = {}) {
    std::vector<std::string> paths;
    for (std::uint32_t i = 0; i < structure.parts.size(); ++i) paths.push_back(structure.section(i));
    const message::Facts facts;
    base::Budget budget({});
    return inspect({"", structure.raw, nullptr}, {structure, paths, facts, nullptr, ""}, budget, settings);
}

std::vector<std::string> ids(const std::string& raw, const Settings& settings = {}) {
    std::vector<std::string> out;
    for (const auto& evidence : look(mime::parse(raw), settings).evidence) out.push_back(evidence.id);
    return out;
}

std::string repeat(const std::string& text, int count) {
    std::string out;
    for (int i = 0; i < count; ++i) out += text;
    return out;
}

using Ids = std::vector<std::string>;

TEST(Malformed, OrdinaryAndOddMailIsNot) {
    EXPECT_EQ(ids("Subject: x\r\n\r\nhello\r\n"), Ids{});
    EXPECT_EQ(ids(""), Ids{});
    EXPECT_EQ(ids("From a@b Mon Jan 1\nSubject: \xff\xfe\n\n" + std::string(5000, 'x')), Ids{});
    EXPECT_EQ(ids("no header at all\r\n"), Ids{});
    EXPECT_EQ(ids("X: a\r\n\t\r\n\tb\r\n\r\nfolded by a TAB alone\r\n"), Ids{});
}

TEST(Malformed, CountsParts) {
    const std::string start = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
    const std::string part = "--b\r\n\r\nx\r\n";
    EXPECT_EQ(ids(start + repeat(part, 9) + "--b--\r\n", {.max_parts = 10}), Ids{});
    EXPECT_EQ(ids(start + repeat(part, 10) + "--b--\r\n", {.max_parts = 10}),
              Ids{"malformed.too_many_parts"});
}

TEST(Malformed, CountsHeaderFieldsOfEachPart) {
    EXPECT_EQ(ids(repeat("X: y\r\n", 20) + "\r\n", {.max_header_fields = 20}), Ids{});
    EXPECT_EQ(ids(repeat("X: y\r\n", 21) + "\r\n", {.max_header_fields = 20}),
              Ids{"malformed.too_many_headers"});
    EXPECT_EQ(ids(repeat("X: y\r\n", 10'000) + "\r\n"), Ids{"malformed.too_many_headers"});
    const std::string inner = "Content-Type: message/rfc822\r\n\r\n" + repeat("X: y\r\n", 21) + "\r\nz";
    const std::string raw = inner;
    const auto finding = look(mime::parse(raw), {.max_header_fields = 20});
    ASSERT_EQ(finding.evidence.size(), 1U);
    EXPECT_EQ(finding.evidence[0].where, "1.1");
    EXPECT_EQ(finding.evidence[0].facts[0], (std::pair<std::string, std::string>("count", "21")));
}

TEST(Malformed, CountsParametersAndBytes) {
    std::string type = "Content-Type: text/plain";
    for (int i = 0; i < 51; ++i) type += "; p" + std::to_string(i) + "=v";
    EXPECT_EQ(ids(type + "\r\n\r\n"), Ids{"malformed.too_many_parameters"});
    EXPECT_EQ(ids("X: " + std::string(600'000, 'x') + "\r\n\r\n"), Ids{"malformed.header_too_large"});
    EXPECT_EQ(ids("X: " + std::string(2'000'000, 'x') + "\r\n\r\n"), Ids{"malformed.header_too_large"});
    EXPECT_EQ(ids("X: " + std::string(500'000, 'x') + "\r\n\r\n"), Ids{});
}

TEST(Malformed, WhatReadersUnderstandDifferentlyIsAGapToo) {
    const std::string raw =
        "Content-Type: text/plain\r\nContent-Type: application/zip; name=a.zip\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\nUEs=\r\n";
    const auto finding = look(mime::parse(raw));
    ASSERT_EQ(finding.evidence.size(), 1U);
    EXPECT_EQ(finding.evidence[0].id, "malformed.ambiguous");
    EXPECT_EQ(finding.evidence[0].facts[0].second, "conflicting_mime_field");
    ASSERT_EQ(finding.gaps.size(), 1U);
    EXPECT_EQ(finding.gaps[0].reason, message::GapReason::ambiguous);
    EXPECT_EQ(ids(raw, {.ambiguous = false}), Ids{});
}

TEST(Malformed, SettledDoubtsDoNotCount) {
    const std::string raw = "Content-Type: multipart/mixed; boundary=b\r\n\r\nnothing\r\n";
    auto structure = mime::parse(raw);
    EXPECT_EQ(look(structure).evidence.size(), 1U);
    structure.parts[0].settled.insert(mime::AnomalyKind::multipart_without_parts);
    EXPECT_EQ(look(structure).evidence.size(), 0U);
}

TEST(Malformed, DoubtfulLettersCountInFilesOnly) {
    auto with = [](bool reading_text, mime::AnomalyKind kind) {
        const std::string raw = "Subject: x\r\n\r\nhello\r\n";
        auto structure = mime::parse(raw);
        structure.parts[0].reading_text = reading_text;
        structure.parts[0].anomalies.insert(kind);
        return look(structure).evidence.size();
    };
    EXPECT_EQ(with(true, mime::AnomalyKind::qp_split_escape), 0U);
    EXPECT_EQ(with(false, mime::AnomalyKind::qp_split_escape), 1U);
    for (const auto kind :
         {mime::AnomalyKind::base64_junk, mime::AnomalyKind::base64_split_group,
          mime::AnomalyKind::base64_data_after_padding, mime::AnomalyKind::base64_stray_padding}) {
        EXPECT_EQ(with(true, kind), 1U) << mime::info(kind).name;
    }
}

TEST(Malformed, NamesAtMostSomeAmbiguousParts) {
    std::string raw = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
    raw += repeat("--b\r\nContent-Type : text/plain\r\n\r\nx\r\n", 100) + "--b--\r\n";
    EXPECT_EQ(ids(raw).size(), kMaxAmbiguous);
}

TEST(Malformed, EvidenceIsDeclared) {
    for (const auto& item : kEvidence) EXPECT_TRUE(item.id.starts_with("malformed."));
    const Settings defaults;
    for (const auto& field : kFields) EXPECT_FALSE(field.read(&defaults).is_empty()) << field.name;
}

}  // namespace
}  // namespace gatehouse::inspect::detect::malformed
