// The boundaries of the multiparts that are open at one point of a message, and the question whether a line
// is a delimiter of one of them (RFC 2046 5.1.1). A line is looked up by the hash of each of its beginnings
// whose length is that of an open boundary, once as it stands and, where blanks may make the difference, once
// without its blanks; so the cost is the length of the line, however many multiparts are open and however
// long their boundaries are. Not part of the module's public face.
#pragma once

#include <array>
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

    /// False when an enclosing multipart that is not closed has the same boundary, or the same but for
    /// blanks.
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

    /// A boundary as it stands, and what is left of it without blanks: some programs write other blanks than
    /// they declare, and some programs read that.
    enum Form : std::uint8_t { exact, without_blanks };

    struct Key {
        std::string text;
        std::uint64_t hash = 0;
        std::uint32_t older = kNone;  ///< the next enclosing one of the same hash
        std::size_t longest = 0;      ///< of the keys up to this one
    };

    struct Open {
        std::array<Key, 2> keys;  ///< by Form
        std::uint32_t part = 0;
        bool any_blanks = false;  ///< in the boundaries up to this one
        bool closed = false;
        bool strict_seen = false;
        bool loose_seen = false;
    };

    struct Table {
        std::unordered_map<std::uint64_t, std::uint32_t> innermost;  ///< by hash of the key
        std::vector<std::uint32_t> lengths;                          ///< how many open keys have this length
    };

    struct Scan {
        std::optional<Delimiter> best;
        std::uint32_t candidates = 0;  ///< boundaries that the line begins with
    };

    /// Boundaries at the front of the line; one that nothing but "--" follows is its delimiter, an unclosed
    /// one if possible.
    Scan scan(Form form, std::string_view line);
    std::optional<Delimiter> match_loosely(std::string_view line);

    Key make_key(Form form, std::string text) const;
    void add_to_table(Form form, Key& key);
    void pop_to(std::uint32_t size);
    /// The innermost multipart whose key is `text`, one that is not closed if possible, or kNone.
    std::uint32_t find(Form form, std::uint64_t hash, std::string_view text) const;

    std::vector<Open> open_;
    std::array<Table, 2> tables_;  ///< by Form
    std::uint64_t steps_ = 0;
};

}  // namespace gatehouse::inspect::mime
