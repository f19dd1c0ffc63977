#include "inspect/mime/content_type.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"

namespace gatehouse::inspect::mime {
namespace {

using enum AnomalyKind;
using testing::Contains;
using testing::ElementsAre;

struct Read {
    ContentType type;
    AnomalySet anomalies;
};

Read read(std::string_view value) {
    ParseNotes notes;
    ContentType type = parse_content_type(value, notes);
    return {type, notes.anomalies};
}

std::string parameter(std::string_view value, std::string_view name) {
    const Read result = read(value);
    const Parameter* found = find_parameter(result.type.parameters, name);
    return found == nullptr ? "(none)" : found->value;
}

Disposition disposition(std::string_view value) {
    ParseNotes notes;
    return parse_disposition(value, notes);
}

TEST(ContentType, PlainForms) {
    const Read result = read("Text/HTML; Charset=\"UTF-8\"; format=flowed");
    EXPECT_EQ(result.type.to_string(), "text/html");
    ASSERT_EQ(result.type.parameters.size(), 2U);
    EXPECT_EQ(result.type.parameters[0].name, "charset");
    EXPECT_EQ(result.type.parameters[0].value, "UTF-8");
    EXPECT_EQ(result.type.parameters[1].value, "flowed");
    EXPECT_TRUE(result.anomalies.is_empty());
    EXPECT_TRUE(result.type.is("text"));
    EXPECT_TRUE(result.type.is("text", "html"));
}

TEST(ContentType, CommentsAndFolding) {
    const Read result = read(" multipart(a)/(b(c\\)d))mixed (e);\r\n\t(f) boundary=b1 (g); x=y");
    EXPECT_EQ(result.type.to_string(), "multipart/mixed");
    EXPECT_EQ(find_parameter(result.type.parameters, "boundary")->value, "b1");
    EXPECT_FALSE(find_parameter(result.type.parameters, "boundary")->doubtful);
    EXPECT_TRUE(result.anomalies.is_empty());
}

TEST(ContentType, QuotedStrings) {
    EXPECT_EQ(parameter("a/b; name=\"x;y \\\"z\\\"\"", "name"), "x;y \"z\"");
    EXPECT_EQ(parameter("a/b; name=\"two\r\n lines\"", "name"), "two lines");
    EXPECT_EQ(parameter("a/b; name=\"\"", "name"), "");
    EXPECT_EQ(parameter("a/b; boundary=\"=_(b)+_,-./:?1\"", "boundary"), "=_(b)+_,-./:?1");
    EXPECT_EQ(parameter("a/b; boundary='b1'", "boundary"), "'b1'");
    EXPECT_EQ(parameter("a/b; boundary=----=_Part_1.2=3", "boundary"), "----=_Part_1.2=3");
}

TEST(ContentType, BadTypesAreText) {
    for (const char* value : {"", "text", "/", "text/", "/plain", "te xt/plain", "text/pl@in", "tex\\t/plain",
                              "\"text\"/plain", "application/octet-stream, text/plain"}) {
        const Read result = read(value);
        EXPECT_EQ(result.type.to_string(), "text/plain") << value;
        EXPECT_TRUE(result.anomalies.contains(malformed_content_type)) << value;
        EXPECT_FALSE(result.anomalies.contains(ambiguous_content_type)) << value;
    }
}

TEST(ContentType, BadTypesThatMayHoldPartsAreAmbiguous) {
    for (const char* value :
         {"multipart; boundary=b1", "multi\\part/mixed; boundary=b", "a/b, multipart/mixed; boundary=b",
          "multipart/mixed x; boundary=b", "message/", "multipart/mixed (unclosed; boundary=b"}) {
        EXPECT_TRUE(read(value).anomalies.contains(ambiguous_content_type)) << value;
    }
    EXPECT_EQ(read("multipart; boundary=b1").type.to_string(), "multipart/mixed");
}

TEST(ContentType, MissingSemicolon) {
    const Read result = read("text/html charset=utf-8");
    EXPECT_EQ(result.type.to_string(), "text/html");
    EXPECT_EQ(find_parameter(result.type.parameters, "charset")->value, "utf-8");
    EXPECT_EQ(parameter("a/b; x=1 y=2", "x"), "1");
    EXPECT_EQ(parameter("a/b; x=1 y=2", "y"), "2");
}

TEST(ContentType, StrayPiecesOfParameters) {
    EXPECT_EQ(parameter("a/b;; ; x=1;", "x"), "1");
    EXPECT_EQ(parameter("a/b; =; \"q\"; x=1", "x"), "1");
    EXPECT_EQ(parameter("a/b; flag; x=1", "x"), "1");
    EXPECT_EQ(parameter("a/b; x = 1", "x"), "1");
    EXPECT_EQ(parameter("a/b; x=", "x"), "");
    EXPECT_TRUE(read("a/b; flag; x=1").anomalies.contains(malformed_parameter));
}

TEST(ContentType, UnquotedWords) {
    const auto result = disposition("attachment; filename=my annual report.doc; size=1");
    const Parameter* name = find_parameter(result.parameters, "filename");
    ASSERT_NE(name, nullptr);
    EXPECT_EQ(name->value, "my annual report.doc");
    EXPECT_THAT(name->other_readings, Contains("my"));
    EXPECT_EQ(find_parameter(result.parameters, "size")->value, "1");
}

TEST(ContentType, UnclosedQuote) {
    const auto result = disposition("attachment; filename=\"a.exe; size=1");
    const Parameter* name = find_parameter(result.parameters, "filename");
    EXPECT_EQ(name->value, "a.exe; size=1");
    EXPECT_THAT(name->other_readings, ElementsAre("a.exe"));
    EXPECT_TRUE(name->doubtful);
}

TEST(ContentType, OtherReadingsOfNames) {
    const auto reads = [](std::string_view value, const std::string& wanted) {
        const Disposition result = disposition(value);
        const Parameter* name = find_parameter(result.parameters, "filename");
        if (name == nullptr) return false;
        return name->value == wanted ||
               std::ranges::find(name->other_readings, wanted) != name->other_readings.end();
    };
    EXPECT_TRUE(reads("attachment; filename=\"C:\\dir\\a.exe\"", "C:\\dir\\a.exe"));
    EXPECT_TRUE(reads("attachment; filename=\"C:\\dir\\a.exe\"", "C:dira.exe"));
    EXPECT_TRUE(reads("attachment; filename=\"a\".exe", "a.exe"));
    EXPECT_TRUE(reads("attachment; filename=\"a\".\"exe\"", "a.exe"));
    EXPECT_TRUE(reads("attachment; filename=a.e(x)xe", "a.exe"));
    EXPECT_TRUE(reads("attachment; filename=a.e(x)xe", "a.e"));
    EXPECT_TRUE(reads("attachment; filename=a;.exe", "a;.exe"));
    EXPECT_TRUE(reads("attachment; file(x)name=a.exe", "a.exe"));
    EXPECT_TRUE(reads("attachment; filename=a\\.exe", "a.exe"));
    EXPECT_TRUE(reads("filename=\"a.exe\"", "a.exe"));
    EXPECT_TRUE(reads("attachment filename=a.exe", "a.exe"));
}

TEST(ContentType, Rfc2231Examples) {  // RFC 2231 sections 3 and 4
    EXPECT_EQ(parameter("message/external-body; access-type=URL;\r\n URL*0=\"ftp://\";\r\n"
                        " URL*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\"",
                        "url"),
              "ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar");
    EXPECT_EQ(
        parameter("application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A", "title"),
        "This is ***fun***");
    EXPECT_EQ(parameter("application/x-stuff;\r\n title*0*=us-ascii'en'This%20is%20even%20more%20;\r\n"
                        " title*1*=%2A%2A%2Afun%2A%2A%2A%20;\r\n title*2=\"isn't it!\"",
                        "title"),
              "This is even more ***fun*** isn't it!");
}

TEST(ContentType, Rfc2231Charsets) {
    EXPECT_EQ(parameter("a/b; name*=iso-8859-1''%A3%20rates", "name"), "£ rates");
    EXPECT_EQ(parameter("a/b; name*=UTF-8''%e2%82%ac", "name"), "€");
    EXPECT_EQ(parameter("a/b; name*0*=utf-8''%C3; name*1*=%BC", "name"), "ü")
        << "a character split over pieces";
    EXPECT_EQ(parameter("a/b; name*=''plain", "name"), "plain");
    EXPECT_EQ(parameter("a/b; name*=x-unknown''%FC", "name"), "ü");
    EXPECT_EQ(parameter("a/b; name*=utf-16be''%00a%00b", "name"), "ab");
}

TEST(ContentType, Rfc2231InDisorder) {
    ParseNotes notes;
    const auto result =
        parse_disposition("attachment; filename*2=\"xe\"; filename*0=\"set\"; filename*1=\"up.e\"", notes);
    ASSERT_EQ(result.parameters.size(), 1U);
    EXPECT_EQ(result.parameters[0].value, "setup.exe");
    EXPECT_THAT(result.parameters[0].other_readings, Contains("xesetup.e"));
    EXPECT_TRUE(notes.anomalies.contains(broken_extended_parameter));
    EXPECT_EQ(parameter("a/b; name*1=b; name*3=c", "name"), "bc");
    EXPECT_TRUE(read("a/b; name*=no-quotes").anomalies.contains(broken_extended_parameter));
    EXPECT_EQ(parameter("a/b; name*=no-quotes", "name"), "no-quotes");
    EXPECT_EQ(parameter("a/b; name*=utf-8''100%", "name"), "100%");
}

TEST(ContentType, ExtendedFormStandsBeforeThePlainOne) {
    const auto result = disposition("attachment; filename=notes.txt; filename*=utf-8''setup.exe");
    EXPECT_EQ(find_parameter(result.parameters, "filename")->value, "setup.exe");
    EXPECT_EQ(result.parameters.size(), 2U);
}

TEST(ContentType, EncodedWordsInParameters) {
    ParseNotes notes;
    const auto result = parse_disposition("attachment; filename=\"=?utf-8?B?c2V0dXAuZXhl?=\"", notes);
    EXPECT_EQ(result.parameters[0].value, "setup.exe");
    EXPECT_THAT(result.parameters[0].other_readings, Contains("=?utf-8?B?c2V0dXAuZXhl?="));
    EXPECT_TRUE(notes.anomalies.contains(encoded_word_in_parameter));
    EXPECT_EQ(parameter("a/b; name==?iso-8859-1?Q?gr=FC=DFe.txt?=", "name"), "grüße.txt");
}

TEST(ContentType, RawBytesInParameters) {
    EXPECT_EQ(parameter("a/b; name=\"gr\xFC\xDF.txt\"", "name"), "grüß.txt");
    EXPECT_EQ(parameter("a/b; name=\"gr\xC3\xBC\xC3\x9F.txt\"", "name"), "grüß.txt");
    EXPECT_EQ(parameter("a/b; boundary=\"\xFC\"", "boundary"), "\xFC") << "a boundary is bytes";
}

TEST(ContentType, EveryReadingIsUtf8) {
    const auto result = disposition("attachment; filename=a;\xFC; filename=\"b\\\xFC\"");
    for (const Parameter& parameter : result.parameters) {
        EXPECT_TRUE(base::is_valid_utf8(parameter.value));
        for (const std::string& other : parameter.other_readings) EXPECT_TRUE(base::is_valid_utf8(other));
    }
}

TEST(ContentType, DuplicatesAndLimits) {
    EXPECT_TRUE(read("a/b; x=1; X=2").anomalies.contains(duplicate_parameter));
    EXPECT_EQ(parameter("a/b; x=1; X=2", "x"), "1");
    std::string many = "a/b";
    for (int i = 0; i < 200; ++i) many += "; p" + std::to_string(i) + "=x";
    const Read result = read(many);
    EXPECT_EQ(result.type.parameters.size(), 100U);
    EXPECT_TRUE(result.anomalies.contains(too_many_parameters));
}

TEST(ContentType, HostileNestingEnds) {
    EXPECT_EQ(parameter("multipart/mixed; " + std::string(100'000, '(') + std::string(100'000, ')') +
                            " boundary=b1",
                        "boundary"),
              "b1");
    read("a/b; " + std::string(100'000, '('));
    read("a/b; x=\"" + std::string(100'000, '\\'));
    read("a/b; " + std::string(100'000, ';'));
    read("a/b; " + std::string(100'000, '='));
    read("a/b; " + std::string(100'000, '"'));
    std::string stars;
    for (int i = 0; i < 20'000; ++i) stars += "; a*" + std::to_string(i % 10'000) + "*=%";
    read("a/b" + stars);
    std::string words = "a/b; x=1";
    for (int i = 0; i < 50'000; ++i) words += "; w";
    read(words);
}

TEST(Disposition, Forms) {
    EXPECT_EQ(disposition("INLINE").type, "inline");
    EXPECT_EQ(disposition("attachment; size=5").type, "attachment");
    EXPECT_EQ(disposition("(comment) attachment").type, "attachment");
    EXPECT_EQ(disposition("").type, "");
}

struct EncodingCase {
    const char* value;
    TransferEncoding encoding;
    bool clean;
    bool ambiguous;
};

TEST(TransferEncoding, Forms) {
    using enum TransferEncoding;
    const std::vector<EncodingCase> cases = {
        {"7bit", seven_bit, true, false},
        {" BASE64 ", base64, true, false},
        {"bASe64 (quoted-printable)", base64, true, false},
        {"(x)quoted-printable", quoted_printable, true, false},
        {"\r\n\t binary", binary, true, false},
        {"x-uuencode", uuencode, true, false},
        {"base64;", base64, false, true},
        {"base64; x=y", base64, false, true},
        {"\"base64\"", base64, false, true},
        {"base64, 7bit", base64, false, true},
        {"7bit, base64", seven_bit, false, true},
        {": base64", base64, false, true},
        {"xx base64", base64, false, true},
        {"base645", unknown, false, true},
        {"bas\r\n e64", unknown, false, true},
        {"=?us-ascii?Q?base64?=", base64, false, true},
        {"quoted-printabl", unknown, false, true},
        {"base64 (unclosed", base64, false, true},
        {"gzip64", unknown, false, true},
        {"8-bit", unknown, false, false},
        {"7bit;", seven_bit, false, false},
        {"", unknown, false, false},
        {"iso-8859-1", unknown, false, false},
    };
    for (const EncodingCase& entry : cases) {
        ParseNotes notes;
        EXPECT_EQ(parse_transfer_encoding(entry.value, notes), entry.encoding) << entry.value;
        EXPECT_EQ(notes.anomalies.is_empty(), entry.clean) << entry.value;
        EXPECT_EQ(notes.anomalies.has(Weight::ambiguous), entry.ambiguous) << entry.value;
    }
}

}  // namespace
}  // namespace gatehouse::inspect::mime
