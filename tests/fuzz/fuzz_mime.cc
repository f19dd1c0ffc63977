// Whole messages: the parser, section numbers, body decoders and charsets, and what every Structure promises.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/text.h"
#include "inspect/mime/decode.h"
#include "inspect/mime/parser.h"
#include "message/charset.h"

namespace {

using namespace gatehouse;
using namespace gatehouse::inspect::mime;

constexpr std::size_t kMostDecoded = 1 << 16;

void require(bool promise) {
    if (!promise) std::abort();
}

void check_part(const Structure& structure, std::uint32_t index) {
    const Part& part = structure.parts[index];
    const std::size_t size = structure.source(part).size();
    require(part.raw.begin == part.header.begin && part.header.begin <= part.header.end);
    require(part.header.end == part.body.begin && part.body.begin <= part.body.end);
    require(part.body.end == part.raw.end && part.raw.end <= size);
    require(part.preamble.begin <= part.preamble.end && part.preamble.end <= size);
    require(part.epilogue.begin <= part.epilogue.end && part.epilogue.end <= size);
    require(index == 0 ? part.parent == Part::kNone : part.parent < index);
    require(part.role == Role::leaf || part.limit_reached || part.first_child != Part::kNone);
    require(!structure.section(index).empty());
    require(base::is_valid_utf8(part.file_name));
    const DecodedBody body = decode_body(structure, part, kMostDecoded);
    require(body.bytes().size() <= kMostDecoded);
    const auto text = message::to_utf8_or_guess(body.bytes(), part.charset(), kMostDecoded);
    require(text.text.size() <= kMostDecoded && base::is_valid_utf8(text.text));
    for (const HeaderField& field : structure.headers(part)) require(field.is(field.name));
}

void check(std::string_view raw, const ParseLimits& limits) {
    const Structure structure = parse(raw, limits);
    require(!structure.parts.empty() && structure.parts.size() <= limits.max_parts + 1);
    require(structure.fields.size() <= limits.max_all_fields);
    require(structure.anomalies.size() <= limits.max_anomalies);
    for (std::uint32_t i = 0; i < structure.parts.size(); ++i) check_part(structure, i);
    for (const Anomaly& anomaly : structure.anomalies) {
        require(anomaly.part < structure.parts.size());
        require(anomaly.offset <= structure.source(structure.parts[anomaly.part]).size());
        require(structure.kinds.contains(anomaly.kind));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view raw(reinterpret_cast<const char*>(data), size);
    check(raw, {});
    ParseLimits tight;
    tight.max_parts = 4;
    tight.max_depth = 2;
    tight.max_header_fields = 3;
    tight.max_header_bytes = 100;
    tight.max_all_fields = 8;
    tight.max_parameters = 2;
    tight.max_decoded = 50;
    tight.max_anomalies = 3;
    check(raw, tight);
    find_uuencoded(raw, 10);
    return 0;
}
