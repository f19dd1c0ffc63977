// Message content out of a byte stream: the end of DATA, dot-stuffing, and the rule that no bare CR, bare LF
// or NUL gets past us. Used by the machine for DATA (with dots) and for BDAT (without). Pure.
//
// Only CR LF . CR LF ends DATA (RFC 5321 4.1.1.4); what decides is a line that begins behind a real CR LF. So
// nothing that another server might take for an end of data ever leaves here as content:
//  - refuse: the first bare CR, bare LF or NUL sets is_bad(); reading goes on to the real end, the content is
//  void.
//    Content is compacted in place, in the caller's buffer.
//  - normalise: a bare CR or LF becomes CR LF and NUL is removed, into a buffer of this object. A line of one
//  dot that
//    comes about in this way is content. Behind a bare newline two leading dots become one, because a sender
//    that ends its lines so has stuffed them so.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace gatehouse::receive::smtp {

enum class BareNewline { refuse, normalise };

class ContentReader {
  public:
    struct Piece {
        std::size_t used = 0;        ///< bytes taken from the input
        std::span<const char> kept;  ///< content; valid until the next call
        bool is_end = false;         ///< the end of DATA was just read
    };

    /// Starts a new message.
    void begin(bool with_dots, BareNewline mode);
    /// Takes all of the input, or all up to the end of data.
    Piece read(std::span<char> input);
    /// The end of a message without dots: what a last CR becomes.
    std::span<const char> finish();
    /// Frees the buffer.
    void release();

    bool is_bad() const { return is_bad_; }
    std::uint64_t mended() const { return mended_; }

  private:
    enum class At : std::uint8_t {
        line_start,  // behind CR LF
        dot,         // a dot at the start of a line: not kept yet
        dot_cr,      // and a CR behind it
        bare_start,  // behind a newline that was mended
        bare_dot,
        cr,  // refuse: kept already; normalise: not yet
        text,
    };

    struct Window {
        std::span<char> bytes;
        std::size_t read = 0;
        std::size_t write = 0;
    };

    Piece read_strict(std::span<char> input);
    bool step_strict(Window& window);
    void take_line(Window& window);
    Piece read_mending(std::span<const char> input);
    bool mend(char c);
    void mend_newline(At next);
    At line_start() const { return with_dots_ ? At::line_start : At::text; }

    std::string mended_text_;
    std::uint64_t mended_ = 0;
    BareNewline mode_ = BareNewline::refuse;
    At at_ = At::line_start;
    bool with_dots_ = true;
    bool is_bad_ = false;
};

}  // namespace gatehouse::receive::smtp
