// The values of Content-Type, Content-Disposition and Content-Transfer-Encoding (RFC 2045, 2183) with their
// parameters: comments, quoted strings, RFC 2231 pieces and charsets, and the mistakes that mail clients read
// past. Each parameter keeps the other readings that clients may prefer, because a name that only one client
// shows still opens a file there. Used by the parser; pure; linear in the value but for the number of
// parameters, which is limited.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/mime/anomaly.h"

namespace gatehouse::inspect::mime {

struct Parameter {
    std::string name;                         ///< lower case, without RFC 2231's stars
    std::string value;                        ///< UTF-8; of "boundary" the bytes as they stand
    std::vector<std::string> other_readings;  ///< what other readers may take for the value
    bool extended = false;                    ///< written in RFC 2231's form
    bool doubtful = false;                    ///< readers may differ about the value
};

struct ContentType {
    std::string type = "text";      ///< lower case
    std::string subtype = "plain";  ///< lower case
    std::vector<Parameter> parameters;

    bool is(std::string_view wanted_type) const { return type == wanted_type; }
    bool is(std::string_view wanted_type, std::string_view wanted_subtype) const {
        return type == wanted_type && subtype == wanted_subtype;
    }
    std::string to_string() const { return type + "/" + subtype; }
};

struct Disposition {
    std::string type;  ///< lower case: "inline", "attachment"; empty = not given
    std::vector<Parameter> parameters;
};

enum class TransferEncoding : std::uint8_t {
    seven_bit,
    eight_bit,
    binary,
    quoted_printable,
    base64,
    uuencode,
    unknown
};

std::string_view to_string(TransferEncoding encoding);

/// The first parameter of that name (lower case), or null. A RFC 2231 form stands before a plain one (RFC
/// 6266 4.3).
const Parameter* find_parameter(const std::vector<Parameter>& parameters, std::string_view name);

struct ParseNotes {
    std::size_t max_parameters = 100;
    AnomalySet anomalies;
};

/// What cannot be read is text/plain (RFC 2045 5.2).
ContentType parse_content_type(std::string_view value, ParseNotes& notes);
Disposition parse_disposition(std::string_view value, ParseNotes& notes);
/// A value that holds a known name among other words is read as that, with an anomaly.
TransferEncoding parse_transfer_encoding(std::string_view value, ParseNotes& notes);

}  // namespace gatehouse::inspect::mime
