// Messages that are held back: one encrypted file each under `<state>/items/quarantine/`, their keys and what
// is known of them in the front's database. One per front; the CLI opens one too while no gateway runs.
// Thread-safe. put() is durable before it returns, and only then may a client hear 250. Faults: not_found =
// no such item or deleted; usage = an id that is none, or stands for several; malformed = a damaged or
// changed file; unavailable = disk full, I/O; refused = the id is taken, or a newer format.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "act/quarantine/index.h"
#include "act/quarantine/item.h"
#include "base/fd.h"
#include "base/result.h"
#include "store/hold.h"

namespace gatehouse::act::quarantine {

struct QuarantineOptions {
    std::string folder = {};    ///< `<state>/items/quarantine`
    std::string database = {};  ///< the front's SQLite file
    std::string who = "gatehouse-front";
};

class Quarantine {
  public:
    static base::Result<std::unique_ptr<Quarantine>> open(const QuarantineOptions& options);

    base::Result<void> put(const ItemInfo& info, std::string_view message);
    /// From a sealed memory file.
    base::Result<void> put(const ItemInfo& info, int sealed_fd);

    base::Result<std::vector<Item>> list(const ListFilter& filter);
    /// "REF/n", or a prefix of REF (8 symbols or more) with or without "/n", when only one item has it.
    base::Result<Item> show(std::string_view id);
    base::Result<std::vector<Attempt>> attempts(const base::ItemId& id);
    base::Result<std::vector<Sight>> sights(const base::ItemId& id);
    /// For whoever lets somebody look at an item.
    base::Result<void> note_sight(const base::ItemId& id, const Sight& sight);

    /// Streams the message; use what the sink got only after success (see store::unseal).
    base::Result<void> read(const base::ItemId& id, const store::UnsealSink& sink);
    /// The message in a sealed memory file, as inspectors and next hops want it.
    base::Result<base::Fd> open_sealed(const base::ItemId& id);

    /// Notes a try to release an item that is not deleted; success makes it `released`. The attempt's number.
    base::Result<std::uint32_t> mark_released(const base::ItemId& id, const Attempt& attempt);
    /// Key and file are gone afterwards. Again: success and no change.
    base::Result<void> remove(const base::ItemId& id, const Sight& sight);
    /// Finishes what a reader was in the way of; for a calm moment now and then.
    base::Result<void> tidy();

    /// Files without an index row that open() removed: puts that a crash interrupted.
    std::uint64_t orphans_removed() const { return orphans_removed_; }

  private:
    Quarantine(QuarantineOptions options, store::Hold hold, Index index)
        : options_(std::move(options)), hold_(std::move(hold)), index_(std::move(index)) {}
    std::string path_of(const base::ItemId& id) const;
    bool is_damaged(const Item& item) const;
    base::Result<void> remove_orphans();
    base::Result<void> write_file(const ItemInfo& info, const store::SealKey& key,
                                  std::string_view message) const;
    void scrub_locked();

    const QuarantineOptions options_;
    store::Hold hold_;
    std::mutex mutex_;  // of index_ and what follows
    Index index_;
    bool scrub_pending_ = false;
    std::uint64_t orphans_removed_ = 0;
};

}  // namespace gatehouse::act::quarantine
