// Reads one header block, line by line, for the parser. Not part of the module's public face.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "inspect/mime/boundary.h"
#include "inspect/mime/line.h"
#include "inspect/mime/structure.h"

namespace gatehouse::inspect::mime {

/// What one source of bytes is parsed with.
struct Context {
    Structure& out;
    const ParseLimits& limits;
    LineScanner lines;
    BoundaryStack open;
    unsigned line_ends_seen = 0;  ///< of header lines and delimiters, one bit for each LineEnd

    Context(Structure& structure, const ParseLimits& parse_limits, std::string_view bytes)
        : out(structure), limits(parse_limits), lines(bytes) {}

    void note(AnomalyKind kind, std::uint32_t part, std::size_t offset);
    void note(const AnomalySet& kinds, std::uint32_t part, std::size_t offset);
    /// Header lines and delimiters have to end alike, or readers disagree about them.
    void check_line_end(const Line& line, std::uint32_t part) {
        constexpr unsigned kCrlf = 1U << static_cast<unsigned>(LineEnd::crlf);
        constexpr unsigned kLf = 1U << static_cast<unsigned>(LineEnd::lf);
        if (line.line_end == LineEnd::none) return;
        line_ends_seen |= 1U << static_cast<unsigned>(line.line_end);
        if (line_ends_seen == kCrlf || line_ends_seen == kLf) return;
        note(AnomalyKind::mixed_line_ends, part, line.end);
    }
    /// Whether the line is a delimiter of an open multipart.
    std::optional<Delimiter> match(const Line& line, std::uint32_t part);
};

/// The fields that decide what an entity is: indices into Structure::fields, the first few of each name.
struct MimeFields {
    static constexpr std::size_t kKept = 4;
    struct Found {
        std::array<std::uint32_t, kKept> at{};
        std::uint32_t count = 0;  ///< all, not only those kept
        std::size_t kept() const { return count < kKept ? count : kKept; }
    };
    Found content_type;
    Found transfer_encoding;
    Found disposition;
};

struct HeaderBlock {
    MimeFields mime;
    std::optional<Delimiter> cut;  ///< a delimiter ended the header, and with it the entity
    Line cut_line;
};

/// Whether the line begins with a field name and a colon.
bool is_field_line(std::string_view line);

/// From the scanner's position to the end of the header; sets the part's header range and fields. The scanner
/// then stands at the body.
HeaderBlock read_header(Context& context, std::uint32_t part);

}  // namespace gatehouse::inspect::mime
