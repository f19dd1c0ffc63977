#include "receive/session/connection_limits.h"

#include <cstring>

#include "base/random.h"

namespace gatehouse::receive::session {

using base::IpAddress;
using base::SteadyTime;

namespace {

constexpr std::chrono::minutes kMinute{1};
constexpr std::size_t kClientPrefix = 8;  // bytes of an IPv6 address that name a client

/// What a client is counted under.
IpAddress counted_as(const IpAddress& address) {
    if (address.is_v4()) return address;
    auto bytes = address.bytes();
    for (std::size_t i = kClientPrefix; i < bytes.size(); ++i) bytes[i] = 0;
    return IpAddress::from_bytes(bytes).value_or(address);
}

}  // namespace

std::size_t ConnectionLimits::Hash::operator()(const IpAddress& address) const {
    // Keyed, so that nobody can choose addresses that fall into one bucket.
    static const std::uint64_t kKey = base::random_u64() | 1;
    std::uint64_t halves[2];
    std::memcpy(halves, address.bytes().data(), sizeof halves);
    std::uint64_t hash = (halves[0] ^ kKey) * 0x9E3779B97F4A7C15ULL;
    hash = (hash ^ (hash >> 32) ^ halves[1]) * (kKey ^ 0xD6E8FEB86659FD93ULL);
    return static_cast<std::size_t>(hash ^ (hash >> 29));
}

ConnectionLimits::Place& ConnectionLimits::Place::operator=(Place&& other) noexcept {
    std::swap(limits_, other.limits_);
    std::swap(address_, other.address_);
    return *this;
}

ConnectionLimits::Place::~Place() {
    if (limits_ != nullptr) limits_->leave(address_);
}

std::optional<ConnectionLimits::Place> ConnectionLimits::enter(std::size_t in_all) {
    if (open_.fetch_add(1, std::memory_order_relaxed) < in_all) return Place(*this);
    open_.fetch_sub(1, std::memory_order_relaxed);
    return std::nullopt;
}

ConnectionLimits::Verdict ConnectionLimits::admit(Place& place, const IpAddress& client, SteadyTime now,
                                                  const ConnectionNumbers& numbers) {
    const IpAddress key = counted_as(client);
    Shard& shard = shard_of(key);
    const std::scoped_lock lock(shard.mutex);
    if (shard.entries.size() >= kMostIdlePerShard && !shard.entries.contains(key)) make_room(shard, now);
    Entry& entry = shard.entries[key];
    if (entry.minute == SteadyTime{} || now - entry.minute >= kMinute) {
        entry.minute = now;
        entry.in_minute = 0;
        entry.has_refused = false;
    }
    ++entry.in_minute;
    Verdict verdict;
    if (numbers.per_minute != 0 && entry.in_minute > numbers.per_minute)
        verdict.admission = Admission::too_fast;
    if (numbers.per_address != 0 && entry.open >= numbers.per_address)
        verdict.admission = Admission::too_many;
    if (verdict.admission == Admission::admitted) {
        ++entry.open;
        place.address_ = key;
    } else {
        verdict.is_first = !std::exchange(entry.has_refused, true);
    }
    return verdict;
}

/// Forgets what is idle and older than its minute; when that is nothing, some of what is idle. What is open
/// stays: it is bounded by the limit on connections in all.
void ConnectionLimits::make_room(Shard& shard, SteadyTime now) {
    std::erase_if(shard.entries, [&](const auto& item) {
        return item.second.open == 0 && now - item.second.minute >= kMinute;
    });
    std::size_t surplus = shard.entries.size() < kMostIdlePerShard ? 0 : kMostIdlePerShard / 8;
    std::erase_if(shard.entries, [&](const auto& item) {
        if (surplus == 0 || item.second.open != 0) return false;
        --surplus;
        return true;
    });
}

void ConnectionLimits::leave(const std::optional<IpAddress>& address) {
    open_.fetch_sub(1, std::memory_order_relaxed);
    if (!address) return;
    Shard& shard = shard_of(*address);
    const std::scoped_lock lock(shard.mutex);
    const auto found = shard.entries.find(*address);
    if (found == shard.entries.end()) return;
    Entry& entry = found->second;
    if (entry.open > 0) --entry.open;
    const bool is_over = std::chrono::steady_clock::now() - entry.minute >= kMinute;
    if (entry.open == 0 && is_over) shard.entries.erase(found);
}

std::size_t ConnectionLimits::addresses() const {
    std::size_t out = 0;
    for (const auto& shard : shards_) {
        const std::scoped_lock lock(shard.mutex);
        out += shard.entries.size();
    }
    return out;
}

}  // namespace gatehouse::receive::session
