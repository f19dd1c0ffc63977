// The full records under `<state>/records/` (RocksDB), for explain, verify and replay. Key: the 10 bytes of
// the reference, and for attempts after the first (a release, a hold decided again) two more, big-endian. An
// entry for the same reference and attempt replaces the earlier one, so loading twice changes nothing;
// attempts stand side by side. Value: pack()ed message::encode_record. Thread-safe. Also here: the journal's
// message payload, u16 attempt (little-endian) and the same packed value.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/reference.h"
#include "base/result.h"
#include "message/record.h"
#include "store/key_value.h"

namespace gatehouse::record {

struct StoredRecord {
    std::uint16_t attempt = 0;
    message::Record record;
};

/// A record as the journal carries it.
struct MessageEntry {
    std::uint16_t attempt = 0;
    std::string_view packed;
};
std::string make_message_entry(const message::Record& record, std::uint16_t attempt);
base::Result<MessageEntry> parse_message_entry(std::string_view payload);
base::Result<message::Record> unpack_record(std::string_view packed);

class RecordStore {
  public:
    static base::Result<RecordStore> open(const std::string& path);

    /// The pair under which an entry is kept.
    static store::KeyValue make_pair(const base::Reference& reference, const MessageEntry& entry);
    base::Result<void> put(std::span<const store::KeyValue> pairs) { return store_.put(pairs); }
    base::Result<void> sync() { return store_.sync(); }

    /// The newest attempt of the one message whose reference begins so (8 symbols or more). Fault::usage
    /// names the candidates when there are several.
    base::Result<StoredRecord> find(std::string_view prefix) const;
    /// Every attempt, first to last.
    base::Result<std::vector<StoredRecord>> find_all(const base::Reference& reference) const;

    /// In time order, from `since` (in) to `until` (out), until the visitor says false; damaged ones are
    /// given as their error.
    using Visitor = std::function<bool(const base::Reference&, base::Result<StoredRecord>)>;
    base::Result<void> visit(base::WallTime since, base::WallTime until, const Visitor& visitor) const;
    /// Forgets what was received before that time.
    base::Result<void> remove_before(base::WallTime time);
    std::uint64_t approximate_count() const { return store_.approximate_count(); }

  private:
    explicit RecordStore(store::KeyValueStore store) : store_(std::move(store)) {}
    store::KeyValueStore store_;
};

}  // namespace gatehouse::record
