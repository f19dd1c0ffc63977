#include "act/quarantine/index.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "message/codec.h"
#include "store/schema.h"

namespace gatehouse::act::quarantine {
namespace {

using base::fail;
using base::Fault;
using base::ItemId;
using base::Result;
using store::Statement;

// Keys stand alone in their table, so that later formats of the items cannot move or copy them by accident.
// Numbers of state and verdict are final.
constexpr std::string_view kFormat1 = R"sql(
CREATE TABLE quarantine_items(
    item INTEGER PRIMARY KEY,
    ref BLOB NOT NULL, grp INTEGER NOT NULL,
    created INTEGER NOT NULL, state INTEGER NOT NULL, size INTEGER NOT NULL, attempts INTEGER NOT NULL,
    area TEXT NOT NULL, rule TEXT NOT NULL, because TEXT NOT NULL, verdict INTEGER NOT NULL,
    subject TEXT NOT NULL, message_id TEXT NOT NULL, header_from TEXT NOT NULL,
    envelope BLOB NOT NULL, search TEXT NOT NULL,
    UNIQUE(ref, grp)
) STRICT;
CREATE INDEX quarantine_items_created ON quarantine_items(created);
CREATE TABLE quarantine_keys(item INTEGER PRIMARY KEY, key BLOB NOT NULL) STRICT;
CREATE TABLE quarantine_attempts(
    item INTEGER NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL,
    who TEXT NOT NULL, success INTEGER NOT NULL, result TEXT NOT NULL,
    PRIMARY KEY(item, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE quarantine_sights(
    id INTEGER PRIMARY KEY, item INTEGER NOT NULL, at INTEGER NOT NULL,
    who TEXT NOT NULL, what TEXT NOT NULL, why TEXT NOT NULL
) STRICT;
CREATE INDEX quarantine_sights_item ON quarantine_sights(item);
)sql";

constexpr std::array kSteps{store::SchemaStep{kFormat1}};
constexpr store::Schema kSchema{"quarantine", kSteps};

constexpr std::string_view kColumns =
    "ref, grp, created, state, size, attempts, area, rule, because, verdict, subject, message_id, "
    "header_from, envelope";
constexpr std::size_t kMaxText = 1024;
constexpr std::size_t kMaxSearch = 8U * 1024;
constexpr std::size_t kMaxBecause = 100;

std::int64_t micros(base::WallTime time) {
    return time.time_since_epoch().count();
}
base::WallTime wall(std::int64_t value) {
    return base::WallTime(std::chrono::microseconds(value));
}

/// SQLite's own text functions stop at NUL; lists are joined by line ends.
std::string cut(std::string_view text, std::size_t limit = kMaxText) {
    std::string out(base::cut_text(text, limit));
    std::replace_if(out.begin(), out.end(), [](char c) { return c == '\0' || c == '\n'; }, ' ');
    return out;
}

std::string join(const std::vector<std::string>& words) {
    std::string out;
    for (std::size_t i = 0; i < std::min(words.size(), kMaxBecause); ++i)
        out += (i == 0 ? "" : "\n") + cut(words[i]);
    return out;
}

std::string search_text(const ItemInfo& info) {
    std::string out = info.subject + ' ' + info.from + ' ' + info.envelope.sender;
    for (const auto& recipient : info.envelope.recipients) {
        if (out.size() > kMaxSearch) break;
        out += ' ' + recipient.address;
    }
    return base::lower(cut(out, kMaxSearch));
}

Item read_item(const Statement& from) {
    Item item;
    auto& info = item.info;
    info.id.reference = base::Reference::from_bytes(from.bytes(0)).value_or(base::Reference());
    info.id.group = static_cast<std::uint32_t>(from.integer(1));
    info.created = wall(from.integer(2));
    item.state = static_cast<State>(std::clamp<std::int64_t>(from.integer(3), 1, 3));
    item.size = static_cast<std::uint64_t>(from.integer(4));
    item.attempts = static_cast<std::uint32_t>(from.integer(5));
    info.area = from.bytes(6);
    info.rule = from.bytes(7);
    if (const auto words = from.bytes(8); !words.empty()) {
        for (const auto word : base::split(words, '\n')) info.because.emplace_back(word);
    }
    const auto last = static_cast<std::int64_t>(message::Verdict::clean);
    info.verdict = static_cast<message::Verdict>(std::clamp<std::int64_t>(from.integer(9), 1, last));
    info.subject = from.bytes(10);
    info.message_id = from.bytes(11);
    info.from = from.bytes(12);
    if (item.state == State::deleted) return item;
    auto envelope = message::decode_envelope(from.bytes(13));
    if (envelope) info.envelope = std::move(*envelope);
    if (!envelope) item.damaged = true;
    return item;
}

Result<std::vector<Item>> read_items(Statement& statement) {
    std::vector<Item> out;
    while (true) {
        GATEHOUSE_TRY(const bool row, statement.step());
        if (!row) return out;
        out.push_back(read_item(statement));
    }
}

std::unexpected<base::Error> unknown(const ItemId& id) {
    return fail(Fault::not_found, "there is no item {} in quarantine", id.to_string());
}

}  // namespace

std::string_view to_string(State state) {
    switch (state) {
        case State::held:
            return "held";
        case State::released:
            return "released";
        case State::deleted:
            return "deleted";
    }
    return "held";
}

Result<Index> Index::open(const std::string& path) {
    GATEHOUSE_TRY(auto database, store::Database::open(
                                     path, {.durability = store::Durability::full, .secure_delete = true}));
    GATEHOUSE_CHECK(store::bring_to_format(database, kSchema));
    Index index(std::move(database));
    // We may have died between an erasure and the emptying of the WAL. A reader in the way: tidy does it
    // later.
    if (auto done = index.scrub(); !done && done.error().fault != Fault::timed_out)
        return std::unexpected(done.error());
    return index;
}

Result<std::int64_t> Index::row_of(const ItemId& id) {
    GATEHOUSE_TRY(auto select,
                  database_.prepare("SELECT item FROM quarantine_items WHERE ref=?1 AND grp=?2"));
    GATEHOUSE_TRY(const bool row, select.bind_blob(1, id.reference.to_bytes()).bind(2, id.group).step());
    if (!row) return unknown(id);
    return select.integer(0);
}

Result<bool> Index::has(const ItemId& id) {
    const auto row = row_of(id);
    if (row) return true;
    if (row.error().fault == Fault::not_found) return false;
    return std::unexpected(row.error());
}

Result<void> Index::add(const ItemInfo& info, std::uint64_t size, const store::SealKey& key) {
    GATEHOUSE_TRY(auto transaction, store::Transaction::begin(database_));
    GATEHOUSE_TRY(const bool taken, has(info.id));
    if (taken) return fail(Fault::refused, "item {} is in quarantine already", info.id.to_string());
    GATEHOUSE_TRY(auto insert, database_.prepare("INSERT INTO quarantine_items VALUES"
                                                 "(NULL,?1,?2,?3,?4,?5,0,?6,?7,?8,?9,?10,?11,?12,?13,?14)"));
    GATEHOUSE_CHECK(insert.bind_blob(1, info.id.reference.to_bytes())
                        .bind(2, info.id.group)
                        .bind(3, micros(info.created))
                        .bind(4, static_cast<std::int64_t>(State::held))
                        .bind(5, static_cast<std::int64_t>(size))
                        .bind_text(6, cut(info.area))
                        .bind_text(7, cut(info.rule))
                        .bind_text(8, join(info.because))
                        .bind(9, static_cast<std::int64_t>(info.verdict))
                        .bind_text(10, cut(info.subject))
                        .bind_text(11, cut(info.message_id))
                        .bind_text(12, cut(info.from))
                        .bind_blob(13, message::encode_envelope(info.envelope))
                        .bind_text(14, search_text(info))
                        .run());
    const auto item = database_.last_row();
    GATEHOUSE_TRY(auto keep, database_.prepare("INSERT INTO quarantine_keys VALUES(?1,?2)"));
    GATEHOUSE_CHECK(keep.bind(1, item).bind_blob(2, key.bytes()).run());
    GATEHOUSE_CHECK(add_sight(info.id, {info.created, "gatehouse", "stored", info.rule}));
    return transaction.commit();
}

Result<store::SealKey> Index::key(const ItemId& id) {
    GATEHOUSE_TRY(const auto item, row_of(id));
    GATEHOUSE_TRY(auto select, database_.prepare("SELECT key FROM quarantine_keys WHERE item=?1"));
    GATEHOUSE_TRY(const bool row, select.bind(1, item).step());
    if (!row) return fail(Fault::not_found, "item {} was deleted from quarantine", id.to_string());
    return store::SealKey::from_bytes(select.bytes(0));
}

Result<std::vector<Item>> Index::list(const ListFilter& filter) {
    const auto number = [](auto word) { return word ? static_cast<std::int64_t>(*word) : 0; };
    GATEHOUSE_TRY(auto select,
                  database_.prepare(fmt::format(
                      "SELECT {} FROM quarantine_items WHERE (?1=0 OR state=?1) AND (?2='' OR area=?2) AND "
                      "(?3=0 OR verdict=?3) AND created>=?4 AND created<?5 AND (?6='' OR instr(search,?6)>0) "
                      "AND (?8=0 OR state<>3) ORDER BY created DESC, item DESC LIMIT ?7",
                      kColumns)));
    select.bind(1, number(filter.state))
        .bind_text(2, filter.area)
        .bind(3, number(filter.verdict))
        .bind(4, filter.since ? micros(*filter.since) : INT64_MIN)
        .bind(5, filter.until ? micros(*filter.until) : INT64_MAX)
        .bind_text(6, base::lower(filter.text))
        .bind(7, std::clamp<std::int64_t>(filter.limit, 1, ListFilter::kMaxLimit))
        .bind(8, filter.present ? 1 : 0);
    return read_items(select);
}

Result<std::vector<Item>> Index::find(const base::ReferenceRange& range, std::uint32_t group,
                                      std::int64_t most) {
    GATEHOUSE_TRY(auto select,
                  database_.prepare(fmt::format("SELECT {} FROM quarantine_items WHERE ref>=?1 AND ref<=?2 "
                                                "AND (?3=0 OR grp=?3) ORDER BY ref, grp LIMIT ?4",
                                                kColumns)));
    select.bind_blob(1, range.first.to_bytes())
        .bind_blob(2, range.last.to_bytes())
        .bind(3, group)
        .bind(4, most);
    return read_items(select);
}

Result<std::vector<std::pair<ItemId, std::uint64_t>>> Index::present() {
    GATEHOUSE_TRY(auto select,
                  database_.prepare("SELECT ref, grp, size FROM quarantine_items JOIN quarantine_keys "
                                    "USING(item) ORDER BY ref, grp"));
    std::vector<std::pair<ItemId, std::uint64_t>> out;
    while (true) {
        GATEHOUSE_TRY(const bool row, select.step());
        if (!row) return out;
        const auto reference = base::Reference::from_bytes(select.bytes(0)).value_or(base::Reference());
        out.emplace_back(ItemId{reference, static_cast<std::uint32_t>(select.integer(1))},
                         static_cast<std::uint64_t>(select.integer(2)));
    }
}

Result<std::uint32_t> Index::add_attempt(const ItemId& id, const Attempt& attempt) {
    GATEHOUSE_TRY(auto transaction, store::Transaction::begin(database_));
    GATEHOUSE_TRY(const auto item, row_of(id));
    GATEHOUSE_TRY(auto update, database_.prepare("UPDATE quarantine_items SET attempts=attempts+1, "
                                                 "state=CASE WHEN ?2 THEN 2 ELSE state END "
                                                 "WHERE item=?1 AND state<>3 RETURNING attempts"));
    GATEHOUSE_TRY(const bool row, update.bind(1, item).bind(2, attempt.success ? 1 : 0).step());
    if (!row) return fail(Fault::not_found, "item {} was deleted from quarantine", id.to_string());
    const auto number = update.integer(0);
    GATEHOUSE_CHECK(update.run());
    GATEHOUSE_TRY(auto insert,
                  database_.prepare("INSERT INTO quarantine_attempts VALUES(?1,?2,?3,?4,?5,?6)"));
    GATEHOUSE_CHECK(insert.bind(1, item)
                        .bind(2, number)
                        .bind(3, micros(attempt.at))
                        .bind_text(4, cut(attempt.who))
                        .bind(5, attempt.success ? 1 : 0)
                        .bind_text(6, cut(attempt.result))
                        .run());
    GATEHOUSE_CHECK(add_sight(
        id, {attempt.at, attempt.who, attempt.success ? "released" : "release failed", attempt.result}));
    GATEHOUSE_CHECK(transaction.commit());
    return static_cast<std::uint32_t>(number);
}

Result<std::vector<Attempt>> Index::attempts(const ItemId& id) {
    GATEHOUSE_TRY(const auto item, row_of(id));
    GATEHOUSE_TRY(auto select,
                  database_.prepare("SELECT number, at, who, success, result FROM quarantine_attempts "
                                    "WHERE item=?1 ORDER BY number"));
    select.bind(1, item);
    std::vector<Attempt> out;
    while (true) {
        GATEHOUSE_TRY(const bool row, select.step());
        if (!row) return out;
        out.push_back({static_cast<std::uint32_t>(select.integer(0)), wall(select.integer(1)),
                       select.bytes(2), select.integer(3) != 0, select.bytes(4)});
    }
}

Result<void> Index::add_sight(const ItemId& id, const Sight& sight) {
    GATEHOUSE_TRY(const auto item, row_of(id));
    GATEHOUSE_TRY(auto insert,
                  database_.prepare("INSERT INTO quarantine_sights VALUES(NULL,?1,?2,?3,?4,?5)"));
    return insert.bind(1, item)
        .bind(2, micros(sight.at))
        .bind_text(3, cut(sight.who))
        .bind_text(4, cut(sight.what))
        .bind_text(5, cut(sight.why))
        .run();
}

Result<std::vector<Sight>> Index::sights(const ItemId& id) {
    GATEHOUSE_TRY(const auto item, row_of(id));
    GATEHOUSE_TRY(
        auto select,
        database_.prepare("SELECT at, who, what, why FROM quarantine_sights WHERE item=?1 ORDER BY id"));
    select.bind(1, item);
    std::vector<Sight> out;
    while (true) {
        GATEHOUSE_TRY(const bool row, select.step());
        if (!row) return out;
        out.push_back({wall(select.integer(0)), select.bytes(1), select.bytes(2), select.bytes(3)});
    }
}

Result<void> Index::erase(const ItemId& id, const Sight& sight) {
    GATEHOUSE_TRY(auto transaction, store::Transaction::begin(database_));
    GATEHOUSE_TRY(const auto item, row_of(id));
    GATEHOUSE_TRY(auto forget, database_.prepare("DELETE FROM quarantine_keys WHERE item=?1"));
    GATEHOUSE_CHECK(forget.bind(1, item).run());
    GATEHOUSE_TRY(auto blank,
                  database_.prepare("UPDATE quarantine_items SET state=3, rule='', because='', subject='', "
                                    "message_id='', header_from='', envelope=x'', search='' "
                                    "WHERE item=?1 AND state<>3"));
    GATEHOUSE_CHECK(blank.bind(1, item).run());
    if (database_.changes() != 0) GATEHOUSE_CHECK(add_sight(id, sight));
    return transaction.commit();
}

Result<void> erase_in_copy(const std::string& path, const ItemId& id) {
    GATEHOUSE_TRY(auto database, store::Database::open(
                                     path, {.durability = store::Durability::full, .secure_delete = true}));
    GATEHOUSE_TRY(
        const auto has_keys,
        database.integer("SELECT 1 FROM sqlite_schema WHERE type='table' AND name='quarantine_keys'"));
    if (!has_keys) return {};
    GATEHOUSE_TRY(auto forget,
                  database.prepare("DELETE FROM quarantine_keys WHERE item IN "
                                   "(SELECT item FROM quarantine_items WHERE ref=?1 AND grp=?2)"));
    GATEHOUSE_CHECK(forget.bind_blob(1, id.reference.to_bytes()).bind(2, id.group).run());
    return database.checkpoint();
}

}  // namespace gatehouse::act::quarantine
