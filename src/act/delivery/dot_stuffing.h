// Content on its way behind DATA (RFC 5321 4.5.2): a dot in front of every line that starts with one, and the
// final dot. Used by HopSession, which writes the pieces with one gathering write per batch. Pure and
// streaming.
//
// Pieces point into the caller's bytes; only runs shorter than a cache line or two are copied together, so
// that content made of dots costs few system calls. A line starts at the beginning and after any LF, whether
// or not a CR stands before it: whatever the content holds, no hop that takes a bare LF for a line end sees
// an early final dot.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace gatehouse::act::delivery {

class DotStuffer {
  public:
    static constexpr std::size_t kMaxPieces = 64;

    /// `head` (complete header lines) goes before `content`; both outlive the stuffer.
    DotStuffer(std::string_view head, std::string_view content) : parts_{head, content} {}

    /// What to write next, in order; valid until written() is called. Empty = all of it was written.
    std::span<const std::string_view> pieces();
    /// That many bytes of pieces() have been written.
    void written(std::size_t bytes);

  private:
    static constexpr std::size_t kShort = 128;
    static constexpr std::size_t kScratch = 8 * 1024;

    /// A batch ends here, or where the pieces or the scratch are used up.
    static constexpr std::size_t kBatchBytes = 256 * 1024;

    bool has_room() const;
    void fill();
    std::size_t run_length(std::string_view rest) const;
    void add(std::string_view piece);
    void finish();

    std::array<std::string_view, 2> parts_;
    std::size_t part_ = 0;
    bool line_start_ = true;  // nothing given yet, or the last byte was LF
    bool after_crlf_ = true;  // nothing given yet, or the last two bytes were CR LF
    char last_ = '\n';
    bool done_ = false;
    std::array<std::string_view, kMaxPieces> pieces_{};
    std::size_t first_ = 0;  // pieces before this one have been written
    std::size_t count_ = 0;
    std::unique_ptr<std::array<char, kScratch>> scratch_;
    std::size_t scratch_used_ = 0;
};

}  // namespace gatehouse::act::delivery
