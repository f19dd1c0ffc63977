#include "inspect/mime/header.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <list>
#include <string>

#include "inspect/mime/parser.h"

namespace gatehouse::inspect::mime {
namespace {

using namespace std::string_view_literals;
using enum AnomalyKind;

/// parse() borrows its input, so the messages of these tests are kept.
Structure read(std::string raw, const ParseLimits& limits = {}) {
    static std::list<std::string> kept;
    return parse(kept.emplace_back(std::move(raw)), limits);
}

std::vector<std::string> names(const Structure& structure) {
    std::vector<std::string> out;
    for (const HeaderField& field : structure.headers()) out.emplace_back(field.name);
    return out;
}

TEST(Header, Unfolds) {
    EXPECT_EQ(unfold(" hello\r\n world "), "hello world");
    EXPECT_EQ(unfold("a\n\tb\r\n  c"), "a\tb  c");
    EXPECT_EQ(unfold("\r\n a"), "a");
    EXPECT_EQ(unfold(" \r\n \r\n"), "");
    EXPECT_EQ(unfold(""), "");
}

TEST(Header, FieldsAreViewsWithTheirPlace) {
    const std::string raw = "From: a@b.c\r\nSubject: one\r\n two\r\nX:\r\n\r\nbody";
    const Structure s = parse(raw);
    ASSERT_EQ(s.headers().size(), 3U);
    const HeaderField* subject = s.headers().find("SUBJECT");
    ASSERT_NE(subject, nullptr);
    EXPECT_EQ(subject->name, "Subject");
    EXPECT_EQ(subject->value, " one\r\n two");
    EXPECT_EQ(subject->offset, raw.find("Subject"));
    EXPECT_EQ(subject->name.data(), raw.data() + subject->offset) << "nothing is copied";
    EXPECT_EQ(s.headers().text("subject"), "one two");
    EXPECT_EQ(s.headers().text("x"), "");
    EXPECT_EQ(s.headers().find("y"), nullptr);
    EXPECT_EQ(s.body(s.root()), "body");
    EXPECT_EQ(s.root().header, (Range{0, raw.size() - 4}));
    EXPECT_TRUE(s.anomalies.empty());
}

TEST(Header, CountsRepeatedFields) {
    const Structure s = read("Received: a\r\nreceived: b\r\nRECEIVED: c\r\nFrom: x\r\n\r\n");
    EXPECT_EQ(count_received(s.headers()), 3U);
    EXPECT_EQ(s.headers().all("Received").size(), 3U);
    EXPECT_FALSE(s.kinds.contains(duplicate_field));
    EXPECT_TRUE(read("Subject: a\r\nSubject: b\r\n\r\n").kinds.contains(duplicate_field));
}

TEST(Header, BlankLinesInsideAreFolding) {
    const Structure s = read("A: 1\r\n \r\n\t\r\nContent-Type: text/html\r\n\r\nbody");
    EXPECT_THAT(names(s), testing::ElementsAre("A", "Content-Type"));
    EXPECT_TRUE(s.kinds.contains(blank_fold));
    EXPECT_TRUE(s.kinds.contains(fields_after_blank_fold));
    EXPECT_EQ(s.body(s.root()), "body");
    EXPECT_FALSE(read("A: 1\r\n \r\n\r\nbody").kinds.contains(fields_after_blank_fold));
    EXPECT_FALSE(read("A: 1\r\n \r\nB: 2\r\n\r\nbody").kinds.contains(fields_after_blank_fold));
}

TEST(Header, ABlankLineInsideMayBeItsEnd) {
    const auto early = [](const std::string& header) { return read(header + "\r\nbody").root().early_body; };
    EXPECT_EQ(early("A: 1\r\n \r\nB: 2\r\n"), 9U);
    EXPECT_EQ(early("A: 1\r\n \r\n\t\r\n 2\r\n"), 9U) << "after the first of them";
    EXPECT_EQ(early("A: 1\r\n \r\n"), 0U) << "nothing but blanks";
    EXPECT_EQ(early("A: 1\r\n 2\r\n"), 0U);
    // Other fields are data where data is decoded, and a header where a message begins.
    const auto doubtful = [](const std::string& header) {
        return read(header + " \r\nTVqQAAMA:\r\n\r\nAAAA").kinds.contains(fields_after_blank_fold);
    };
    EXPECT_TRUE(doubtful("Content-Transfer-Encoding: base64\r\n"));
    EXPECT_TRUE(doubtful("Content-Transfer-Encoding: quoted-printable\r\n"));
    EXPECT_TRUE(doubtful("Content-Type: message/rfc822\r\n"));
    EXPECT_TRUE(doubtful("Content-Type: multipart/mixed;\r\n \r\n boundary=b\r\n"));
    EXPECT_FALSE(doubtful("Content-Type: text/plain\r\n"));
}

TEST(Header, ContinuesAfterABlankFold) {
    const Structure s = read("A: 1\r\n \r\n 2\r\n\r\nbody");
    EXPECT_EQ(s.headers().text("A"), "1  2");
}

TEST(Header, AGarbageLineEndsIt) {
    const Structure s = read("From: a\r\nthis is no field\r\nTo: b\r\n\r\nbody");
    EXPECT_THAT(names(s), testing::ElementsAre("From"));
    EXPECT_EQ(s.body(s.root()), "this is no field\r\nTo: b\r\n\r\nbody");
    ASSERT_TRUE(s.kinds.contains(header_garbage));
    EXPECT_EQ(s.anomalies.front(), (Anomaly{header_garbage, 0, 9}));
}

TEST(Header, NamesWithBlanksOrControlsAreGarbage) {
    EXPECT_TRUE(read("From: a\r\nX Y: z\r\n\r\n").kinds.contains(header_garbage));
    EXPECT_TRUE(read("From: a\r\nX\x01Y: z\r\n\r\n").kinds.contains(header_garbage));
    EXPECT_TRUE(read("From: a\r\nX\xE4Y: z\r\n\r\n").kinds.contains(header_garbage));
    EXPECT_TRUE(read("From: a\r\n: z\r\n\r\n").kinds.contains(header_garbage));
}

TEST(Header, AcceptsBlanksBeforeTheColon) {
    const Structure s = read("From : a\r\nContent-Type\t: text/html\r\n\r\n");
    EXPECT_THAT(names(s), testing::ElementsAre("From", "Content-Type"));
    EXPECT_TRUE(s.kinds.contains(space_before_colon));
    EXPECT_TRUE(s.kinds.contains(odd_mime_field));
    EXPECT_EQ(s.root().type.to_string(), "text/html");
}

TEST(Header, MboxLineIsSkipped) {
    const Structure s = read("From a@b Mon Jun  1 10:00:00 2026\nFrom: a@b\n\nFrom here on\n");
    EXPECT_THAT(names(s), testing::ElementsAre("From"));
    EXPECT_EQ(s.body(s.root()), "From here on\n");
    EXPECT_TRUE(s.kinds.contains(mbox_from_line));
}

TEST(Header, WithoutABody) {
    const Structure s = read("From: a\r\nTo: b\r\n");
    EXPECT_EQ(s.headers().size(), 2U);
    EXPECT_TRUE(s.body(s.root()).empty());
    EXPECT_TRUE(s.kinds.contains(no_body));
    EXPECT_EQ(read("From: a").headers().text("from"), "a");
}

TEST(Header, EmptyMessages) {
    EXPECT_EQ(parse(std::string_view()).parts.size(), 1U);
    for (const std::string_view raw : {""sv, "\r\n"sv, "\n"sv, "\r"sv, "\0"sv, " "sv, ":"sv}) {
        const Structure s = read(std::string(raw));
        ASSERT_EQ(s.parts.size(), 1U);
        EXPECT_EQ(s.headers().size(), 0U);
        EXPECT_EQ(s.root().type.to_string(), "text/plain");
        EXPECT_TRUE(s.kinds.contains(no_header));
    }
}

TEST(Header, TextWithoutAnyHeaderIsNoRiddle) {
    EXPECT_FALSE(read("Hello,\r\nhow are you?\r\n").kinds.has(Weight::ambiguous));
    EXPECT_TRUE(read("Hello\r\nContent-Type: text/html\r\n\r\n").kinds.contains(header_garbage));
}

TEST(Header, BlankLineBeforeFieldsIsTold) {
    EXPECT_TRUE(read("\r\nFrom: a\r\nTo: b\r\n\r\n").kinds.contains(fields_after_empty_header));
    EXPECT_FALSE(read("\r\nHello there\r\n").kinds.contains(fields_after_empty_header));
}

TEST(Header, LeadingContinuation) {
    const Structure s = read(" odd\r\nFrom: a\r\n\r\n");
    EXPECT_TRUE(s.kinds.contains(leading_continuation));
    EXPECT_THAT(names(s), testing::ElementsAre("From"));
}

TEST(Header, ContentFieldHiddenInAFold) {
    EXPECT_TRUE(read("X: y\r\n Content-Type: text/html\r\n\r\n").kinds.contains(mime_field_in_fold));
    EXPECT_FALSE(
        read("DKIM-Signature: h=From:\r\n Content-Type:Subject\r\n\r\n").kinds.contains(mime_field_in_fold));
}

TEST(Header, BytesThatDoNotBelong) {
    EXPECT_TRUE(read("Subject: gr\xFC\xDF\r\n\r\n").kinds.contains(eight_bit_header));
    EXPECT_TRUE(read(std::string("Subject: a\0b\r\n\r\n"sv)).kinds.contains(nul_in_header));
    EXPECT_TRUE(read("Content-Type: text/\vplain\r\n\r\n").kinds.contains(control_in_mime_field));
    EXPECT_TRUE(read("Subject: " + std::string(999, 'x') + "\r\n\r\n").kinds.contains(long_line));
    EXPECT_FALSE(read("Subject: " + std::string(998 - 9, 'x') + "\r\n\r\n").kinds.contains(long_line));
}

TEST(Header, LineEnds) {
    EXPECT_TRUE(read("A: b\n\nbody\n").kinds.contains(bare_lf));
    EXPECT_FALSE(read("A: b\n\nbody\n").kinds.contains(mixed_line_ends));
    const Structure bare_cr_only = read("A: b\rC: d\r\rbody\r");
    EXPECT_EQ(bare_cr_only.headers().size(), 2U);
    EXPECT_EQ(bare_cr_only.body(bare_cr_only.root()), "body\r");
    EXPECT_TRUE(bare_cr_only.kinds.contains(mixed_line_ends));
    const Structure mixed = read("A: b\r\nC: d\n\r\nbody");
    EXPECT_TRUE(mixed.kinds.contains(mixed_line_ends));
    EXPECT_EQ(mixed.headers().size(), 2U);
    const Structure doubled = read("A: b\r\r\nC: d\r\r\n\r\r\nbody");
    EXPECT_EQ(doubled.headers().size(), 2U) << "CR CR LF is one line end";
    EXPECT_TRUE(doubled.kinds.contains(mixed_line_ends));
    const Structure in_body = read("A: b\r\n\r\none\rtwo\r\n");
    EXPECT_TRUE(in_body.kinds.contains(bare_cr));
    EXPECT_FALSE(in_body.kinds.has(Weight::ambiguous)) << "a CR in text harms nobody";
}

TEST(Header, FieldsBeyondTheLimitAreTold) {
    ParseLimits limits;
    limits.max_header_fields = 10;
    std::string raw;
    for (int i = 0; i < 50; ++i) raw += "X: y\r\n";
    raw += "Content-Type: text/html\r\n\r\nbody";
    const Structure s = read(raw, limits);
    EXPECT_TRUE(s.kinds.contains(too_many_fields));
    EXPECT_EQ(s.headers().size(), 11U);
    EXPECT_EQ(s.root().type.to_string(), "text/html") << "a flood does not hide what the body is";
    EXPECT_EQ(s.body(s.root()), "body");
}

TEST(Header, BytesBeyondTheLimitAreTold) {
    ParseLimits limits;
    limits.max_header_bytes = 100;
    const Structure s = read("A: " + std::string(200, 'x') + "\r\nB: c\r\n\r\nbody", limits);
    EXPECT_TRUE(s.kinds.contains(header_too_large));
    EXPECT_EQ(s.headers().size(), 0U);
    EXPECT_EQ(s.body(s.root()), "body");
}

}  // namespace
}  // namespace gatehouse::inspect::mime
