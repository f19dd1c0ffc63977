#include "inspect/find/min_hash.h"

#include <algorithm>

namespace gatehouse::inspect::find {

namespace {

constexpr std::uint64_t kPrime = 0x9E3779B97F4A7C15U;

/// What a byte is to words: 0 = between them, else what it counts as.
struct ByteTable {
    std::array<std::uint8_t, 256> as{};
    constexpr ByteTable() {
        for (unsigned c = 0; c < 256; ++c) {
            const bool is_upper = c >= 'A' && c <= 'Z';
            const bool is_word = is_upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80;
            if (is_word) as.at(c) = static_cast<std::uint8_t>(is_upper ? c + 32 : c);
        }
    }
};
constexpr ByteTable kBytes;

/// Bytes of punctuation and blanks beyond ASCII that begin here: U+0080 to U+00BF, U+2000 to U+207F, U+3000
/// to U+303F and the full-width forms U+FF00 to U+FF0F.
std::size_t mark_size(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t i) {
        return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
    };
    if (byte(0) == 0xC2) return 2;
    if (byte(0) == 0xE2 && (byte(1) == 0x80 || byte(1) == 0x81)) return 3;
    if (byte(0) == 0xE3 && byte(1) == 0x80) return 3;
    if (byte(0) == 0xEF && byte(1) == 0xBC && byte(2) < 0x90) return 3;
    return 0;
}

/// Kana, Han and Hangul: a word each.
bool is_sign(unsigned char first) {
    return first >= 0xE3 && first <= 0xED;
}

std::uint64_t mixed(std::uint64_t value) {
    value ^= value >> 32;
    value *= kPrime;
    return value ^ (value >> 29);
}

}  // namespace

void TextFingerprint::add(std::string_view utf8) {
    std::uint64_t before = 0;  // the word before the last
    std::uint64_t last = 0;
    std::size_t words = 0;
    const auto on_word = [&](std::uint64_t word) {
        if (++words >= 3 && windows_ < kMaxWindows) {
            const auto window = mixed((before * 3 + last) * kPrime + word);
            batch_.push_back(static_cast<std::uint32_t>(window >> 32));
            ++windows_;
            if (batch_.size() == kBatch) flush();
        }
        before = last * kPrime + 1;
        last = word;
    };
    for (std::size_t i = 0; i < utf8.size();) {
        const auto first = static_cast<unsigned char>(utf8[i]);
        if (kBytes.as[first] == 0) {
            ++i;
        } else if (const auto skip = first >= 0xC2 ? mark_size(utf8, i) : 0; skip != 0) {
            i += skip;
        } else {
            std::uint64_t word = 0;
            const std::size_t begin = i;
            const std::size_t end = is_sign(first) ? std::min(i + 3, utf8.size()) : utf8.size();
            for (; i < end; ++i) {
                const auto c = static_cast<unsigned char>(utf8[i]);
                const auto as = kBytes.as[c];
                if (as == 0) break;
                if (c >= 0xC2 && i > begin && (is_sign(c) || mark_size(utf8, i) != 0)) break;
                word = (word ^ as) * kPrime;
            }
            on_word(mixed(word));
        }
    }
    flush();
}

void TextFingerprint::flush() {
    lower_slots(batch_.data(), batch_.size(), slots_);
    batch_.clear();
}

std::string TextFingerprint::finish() const {
    if (windows_ < kMinWindows) return "";
    std::string out;
    out.reserve(4 * kSlots);
    for (const auto slot : slots_) {
        for (unsigned shift = 0; shift < 32; shift += 8) out += static_cast<char>((slot >> shift) & 0xFF);
    }
    return out;
}

std::size_t equal_slots(std::string_view a, std::string_view b) {
    if (a.size() != 4 * kSlots || b.size() != a.size()) return 0;
    std::size_t equal = 0;
    for (std::size_t i = 0; i < kSlots; ++i) equal += a.substr(4 * i, 4) == b.substr(4 * i, 4);
    return equal;
}

}  // namespace gatehouse::inspect::find
