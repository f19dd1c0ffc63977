#include "inspect/find/similarity.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "base/text.h"

namespace gatehouse::inspect::find {

namespace {

constexpr std::size_t kBuckets = 128;
constexpr std::size_t kCodeBytes = kBuckets / 4;
constexpr std::size_t kDigits = 2 + 2 * (3 + kCodeBytes);

// Pearson's permutation (Communications of the ACM 33(6), 1990; also RFC 3074).
constexpr std::array<std::uint8_t, 256> kPearson{
    1,   87,  49,  12,  176, 178, 102, 166, 121, 193, 6,   84,  249, 230, 44,  163, 14,  197, 213, 181,
    161, 85,  218, 80,  64,  239, 24,  226, 236, 142, 38,  200, 110, 177, 104, 103, 141, 253, 255, 50,
    77,  101, 81,  18,  45,  96,  31,  222, 25,  107, 190, 70,  86,  237, 240, 34,  72,  242, 20,  214,
    244, 227, 149, 235, 97,  234, 57,  22,  60,  250, 82,  175, 208, 5,   127, 199, 111, 62,  135, 248,
    174, 169, 211, 58,  66,  154, 106, 195, 245, 171, 17,  187, 182, 179, 0,   243, 132, 56,  148, 75,
    128, 133, 158, 100, 130, 126, 91,  13,  153, 246, 216, 219, 119, 68,  223, 78,  83,  88,  201, 99,
    122, 11,  92,  32,  136, 114, 52,  10,  138, 30,  48,  183, 156, 35,  61,  26,  143, 74,  251, 94,
    129, 162, 63,  152, 170, 7,   115, 167, 241, 206, 3,   150, 55,  59,  151, 220, 90,  53,  23,  131,
    125, 173, 15,  238, 79,  95,  89,  16,  105, 137, 225, 224, 217, 160, 37,  123, 118, 73,  2,   157,
    46,  116, 9,   145, 134, 228, 207, 212, 202, 215, 69,  229, 27,  188, 67,  124, 168, 252, 42,  4,
    29,  108, 21,  247, 19,  205, 39,  203, 233, 40,  186, 147, 198, 192, 155, 33,  164, 191, 98,  204,
    165, 180, 117, 76,  140, 36,  210, 172, 41,  54,  159, 8,   185, 232, 113, 196, 231, 47,  146, 120,
    51,  65,  28,  144, 254, 221, 93,  189, 194, 139, 112, 43,  71,  109, 184, 209,
};

/// The first of the four steps of each of TLSH's six hashes is the same for all bytes.
constexpr std::uint8_t salted(unsigned salt) {
    return kPearson.at(salt);
}

std::uint8_t hash(std::uint8_t start, std::uint8_t a, std::uint8_t b, std::uint8_t c) {
    return kPearson[kPearson[kPearson[start ^ a] ^ b] ^ c];
}

struct Counts {
    std::array<std::uint32_t, 256> buckets{};
    std::array<std::uint32_t, 256>
        others{};  ///< of every second hash, so that two need not wait for each other
    std::uint8_t checksum = 0;
    std::size_t size = 0;

    void add(std::string_view text) {
        const auto* at = reinterpret_cast<const std::uint8_t*>(text.data());
        size += text.size();
        for (std::size_t i = 4; i < text.size(); ++i) {
            const std::uint8_t c0 = at[i];
            const std::uint8_t c1 = at[i - 1];
            const std::uint8_t c2 = at[i - 2];
            const std::uint8_t c3 = at[i - 3];
            const std::uint8_t c4 = at[i - 4];
            checksum = hash(salted(0), c0, c1, checksum);
            ++buckets[hash(salted(2), c0, c1, c2)];
            ++others[hash(salted(3), c0, c1, c3)];
            ++buckets[hash(salted(5), c0, c2, c3)];
            ++others[hash(salted(7), c0, c2, c4)];
            ++buckets[hash(salted(11), c0, c1, c4)];
            ++others[hash(salted(13), c0, c3, c4)];
        }
    }

    void add_up() {
        for (std::size_t i = 0; i < buckets.size(); ++i) buckets.at(i) += others.at(i);
    }
};

/// The length on a logarithmic scale, with the constants of the paper.
std::uint8_t length_code(std::size_t size) {
    const auto n = static_cast<float>(size);
    double code = 0;
    if (size <= 656)
        code = std::floor(std::log(n) / std::log(1.5F));
    else if (size <= 3199)
        code = std::floor(std::log(n) / std::log(1.3F) - 8.72777F);
    else
        code = std::floor(std::log(n) / std::log(1.1F) - 62.5472F);
    return static_cast<std::uint8_t>(static_cast<int>(code) & 0xFF);
}

std::uint8_t swapped(std::uint8_t byte) {
    return static_cast<std::uint8_t>(byte << 4 | byte >> 4);
}

struct Quartiles {
    std::uint32_t q1 = 0;
    std::uint32_t q2 = 0;
    std::uint32_t q3 = 0;
};

Quartiles quartiles_of(const Counts& counts) {
    std::array<std::uint32_t, kBuckets> sorted{};
    std::copy_n(counts.buckets.begin(), kBuckets, sorted.begin());
    std::ranges::sort(sorted);
    return {sorted[kBuckets / 4 - 1], sorted[kBuckets / 2 - 1], sorted[3 * kBuckets / 4 - 1]};
}

std::uint8_t ratios_of(const Quartiles& q) {
    const auto ratio = [&](std::uint32_t part) {
        return static_cast<unsigned>(static_cast<float>(part * 100ULL) / static_cast<float>(q.q3)) % 16;
    };
    return static_cast<std::uint8_t>(ratio(q.q1) | ratio(q.q2) << 4);
}

std::string digest_of(const Counts& counts) {
    const auto filled = std::count_if(counts.buckets.begin(), counts.buckets.begin() + kBuckets,
                                      [](std::uint32_t count) { return count != 0; });
    const auto q = quartiles_of(counts);
    if (filled <= static_cast<std::ptrdiff_t>(kBuckets / 2) || q.q3 == 0) return "";
    std::string raw;
    for (const auto byte : {counts.checksum, length_code(counts.size), ratios_of(q)})
        raw += static_cast<char>(swapped(byte));
    for (std::size_t i = kCodeBytes; i-- > 0;) {
        unsigned code = 0;
        for (unsigned j = 0; j < 4; ++j) {
            const auto count = counts.buckets[4 * i + j];
            const unsigned level = count > q.q3 ? 3 : count > q.q2 ? 2 : count > q.q1 ? 1 : 0;
            code |= level << (2 * j);
        }
        raw += static_cast<char>(code);
    }
    auto out = base::to_hex(raw);
    std::ranges::transform(out, out.begin(), [](char c) { return c >= 'a' ? static_cast<char>(c - 32) : c; });
    return out;
}

int modular_distance(int a, int b, int range) {
    const int direct = std::abs(a - b);
    return std::min(direct, range - direct);
}

}  // namespace

std::string similarity_digest(std::string_view bytes) {
    if (bytes.size() < kMinSimilarityBytes) return "";
    Counts counts;
    const bool is_whole = bytes.size() <= kMaxSimilarityBytes;
    if (is_whole) {
        counts.add(bytes);
    } else {
        constexpr auto kHalf = kMaxSimilarityBytes / 2;
        counts.add(bytes.substr(0, kHalf));
        counts.add(bytes.substr(bytes.size() - kHalf));
        counts.size = bytes.size();
    }
    counts.add_up();
    const auto digest = digest_of(counts);
    return digest.empty() ? digest : (is_whole ? "T1" : "P1") + digest;
}

int similarity_distance(std::string_view a, std::string_view b) {
    constexpr int kNothing = -1;
    if (a.size() != kDigits || b.size() != kDigits || a.substr(0, 2) != b.substr(0, 2)) return kNothing;
    const auto x = base::from_hex(a.substr(2));
    const auto y = base::from_hex(b.substr(2));
    if (!x || !y) return kNothing;
    const auto byte = [](const std::string& digest, std::size_t i) {
        return static_cast<int>(static_cast<unsigned char>(digest[i]));
    };
    int distance = byte(*x, 0) != byte(*y, 0) ? 1 : 0;
    const auto swapped_byte = [&](const std::string& digest, std::size_t i) {
        return static_cast<int>(swapped(static_cast<std::uint8_t>(byte(digest, i))));
    };
    const int length = modular_distance(swapped_byte(*x, 1), swapped_byte(*y, 1), 256);
    distance += length <= 1 ? length : 12 * length;
    for (const int shift : {0, 4}) {
        const int ratio =
            modular_distance(swapped_byte(*x, 2) >> shift & 15, swapped_byte(*y, 2) >> shift & 15, 16);
        distance += ratio <= 1 ? ratio : 12 * (ratio - 1);
    }
    for (std::size_t i = 3; i < 3 + kCodeBytes; ++i) {
        for (const int shift : {0, 2, 4, 6}) {
            const int step = std::abs((byte(*x, i) >> shift & 3) - (byte(*y, i) >> shift & 3));
            distance += step == 3 ? 6 : step;
        }
    }
    return distance;
}

}  // namespace gatehouse::inspect::find
