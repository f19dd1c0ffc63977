#include "act/queue/keys.h"

namespace gatehouse::act::queue {
namespace {

constexpr std::size_t kLaneBytes = 4;
constexpr std::size_t kDueBytes = 8;

template <typename Number>
void append(std::string& out, Number number) {
    for (int shift = static_cast<int>(sizeof(Number)) * 8 - 8; shift >= 0; shift -= 8) {
        out += static_cast<char>(number >> shift & 0xFF);
    }
}

template <typename Number>
Number read(std::string_view bytes) {
    Number number = 0;
    for (std::size_t i = 0; i < sizeof(Number); ++i) {
        number = static_cast<Number>(number << 8 | static_cast<unsigned char>(bytes[i]));
    }
    return number;
}

std::string keyed(char kind, std::string_view rest) {
    return kind + std::string(rest);
}

std::string numbered(char kind, std::uint32_t lane) {
    std::string out(1, kind);
    append(out, lane);
    return out;
}

}  // namespace

std::string id_bytes(const base::ItemId& id) {
    std::string out = id.reference.to_bytes();
    append(out, id.group);
    return out;
}

std::optional<base::ItemId> id_from(std::string_view bytes) {
    if (bytes.size() != kIdBytes) return std::nullopt;
    const auto reference = base::Reference::from_bytes(bytes.substr(0, base::Reference::kBytes));
    if (!reference) return std::nullopt;
    return base::ItemId{*reference, read<std::uint32_t>(bytes.substr(base::Reference::kBytes))};
}

std::string item_key(const base::ItemId& id) {
    return keyed('i', id_bytes(id));
}

std::string content_prefix(const base::ItemId& id) {
    return keyed('c', id_bytes(id));
}

std::string content_key(const base::ItemId& id, std::uint32_t chunk) {
    auto out = content_prefix(id);
    append(out, chunk);
    return out;
}

std::string pending_key(const base::ItemId& id) {
    return keyed('p', id_bytes(id));
}

std::string turns_prefix(std::uint32_t lane) {
    return numbered('s', lane);
}

std::string turn_prefix(std::uint32_t lane, Age age) {
    return turns_prefix(lane) + static_cast<char>(age);
}

std::string turn_key(const TurnKey& key) {
    auto out = turn_prefix(key.lane, key.age);
    append(out, static_cast<std::uint64_t>(key.turn.due.time_since_epoch().count()));
    return out + id_bytes(key.turn.id);
}

std::optional<TurnKey> turn_from(std::string_view key) {
    if (key.size() != 1 + kLaneBytes + 1 + kDueBytes + kIdBytes || key[0] != 's') return std::nullopt;
    const auto id = id_from(key.substr(key.size() - kIdBytes));
    if (!id) return std::nullopt;
    const auto age = static_cast<unsigned char>(key[1 + kLaneBytes]);
    const auto due = static_cast<std::int64_t>(read<std::uint64_t>(key.substr(1 + kLaneBytes + 1)));
    if (age > static_cast<unsigned char>(Age::tried) || due < 0) return std::nullopt;
    return TurnKey{
        read<std::uint32_t>(key.substr(1)), Age{age}, {base::WallTime(std::chrono::microseconds(due)), *id}};
}

std::string held_prefix(std::uint32_t lane) {
    return numbered('h', lane);
}

std::string held_key(std::uint32_t lane, const base::ItemId& id) {
    return held_prefix(lane) + id_bytes(id);
}

std::string lane_key(std::uint32_t lane) {
    return numbered('l', lane);
}

std::optional<base::ItemId> id_at_end_of(std::string_view key) {
    return key.size() <= kIdBytes ? std::nullopt : id_from(key.substr(key.size() - kIdBytes));
}

std::optional<std::uint32_t> lane_of(std::string_view key) {
    if (key.size() < 1 + kLaneBytes) return std::nullopt;
    return read<std::uint32_t>(key.substr(1));
}

}  // namespace gatehouse::act::queue
