// Any bytes as a PDF: objects are bounded, and every stream can be decoded within its limit.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "inspect/format/pdf.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gatehouse::inspect::format;
    constexpr std::size_t kObjects = 50;
    constexpr std::size_t kOutput = 4096;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto file = PdfFile::read(bytes, kObjects, kOutput);
    if (file.objects().size() > kObjects) std::abort();
    for (const auto& object : file.objects()) {
        const auto tokens = pdf_tokens(object.head, 100);
        pdf_reference(pdf_value(tokens, "F"));
        if (decode_pdf_stream(object, kOutput).bytes.size() > kOutput) std::abort();
    }
    return 0;
}
