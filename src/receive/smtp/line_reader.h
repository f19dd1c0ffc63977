// Command lines out of a byte stream. Used by the machine. A line that lies whole in the input is not copied;
// only the beginning of an unfinished one is kept, up to the limit. A line over the limit is skipped to its
// end without being kept, and one over the flood limit is given up. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gatehouse::receive::smtp {

class LineReader {
  public:
    enum class Status {
        incomplete,  ///< the input is used up
        line,        ///< text() is a line
        too_long,    ///< a line over the limit has just ended
        flood,       ///< no end of line within kFlood bytes
    };
    static constexpr std::size_t kFlood = 1 << 20;

    /// `limit` counts the line with its end. `used`: bytes taken from the front of `input`.
    Status read(std::string_view input, std::size_t limit, std::size_t& used);
    /// Without its end; valid until the next read() and as long as that input.
    std::string_view text() const { return text_; }
    /// It ended in LF alone.
    bool is_bare() const { return is_bare_; }
    bool has_part() const { return !is_complete_ && (!held_.empty() || skipped_ > 0); }
    void forget();

  private:
    std::string held_;
    std::string_view text_;
    std::size_t skipped_ = 0;  // bytes of an over-long line
    bool is_bare_ = false;
    bool is_complete_ = false;  // the last read() gave a line
};

}  // namespace gatehouse::receive::smtp
