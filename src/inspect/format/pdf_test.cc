#include "inspect/format/pdf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/text.h"

namespace gatehouse::inspect::format {
namespace {

using namespace std::string_literals;

PdfStream decoded(std::string_view filter, std::string_view data, std::size_t most = 1000) {
    const auto head = "<< /Filter " + std::string(filter) + " >>";
    return decode_pdf_stream({1, head, data, true}, most);
}

std::string hex(std::string_view text) {
    return base::from_hex(text).value();
}

// "what a file hides", by Python's zlib.
const std::string kDeflated = hex("789c2bcf482c51485448cbcc4955c8c84c492d060036b00623");

TEST(Pdf, TokensAreReadWithoutTheirEscapes) {
    const auto tokens = pdf_tokens("<</J#61vaScript(a\\(b\\051\\n(c)) %x\n<4 1 4> [1 -2.5 true]>>");
    std::vector<std::string> texts;
    for (const auto& token : tokens) texts.push_back(token.text);
    EXPECT_THAT(texts, testing::ElementsAre("<<", "JavaScript", "a(b)\n(c)", "A@", "[", "1", "-2.5", "true",
                                            "]", ">>"));
    EXPECT_EQ(tokens[2].kind, PdfKind::string);
    EXPECT_EQ(tokens[1].kind, PdfKind::name);
    EXPECT_THAT(pdf_tokens("(never closed"), testing::SizeIs(1));
    EXPECT_THAT(pdf_tokens("<41"), testing::SizeIs(1));
    EXPECT_THAT(pdf_tokens("1 2 3 4", 3), testing::SizeIs(3));
}

TEST(Pdf, ValuesOfKeys) {
    const auto tokens = pdf_tokens("<< /A 12 0 R /B [1 [2] 3] /C << /A (x) >> /D 5 6 >>");
    EXPECT_EQ(pdf_reference(pdf_value(tokens, "A")), 12U);
    EXPECT_EQ(pdf_value(tokens, "B").size(), 7U);
    EXPECT_EQ(pdf_value(tokens, "D").size(), 1U);
    EXPECT_TRUE(pdf_value(tokens, "E").empty());
    std::size_t next = 0;
    pdf_value(tokens, "A", 0, &next);
    EXPECT_EQ(pdf_value(tokens, "A", next)[0].text, "x");
    EXPECT_EQ(pdf_reference(pdf_value(tokens, "D")), 0U);
}

TEST(Pdf, ObjectsAreFoundWhateverTheTableSays) {
    const auto file =
        "%PDF-1.4\n1 0 obj\n<</A 1>>\nendobj 2 0 obj(x endobj 3 0 obj <</B 2>> endobj\n"
        "trailer << /Root 1 0 R >>\nstartxref 0"s;
    const auto pdf = PdfFile::read(file);
    ASSERT_EQ(pdf.objects().size(), 4U);
    EXPECT_EQ(pdf.objects()[0].head, "\n<</A 1>>");
    EXPECT_EQ(pdf.objects()[2].number, 3U);  // object 2 swallows it for who reads on
    EXPECT_EQ(pdf.objects()[3].number, 0U);
    EXPECT_EQ(pdf.find(3).size(), 1U);
    EXPECT_TRUE(pdf.is_complete());
    EXPECT_FALSE(PdfFile::read(file, 2).is_complete());
    EXPECT_TRUE(PdfFile::read("trailer << /Encrypt 4 0 R >>").is_encrypted());
}

TEST(Pdf, StreamsEndWhereTheirLengthSaysOrAtTheMark) {
    const auto stream_of = [](std::string_view head) {
        const auto file = "5 0 obj " + std::string(head) +
                          " stream\r\nab endstream cd\nendstream endobj\n6 0 obj 15 endobj";
        static std::string kept;
        kept = file;
        return std::string(PdfFile::read(kept).find(5).at(0)->stream);
    };
    EXPECT_EQ(stream_of("<</Length 15>>"), "ab endstream cd");
    EXPECT_EQ(stream_of("<</Length 6 0 R>>"), "ab endstream cd");
    EXPECT_EQ(stream_of("<</Length 3>>"), "ab ");
    EXPECT_EQ(stream_of("<</Length 7>>"), "ab ");
    EXPECT_EQ(stream_of("<<>>"), "ab ");
    EXPECT_EQ(PdfFile::read("5 0 obj <<>> stream\nabc").objects()[0].stream, "abc");
}

TEST(Pdf, FiltersOfStreams) {
    EXPECT_EQ(decoded("/FlateDecode", kDeflated).bytes, "what a file hides");
    EXPECT_EQ(decoded("[/AHx /Fl]", base::to_hex(kDeflated) + ">").bytes, "what a file hides");
    EXPECT_EQ(decoded("/ASCII85Decode", "<~87cURD]j7BEbo80~>").bytes, "Hello world!");
    EXPECT_EQ(decoded("/RunLengthDecode", "\2abc\376x\200zzz").bytes, "abcxxx");
    // The example of ISO 32000-2 7.4.4.2.
    EXPECT_EQ(decoded("/LZWDecode", hex("800b6050220c0c8501")).bytes, "-----A---B");
    EXPECT_EQ(decoded("/DCTDecode", "abc").unknown_filter, "DCTDecode");
    EXPECT_EQ(decoded("/DCTDecode", "abc").bytes, "abc");
    EXPECT_TRUE(decoded("/FlateDecode", "no deflate").is_damaged);
    const auto cut = decoded("/FlateDecode", kDeflated, 5);
    EXPECT_EQ(cut.bytes, "what ");
    EXPECT_FALSE(cut.is_complete);
}

TEST(Pdf, PredictorsAreUndone) {
    const auto parameters = " /DecodeParms << /Predictor 12 /Columns 3 >> >>"s;
    const auto plain = "<< /Filter /AHx" + parameters;
    EXPECT_EQ(decode_pdf_stream({1, plain, "02616263", true}, 100).bytes, "\2abc");  // not after this filter
    const auto packed = "<< /Filter /Fl" + parameters;
    const auto data = hex("789c63484c4a66620482444646000cd20190");
    EXPECT_EQ(decode_pdf_stream({1, packed, data, true}, 100).bytes, "abcbcdabc");
}

TEST(Pdf, ObjectsWithinObjectStreams) {
    const auto content = "11 0 12 8 <</S 1>> <</JS (go)>>"s;
    const auto file = "%PDF-1.5\n9 0 obj << /Type/Obj#53tm /N 2 /First 10 /Filter /AHx >> stream\n" +
                      base::to_hex(content) + ">\nendstream endobj";
    const auto pdf = PdfFile::read(file);
    ASSERT_EQ(pdf.find(12).size(), 1U);
    EXPECT_EQ(base::trim(pdf.find(12)[0]->head), "<</JS (go)>>");
    EXPECT_EQ(base::trim(pdf.find(11)[0]->head), "<</S 1>>");
    EXPECT_FALSE(pdf.is_damaged());
    EXPECT_FALSE(PdfFile::read(file, 1).is_complete());
    EXPECT_FALSE(PdfFile::read(file, 100, 4).is_complete());
}

TEST(Pdf, AnyCutIsSurvived) {
    const auto file = "%PDF-1.5\n9 0 obj << /Type/ObjStm /N 2 /First 10 /Filter [/Fl] >> stream\n" +
                      kDeflated +
                      "\nendstream endobj 1 0 obj << /JS (x\\) /EF << /F 9 0 R >> >> endobj trailer <<>>";
    for (std::size_t size = 0; size <= file.size(); ++size) {
        const auto pdf = PdfFile::read(std::string_view(file).substr(0, size));
        for (const auto& object : pdf.objects()) {
            EXPECT_LE(decode_pdf_stream(object, 10).bytes.size(), 10U);
        }
    }
}

TEST(Pdf, SwallowedObjectsCostNoMoreThanTheFile) {
    std::string file;
    for (int i = 0; i < 50'000; ++i) file += "1 0 obj(";
    const auto pdf = PdfFile::read(file);
    EXPECT_FALSE(pdf.is_complete());
    EXPECT_EQ(pdf.objects().size(), 50'000U);
}

}  // namespace
}  // namespace gatehouse::inspect::format
