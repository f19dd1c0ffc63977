#include "inspect/mime/content_type.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"
#include "inspect/mime/lexer.h"
#include "inspect/mime/parameter.h"

namespace gatehouse::inspect::mime {

namespace {

/// RFC 2045 5.1: a token holds no blanks, controls and tspecials.
bool is_token(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return c > ' ' && c < 0x7F && std::string_view("()<>@,;:\\\"/[]?=").find(c) == std::string_view::npos;
    });
}

bool contains_word(std::string_view lower_text, std::string_view word) {
    return lower_text.find(word) != std::string_view::npos;
}

void note_malformed_type(std::string_view value, AnomalySet& anomalies) {
    anomalies.insert(AnomalyKind::malformed_content_type);
    const std::string text = base::lower(value);
    const bool composite =
        contains_word(text, "multi") || contains_word(text, "message") || contains_word(text, "boundary");
    if (composite) anomalies.insert(AnomalyKind::ambiguous_content_type);
}

struct NamedEncoding {
    std::string_view name;
    TransferEncoding encoding;
};
constexpr auto kEncodings = std::to_array<NamedEncoding>({
    {"7bit", TransferEncoding::seven_bit},
    {"8bit", TransferEncoding::eight_bit},
    {"binary", TransferEncoding::binary},
    {"quoted-printable", TransferEncoding::quoted_printable},
    {"base64", TransferEncoding::base64},
    {"x-uuencode", TransferEncoding::uuencode},
    {"uuencode", TransferEncoding::uuencode},
    {"x-uue", TransferEncoding::uuencode},
    {"uue", TransferEncoding::uuencode},
});

std::optional<TransferEncoding> find_encoding(std::string_view name) {
    const auto* at =
        std::ranges::find_if(kEncodings, [&](const auto& entry) { return base::iequals(entry.name, name); });
    if (at == kEncodings.end()) return std::nullopt;
    return at->encoding;
}

/// The first known name among the words of a value that is not just a name.
std::optional<TransferEncoding> find_encoding_within(std::string_view value) {
    std::size_t begin = 0;
    for (std::size_t i = 0; i <= value.size(); ++i) {
        if (i < value.size() && (base::is_alnum(value[i]) || value[i] == '-')) continue;
        if (auto encoding = find_encoding(value.substr(begin, i - begin))) return encoding;
        begin = i + 1;
    }
    return std::nullopt;
}

/// Whether somebody may take the value for the name of a scheme that changes the body.
bool names_scheme(std::string_view value) {
    static constexpr auto kHints = std::to_array<std::string_view>(
        {"64", "quo", "print", "qp", "uu", "hex", "gzip", "zip", "yenc", "deflate", "compress", "=?"});
    const std::string text = base::lower(value);
    return std::ranges::any_of(kHints, [&](std::string_view hint) { return contains_word(text, hint); });
}

}  // namespace

std::string_view to_string(TransferEncoding encoding) {
    switch (encoding) {
        case TransferEncoding::seven_bit:
            return "7bit";
        case TransferEncoding::eight_bit:
            return "8bit";
        case TransferEncoding::binary:
            return "binary";
        case TransferEncoding::quoted_printable:
            return "quoted-printable";
        case TransferEncoding::base64:
            return "base64";
        case TransferEncoding::uuencode:
            return "uuencode";
        case TransferEncoding::unknown:
            break;
    }
    return "unknown";
}

const Parameter* find_parameter(const std::vector<Parameter>& parameters, std::string_view name) {
    const auto at = std::ranges::find(parameters, name, &Parameter::name);
    return at == parameters.end() ? nullptr : &*at;
}

ContentType parse_content_type(std::string_view value, ParseNotes& notes) {
    ContentType result;
    Lexer lexer(value);
    lexer.skip_blanks_and_comments();
    const std::string_view type = lexer.word("/;(");
    lexer.skip_blanks_and_comments();
    std::string_view subtype;
    if (lexer.take('/')) {
        lexer.skip_blanks_and_comments();
        subtype = lexer.word(";(");
    }
    lexer.skip_blanks_and_comments();
    const bool ends_well = lexer.at_end() || lexer.is_at(';');
    if (!is_token(type) || !is_token(subtype) || !ends_well) note_malformed_type(value, notes.anomalies);
    if (is_token(type) && is_token(subtype)) {
        result.type = base::lower(type);
        result.subtype = base::lower(subtype);
    } else if (base::iequals(type, "multipart")) {
        result.type = "multipart";  // "multipart; boundary=x" is read as multipart/mixed
        result.subtype = "mixed";
    } else if (base::iequals(type, "html") || base::iequals(subtype, "html")) {
        result.subtype = "html";
    }
    result.parameters = parse_parameters(lexer, notes);
    if (lexer.unclosed()) note_malformed_type(value, notes.anomalies);
    return result;
}

Disposition parse_disposition(std::string_view value, ParseNotes& notes) {
    Disposition result;
    Lexer lexer(value);
    lexer.skip_blanks_and_comments();
    const std::size_t begin = lexer.position();
    const std::string_view type = lexer.word(";(=\"");
    lexer.skip_blanks_and_comments();
    if (lexer.is_at('=')) {
        lexer.seek(begin);  // the type was left out: these are parameters
        notes.anomalies.insert(AnomalyKind::malformed_parameter);
    } else {
        result.type = base::lower(type);
        if (!lexer.at_end() && !lexer.is_at(';')) notes.anomalies.insert(AnomalyKind::malformed_parameter);
    }
    result.parameters = parse_parameters(lexer, notes);
    if (lexer.unclosed()) notes.anomalies.insert(AnomalyKind::malformed_parameter);
    return result;
}

TransferEncoding parse_transfer_encoding(std::string_view value, ParseNotes& notes) {
    Lexer lexer(value);
    lexer.skip_blanks_and_comments();
    const std::string_view name = lexer.word("(");
    lexer.skip_blanks_and_comments();
    if (lexer.at_end() && !lexer.unclosed()) {
        if (auto encoding = find_encoding(name)) return *encoding;
    }
    notes.anomalies.insert(names_scheme(value) ? AnomalyKind::odd_transfer_encoding
                                               : AnomalyKind::unknown_transfer_encoding);
    return find_encoding_within(value).value_or(TransferEncoding::unknown);
}

}  // namespace gatehouse::inspect::mime
