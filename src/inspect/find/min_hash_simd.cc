// The inner loop of min_hash.h, compiled once for each kind of processor. The one adapter around Highway.
#include <array>

#include "inspect/find/min_hash.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "inspect/find/min_hash_simd.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gatehouse::inspect::find::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Each slot's permutation of 32 bits: xor, times an odd number, fold the high half down, times another.
void LowerSlots(const std::uint32_t* hashes, std::size_t count, const std::uint32_t* seeds,
                const std::uint32_t* factors, std::uint32_t* slots) {
    const hn::ScalableTag<std::uint32_t> d;
    const std::size_t lanes = hn::Lanes(d);
    for (std::size_t slot = 0; slot < kSlots; slot += lanes) {
        const auto seed = hn::LoadU(d, seeds + slot);
        const auto factor = hn::LoadU(d, factors + slot);
        auto least = hn::LoadU(d, slots + slot);
        for (std::size_t i = 0; i < count; ++i) {
            auto value = hn::Mul(hn::Xor(hn::Set(d, hashes[i]), seed), factor);
            value = hn::Xor(value, hn::ShiftRight<16>(value));
            value = hn::Mul(value, factor);
            least = hn::Min(least, value);
        }
        hn::StoreU(least, d, slots + slot);
    }
}

}  // namespace gatehouse::inspect::find::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gatehouse::inspect::find {

HWY_EXPORT(LowerSlots);

namespace {

constexpr std::uint64_t next(std::uint64_t& state) {  // SplitMix64 (Steele, Lea, Flood 2014)
    state += 0x9E3779B97F4A7C15U;
    std::uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

/// Part of what a fingerprint means: never to be changed.
struct Permutations {
    std::array<std::uint32_t, kSlots> seeds{};
    std::array<std::uint32_t, kSlots> factors{};
    constexpr Permutations() {
        std::uint64_t state = 0x67617465686F7573U;
        for (std::size_t i = 0; i < kSlots; ++i) {
            seeds.at(i) = static_cast<std::uint32_t>(next(state) >> 32);
            factors.at(i) = static_cast<std::uint32_t>(next(state) >> 32) | 1U;
        }
    }
};
constexpr Permutations kPermutations;

}  // namespace

void lower_slots(const std::uint32_t* hashes, std::size_t count, MinHash& slots) {
    HWY_DYNAMIC_DISPATCH(LowerSlots)
    (hashes, count, kPermutations.seeds.data(), kPermutations.factors.data(), slots.data());
}

}  // namespace gatehouse::inspect::find
#endif
