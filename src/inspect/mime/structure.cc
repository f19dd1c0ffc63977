#include "inspect/mime/structure.h"

#include <algorithm>

#include "inspect/mime/decode.h"

namespace gatehouse::inspect::mime {

namespace {

DecodedBody own(Decoded decoded) {
    return {std::move(decoded.bytes), decoded.complete, decoded.anomalies};
}

}  // namespace

std::string_view Part::charset() const {
    const Parameter* parameter = find_parameter(type.parameters, "charset");
    return parameter == nullptr ? std::string_view() : std::string_view(parameter->value);
}

std::string Structure::section(std::uint32_t part) const {
    // A root that is a multipart has no number: its parts are numbered within the message. Any other root is
    // part 1.
    std::vector<std::uint32_t> numbers;
    for (std::uint32_t at = part; at != Part::kNone; at = parts[at].parent) {
        const bool root_multipart = is_message_root(*this, parts[at]) && parts[at].role == Role::multipart;
        if (!root_multipart) numbers.push_back(parts[at].ordinal);
    }
    std::string out;
    for (auto number = numbers.rbegin(); number != numbers.rend(); ++number) {
        if (!out.empty()) out += '.';
        out += std::to_string(*number);
    }
    if (is_message_root(*this, parts[part]) && parts[part].role == Role::multipart) {
        out += out.empty() ? "TEXT" : ".TEXT";
    }
    return out;
}

DecodedBody decode_body(const Structure& structure, const Part& part, std::size_t max_output) {
    const std::string_view body = structure.body(part);
    const bool composite =
        part.role == Role::multipart || (part.role == Role::message && part.first_child != Part::kNone &&
                                         structure.parts[part.first_child].source == part.source);
    if (!composite) {
        switch (part.encoding) {
            case TransferEncoding::base64:
                return own(decode_base64(body, max_output));
            case TransferEncoding::quoted_printable:
                return own(decode_quoted_printable(body, max_output));
            case TransferEncoding::uuencode:
                return own(decode_uuencode(body, max_output));
            default:
                break;
        }
    }
    return {body.substr(0, max_output), body.size() <= max_output};
}

}  // namespace gatehouse::inspect::mime
