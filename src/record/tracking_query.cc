#include "record/tracking_query.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "record/tracking_store.h"
#include "store/schema.h"

namespace gatehouse::record {
namespace {

using base::Result;

constexpr std::string_view kColumns =
    "ref, attempt, recipient, received, sender, header_from, subject, message_id, client, helo, verdict, "
    "rule, "
    "outcome, reply, next_hop, item, size, steps";
constexpr std::size_t kIndexedSubject = 64;  // as in the index tracking_subject

struct Parameter {
    enum class Kind { number, text, blob } kind;
    std::int64_t number;
    std::string bytes;
};

/// Conditions, their parameters, and the index that will serve them best: the first filter that names one.
class Plan {
  public:
    /// Each gives the name that stands for the value in the SQL.
    std::string number(std::int64_t value) { return name({Parameter::Kind::number, value, {}}); }
    std::string text(std::string value) { return name({Parameter::Kind::text, 0, std::move(value)}); }
    std::string blob(std::string value) { return name({Parameter::Kind::blob, 0, std::move(value)}); }
    void add(std::string condition, std::string_view index = {}) {
        conditions_ += " AND " + std::move(condition);
        if (index_.empty()) index_ = index;
    }
    bool has_index() const { return !index_.empty(); }
    const std::vector<Parameter>& parameters() const { return parameters_; }

    /// The ids of the newest matches. `extra` and its index serve the halves of a search for senders.
    std::string select(std::string_view extra, std::string_view extra_index, std::int64_t limit) const {
        std::string_view index = has_index() ? index_ : "tracking_received";
        if (!extra_index.empty()) index = extra_index;
        return fmt::format(
            "SELECT id FROM (SELECT id FROM tracking INDEXED BY {} WHERE {}{} ORDER BY received DESC, id "
            "DESC LIMIT {})",
            index, extra.empty() ? "1" : extra, conditions_, limit);
    }

  private:
    std::string name(Parameter value) {
        parameters_.push_back(std::move(value));
        return fmt::format("?{}", parameters_.size());
    }
    std::string conditions_;
    std::vector<Parameter> parameters_;
    std::string_view index_;
};

enum class AddressForm { exact, domain, part };

AddressForm form_of(std::string_view text) {
    if (text == "<>") return AddressForm::exact;
    if (text.starts_with('@')) return AddressForm::domain;
    return text.contains('@') ? AddressForm::exact : AddressForm::part;
}

/// From "domain@" up to "domainA", the text behind all "domain@...".
std::pair<std::string, std::string> domain_bounds(std::string_view text) {
    const auto key = address_key(fmt::format("x{}", text));  // "domain@x"
    const auto beginning = key.substr(0, key.size() - 1);
    auto end = beginning;
    end.back() = 'A';
    return {beginning, end};
}

/// The condition on an address_key column, by index unless only a part of the address is given.
std::string key_condition(Plan& plan, std::string_view column, const std::string& text) {
    switch (form_of(text)) {
        case AddressForm::exact:
            return fmt::format("{} = {}", column, plan.text(address_key(text)));
        case AddressForm::domain: {
            const auto [first, end] = domain_bounds(text);
            const auto low = plan.text(first);
            return fmt::format("{0} >= {1} AND {0} < {2}", column, low, plan.text(end));
        }
        case AddressForm::part:
            break;
    }
    return fmt::format("instr({}, {}) > 0", column, plan.text(base::lower(text)));
}

void add_recipient(Plan& plan, const std::string& to) {
    plan.add(key_condition(plan, "recipient_key", to),
             form_of(to) == AddressForm::part ? std::string_view() : "tracking_recipient");
}

/// A sender is searched in two halves, each with its index: by envelope, and by a From that says something
/// else. Both empty = no such search.
struct SenderHalves {
    std::string envelope;
    std::string header;
};

SenderHalves sender_halves(Plan& plan, const std::string& from) {
    if (from.empty()) return {};
    if (form_of(from) == AddressForm::part) {
        const auto text = plan.text(base::lower(from));
        plan.add(fmt::format("(instr(sender_key, {0}) > 0 OR instr(lower(header_from), {0}) > 0)", text));
        return {};
    }
    return {key_condition(plan, "sender_key", from),
            key_condition(plan, "from_key", from) + " AND from_key <> sender_key"};
}

void add_subject(Plan& plan, const TrackingQuery& query) {
    const std::string text = base::lower(query.subject);
    const auto whole = plan.text(text);
    switch (query.subject_match) {
        case SubjectMatch::contains:
            return plan.add(fmt::format("instr(lower(subject), {}) > 0", whole));
        case SubjectMatch::equals:
            plan.add(fmt::format("lower(substr(subject, 1, 64)) = substr({}, 1, 64)", whole),
                     "tracking_subject");
            return plan.add(fmt::format("lower(subject) = {}", whole));
        case SubjectMatch::starts_with: {
            const auto key = text.substr(0, kIndexedSubject);
            plan.add(fmt::format("lower(substr(subject, 1, 64)) >= {}", plan.text(key)), "tracking_subject");
            plan.add(fmt::format("lower(substr(subject, 1, 64)) < {}", plan.text(key + "\xff")));
            const auto length = plan.number(static_cast<std::int64_t>(text.size()));
            return plan.add(
                fmt::format("substr(CAST(lower(subject) AS BLOB), 1, {}) = CAST({} AS BLOB)", length, whole));
        }
    }
}

void add_rest(Plan& plan, const TrackingQuery& query) {
    if (query.verdict) {
        const auto number = static_cast<std::int64_t>(*query.verdict);
        plan.add("verdict = " + plan.number(number), "tracking_verdict");
    }
    if (query.outcome) {
        const auto number = static_cast<std::int64_t>(*query.outcome);
        plan.add("outcome = " + plan.number(number), "tracking_outcome");
    }
    if (!query.client.empty()) plan.add("client = " + plan.text(query.client));
    if (query.since) plan.add("received >= " + plan.number(query.since->time_since_epoch().count()));
    if (query.until) plan.add("received < " + plan.number(query.until->time_since_epoch().count()));
}

Result<std::string> build(Plan& plan, const TrackingQuery& query) {
    if (!query.reference.empty()) {
        GATEHOUSE_TRY(const auto range, base::parse_reference_prefix(query.reference));
        plan.add("ref >= " + plan.blob(range.first.to_bytes()), "tracking_ref");
        plan.add("ref <= " + plan.blob(range.last.to_bytes()));
    }
    if (!query.to.empty()) add_recipient(plan, query.to);
    const auto halves = sender_halves(plan, query.from);
    const bool by_sender = !halves.envelope.empty() && !plan.has_index();
    if (!query.subject.empty()) add_subject(plan, query);
    add_rest(plan, query);
    const auto limit = std::clamp<std::int64_t>(query.limit, 1, TrackingQuery::kMaxLimit);
    auto ids = plan.select(halves.envelope, by_sender ? "tracking_sender" : "", limit);
    if (!halves.header.empty()) {
        ids += " UNION " + plan.select(halves.header, by_sender ? "tracking_from" : "", limit);
    }
    return fmt::format("SELECT {} FROM tracking WHERE id IN ({}) ORDER BY received DESC, id DESC LIMIT {}",
                       kColumns, ids, limit);
}

void bind(store::Statement& statement, const std::vector<Parameter>& parameters) {
    int at = 0;
    for (const auto& parameter : parameters) {
        ++at;
        switch (parameter.kind) {
            case Parameter::Kind::number:
                statement.bind(at, parameter.number);
                break;
            case Parameter::Kind::text:
                statement.bind_text(at, parameter.bytes);
                break;
            case Parameter::Kind::blob:
                statement.bind_blob(at, parameter.bytes);
                break;
        }
    }
}

template <typename Enum>
std::optional<Enum> word(std::int64_t number, Enum last) {
    if (number <= 0 || number > static_cast<std::int64_t>(last)) return std::nullopt;
    return static_cast<Enum>(number);
}

TrackingRow read_row(const store::Statement& from) {
    TrackingRow row;
    row.reference = base::Reference::from_bytes(from.bytes(0)).value_or(base::Reference());
    row.attempt = static_cast<std::uint16_t>(from.integer(1));
    row.recipient = from.bytes(2);
    row.received = base::WallTime(std::chrono::microseconds(from.integer(3)));
    row.sender = from.bytes(4);
    row.from = from.bytes(5);
    row.subject = from.bytes(6);
    row.message_id = from.bytes(7);
    row.client = from.bytes(8);
    row.helo = from.bytes(9);
    row.verdict = word(from.integer(10), message::Verdict::clean);
    row.rule = from.bytes(11);
    row.outcome = word(from.integer(12), message::kLastOutcome).value_or(message::Outcome::refused);
    row.reply = from.bytes(13);
    row.next_hop = from.bytes(14);
    row.item = from.bytes(15);
    row.size = static_cast<std::uint64_t>(from.integer(16));
    row.steps = decode_steps(from.bytes(17));
    return row;
}

}  // namespace

Result<TrackingReader> TrackingReader::open(const std::string& path, std::chrono::milliseconds time_limit) {
    GATEHOUSE_TRY(auto database, store::Database::open(path, {.read_only = true, .cache_kib = 1024}));
    GATEHOUSE_CHECK(store::check_format(database, tracking_schema()));
    return TrackingReader(std::move(database), time_limit);
}

Result<std::vector<TrackingRow>> TrackingReader::find(const TrackingQuery& query) {
    database_.set_deadline(std::chrono::steady_clock::now() + time_limit_);
    auto rows = run(query);
    database_.set_deadline(std::nullopt);
    return rows;
}

Result<std::vector<TrackingRow>> TrackingReader::run(const TrackingQuery& query) {
    Plan plan;
    GATEHOUSE_TRY(const auto sql, build(plan, query));
    GATEHOUSE_TRY(auto statement, database_.prepare(sql));
    bind(statement, plan.parameters());
    std::vector<TrackingRow> rows;
    while (true) {
        GATEHOUSE_TRY(const bool row, statement.step());
        if (!row) return rows;
        rows.push_back(read_row(statement));
    }
}

}  // namespace gatehouse::record
