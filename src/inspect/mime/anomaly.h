// What is not as it should be in a message's structure, each with its place. The parser never fails; it
// records these, and the detector `malformed` and policy decide what they mean. Used by every file of this
// module and by whoever turns a Structure into Facts. Plain values; kinds are append-only because records may
// name them.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gatehouse::inspect::mime {

/// How much a kind says.
enum class Weight : std::uint8_t {
    common,     ///< seen every day in ordinary mail
    broken,     ///< against the standards, but all readers see the same content
    ambiguous,  ///< readers differ about what the content is: another one may see what we did not (gap
                ///< `ambiguous`)
    limit,      ///< a bound of ours was reached: something was not looked at (gap too_many, too_deep or
                ///< too_large)
};

enum class AnomalyKind : std::uint8_t {
    // lines
    bare_lf,
    bare_cr,
    mixed_line_ends,
    long_line,
    nul_in_header,
    nul_in_body,
    eight_bit_header,
    eight_bit_body,
    // header block
    mbox_from_line,
    no_header,
    no_body,
    header_garbage,
    leading_continuation,
    blank_fold,
    fields_after_blank_fold,
    fields_after_empty_header,
    delimiter_in_header,
    header_only_part,
    space_before_colon,
    odd_mime_field,
    mime_field_in_fold,
    control_in_mime_field,
    duplicate_field,
    duplicate_mime_field,
    conflicting_mime_field,
    // Content-* values
    malformed_content_type,
    ambiguous_content_type,
    malformed_parameter,
    duplicate_parameter,
    broken_extended_parameter,
    encoded_word_in_parameter,
    several_file_names,
    unknown_transfer_encoding,
    odd_transfer_encoding,
    encoding_on_multipart,
    encoded_message,
    // multipart
    boundary_missing,
    boundary_guessed,
    boundary_doubtful,
    boundary_conflict,
    boundary_long,
    boundary_reused,
    boundary_prefix,
    near_delimiter,
    loose_delimiter,
    mixed_delimiters,
    multipart_without_parts,
    close_delimiter_missing,
    part_after_close,
    undeclared_parts,
    // bodies
    base64_junk,
    base64_text_after_end,
    base64_data_after_padding,
    base64_stray_padding,
    base64_split_group,
    base64_truncated,
    qp_bad_escape,
    qp_split_escape,
    uu_malformed,
    // limits
    too_many_parts,
    too_deep,
    too_many_fields,
    header_too_large,
    too_many_parameters,
    decoded_too_large,
};

inline constexpr std::size_t kAnomalyKinds = static_cast<std::size_t>(AnomalyKind::decoded_too_large) + 1;

struct AnomalyInfo {
    AnomalyKind kind;
    std::string_view name;  ///< "bare_lf": stable, for records and case files
    Weight weight;
    std::string_view text;  ///< one sentence for people
};

const AnomalyInfo& info(AnomalyKind kind);

/// Where `part` indexes Structure::parts, and `offset` counts from the start of that part's source (the
/// message, or the decoded bytes of an encoded message part).
struct Anomaly {
    AnomalyKind kind;
    std::uint32_t part;
    std::size_t offset;
    bool operator==(const Anomaly&) const = default;
};

class AnomalySet {
  public:
    void insert(AnomalyKind kind) { bits_.set(at(kind)); }
    void merge(AnomalySet other) { bits_ |= other.bits_; }
    void erase(AnomalySet other) { bits_ &= ~other.bits_; }
    bool contains(AnomalyKind kind) const { return bits_.test(at(kind)); }
    bool is_empty() const { return bits_.none(); }
    /// Whether a kind of this weight is in the set.
    bool has(Weight weight) const;

    template <typename Function>
    void for_each(Function function) const {
        for (std::size_t i = 0; i < kAnomalyKinds; ++i) {
            const auto kind = static_cast<AnomalyKind>(i);
            if (contains(kind)) function(kind);
        }
    }
    bool operator==(const AnomalySet&) const = default;

  private:
    static constexpr std::size_t at(AnomalyKind kind) { return static_cast<std::size_t>(kind); }
    std::bitset<kAnomalyKinds> bits_;
};

/// What lets readers differ about the content. How a cut or split escape is read changes a letter or two of
/// text that people read, but makes another file.
AnomalySet doubts(const AnomalySet& kinds, bool reading_text);

}  // namespace gatehouse::inspect::mime
