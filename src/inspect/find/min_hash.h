// The fingerprint of a message's text: 64 minima over the hashes of its windows of three words (Broder, "On
// the resemblance and containment of documents", 1997). The part of equal slots of two fingerprints is about
// the Jaccard index of their windows; more than kSameText equal ones is the same text: at an index of 0.7
// that is missed once in a thousand, at 0.2 hit less than once in ten million. Highway, chosen by processor.
// Pure, linear, one per message.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::inspect::find {

inline constexpr std::size_t kSlots = 64;
inline constexpr std::size_t kSameText = 32;
inline constexpr std::size_t kMinWindows = 8;
inline constexpr std::size_t kMaxWindows = 1U << 20;

using MinHash = std::array<std::uint32_t, kSlots>;

class TextFingerprint {
  public:
    /// Text for people in UTF-8. Words are runs of letters and digits, without regard to case in ASCII; signs
    /// of Chinese, Japanese and Korean are a word each.
    void add(std::string_view utf8);
    /// 256 bytes, slots little-endian; empty for fewer than kMinWindows windows.
    std::string finish() const;
    std::size_t windows() const { return windows_; }

  private:
    void flush();
    static constexpr std::size_t kBatch = 512;
    MinHash slots_ = make_empty();
    std::vector<std::uint32_t> batch_;
    std::size_t windows_ = 0;
    static constexpr MinHash make_empty() {
        MinHash out{};
        out.fill(~0U);
        return out;
    }
};

/// Lowers each slot to the least of the slot's own permutation of `hashes`.
void lower_slots(const std::uint32_t* hashes, std::size_t count, MinHash& slots);

/// Equal slots of two fingerprints of finish(); 0 for what is none.
std::size_t equal_slots(std::string_view a, std::string_view b);

}  // namespace gatehouse::inspect::find
