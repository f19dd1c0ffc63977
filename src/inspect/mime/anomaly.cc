#include "inspect/mime/anomaly.h"

#include <array>

namespace gatehouse::inspect::mime {

namespace {

using enum AnomalyKind;
using enum Weight;

constexpr auto kInfos = std::to_array<AnomalyInfo>({
    {bare_lf, "bare_lf", common, "a line ends in LF without CR"},
    {bare_cr, "bare_cr", broken, "a CR stands without LF"},
    {mixed_line_ends, "mixed_line_ends", ambiguous,
     "header lines or delimiters end differently (CRLF, LF, CR), so readers split them differently"},
    {long_line, "long_line", common, "a line is longer than 998 octets"},
    {nul_in_header, "nul_in_header", ambiguous, "a header holds a NUL, where some readers stop"},
    {nul_in_body, "nul_in_body", broken, "a body that is no binary holds a NUL"},
    {eight_bit_header, "eight_bit_header", common, "a header holds bytes above 127"},
    {eight_bit_body, "eight_bit_body", common, "a 7bit body holds bytes above 127"},
    {mbox_from_line, "mbox_from_line", common, "an mbox 'From ' line stands before the header"},
    {no_header, "no_header", broken, "the message has no header"},
    {no_body, "no_body", common, "the header has no body and no blank line after it"},
    {header_garbage, "header_garbage", ambiguous,
     "a line that is no field ends the header without a blank line"},
    {leading_continuation, "leading_continuation", ambiguous, "the header begins with a continuation line"},
    {blank_fold, "blank_fold", common, "a header line holds nothing but blanks"},
    {fields_after_blank_fold, "fields_after_blank_fold", ambiguous,
     "fields that change the content follow a header line of blanks, which some readers take for the end of "
     "the header"},
    {fields_after_empty_header, "fields_after_empty_header", ambiguous,
     "a blank line stands before the header fields"},
    {delimiter_in_header, "delimiter_in_header", ambiguous,
     "a boundary delimiter stands inside the header of an encoded part, a multipart or a message"},
    {header_only_part, "header_only_part", broken, "a part ends within its header"},
    {space_before_colon, "space_before_colon", broken, "blanks stand between field name and colon"},
    {odd_mime_field, "odd_mime_field", ambiguous, "blanks stand between a Content- field name and its colon"},
    {mime_field_in_fold, "mime_field_in_fold", ambiguous, "a continuation line reads like a Content- field"},
    {control_in_mime_field, "control_in_mime_field", ambiguous, "a Content- field holds control characters"},
    {duplicate_field, "duplicate_field", broken, "a field that may stand once stands twice"},
    {duplicate_mime_field, "duplicate_mime_field", broken,
     "a Content- field is repeated with the same value"},
    {conflicting_mime_field, "conflicting_mime_field", ambiguous,
     "a Content- field is repeated with another value"},
    {malformed_content_type, "malformed_content_type", broken, "Content-Type is not well-formed"},
    {ambiguous_content_type, "ambiguous_content_type", ambiguous,
     "Content-Type is not well-formed and may or may not declare parts"},
    {malformed_parameter, "malformed_parameter", broken, "a parameter is not well-formed"},
    {duplicate_parameter, "duplicate_parameter", broken, "a parameter is repeated"},
    {broken_extended_parameter, "broken_extended_parameter", broken,
     "the pieces of an RFC 2231 parameter are incomplete, repeated, out of order or wrongly encoded"},
    {encoded_word_in_parameter, "encoded_word_in_parameter", common, "a parameter holds an encoded word"},
    {several_file_names, "several_file_names", common, "a part has more than one file name"},
    {unknown_transfer_encoding, "unknown_transfer_encoding", broken,
     "Content-Transfer-Encoding is unknown and names no scheme: the body stands as it is"},
    {odd_transfer_encoding, "odd_transfer_encoding", ambiguous,
     "Content-Transfer-Encoding is not well-formed or unknown, and readers may or may not decode"},
    {encoding_on_multipart, "encoding_on_multipart", ambiguous, "a multipart claims a transfer encoding"},
    {encoded_message, "encoded_message", broken, "an attached message is base64 or quoted-printable encoded"},
    {boundary_missing, "boundary_missing", ambiguous, "a multipart names no boundary"},
    {boundary_guessed, "boundary_guessed", ambiguous, "the boundary was guessed from the body"},
    {boundary_doubtful, "boundary_doubtful", ambiguous,
     "readers may read the boundary parameter differently"},
    {boundary_conflict, "boundary_conflict", ambiguous, "several boundaries are given for one multipart"},
    {boundary_long, "boundary_long", broken, "a boundary is longer than 70 octets"},
    {boundary_reused, "boundary_reused", ambiguous, "a multipart has the boundary of one that encloses it"},
    {boundary_prefix, "boundary_prefix", broken, "one boundary in use is the beginning of another"},
    {near_delimiter, "near_delimiter", ambiguous,
     "a line begins like a delimiter but goes on; some readers take it for one"},
    {loose_delimiter, "loose_delimiter", broken, "a delimiter differs from the boundary in its blanks"},
    {mixed_delimiters, "mixed_delimiters", ambiguous,
     "a multipart has delimiters that some readers take for content"},
    {multipart_without_parts, "multipart_without_parts", ambiguous,
     "the boundary of a multipart never appears"},
    {close_delimiter_missing, "close_delimiter_missing", broken, "a multipart is not closed"},
    {part_after_close, "part_after_close", ambiguous, "parts follow after the end of a multipart"},
    {undeclared_parts, "undeclared_parts", ambiguous, "the body holds parts that no Content-Type declares"},
    {base64_junk, "base64_junk", ambiguous, "base64 data holds characters that do not belong there"},
    {base64_text_after_end, "base64_text_after_end", common,
     "text was appended after the end of base64 data"},
    {base64_data_after_padding, "base64_data_after_padding", ambiguous,
     "base64 data goes on after its padding"},
    {base64_stray_padding, "base64_stray_padding", ambiguous, "base64 padding stands where none belongs"},
    {base64_split_group, "base64_split_group", ambiguous,
     "blanks or line ends stand inside groups of base64 data, which some readers decode line by line"},
    {base64_truncated, "base64_truncated", broken,
     "base64 data ends inside a group or with the wrong padding"},
    {qp_bad_escape, "qp_bad_escape", broken, "quoted-printable text holds '=' that begins no escape"},
    {qp_split_escape, "qp_split_escape", ambiguous,
     "a quoted-printable escape is cut short or split, and readers differ about it"},
    {uu_malformed, "uu_malformed", ambiguous, "uuencoded data is not well-formed"},
    {too_many_parts, "too_many_parts", limit, "there are more parts than the limit; the rest is one part"},
    {too_deep, "too_deep", limit, "parts are nested deeper than the limit"},
    {too_many_fields, "too_many_fields", limit, "there are more header fields than the limit"},
    {header_too_large, "header_too_large", limit, "a header is larger than the limit"},
    {too_many_parameters, "too_many_parameters", limit, "a field has more parameters than the limit"},
    {decoded_too_large, "decoded_too_large", limit, "decoding stopped at the output limit"},
});

constexpr bool in_order() {
    for (std::size_t i = 0; i < kInfos.size(); ++i) {
        if (static_cast<std::size_t>(kInfos[i].kind) != i) return false;
    }
    return kInfos.size() == kAnomalyKinds;
}
static_assert(in_order());

}  // namespace

const AnomalyInfo& info(AnomalyKind kind) {
    return kInfos[static_cast<std::size_t>(kind)];
}

AnomalySet doubts(const AnomalySet& kinds, bool reading_text) {
    AnomalySet out;
    kinds.for_each([&](AnomalyKind kind) {
        const bool letters = reading_text && kind == qp_split_escape;
        if (info(kind).weight == ambiguous && !letters) out.insert(kind);
    });
    return out;
}

bool AnomalySet::has(Weight weight) const {
    for (const AnomalyInfo& entry : kInfos) {
        if (entry.weight == weight && contains(entry.kind)) return true;
    }
    return false;
}

}  // namespace gatehouse::inspect::mime
