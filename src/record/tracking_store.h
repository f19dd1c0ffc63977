// The tracking table in the front's database: writing, pruning, and the position in the journal up to which
// it is filled, kept in the same transaction as the rows. Used by the loader's thread alone. Loading an entry
// again replaces its rows (reference, attempt, recipient), so a kill at any instant neither loses nor
// doubles.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "record/journal.h"
#include "record/tracking_row.h"
#include "store/database.h"
#include "store/schema.h"

namespace gatehouse::record {

/// Format and tables; for whoever opens the file to read.
const store::Schema& tracking_schema();

class TrackingStore {
  public:
    /// Makes or migrates the tables.
    static base::Result<TrackingStore> open(const std::string& path);

    /// Rows of one commit: begin, add ..., commit. Not committed = forgotten.
    class Batch {
      public:
        base::Result<void> add(const TrackingRow& row);
        base::Result<void> commit(JournalPosition position);

      private:
        friend class TrackingStore;
        Batch(TrackingStore& store, store::Transaction transaction)
            : store_(store), transaction_(std::move(transaction)) {}
        TrackingStore& store_;
        store::Transaction transaction_;
    };
    base::Result<Batch> begin();

    base::Result<JournalPosition> position();
    /// Deletes at most `most` rows received before `time`; how many there were.
    base::Result<std::int64_t> prune(base::WallTime time, std::int64_t most);
    /// Everything committed so far survives a power cut afterwards.
    base::Result<void> sync();

  private:
    TrackingStore(store::Database database, store::Statement insert, store::Statement note)
        : database_(std::move(database)), insert_(std::move(insert)), note_(std::move(note)) {}
    store::Database database_;
    store::Statement insert_;
    store::Statement note_;
};

}  // namespace gatehouse::record
