#include "consult/engines/verdict_cache.h"

#include <array>
#include <cstring>
#include <list>
#include <mutex>
#include <unordered_map>

namespace gatehouse::consult::engines {
namespace {

constexpr std::size_t kDigest = 32;
constexpr std::size_t kShards = 16;

struct Key {
    std::array<char, kDigest> digest{};
    std::uint64_t generation = 0;
    std::uint8_t engine = 0;
    bool operator==(const Key&) const = default;
};

/// SHA-256 is as good as random already, and nobody outside chooses ours; its second word is for the tables,
/// the first byte for the shard.
struct KeyHash {
    std::size_t operator()(const Key& key) const {
        std::uint64_t word = 0;
        std::memcpy(&word, key.digest.data() + 8, sizeof word);
        return word ^ key.generation ^ key.engine;
    }
};

struct Entry {
    Key key;
    Judgement judgement;
    base::SteadyTime kept_at;
};

bool is_usable(const VerdictKey& key) {
    return key.sha256.size() == kDigest && key.generation != 0;
}

Key make_key(const VerdictKey& from) {
    Key out;
    std::memcpy(out.digest.data(), from.sha256.data(), kDigest);
    out.generation = from.generation;
    out.engine = from.engine;
    return out;
}

/// The entry, its list node, its table node and bucket, and the two strings.
std::uint64_t weight_of(const Judgement& judgement) {
    constexpr std::uint64_t kFixed = sizeof(Entry) + 2 * sizeof(void*) + sizeof(Key) + 5 * sizeof(void*);
    return kFixed + judgement.name.capacity() + judgement.gap_reason.capacity();
}

}  // namespace

struct VerdictCache::Shard {
    mutable std::mutex lock;
    std::list<Entry> by_use;  // the most recent first
    std::unordered_map<Key, std::list<Entry>::iterator, KeyHash> table;
    std::uint64_t max_entries = 0;
    std::uint64_t max_bytes = 0;
    std::uint64_t bytes = 0;
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;

    void drop(std::list<Entry>::iterator at) {
        bytes -= weight_of(at->judgement);
        table.erase(at->key);
        by_use.erase(at);
    }
    void shrink() {
        while (!by_use.empty() && (by_use.size() > max_entries || bytes > max_bytes))
            drop(std::prev(by_use.end()));
    }
};

struct VerdictCache::Shards {
    std::array<Shard, kShards> all;
};

VerdictCache::VerdictCache(Limits limits) : age_(limits.age), shards_(std::make_unique<Shards>()) {
    for (auto& shard : shards_->all) {
        shard.max_entries = (limits.entries + kShards - 1) / kShards;
        shard.max_bytes = limits.bytes / kShards;
    }
}

VerdictCache::~VerdictCache() = default;

VerdictCache::Shard& VerdictCache::shard_of(const VerdictKey& key) const {
    return shards_->all[static_cast<unsigned char>(key.sha256.front()) % kShards];
}

std::optional<Judgement> VerdictCache::find(const VerdictKey& key, base::SteadyTime now) {
    if (!is_usable(key)) return std::nullopt;
    Shard& shard = shard_of(key);
    const std::scoped_lock hold(shard.lock);
    const auto found = shard.table.find(make_key(key));
    if (found == shard.table.end()) {
        ++shard.misses;
        return std::nullopt;
    }
    const auto entry = found->second;
    if (now - entry->kept_at > age_) {
        shard.drop(entry);
        ++shard.misses;
        return std::nullopt;
    }
    shard.by_use.splice(shard.by_use.begin(), shard.by_use, entry);
    ++shard.hits;
    return entry->judgement;
}

void VerdictCache::keep(const VerdictKey& key, const Judgement& judgement, base::SteadyTime now) {
    if (!is_usable(key) || !judgement.repeatable || judgement.state == message::AnswerState::unavailable)
        return;
    Shard& shard = shard_of(key);
    const std::scoped_lock hold(shard.lock);
    if (shard.max_entries == 0) return;
    const Key stored = make_key(key);
    if (const auto known = shard.table.find(stored); known != shard.table.end()) shard.drop(known->second);
    shard.by_use.push_front(Entry{stored, judgement, now});
    shard.table.emplace(stored, shard.by_use.begin());
    shard.bytes += weight_of(shard.by_use.front().judgement);
    shard.shrink();
}

VerdictCache::Counters VerdictCache::counters() const {
    Counters out;
    for (const auto& shard : shards_->all) {
        const std::scoped_lock hold(shard.lock);
        out.hits += shard.hits;
        out.misses += shard.misses;
        out.entries += shard.by_use.size();
        out.bytes += shard.bytes;
    }
    return out;
}

}  // namespace gatehouse::consult::engines
