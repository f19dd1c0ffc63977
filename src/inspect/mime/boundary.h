// The boundaries of the multiparts that are open at one point of a message, and the question whether a line
// is a delimiter of one of them (RFC 2046 5.1.1). A line is looked up by the hash of each of its beginnings
// whose length is that of an open boundary, so the cost is the length of the line, however many multiparts
// are open. Not part of the module's public face.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace gatehouse::inspect::mime {

struct Delimiter {
    std::uint32_t level;  ///< index into the stack of the multipart it belongs to
    bool close;           ///< "--boundary--"
    bool after_close;     ///< that multipart had its close delimiter before
    bool several;         ///< the line also begins with another open boundary
    bool loose = false;   ///< it is the boundary only when blanks do not count
    bool mixed = false;   ///< that multipart has strict and loose delimiters: readers split it differently
};

class BoundaryStack {
  public:
    bool is_empty() const { return open_.empty(); }
    std::uint32_t size() const { return static_cast<std::uint32_t>(open_.size()); }
    std::uint32_t part(std::uint32_t level) const { return open_[level].part; }

    /// False when an enclosing multipart that is not closed has the same boundary.
    bool push(std::string boundary, std::uint32_t part);
    /// A delimiter of `level` was read: everything above it is over. A closed multipart stays on top, in case
    /// that more parts follow; the same boundary then means the enclosing multipart that uses it, if there is
    /// one.
    void enter(std::uint32_t level, bool close) {
        pop_to(level + 1);
        open_[level].closed = close;
    }
    void clear() { pop_to(0); }

    /// `rest` is the line after its leading "--". Nothing when it is no delimiter; `near` then says whether
    /// it begins like one.
    std::optional<Delimiter> match(std::string_view rest, bool& near);

    /// Bytes hashed so far: tests hold it against the size of the message.
    std::uint64_t steps() const { return steps_; }

  private:
    static constexpr std::uint32_t kNone = static_cast<std::uint32_t>(-1);

    struct Open {
        std::string boundary;
        std::uint64_t hash = 0;
        std::uint32_t part = 0;
        std::uint32_t older = kNone;  ///< the next enclosing one of the same hash
        std::size_t longest = 0;      ///< of the boundaries up to this one
        bool closed = false;
        bool strict_seen = false;
        bool loose_seen = false;
    };

    /// The innermost multipart's boundary with other blanks in it; some programs write it so, and some read
    /// it.
    std::optional<Delimiter> match_loosely(std::string_view rest);

    void pop_to(std::uint32_t size);
    /// The innermost multipart whose boundary is `text`, one that is not closed if possible, or kNone.
    std::uint32_t find(std::uint64_t hash, std::string_view text) const;

    std::vector<Open> open_;
    std::unordered_map<std::uint64_t, std::uint32_t> innermost_;  ///< by hash of the boundary
    std::vector<std::uint32_t> lengths_;  ///< how many open boundaries have this length
    std::uint64_t steps_ = 0;
};

}  // namespace gatehouse::inspect::mime
