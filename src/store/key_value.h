// RocksDB for values under ordered keys: the stored records and the queue. Thread-safe. Small memory: one
// block cache of 8 MiB (index and filter blocks in it), two write buffers of 8 MiB. Blocks are compressed by
// zstd. A write survives any kill of ours; a durable one, and after sync() every earlier one, survives a
// power cut. The key of one zero byte is the store's own. Errors as in store/database.h; a disk that was full
// is tried again by the next write.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gatehouse::store {

class KeyValueStore;

struct KeyValueOptions {
    std::uint32_t format = 1;
    /// Leads from an older format to `format`; must bear being run again after a kill in the middle. Null =
    /// older formats are refused.
    base::Result<void> (*migrate)(KeyValueStore& store, std::uint32_t from) = nullptr;
    std::size_t block_cache_bytes = 8U << 20;
    std::size_t write_buffer_bytes = 8U << 20;
    bool compress = true;
    /// Values of this size and more lie in files of their own, whose garbage is collected; 0 = none do.
    std::size_t blob_bytes = 0;
};

struct KeyValue {
    std::string key;
    std::string value;
};

/// One change of a batch: a new value, or none: the key goes.
struct Change {
    std::string key;
    std::optional<std::string> value;
};

class KeyValueStore {
  public:
    static base::Result<KeyValueStore> open(const std::string& path, const KeyValueOptions& options);
    KeyValueStore(KeyValueStore&&) noexcept;
    KeyValueStore& operator=(KeyValueStore&&) noexcept;
    ~KeyValueStore();

    /// All or nothing; a later pair of the same key wins.
    base::Result<void> put(std::span<const KeyValue> pairs);
    /// All or nothing, in order. `durable`: on stable storage before it returns, with every earlier write.
    base::Result<void> apply(std::span<const Change> changes, bool durable);
    base::Result<std::optional<std::string>> get(std::string_view key) const;
    base::Result<void> remove(std::string_view key);
    /// From `from` (in) to `to` (out); gives the disk space of whole files back at once.
    base::Result<void> remove_range(std::string_view from, std::string_view to);

    /// In key order from `from` (in) to `to` (out; empty = to the end), until the visitor says false. Views
    /// live for one call.
    using Visitor = std::function<bool(std::string_view key, std::string_view value)>;
    base::Result<void> visit(std::string_view from, std::string_view to, const Visitor& visitor) const;
    base::Result<void> visit_prefix(std::string_view prefix, const Visitor& visitor) const;

    base::Result<void> sync();
    /// What was removed before the call is in no file afterwards, nor in the log. Keys and small values are
    /// written anew. Large values, too, all that live, but only when removed ones have left bytes in their
    /// files (not what came and went between two scrubs): that takes as long as they are large and as much
    /// room as they have now; without the room it is Fault::unavailable. Other calls go on. Ends early
    /// (Fault::unavailable) when `stop` becomes true.
    base::Result<void> scrub(std::atomic<bool>& stop);
    /// An estimate by RocksDB; for statistics.
    std::uint64_t approximate_count() const;

  private:
    struct State;
    explicit KeyValueStore(std::unique_ptr<State> state);
    base::Result<void> check_format(const KeyValueOptions& options);
    base::Result<void> migrate(const KeyValueOptions& options, std::uint32_t from);
    base::Result<void> write_format(std::uint32_t number);
    std::unique_ptr<State> state_;
};

}  // namespace gatehouse::store
