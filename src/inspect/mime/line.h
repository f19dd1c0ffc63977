// Cuts bytes into lines at CRLF, LF, CR and CR CR LF, and notes where the odd ones are. The inner loop of the
// parser; the rewriter and detectors use it to see the same lines. Linear in the input whatever it holds; the
// scanner borrows the bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gatehouse::inspect::mime {

enum class LineEnd : std::uint8_t { none, crlf, lf, cr, cr_crlf };

struct Line {
    std::size_t begin = 0;
    std::size_t end = 0;   ///< of the text, without its line end
    std::size_t next = 0;  ///< where the next line begins
    LineEnd line_end = LineEnd::none;

    bool is_empty() const { return begin == end; }
};

class LineScanner {
  public:
    static constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);
    static constexpr std::size_t kLongest = 998;  // RFC 5322 2.1.1

    explicit LineScanner(std::string_view bytes)
        : bytes_(bytes), next_lf_(find('\n')), next_cr_(find('\r')) {}

    std::string_view bytes() const { return bytes_; }
    std::string_view text(const Line& line) const { return bytes_.substr(line.begin, line.end - line.begin); }
    std::size_t position() const { return position_; }
    /// Back to the beginning of the line that was read last.
    void unread(const Line& line) { position_ = line.begin; }

    /// False at the end of the bytes.
    bool next(Line& line) {
        if (position_ >= bytes_.size()) return false;
        line.begin = position_;
        if (next_lf_ < position_) next_lf_ = find('\n');
        if (next_cr_ < position_) next_cr_ = find('\r');
        if (next_cr_ < next_lf_) {
            end_at_cr(line);
        } else {
            line.end = next_lf_;
            const bool has_lf = next_lf_ < bytes_.size();
            line.line_end = has_lf ? LineEnd::lf : LineEnd::none;
            line.next = next_lf_ + (has_lf ? 1 : 0);
            if (has_lf && bare_lf_ == kNowhere) bare_lf_ = next_lf_;
        }
        if (line.end - line.begin > kLongest && long_line_ == kNowhere) long_line_ = line.begin;
        position_ = line.next;
        return true;
    }

    /// The first place of each, or kNowhere.
    std::size_t first_bare_lf() const { return bare_lf_; }
    std::size_t first_bare_cr() const { return bare_cr_; }
    std::size_t first_long_line() const { return long_line_; }

  private:
    /// The first c from here on, or the size. Each byte is searched once: the places found are kept until
    /// passed.
    std::size_t find(char c) const { return std::min(bytes_.find(c, position_), bytes_.size()); }

    void end_at_cr(Line& line) {
        const std::size_t cr = next_cr_;
        line.end = cr;
        const bool has_lf = next_lf_ < bytes_.size();
        if (has_lf && cr + 1 == next_lf_) {
            line.line_end = LineEnd::crlf;
            line.next = cr + 2;
            return;
        }
        if (bare_cr_ == kNowhere) bare_cr_ = cr;
        if (has_lf && cr + 2 == next_lf_ &&
            bytes_[cr + 1] == '\r') {  // what a careless LF to CRLF conversion leaves
            line.line_end = LineEnd::cr_crlf;
            line.next = cr + 3;
            return;
        }
        line.line_end = LineEnd::cr;
        line.next = cr + 1;
    }

    std::string_view bytes_;
    std::size_t position_ = 0;
    std::size_t
        next_lf_;  ///< the first LF at or after position_, or the size; older when position_ passed it
    std::size_t next_cr_;
    std::size_t bare_lf_ = kNowhere;
    std::size_t bare_cr_ = kNowhere;
    std::size_t long_line_ = kNowhere;
};

}  // namespace gatehouse::inspect::mime
