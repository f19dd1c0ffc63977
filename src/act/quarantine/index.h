// The index of the quarantine: tables quarantine_* in the front's database, one row per item, and the only
// place where keys of items are kept. Every change is on stable storage when it returns; what is deleted is
// overwritten with zeros. Not thread-safe: Quarantine holds the mutex.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "act/quarantine/item.h"
#include "base/result.h"
#include "store/database.h"
#include "store/sealed_file.h"

namespace gatehouse::act::quarantine {

class Index {
  public:
    /// Makes or migrates the tables, and finishes an erasure that a crash interrupted.
    static base::Result<Index> open(const std::string& path);

    /// Fault::refused when the id is taken.
    base::Result<void> add(const ItemInfo& info, std::uint64_t size, const store::SealKey& key);
    base::Result<bool> has(const base::ItemId& id);
    /// Fault::not_found for an id that is unknown or deleted.
    base::Result<store::SealKey> key(const base::ItemId& id);
    /// Newest first.
    base::Result<std::vector<Item>> list(const ListFilter& filter);
    /// Items whose reference lies in the range; `group` 0 = any. At most `most`.
    base::Result<std::vector<Item>> find(const base::ReferenceRange& range, std::uint32_t group,
                                         std::int64_t most);
    /// Items that have a key, with the size of their message.
    base::Result<std::vector<std::pair<base::ItemId, std::uint64_t>>> present();

    base::Result<std::uint32_t> add_attempt(const base::ItemId& id, const Attempt& attempt);
    base::Result<std::vector<Attempt>> attempts(const base::ItemId& id);
    base::Result<void> add_sight(const base::ItemId& id, const Sight& sight);
    base::Result<std::vector<Sight>> sights(const base::ItemId& id);

    /// The key and all that says something about the mail are gone afterwards; nothing happens when they are.
    base::Result<void> erase(const base::ItemId& id, const Sight& sight);
    /// Empties the WAL, where old pages hold erased keys. Fault::timed_out when a reader is in the way.
    base::Result<void> scrub() { return database_.checkpoint(); }

  private:
    explicit Index(store::Database database) : database_(std::move(database)) {}
    base::Result<std::int64_t> row_of(const base::ItemId& id);
    store::Database database_;
};

/// Erases the key of an item in a copy of the database that was kept before a migration.
base::Result<void> erase_in_copy(const std::string& path, const base::ItemId& id);

}  // namespace gatehouse::act::quarantine
