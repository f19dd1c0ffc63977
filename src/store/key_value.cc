// The one adapter of RocksDB.
#include "store/key_value.h"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include <filesystem>

#include "base/text.h"

namespace gatehouse::store {

using base::fail;
using base::Fault;

namespace {

// The first of all keys: at the other end it would make every file of a store that grows in key order overlap
// with its last one, and each compaction would write that one anew.
constexpr std::string_view kFormatKey("\0", 1);
constexpr std::string_view kFirstKey("\0\0", 2);  // nothing lies between the two

rocksdb::Slice slice(std::string_view text) {
    return {text.data(), text.size()};
}

std::string_view view(const rocksdb::Slice& text) {
    return {text.data(), text.size()};
}

std::unexpected<base::Error> failed(const rocksdb::Status& status, std::string_view path) {
    const std::string text = status.ToString();
    if (status.IsCorruption()) {
        return fail(
            Fault::malformed,
            "the store {} is damaged ({}): stop Gatehouse, move the folder away (keep it), and start again "
            "or put a copy back",
            path, text);
    }
    if (status.IsInvalidArgument() || status.IsNotSupported())
        return fail(Fault::internal, "the store {} answered: {}", path, text);
    // No memory, no room, a time that ran out: none of it says anything of what is stored.
    return fail(Fault::unavailable, "cannot use the store {}: {}", path, text);
}

rocksdb::Options options_of(const KeyValueOptions& from) {
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = rocksdb::NewLRUCache(from.block_cache_bytes);
    table.cache_index_and_filter_blocks = true;
    table.block_size = 16ULL * 1024;
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    table.format_version = 5;

    rocksdb::Options to;
    to.create_if_missing = true;
    to.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    to.compression = from.compress ? rocksdb::kZSTD : rocksdb::kNoCompression;
    to.compression_opts.level = 1;
    to.write_buffer_size = from.write_buffer_bytes;
    to.max_write_buffer_number = 2;
    to.max_background_jobs = from.blob_bytes > 0 ? 4 : 2;  // a scrub must not keep flushes waiting
    to.max_open_files = 64;
    to.max_total_wal_size = 4 * from.write_buffer_bytes;
    // Its own log is a file in the folder: warnings only, two files of 1 MiB.
    to.info_log_level = rocksdb::WARN_LEVEL;
    to.max_log_file_size = 1 << 20;
    to.keep_log_file_num = 2;
    to.stats_dump_period_sec = 0;
    to.stats_persist_period_sec = 0;
    if (from.blob_bytes > 0) {
        to.enable_blob_files = true;
        to.min_blob_size = from.blob_bytes;
        to.blob_file_size = 64ULL << 20;
        to.enable_blob_garbage_collection = true;
        to.blob_garbage_collection_age_cutoff = 0.5;
        to.blob_garbage_collection_force_threshold = 0.5;
    }
    return to;
}

base::Result<void> check_key(std::string_view key) {
    if (key.empty() || key == kFormatKey) return fail(Fault::internal, "a reserved key was used");
    return {};
}

}  // namespace

struct KeyValueStore::State {
    std::string path;
    std::unique_ptr<rocksdb::DB> db;

    ~State() {
        if (db) (void)db->Close();
    }
    base::Result<void> check_room(std::uint64_t bytes) const {
        std::error_code error;
        const auto disk = std::filesystem::space(path, error);
        if (error || disk.available > bytes) return {};
        return fail(Fault::unavailable, "no room to scrub the store {}: {} bytes are to be written anew",
                    path, bytes);
    }
};

KeyValueStore::KeyValueStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
KeyValueStore::KeyValueStore(KeyValueStore&&) noexcept = default;
KeyValueStore& KeyValueStore::operator=(KeyValueStore&&) noexcept = default;
KeyValueStore::~KeyValueStore() = default;

base::Result<KeyValueStore> KeyValueStore::open(const std::string& path, const KeyValueOptions& options) {
    auto state = std::make_unique<State>();
    state->path = path;
    rocksdb::DB* db = nullptr;
    const auto status = rocksdb::DB::Open(options_of(options), path, &db);
    state->db.reset(db);
    if (!status.ok()) return failed(status, path);
    KeyValueStore store(std::move(state));
    GATEHOUSE_CHECK(store.check_format(options));
    return store;
}

base::Result<void> KeyValueStore::check_format(const KeyValueOptions& options) {
    std::string text;
    const auto status = state_->db->Get({}, slice(kFormatKey), &text);
    if (status.IsNotFound()) {
        const std::unique_ptr<rocksdb::Iterator> any(state_->db->NewIterator({}));
        any->SeekToFirst();
        if (any->Valid())
            return fail(Fault::malformed, "the folder {} is not a store of Gatehouse", state_->path);
        return write_format(options.format);
    }
    if (!status.ok()) return failed(status, state_->path);
    const auto found = base::parse_unsigned(text);
    if (!found) return fail(Fault::malformed, "the store {} has no sensible format number", state_->path);
    if (*found == options.format) return {};
    if (*found > options.format) {
        return fail(
            Fault::refused,
            "{} has format {}, but this Gatehouse knows formats up to {}: start the newer Gatehouse that "
            "wrote it, or put the copy {}.before-{} back",
            state_->path, *found, options.format, state_->path, options.format + 1);
    }
    return migrate(options, static_cast<std::uint32_t>(*found));
}

base::Result<void> KeyValueStore::migrate(const KeyValueOptions& options, std::uint32_t from) {
    if (options.migrate == nullptr) {
        return fail(Fault::refused, "{} has the old format {}, which this Gatehouse cannot read",
                    state_->path, from);
    }
    // A copy that is already there was made before a migration that was killed: it is the good one.
    const auto copy = fmt::format("{}.before-{}", state_->path, options.format);
    std::error_code error;
    if (!std::filesystem::exists(copy, error)) {
        rocksdb::Checkpoint* made = nullptr;
        auto status = rocksdb::Checkpoint::Create(state_->db.get(), &made);
        const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
        if (status.ok()) status = checkpoint->CreateCheckpoint(copy);
        if (!status.ok()) return failed(status, copy);
    }
    GATEHOUSE_CHECK(options.migrate(*this, from));
    return write_format(options.format);
}

base::Result<void> KeyValueStore::write_format(std::uint32_t number) {
    rocksdb::WriteOptions durable;
    durable.sync = true;
    const auto status = state_->db->Put(durable, slice(kFormatKey), std::to_string(number));
    if (!status.ok()) return failed(status, state_->path);
    return {};
}

base::Result<void> KeyValueStore::put(std::span<const KeyValue> pairs) {
    rocksdb::WriteBatch batch;
    for (const auto& pair : pairs) {
        GATEHOUSE_CHECK(check_key(pair.key));
        batch.Put(pair.key, pair.value);
    }
    const auto status = state_->db->Write({}, &batch);
    if (!status.ok()) return failed(status, state_->path);
    return {};
}

base::Result<void> KeyValueStore::apply(std::span<const Change> changes, bool durable) {
    rocksdb::WriteBatch batch;
    for (const auto& change : changes) {
        GATEHOUSE_CHECK(check_key(change.key));
        const auto done = change.value ? batch.Put(change.key, *change.value) : batch.Delete(change.key);
        if (!done.ok()) return failed(done, state_->path);
    }
    rocksdb::WriteOptions options;
    options.sync = durable;
    auto status = state_->db->Write(options, &batch);
    if (status.IsIOError() || status.IsNoSpace()) {
        // After a failed write RocksDB refuses all others until it is told that the disk may be good again.
        if (const auto resumed = state_->db->Resume(); resumed.ok())
            status = state_->db->Write(options, &batch);
    }
    if (!status.ok()) return failed(status, state_->path);
    return {};
}

base::Result<std::optional<std::string>> KeyValueStore::get(std::string_view key) const {
    GATEHOUSE_CHECK(check_key(key));
    std::string value;
    const auto status = state_->db->Get({}, slice(key), &value);
    if (status.IsNotFound()) return std::nullopt;
    if (!status.ok()) return failed(status, state_->path);
    return value;
}

base::Result<void> KeyValueStore::remove(std::string_view key) {
    GATEHOUSE_CHECK(check_key(key));
    const auto status = state_->db->Delete({}, slice(key));
    if (!status.ok()) return failed(status, state_->path);
    return {};
}

base::Result<void> KeyValueStore::remove_range(std::string_view from, std::string_view to) {
    if (from < kFirstKey) from = kFirstKey;
    if (from >= to) return {};
    const auto first = slice(from);
    const auto last = slice(to);
    auto status = rocksdb::DeleteFilesInRange(state_->db.get(), state_->db->DefaultColumnFamily(), &first,
                                              &last, false);
    if (status.ok()) status = state_->db->DeleteRange({}, state_->db->DefaultColumnFamily(), first, last);
    if (!status.ok()) return failed(status, state_->path);
    return {};
}

base::Result<void> KeyValueStore::visit(std::string_view from, std::string_view to,
                                        const Visitor& visitor) const {
    const auto upper = slice(to);
    rocksdb::ReadOptions read;
    if (!to.empty()) read.iterate_upper_bound = &upper;
    if (from < kFirstKey) from = kFirstKey;
    const std::unique_ptr<rocksdb::Iterator> at(state_->db->NewIterator(read));
    for (at->Seek(slice(from)); at->Valid(); at->Next()) {
        if (!visitor(view(at->key()), view(at->value()))) break;
    }
    if (!at->status().ok()) return failed(at->status(), state_->path);
    return {};
}

base::Result<void> KeyValueStore::visit_prefix(std::string_view prefix, const Visitor& visitor) const {
    // The first key behind all that begin with the prefix: its last byte that can grow, grown.
    std::string end(prefix);
    while (!end.empty() && end.back() == '\xff') end.pop_back();
    if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
    return visit(prefix, end, visitor);
}

base::Result<void> KeyValueStore::sync() {
    const auto status = state_->db->SyncWAL();
    if (!status.ok()) return failed(status, state_->path);
    return {};
}

base::Result<void> KeyValueStore::scrub(std::atomic<bool>& stop) {
    auto status = state_->db->Flush(rocksdb::FlushOptions());
    rocksdb::CompactRangeOptions all;
    all.exclusive_manual_compaction = false;
    all.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
    all.canceled = &stop;
    // First without the large values: then it is known whether their files hold anything that was removed.
    all.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kDisable;
    if (status.ok()) status = state_->db->CompactRange(all, nullptr, nullptr);
    rocksdb::ColumnFamilyMetaData files;
    state_->db->GetColumnFamilyMetaData(&files);
    std::uint64_t garbage = 0;
    std::uint64_t living = 0;
    for (const auto& file : files.blob_files) {
        garbage += file.garbage_blob_bytes;
        living += file.total_blob_bytes - file.garbage_blob_bytes;
    }
    if (status.ok() && !stop && garbage > 0) {
        GATEHOUSE_CHECK(state_->check_room(living));
        all.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kForce;
        all.blob_garbage_collection_age_cutoff = 1.0;
        status = state_->db->CompactRange(all, nullptr, nullptr);
    }
    if (stop) return fail(Fault::unavailable, "the scrub of {} was stopped", state_->path);
    if (!status.ok()) return failed(status, state_->path);
    return {};
}

std::uint64_t KeyValueStore::approximate_count() const {
    std::uint64_t count = 0;
    state_->db->GetIntProperty(rocksdb::DB::Properties::kEstimateNumKeys, &count);
    return count;
}

}  // namespace gatehouse::store
