#include "inspect/mime/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <list>
#include <string>
#include <vector>

namespace gatehouse::inspect::mime {
namespace {

using namespace std::string_view_literals;
using enum AnomalyKind;
using testing::ElementsAre;

constexpr std::size_t kPlenty = 1 << 20;

/// parse() borrows its input, so the messages of these tests are kept.
Structure read(std::string raw, const ParseLimits& limits = {}) {
    static std::list<std::string> kept;
    return parse(kept.emplace_back(std::move(raw)), limits);
}

/// CRLF line ends, so that the messages below can be read.
std::string crlf(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\n') out += '\r';
        out += c;
    }
    return out;
}

/// "section type" of each part, in order.
std::vector<std::string> outline(const Structure& structure) {
    std::vector<std::string> out;
    for (std::uint32_t i = 0; i < structure.parts.size(); ++i) {
        out.push_back(structure.section(i) + " " + structure.parts[i].type.to_string());
    }
    return out;
}

std::vector<std::string> leaves(const Structure& structure) {
    std::vector<std::string> out;
    for (const Part& part : structure.parts) {
        if (part.is_leaf()) out.emplace_back(decode_body(structure, part, kPlenty).bytes());
    }
    return out;
}

TEST(Parser, PlainMessage) {
    const std::string raw = crlf("Subject: hi\nMIME-Version: 1.0\n\nHello\n");
    const Structure s = parse(raw);
    EXPECT_THAT(outline(s), ElementsAre("1 text/plain"));
    const DecodedBody body = decode_body(s, s.root(), kPlenty);
    EXPECT_EQ(body.bytes(), "Hello\r\n");
    EXPECT_FALSE(body.is_owned());
    EXPECT_EQ(body.bytes().data(), raw.data() + raw.size() - 7) << "nothing is copied";
    EXPECT_TRUE(s.anomalies.empty());
    EXPECT_FALSE(s.root().type_declared);
}

TEST(Parser, Multipart) {  // RFC 2046 section 5.1.1
    const std::string raw = crlf(
        "MIME-Version: 1.0\nContent-type: multipart/mixed; boundary=\"simple boundary\"\n\n"
        "This is the preamble.\n\n--simple boundary\n\nno line end at the end\n--simple boundary\n"
        "Content-type: text/plain; charset=us-ascii\n\nline end at the end\n\n--simple boundary--\n\nThis is "
        "the epilogue.\n");
    const Structure s = read(raw);
    EXPECT_THAT(outline(s), ElementsAre("TEXT multipart/mixed", "1 text/plain", "2 text/plain"));
    EXPECT_THAT(leaves(s), ElementsAre("no line end at the end", "line end at the end\r\n"));
    EXPECT_EQ(s.bytes(s.root(), s.root().preamble), "This is the preamble.\r\n");
    EXPECT_EQ(s.bytes(s.root(), s.root().epilogue), "\r\nThis is the epilogue.\r\n");
    EXPECT_TRUE(s.root().closed);
    EXPECT_EQ(s.parts[2].charset(), "us-ascii");
    EXPECT_TRUE(s.parts[2].type_declared);
    EXPECT_FALSE(s.parts[1].type_declared);
    EXPECT_TRUE(s.anomalies.empty());
    EXPECT_EQ(s.source(s.parts[2]).substr(s.parts[2].raw.begin, 13), "Content-type:");
}

TEST(Parser, TreeLinksAndDepths) {
    const Structure s =
        read(crlf("Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/alternative; "
                  "boundary=b\n\n"
                  "--b\n\n1\n--b\nContent-Type: text/html\n\n2\n--b--\n--a\n\n3\n--a--\n"));
    EXPECT_THAT(outline(s), ElementsAre("TEXT multipart/mixed", "1 multipart/alternative", "1.1 text/plain",
                                        "1.2 text/html", "2 text/plain"));
    EXPECT_EQ(s.parts[0].first_child, 1U);
    EXPECT_EQ(s.parts[0].last_child, 4U);
    EXPECT_EQ(s.parts[1].next_sibling, 4U);
    EXPECT_EQ(s.parts[2].parent, 1U);
    EXPECT_EQ(s.parts[3].depth, 2U);
    EXPECT_EQ(s.parts[3].ordinal, 2U);
    EXPECT_EQ(s.parts[4].next_sibling, Part::kNone);
}

TEST(Parser, NestedMessageNumbers) {  // RFC 3501 6.4.5
    const Structure s = read(
        crlf("Content-Type: multipart/mixed; boundary=a\n\n--a\n\n1\n--a\nContent-Type: message/rfc822\n\n"
             "Subject: inner\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n2.1\n--b\nContent-Type: "
             "message/rfc822\n\n"
             "Subject: innermost\n\n2.2.1\n--b--\n--a--\n"));
    EXPECT_THAT(outline(s), ElementsAre("TEXT multipart/mixed", "1 text/plain", "2 message/rfc822",
                                        "2.TEXT multipart/mixed", "2.1 text/plain", "2.2 message/rfc822",
                                        "2.2.1 text/plain"));
    EXPECT_THAT(leaves(s), ElementsAre("1", "2.1", "2.2.1"));
    EXPECT_EQ(s.headers(s.parts[3]).text("subject"), "inner");
    EXPECT_EQ(s.headers(s.parts[6]).text("subject"), "innermost");
    EXPECT_TRUE(s.anomalies.empty());
}

TEST(Parser, DigestHoldsMessages) {  // RFC 2046 5.1.5
    const Structure s =
        read(crlf("Content-Type: multipart/digest; boundary=a\n\n--a\n\nSubject: "
                  "one\n\nfirst\n--a\n\nSubject: two\n\nsecond\n--a--\n"));
    EXPECT_THAT(outline(s), ElementsAre("TEXT multipart/digest", "1 message/rfc822", "1.1 text/plain",
                                        "2 message/rfc822", "2.1 text/plain"));
    EXPECT_THAT(leaves(s), ElementsAre("first", "second"));
}

TEST(Parser, MessageAtTheTop) {
    const Structure s = read(crlf("Content-Type: message/rfc822\n\nSubject: inner\n\nbody\n"));
    EXPECT_THAT(outline(s), ElementsAre("1 message/rfc822", "1.1 text/plain"));
}

TEST(Parser, EncodedMessageIsParsed) {
    for (const char* type : {"message/rfc822", "message/global"}) {
        const Structure s =
            read(crlf("Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: " + std::string(type) +
                      "\nContent-Transfer-Encoding: "
                      "base64\n\nU3ViamVjdDogaW5uZXINCg0KaGVsbG8NCg==\n--a\n\nlast\n--a--\n"));
        EXPECT_THAT(outline(s), ElementsAre("TEXT multipart/mixed", "1 " + std::string(type), "2 text/plain",
                                            "1.1 text/plain"));
        EXPECT_EQ(s.headers(s.parts[3]).text("Subject"), "inner");
        EXPECT_EQ(s.parts[3].source, 1U);
        EXPECT_EQ(s.body(s.parts[3]), "hello\r\n");
        EXPECT_TRUE(s.kinds.contains(encoded_message));
        EXPECT_EQ(decode_body(s, s.parts[1], kPlenty).bytes(), "Subject: inner\r\n\r\nhello\r\n");
    }
}

TEST(Parser, EncodedMessagesWithinEachOther) {
    const Structure s = read(
        "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        "Subject: x\r\n\r\ny=3D3Dz");
    EXPECT_THAT(outline(s), ElementsAre("1 message/rfc822", "1.1 message/rfc822", "1.1.1 text/plain"));
    EXPECT_EQ(s.body(s.parts[2]), "y=z");
    EXPECT_EQ(s.decoded.size(), 2U);
}

TEST(Parser, Encodings) {
    const Structure s = read(crlf(
        "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Transfer-Encoding: BASE64\n\nZm9v\n--a\n"
        "Content-Transfer-Encoding: quoted-printable\n\nb=61r\n--a\nContent-Transfer-Encoding: x-uuencode\n\n"
        "begin 644 cat\n#0V%T\n`\nend\n--a\nContent-Transfer-Encoding: 8bit\n\nas=20is\n--a--\n"));
    EXPECT_THAT(leaves(s), ElementsAre("foo", "bar", "Cat", "as=20is"));
    const DecodedBody cut = decode_body(s, s.parts[4], 2);
    EXPECT_EQ(cut.bytes(), "as");
    EXPECT_FALSE(cut.complete());
    EXPECT_FALSE(decode_body(s, s.parts[1], 2).complete());
}

TEST(Parser, FileNames) {
    const Structure s =
        read(crlf("Content-Type: application/x; name=\"notes.txt\"\nContent-Disposition: attachment; "
                  "filename=\"setup.exe\"\n\nx\n"));
    EXPECT_EQ(s.root().file_name, "setup.exe");
    EXPECT_THAT(s.root().other_file_names, ElementsAre("notes.txt"));
    EXPECT_TRUE(s.kinds.contains(several_file_names));
    EXPECT_EQ(read("Content-Type: a/b; name=x.doc\r\n\r\n").root().file_name, "x.doc");
    const Structure nul = read("Content-Disposition: attachment; filename*=utf-8''setup.exe%00.txt\r\n\r\n");
    EXPECT_EQ(nul.root().file_name, "setup.exe\0.txt"sv);
    EXPECT_THAT(nul.root().other_file_names, ElementsAre("setup.exe"));
    const Structure twice = read(
        "Content-Disposition: inline; filename=a.txt\r\nContent-Disposition: attachment; "
        "filename=b.exe\r\n\r\n");
    EXPECT_EQ(twice.root().file_name, "a.txt");
    EXPECT_THAT(twice.root().other_file_names, ElementsAre("b.exe"));
    EXPECT_TRUE(twice.kinds.contains(conflicting_mime_field));
}

// ---- boundaries ----

std::string mixed(const std::string& type_value, const std::string& body) {
    return "Content-Type: " + type_value + "\r\n\r\n" + body;
}

TEST(Parser, DelimiterLines) {
    const std::string part = "\r\n\r\nx\r\n";
    EXPECT_THAT(leaves(read(mixed("multipart/mixed; boundary=b", "--b \t" + part + "--b-- \t\r\n"))),
                ElementsAre("x"));
    EXPECT_THAT(leaves(read(mixed("multipart/mixed; boundary=b", "--b" + part + "--b--"))), ElementsAre("x"));
    EXPECT_THAT(leaves(read(mixed("multipart/mixed; boundary=b", "--b" + part + "--b"))), ElementsAre("x"));
    EXPECT_THAT(leaves(read(mixed("multipart/mixed; boundary=b", "--b" + part))), ElementsAre("x\r\n"));
    EXPECT_THAT(leaves(read(mixed("multipart/mixed; boundary=B", "--B\r\n\r\n--b\r\n--B--"))),
                ElementsAre("--b"));
    EXPECT_THAT(leaves(read(mixed("multipart/mixed; boundary=b", "--b\r\n\r\n --b\r\nx--b\r\n--b--"))),
                ElementsAre(" --b\r\nx--b"))
        << "only at the beginning of a line";
    EXPECT_THAT(leaves(read("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n")),
                ElementsAre("x"));
    EXPECT_THAT(leaves(read("Content-Type: multipart/mixed; boundary=b\r\r--b\r\rx\r--b--\r")),
                ElementsAre("x"));
}

TEST(Parser, NearDelimitersAreTold) {
    const Structure s =
        read(mixed("multipart/mixed; boundary=b", "--b\r\n\r\none\r\n--bx\r\ntwo\r\n--b--\r\n"));
    EXPECT_THAT(leaves(s), ElementsAre("one\r\n--bx\r\ntwo"));
    EXPECT_TRUE(s.kinds.contains(near_delimiter));
    EXPECT_TRUE(read(mixed("multipart/mixed; boundary=b", "--b\r\n\r\none\r\n--b--x\r\n"))
                    .kinds.contains(near_delimiter));
    EXPECT_FALSE(read(mixed("multipart/mixed; boundary=b", "--b\r\n\r\none\r\n-- \r\nme\r\n--b--"))
                     .kinds.contains(near_delimiter));
}

TEST(Parser, PrefixedBoundaries) {
    const Structure s = read(mixed("multipart/mixed; boundary=b1",
                                   "--b1\r\nContent-Type: multipart/mixed; boundary=b1x\r\n\r\n"
                                   "--b1x\r\n\r\none\r\n--b1x--\r\n--b1\r\n\r\ntwo\r\n--b1--\r\n"));
    EXPECT_THAT(leaves(s), ElementsAre("one", "two"));
    EXPECT_TRUE(s.kinds.contains(boundary_prefix));
    EXPECT_FALSE(s.kinds.has(Weight::ambiguous));
    const Structure dashes = read(mixed("multipart/mixed; boundary=a",
                                        "--a\r\nContent-Type: multipart/mixed; boundary=\"a--\"\r\n\r\n"
                                        "--a--\r\n\r\none\r\n--a----\r\n--a--\r\n"));
    EXPECT_THAT(leaves(dashes), ElementsAre("one"));
    EXPECT_TRUE(dashes.root().closed);
}

TEST(Parser, InnerMultipartLeftOpen) {
    const Structure s = read(mixed("multipart/mixed; boundary=a",
                                   "--a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
                                   "--b\r\n\r\none\r\n--a\r\n\r\ntwo\r\n--a--\r\n"));
    EXPECT_THAT(outline(s),
                ElementsAre("TEXT multipart/mixed", "1 multipart/mixed", "1.1 text/plain", "2 text/plain"));
    EXPECT_TRUE(s.parts[1].anomalies.contains(close_delimiter_missing));
    EXPECT_FALSE(s.kinds.has(Weight::ambiguous));
}

TEST(Parser, ReusedBoundary) {
    const Structure s = read(mixed("multipart/mixed; boundary=b",
                                   "--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
                                   "--b\r\n\r\none\r\n--b--\r\n--b\r\n\r\ntwo\r\n--b--\r\n"));
    EXPECT_THAT(outline(s),
                ElementsAre("TEXT multipart/mixed", "1 multipart/mixed", "1.1 text/plain", "2 text/plain"));
    EXPECT_TRUE(s.kinds.contains(boundary_reused));
}

TEST(Parser, PartsAfterTheEnd) {
    const Structure s = read(mixed("multipart/mixed; boundary=b",
                                   "--b\r\n\r\none\r\n--b--\r\n--b\r\n\r\ntwo\r\n--b--\r\nbye\r\n"));
    EXPECT_THAT(leaves(s), ElementsAre("one", "two"));
    EXPECT_TRUE(s.kinds.contains(part_after_close));
    EXPECT_EQ(s.bytes(s.root(), s.root().epilogue), "bye\r\n");
}

TEST(Parser, BoundaryParameterTroubles) {
    const std::string body = "--b\r\nContent-Type: text/html\r\n\r\nx\r\n--b--\r\n";
    const auto kinds = [&](const std::string& value) { return read(mixed(value, body)).kinds; };
    const auto parts = [&](const std::string& value) { return read(mixed(value, body)).parts.size(); };
    EXPECT_TRUE(kinds("multipart/mixed").contains(boundary_missing));
    EXPECT_EQ(parts("multipart/mixed"), 2U) << "the body shows it";
    EXPECT_TRUE(kinds("multipart/mixed; boundary=\"\"").contains(boundary_missing));
    EXPECT_TRUE(kinds("multipart/mixed; boundary=b; boundary=c").contains(boundary_conflict));
    EXPECT_EQ(parts("multipart/mixed; boundary=b; boundary=c"), 2U);
    EXPECT_EQ(parts("multipart/mixed; boundary=c; boundary=b"), 2U) << "the body shows which";
    EXPECT_TRUE(kinds("multipart/mixed; boundary*=us-ascii''%62").contains(boundary_doubtful));
    EXPECT_EQ(parts("multipart/mixed; boundary*=us-ascii''%62"), 2U);
    EXPECT_TRUE(kinds("multipart/mixed; boundary=\"b\\\"").contains(boundary_doubtful));
    EXPECT_EQ(parts("multipart/mixed; boundary=\"b"), 2U);
    EXPECT_EQ(parts("multipart/mixed; boundary=\"b \""), 2U) << "blanks at its end never count";
    EXPECT_TRUE(kinds("multipart/mixed; boundary=zzz").contains(multipart_without_parts));
    EXPECT_EQ(parts("multipart/mixed; boundary=zzz"), 1U);
    EXPECT_TRUE(kinds("multipart/mixed; boundary=" + std::string(71, 'b')).contains(boundary_long));
    EXPECT_FALSE(kinds("multipart/mixed; boundary=\"b\"").has(Weight::broken));
    EXPECT_TRUE(kinds("text/plain; boundary=b").contains(undeclared_parts));
    EXPECT_EQ(parts("text/plain; boundary=b"), 2U);
    EXPECT_FALSE(kinds("text/plain").contains(undeclared_parts));
}

TEST(Parser, UndeclaredParts) {
    const Structure s = read("Subject: x\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\nx\r\n--b--\r\n");
    EXPECT_TRUE(s.kinds.contains(undeclared_parts));
    EXPECT_THAT(leaves(s), ElementsAre("x"));
    EXPECT_FALSE(read("Subject: x\r\n\r\nsee\r\n--b\r\nContent-Type: text/html\r\n\r\nx\r\n")
                     .kinds.contains(undeclared_parts))
        << "a bounce that quotes a message";
}

TEST(Parser, MultipartWithoutPartsIsALeaf) {
    const Structure s = read(
        "Content-Type: multipart/mixed; boundary=x\r\nContent-Transfer-Encoding: base64\r\n\r\nZm9v\r\n");
    EXPECT_THAT(outline(s), ElementsAre("1 multipart/mixed"));
    EXPECT_THAT(leaves(s), ElementsAre("foo"));
    EXPECT_TRUE(s.kinds.contains(encoding_on_multipart));
}

TEST(Parser, DelimiterInsideAHeader) {
    const Structure bare = read(
        mixed("multipart/mixed; boundary=b", "--b\r\nContent-Type: text/html\r\n--b\r\n\r\nx\r\n--b--\r\n"));
    EXPECT_THAT(outline(bare), ElementsAre("TEXT multipart/mixed", "1 text/html", "2 text/plain"));
    EXPECT_TRUE(bare.kinds.contains(header_only_part));
    EXPECT_FALSE(bare.kinds.has(Weight::ambiguous)) << "RFC 2046 5.1.1 allows it";
    const Structure encoded = read(mixed(
        "multipart/mixed; boundary=b", "--b\r\nContent-Transfer-Encoding: base64\r\n--b\r\n\r\nx\r\n--b--"));
    EXPECT_TRUE(encoded.kinds.contains(delimiter_in_header));
}

TEST(Parser, ConflictingFields) {
    const Structure s = read(
        "Content-Type: text/plain\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: "
        "7bit\r\n"
        "Content-Transfer-Encoding: 7bit\r\n\r\nx\r\n");
    EXPECT_TRUE(s.kinds.contains(conflicting_mime_field));
    EXPECT_TRUE(s.kinds.contains(duplicate_mime_field));
    EXPECT_EQ(s.root().type.to_string(), "text/plain") << "the first counts";
}

TEST(Parser, BodyBytes) {
    EXPECT_TRUE(read(std::string("A: b\r\n\r\nx\0y"sv)).kinds.contains(nul_in_body));
    EXPECT_FALSE(
        read(std::string("Content-Transfer-Encoding: binary\r\n\r\nx\0y"sv)).kinds.contains(nul_in_body));
    EXPECT_TRUE(read("A: b\r\n\r\n\xFC").kinds.contains(eight_bit_body));
    EXPECT_FALSE(read("Content-Transfer-Encoding: 8bit\r\n\r\n\xFC").kinds.contains(eight_bit_body));
}

TEST(Parser, AnomaliesHavePlaces) {
    const std::string raw =
        mixed("multipart/mixed; boundary=b",
              "--b\r\n\r\none\r\n--b\r\nContent-Transfer-Encoding: x-foo\r\n\r\ntwo\r\n--b--\r\n");
    const Structure s = read(raw);
    ASSERT_EQ(s.anomalies.size(), 1U);
    EXPECT_EQ(s.anomalies[0].kind, unknown_transfer_encoding);
    EXPECT_EQ(s.anomalies[0].part, 2U);
    EXPECT_TRUE(s.parts[2].anomalies.contains(unknown_transfer_encoding));
    EXPECT_FALSE(s.parts[1].anomalies.contains(unknown_transfer_encoding));
    EXPECT_EQ(info(s.anomalies[0].kind).name, "unknown_transfer_encoding");
}

TEST(Parser, RangesTileTheSource) {
    const std::string raw = mixed("multipart/mixed; boundary=b",
                                  "pre\r\n--b\r\nA: b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\npost\r\n");
    const Structure s = read(raw);
    EXPECT_EQ(s.root().raw, (Range{0, raw.size()}));
    for (const Part& part : s.parts) {
        EXPECT_EQ(part.raw.begin, part.header.begin);
        EXPECT_EQ(part.header.end, part.body.begin);
        EXPECT_EQ(part.body.end, part.raw.end);
        EXPECT_LE(part.raw.end, raw.size());
    }
}

TEST(Parser, DelimitersMayDifferInBlanks) {
    const std::string head = "Content-Type: multipart/mixed; boundary=\"=Part 1\"\r\n\r\n";
    const std::string loose = head + "--= Part 1\r\n\r\none\r\n--= Part 1\r\n\r\ntwo\r\n--= Part 1--\r\n";
    const Structure read = parse(loose);
    EXPECT_EQ(read.parts.size(), 3U);
    EXPECT_TRUE(read.kinds.contains(AnomalyKind::loose_delimiter));
    EXPECT_FALSE(read.kinds.contains(AnomalyKind::multipart_without_parts));
    EXPECT_FALSE(read.kinds.contains(AnomalyKind::mixed_delimiters));
    const std::string mixed = head + "--=Part 1\r\n\r\none\r\n--= Part 1\r\n\r\ntwo\r\n--=Part 1--\r\n";
    EXPECT_TRUE(parse(mixed).kinds.contains(AnomalyKind::mixed_delimiters));
}

TEST(Parser, DelimitersOfEveryLevelMayDifferInBlanks) {
    const Structure s =
        read(mixed("multipart/mixed; boundary=\"a b\"",
                   "--a  b\r\nContent-Type: multipart/alternative; boundary=in\r\n\r\n"
                   "--in\r\n\r\none\r\n--in--\r\n--a  b\r\nContent-Type: application/zip\r\n\r\ntwo\r\n"
                   "--a  b--\r\n"));
    EXPECT_THAT(outline(s), ElementsAre("TEXT multipart/mixed", "1 multipart/alternative", "1.1 text/plain",
                                        "2 application/zip"));
    EXPECT_THAT(leaves(s), ElementsAre("one", "two"));
    EXPECT_FALSE(s.kinds.has(Weight::ambiguous));
    const Structure left_open = read(mixed("multipart/mixed; boundary=\"a b\"",
                                           "--a  b\r\nContent-Type: multipart/mixed; boundary=\"c d\"\r\n\r\n"
                                           "--cd\r\n\r\none\r\n--ab\r\n\r\ntwo\r\n--a\tb --\r\n"));
    EXPECT_THAT(leaves(left_open), ElementsAre("one", "two"));
    EXPECT_TRUE(left_open.root().closed);
    EXPECT_TRUE(read(mixed("multipart/mixed; boundary=\"a b\"",
                           "--a b\r\nContent-Type: multipart/mixed; boundary=ab\r\n\r\n--ab\r\n\r\none\r\n"))
                    .kinds.contains(boundary_reused))
        << "the same but for blanks";
}

}  // namespace
}  // namespace gatehouse::inspect::mime
