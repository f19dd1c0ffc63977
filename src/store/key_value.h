// RocksDB for values under ordered keys: the stored records, later the queue. Thread-safe. Small memory: one
// block cache of 8 MiB (index and filter blocks in it), two write buffers of 8 MiB. Blocks are compressed by
// zstd. A write without `sync` survives any kill of ours; sync() makes all earlier writes survive a power
// cut. Keys that begin with four bytes 0xFF are the store's own. Errors as in store/database.h.
#pragma once

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
};

struct KeyValue {
    std::string key;
    std::string value;
};

class KeyValueStore {
  public:
    static base::Result<KeyValueStore> open(const std::string& path, const KeyValueOptions& options);
    KeyValueStore(KeyValueStore&&) noexcept;
    KeyValueStore& operator=(KeyValueStore&&) noexcept;
    ~KeyValueStore();

    /// All or nothing; a later pair of the same key wins.
    base::Result<void> put(std::span<const KeyValue> pairs);
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
