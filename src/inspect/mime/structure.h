// The parsed shape of a message: its parts as a tree, with ranges into the raw bytes, and everything that was
// odd. Nothing is copied but what had to be decoded to be parsed (attached messages in base64 or
// quoted-printable). Made by parse(); read by detectors, openers, finders and the rewriter. Lifetime: the raw
// bytes must outlive the Structure. Const access is safe from any thread. Limits: whatever was not parsed for
// a limit is still there as a part with limit_reached and raw bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/mime/anomaly.h"
#include "inspect/mime/content_type.h"
#include "inspect/mime/header.h"

namespace gatehouse::inspect::mime {

struct ParseLimits {
    std::size_t max_parts = 10'000;
    std::size_t max_depth = 20;               ///< multiparts and messages within each other
    std::size_t max_header_fields = 2'000;    ///< of one entity
    std::size_t max_header_bytes = 1U << 20;  ///< of one entity
    std::size_t max_all_fields = 100'000;     ///< of all entities
    std::size_t max_parameters = 100;         ///< of one field
    std::size_t max_decoded = 64U << 20;      ///< bytes of attached messages that have to be decoded, in all
    std::size_t max_anomalies = 4'096;        ///< in the list; the sets of kinds stay exact
};

/// Half open, in the part's source.
struct Range {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t size() const { return end - begin; }
    bool operator==(const Range&) const = default;
};

enum class Role : std::uint8_t {
    leaf,
    multipart,  ///< children are its parts
    message,    ///< message/rfc822 or message/global: the one child is the message's root
};

struct Part {
    static constexpr std::uint32_t kNone = static_cast<std::uint32_t>(-1);

    std::uint32_t parent = kNone;
    std::uint32_t first_child = kNone;
    std::uint32_t last_child = kNone;
    std::uint32_t next_sibling = kNone;
    std::uint32_t ordinal = 1;  ///< among its siblings, from 1
    std::uint32_t depth = 0;
    std::uint32_t source = 0;  ///< 0: the message; else the bytes decoded from an encoded message part
    Role role = Role::leaf;
    bool limit_reached = false;  ///< a limit kept us from parsing what is in it
    bool closed = false;         ///< of a multipart: its close delimiter was seen
    bool reading_text = false;   ///< no file, but text that people read: inspect/engine says so

    Range raw;       ///< header and body, without the delimiter lines around them
    Range header;    ///< with the blank line that ends it
    Range body;      ///< without the line end that belongs to the delimiter
    Range preamble;  ///< of a multipart: before its first delimiter line
    Range epilogue;  ///< of a multipart: after its close delimiter line
    /// Where the body begins for readers that end the header at a line of blanks; 0: where it does for all.
    std::size_t early_body = 0;
    std::uint32_t first_field = 0;
    std::uint32_t field_count = 0;

    bool type_declared = false;  ///< there is a Content-Type field
    ContentType type;
    Disposition disposition;
    TransferEncoding encoding = TransferEncoding::seven_bit;
    std::string file_name;                      ///< decoded; what most clients show; empty = none
    std::vector<std::string> other_file_names;  ///< what other clients may show
    AnomalySet anomalies;
    AnomalySet
        settled;  ///< of these: doubts that matter no more, because the other reading was inspected as well

    /// As declared, may be empty or nonsense.
    std::string_view charset() const;
    bool is_leaf() const { return role == Role::leaf; }
};

struct Structure {
    std::string_view raw;
    /// parts[0] is the message. A parent stands before its children, siblings in order; in document order,
    /// but that what is inside encoded messages follows at the end.
    std::vector<Part> parts;
    std::vector<HeaderField> fields;
    std::vector<Anomaly> anomalies;                           ///< each kind once per part, at its first place
    AnomalySet kinds;                                         ///< of the whole message, exact
    bool anomalies_dropped = false;                           ///< the list is full
    std::vector<std::unique_ptr<const std::string>> decoded;  ///< sources 1, 2 ...
    std::uint64_t steps = 0;  ///< lines read and bytes hashed: grows with the message's size and nothing else

    const Part& root() const { return parts.front(); }
    std::string_view source(const Part& part) const {
        return part.source == 0 ? raw : *decoded[part.source - 1];
    }
    std::string_view bytes(const Part& part, const Range& range) const {
        return source(part).substr(range.begin, range.size());
    }
    std::string_view body(const Part& part) const { return bytes(part, part.body); }
    Headers headers(const Part& part) const {
        return Headers(std::span(fields).subspan(part.first_field, part.field_count));
    }
    Headers headers() const { return headers(root()); }

    /// The part's number as IMAP counts (RFC 3501 6.4.5): "1", "2.1"; "TEXT" and "2.TEXT" are the multiparts
    /// that are the body of a message, which have no number of their own.
    std::string section(std::uint32_t part) const;
};

/// Whether the part is a whole message: the outermost or an attached one.
inline bool is_message_root(const Structure& structure, const Part& part) {
    return part.parent == Part::kNone || structure.parts[part.parent].role == Role::message;
}

/// What a body holds once its transfer encoding is undone. Borrows from the Structure when nothing had to be
/// decoded.
class DecodedBody {
  public:
    DecodedBody(std::string_view view, bool complete) : view_(view), complete_(complete) {}
    DecodedBody(std::string owned, bool complete, AnomalySet anomalies)
        : owned_(std::move(owned)), is_owned_(true), complete_(complete), anomalies_(anomalies) {}

    std::string_view bytes() const { return is_owned_ ? std::string_view(owned_) : view_; }
    bool is_owned() const { return is_owned_; }
    /// False: cut at the output limit.
    bool complete() const { return complete_; }
    /// What was odd in the encoding.
    AnomalySet anomalies() const { return anomalies_; }

  private:
    std::string owned_;
    std::string_view view_;
    bool is_owned_ = false;
    bool complete_ = true;
    AnomalySet anomalies_;
};

/// At most max_output bytes. Of a multipart or message: the body as it stands in the message.
DecodedBody decode_body(const Structure& structure, const Part& part, std::size_t max_output);

}  // namespace gatehouse::inspect::mime
