#include "record/record_store.h"

#include "message/codec.h"
#include "record/packing.h"

namespace gatehouse::record {
namespace {

using base::fail;
using base::Fault;
using base::Reference;

constexpr std::uint32_t kFormat = 1;
// Most records are 1 to 4 KiB: RocksDB compresses them in blocks, many at once, off the path of the mail.
constexpr std::size_t kPackFrom = 8U * 1024;
constexpr std::size_t kMaxRecord = 64U << 20;
constexpr std::size_t kMaxNamed = 10;

struct Key {
    Reference reference;
    std::uint16_t attempt = 0;
};

std::optional<Key> parse_key(std::string_view bytes) {
    if (bytes.size() != Reference::kBytes && bytes.size() != Reference::kBytes + 2) return std::nullopt;
    const auto reference = Reference::from_bytes(bytes.substr(0, Reference::kBytes));
    if (!reference) return std::nullopt;
    Key key{*reference, 0};
    if (bytes.size() > Reference::kBytes) {
        key.attempt = static_cast<std::uint16_t>((static_cast<unsigned char>(bytes[Reference::kBytes]) << 8) |
                                                 static_cast<unsigned char>(bytes[Reference::kBytes + 1]));
    }
    return key;
}

base::Result<StoredRecord> decode(std::uint16_t attempt, std::string_view value) {
    GATEHOUSE_TRY(auto record, unpack_record(value));
    return StoredRecord{attempt, std::move(record)};
}

/// Behind every attempt of that reference.
std::string end_of(const Reference& reference) {
    return reference.to_bytes() + "\xff\xff\xff";
}

}  // namespace

std::string make_message_entry(const message::Record& record, std::uint16_t attempt) {
    std::string out;
    out += static_cast<char>(attempt & 0xFF);
    out += static_cast<char>(attempt >> 8);
    out += pack(message::encode_record(record), kPackFrom);
    return out;
}

base::Result<MessageEntry> parse_message_entry(std::string_view payload) {
    if (payload.size() < 3) return fail(Fault::malformed, "a journal entry is too short to be a message");
    const auto attempt = static_cast<std::uint16_t>(static_cast<unsigned char>(payload[0]) |
                                                    (static_cast<unsigned char>(payload[1]) << 8));
    return MessageEntry{attempt, payload.substr(2)};
}

base::Result<message::Record> unpack_record(std::string_view packed) {
    GATEHOUSE_TRY(const auto bytes, unpack(packed, kMaxRecord));
    return message::decode_record(bytes);
}

base::Result<RecordStore> RecordStore::open(const std::string& path) {
    GATEHOUSE_TRY(auto store, store::KeyValueStore::open(path, {.format = kFormat}));
    return RecordStore(std::move(store));
}

store::KeyValue RecordStore::make_pair(const Reference& reference, const MessageEntry& entry) {
    store::KeyValue pair{reference.to_bytes(), std::string(entry.packed)};
    if (entry.attempt != 0) {
        pair.key += static_cast<char>(entry.attempt >> 8);
        pair.key += static_cast<char>(entry.attempt & 0xFF);
    }
    return pair;
}

base::Result<StoredRecord> RecordStore::find(std::string_view prefix) const {
    GATEHOUSE_TRY(const auto range, base::parse_reference_prefix(prefix));
    std::vector<Reference> found;
    std::uint16_t attempt = 0;
    std::string value;
    GATEHOUSE_CHECK(store_.visit(range.first.to_bytes(), end_of(range.last), [&](auto key, auto bytes) {
        const auto parsed = parse_key(key);
        if (!parsed) return true;
        if (found.empty() || found.back() != parsed->reference) found.push_back(parsed->reference);
        attempt = parsed->attempt;
        value = bytes;
        return found.size() <= kMaxNamed;
    }));
    if (found.empty()) {
        return fail(Fault::not_found,
                    "there is no record of a message {} (never seen, or older than is kept)", prefix);
    }
    if (found.size() == 1) return decode(attempt, value);
    std::string names;
    for (std::size_t i = 0; i < std::min(found.size(), kMaxNamed); ++i) {
        names += (i == 0 ? "" : ", ") + found[i].to_string();
    }
    return fail(Fault::usage, "{} stands for several messages: {}{}; give more of it", prefix, names,
                found.size() > kMaxNamed ? " and more" : "");
}

base::Result<std::vector<StoredRecord>> RecordStore::find_all(const Reference& reference) const {
    std::vector<StoredRecord> out;
    base::Result<void> fault;
    GATEHOUSE_CHECK(store_.visit(reference.to_bytes(), end_of(reference), [&](auto key, auto bytes) {
        const auto parsed = parse_key(key);
        if (!parsed) return true;
        auto one = decode(parsed->attempt, bytes);
        if (!one) {
            fault = std::unexpected(one.error());
            return false;
        }
        out.push_back(std::move(*one));
        return true;
    }));
    GATEHOUSE_CHECK(std::move(fault));
    return out;
}

base::Result<void> RecordStore::visit(base::WallTime since, base::WallTime until,
                                      const Visitor& visitor) const {
    const auto from = Reference::make(since, 0, 0).to_bytes();
    const auto to = Reference::make(until, 0, 0).to_bytes();
    if (from >= to) return {};
    return store_.visit(from, to, [&](auto key, auto bytes) {
        const auto parsed = parse_key(key);
        return !parsed || visitor(parsed->reference, decode(parsed->attempt, bytes));
    });
}

base::Result<void> RecordStore::remove_before(base::WallTime time) {
    const auto end = Reference::make(time, 0, 0).to_bytes();
    bool is_any = false;
    GATEHOUSE_CHECK(store_.visit("", end, [&](auto, auto) {
        is_any = true;
        return false;
    }));
    if (!is_any) return {};
    return store_.remove_range("", end);
}

}  // namespace gatehouse::record
