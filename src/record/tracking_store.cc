#include "record/tracking_store.h"

#include <array>

namespace gatehouse::record {
namespace {

// One row per message, attempt and recipient. Every index ends in the time, so "newest first" is the index
// read backwards. *_key: see address_key. The index over From holds only mail whose From differs from the
// envelope's sender. Numbers of verdict and outcome are those of message/decision.h and record.h, final since
// facts.proto stores them too; verdict 0 = not inspected.
constexpr std::string_view kFormat1 = R"sql(
CREATE TABLE tracking(
    id INTEGER PRIMARY KEY,
    ref BLOB NOT NULL, attempt INTEGER NOT NULL, recipient TEXT NOT NULL,
    received INTEGER NOT NULL,
    sender TEXT NOT NULL, header_from TEXT NOT NULL, subject TEXT NOT NULL, message_id TEXT NOT NULL,
    client TEXT NOT NULL, helo TEXT NOT NULL,
    verdict INTEGER NOT NULL, rule TEXT NOT NULL, outcome INTEGER NOT NULL,
    reply TEXT NOT NULL, next_hop TEXT NOT NULL, item TEXT NOT NULL, size INTEGER NOT NULL,
    sender_key TEXT NOT NULL, from_key TEXT NOT NULL, recipient_key TEXT NOT NULL,
    steps BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX tracking_ref ON tracking(ref, attempt, recipient);
CREATE INDEX tracking_received ON tracking(received);
CREATE INDEX tracking_sender ON tracking(sender_key, received);
CREATE INDEX tracking_from ON tracking(from_key, received) WHERE from_key <> sender_key;
CREATE INDEX tracking_recipient ON tracking(recipient_key, received);
CREATE INDEX tracking_subject ON tracking(lower(substr(subject, 1, 64)), received);
CREATE INDEX tracking_verdict ON tracking(verdict, received);
CREATE INDEX tracking_outcome ON tracking(outcome, received);
CREATE TABLE journal_position(
    id INTEGER PRIMARY KEY CHECK(id = 1), segment INTEGER NOT NULL, offset INTEGER NOT NULL
) STRICT;
INSERT INTO journal_position VALUES(1, 0, 0);
)sql";

constexpr std::array kSteps{store::SchemaStep{kFormat1}};
constexpr store::Schema kSchema{"tracking", kSteps};

constexpr std::string_view kInsert =
    "INSERT OR REPLACE INTO tracking(ref, attempt, recipient, received, sender, header_from, subject, "
    "message_id, "
    "client, helo, verdict, rule, outcome, reply, next_hop, item, size, sender_key, from_key, recipient_key, "
    "steps) "
    "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21)";

}  // namespace

const store::Schema& tracking_schema() {
    return kSchema;
}

base::Result<TrackingStore> TrackingStore::open(const std::string& path) {
    GATEHOUSE_TRY(auto database, store::Database::open(path, {.cache_kib = 4096, .checkpoint_pages = 4000}));
    GATEHOUSE_CHECK(store::bring_to_format(database, kSchema));
    GATEHOUSE_TRY(auto insert, database.prepare(kInsert));
    GATEHOUSE_TRY(auto note,
                  database.prepare("UPDATE journal_position SET segment=?1, offset=?2 WHERE id=1"));
    return TrackingStore(std::move(database), std::move(insert), std::move(note));
}

base::Result<TrackingStore::Batch> TrackingStore::begin() {
    GATEHOUSE_TRY(auto transaction, store::Transaction::begin(database_));
    return Batch(*this, std::move(transaction));
}

base::Result<void> TrackingStore::Batch::add(const TrackingRow& row) {
    return store_.insert_.bind_blob(1, row.reference.to_bytes())
        .bind(2, row.attempt)
        .bind_text(3, row.recipient)
        .bind(4, row.received.time_since_epoch().count())
        .bind_text(5, row.sender)
        .bind_text(6, row.from)
        .bind_text(7, row.subject)
        .bind_text(8, row.message_id)
        .bind_text(9, row.client)
        .bind_text(10, row.helo)
        .bind(11, row.verdict ? static_cast<std::int64_t>(*row.verdict) : 0)
        .bind_text(12, row.rule)
        .bind(13, static_cast<std::int64_t>(row.outcome))
        .bind_text(14, row.reply)
        .bind_text(15, row.next_hop)
        .bind_text(16, row.item)
        .bind(17, static_cast<std::int64_t>(row.size))
        .bind_text(18, address_key(row.sender))
        .bind_text(19, address_key(row.from))
        .bind_text(20, address_key(row.recipient))
        .bind_blob(21, encode_steps(row.steps))
        .run();
}

base::Result<void> TrackingStore::Batch::commit(JournalPosition position) {
    GATEHOUSE_CHECK(
        store_.note_.bind(1, position.segment).bind(2, static_cast<std::int64_t>(position.offset)).run());
    return transaction_.commit();
}

base::Result<JournalPosition> TrackingStore::position() {
    GATEHOUSE_TRY(auto select, database_.prepare("SELECT segment, offset FROM journal_position WHERE id=1"));
    GATEHOUSE_TRY(const bool row, select.step());
    if (!row) return JournalPosition{};
    return JournalPosition{static_cast<std::uint32_t>(select.integer(0)),
                           static_cast<std::uint64_t>(select.integer(1))};
}

base::Result<void> TrackingStore::sync() {
    // One commit that syncs the WAL takes all earlier ones with it, and waits for no reader as a checkpoint
    // would.
    return database_.run(
        "PRAGMA synchronous=FULL; UPDATE journal_position SET offset=offset WHERE id=1; PRAGMA "
        "synchronous=NORMAL");
}

base::Result<std::int64_t> TrackingStore::prune(base::WallTime time, std::int64_t most) {
    GATEHOUSE_TRY(auto remove, database_.prepare("DELETE FROM tracking WHERE id IN (SELECT id FROM tracking "
                                                 "WHERE received < ?1 ORDER BY received LIMIT ?2)"));
    GATEHOUSE_CHECK(remove.bind(1, time.time_since_epoch().count()).bind(2, most).run());
    return database_.changes();
}

}  // namespace gatehouse::record
