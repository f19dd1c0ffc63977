// Verdicts of engines on content that was seen before, so that the same bytes are not scanned twice. Lives in
// the front, shared by its threads. Keyed by the SHA-256 that the front itself computed (never one an
// inspector named), the engine, and the generation of its databases: a new generation starts from nothing.
//
// Holds definite, repeatable judgements only; "unavailable" and timed-out scans are refused. Bounded by
// entries, by bytes and by age; the least recently used goes first. Thread-safe: 16 shards, one lock each.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "consult/engines/clamd_reply.h"

namespace gatehouse::consult::engines {

struct VerdictKey {
    std::string_view sha256;  ///< 32 raw bytes; anything else is never found and never kept
    std::uint8_t engine = 0;
    std::uint64_t generation = 0;  ///< 0 = not known: never found and never kept
};

class VerdictCache {
  public:
    struct Limits {
        std::uint64_t entries = 0;
        std::uint64_t bytes = 0;
        std::chrono::seconds age{0};
    };
    struct Counters {
        std::uint64_t hits = 0;
        std::uint64_t misses = 0;
        std::uint64_t entries = 0;
        std::uint64_t bytes = 0;
    };

    explicit VerdictCache(Limits limits);
    ~VerdictCache();
    VerdictCache(const VerdictCache&) = delete;
    VerdictCache& operator=(const VerdictCache&) = delete;

    std::optional<Judgement> find(const VerdictKey& key, base::SteadyTime now);
    void keep(const VerdictKey& key, const Judgement& judgement, base::SteadyTime now);
    Counters counters() const;

  private:
    struct Shard;
    struct Shards;

    Shard& shard_of(const VerdictKey& key) const;

    std::chrono::seconds age_;
    std::unique_ptr<Shards> shards_;
};

}  // namespace gatehouse::consult::engines
