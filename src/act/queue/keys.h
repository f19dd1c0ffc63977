// The keys of the queue's store. Pure. All numbers are big-endian, so that byte order is their order.
//
//   i ID                      the item (queue.proto)
//   c ID chunk                a piece of its content
//   p ID                      its content is being written, and the item is not there yet
//   s lane class due ID       it waits; class 0 = never tried yet, 1 = tried
//   h lane ID                 an operator holds it
//   l lane                    the lane's name
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/reference.h"

namespace gatehouse::act::queue {

inline constexpr std::size_t kIdBytes = base::Reference::kBytes + 4;

enum class Age : std::uint8_t { fresh = 0, tried = 1 };

/// When an item's turn comes, within its lane and age.
struct Turn {
    base::WallTime due{};
    base::ItemId id;
    auto operator<=>(const Turn&) const = default;
};

struct TurnKey {
    std::uint32_t lane = 0;
    Age age = Age::fresh;
    Turn turn;
};

std::string id_bytes(const base::ItemId& id);
std::optional<base::ItemId> id_from(std::string_view bytes);

std::string item_key(const base::ItemId& id);
std::string content_prefix(const base::ItemId& id);
std::string content_key(const base::ItemId& id, std::uint32_t chunk);
std::string pending_key(const base::ItemId& id);
std::string turn_key(const TurnKey& key);
std::optional<TurnKey> turn_from(std::string_view key);
/// What all turns of a lane and age begin with.
std::string turn_prefix(std::uint32_t lane, Age age);
/// The same without regard to age.
std::string turns_prefix(std::uint32_t lane);
std::string held_key(std::uint32_t lane, const base::ItemId& id);
std::string held_prefix(std::uint32_t lane);
std::string lane_key(std::uint32_t lane);

/// Of a key of kind i, s or h.
std::optional<base::ItemId> id_at_end_of(std::string_view key);
/// The number that follows the letter of a key of kind s, h or l.
std::optional<std::uint32_t> lane_of(std::string_view key);

}  // namespace gatehouse::act::queue
