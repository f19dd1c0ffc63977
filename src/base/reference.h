// The message reference: 80 bits, 42 of milliseconds since 2020-01-01 UTC, 8 of node, 30 random, written as
// 16 Crockford base-32 symbols in fours (7Q3K-M8TD-0VZ2-6XNB). Given at MAIL; it names a message for good.
// Ids of the queue, the quarantine and holds are REF/n, n = recipient group from 1.
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gatehouse::base {

using WallTime = std::chrono::sys_time<std::chrono::microseconds>;

class Reference {
  public:
    static constexpr std::size_t kBytes = 10;
    static constexpr std::size_t kSymbols = 16;

    Reference() = default;
    /// `random` gives 30 bits; times before 2020 count as 2020.
    static Reference make(WallTime time, std::uint8_t node, std::uint32_t random);
    static Result<Reference> parse(std::string_view text);
    /// Ten big-endian bytes, the key of every store: byte order is time order.
    static std::optional<Reference> from_bytes(std::string_view bytes);

    bool is_empty() const { return high_ == 0 && low_ == 0; }
    std::string to_string() const;
    std::string to_bytes() const;
    /// Millisecond precision.
    WallTime time() const;
    auto operator<=>(const Reference&) const = default;

  private:
    std::uint64_t high_ = 0;  // the upper 64 bits
    std::uint16_t low_ = 0;   // the lower 16 bits
};

/// Case and dashes ignored, I/L read as 1, O as 0 (Crockford); nullopt when a symbol is none of the alphabet
/// or there are fewer than 8 or more than 16 of them. The result is upper case without dashes.
std::optional<std::string> normalise_reference_prefix(std::string_view text);

/// All references that begin with what somebody typed; both ends belong to it.
struct ReferenceRange {
    Reference first;
    Reference last;
    bool operator==(const ReferenceRange&) const = default;
};
/// 8 to 16 symbols, read as normalise_reference_prefix does; else Fault::usage.
Result<ReferenceRange> parse_reference_prefix(std::string_view text);

/// One recipient group of a message: the id of queue, quarantine and hold items, REF/n with n from 1.
struct ItemId {
    static constexpr std::uint32_t kMaxGroup = 100'000;

    Reference reference;
    std::uint32_t group = 1;

    /// The whole id; Fault::usage for anything else.
    static Result<ItemId> parse(std::string_view text);
    std::string to_string() const;
    /// "REF-n": a slash cannot stand in a file name.
    std::string to_file_name() const;
    static std::optional<ItemId> from_file_name(std::string_view name);
    auto operator<=>(const ItemId&) const = default;
};

}  // namespace gatehouse::base
