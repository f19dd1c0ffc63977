#include "record/tracking_row.h"

#include <algorithm>
#include <unordered_map>

#include "base/text.h"
#include "message/facts.pb.h"

namespace gatehouse::record {
namespace {

using message::Outcome;

constexpr std::size_t kMaxText = 512;
constexpr std::size_t kMaxReply = 1024;
constexpr int kMaxSteps = 64;

/// SQLite's own text functions stop at NUL.
std::string cut(std::string_view text, std::size_t limit = kMaxText) {
    std::string out(base::cut_text(text, limit));
    std::replace(out.begin(), out.end(), '\0', ' ');
    return out;
}

TrackingRow common_row(const message::Record& record, std::uint16_t attempt) {
    const auto& envelope = record.envelope;
    const auto& header = record.facts.header;
    TrackingRow row;
    row.reference = envelope.reference;
    row.attempt = attempt;
    row.received = envelope.received;
    row.sender = cut(envelope.sender);
    row.from = header.from.empty() ? std::string() : cut(header.from.front());
    row.subject = cut(header.subject);
    row.message_id = cut(header.message_id);
    row.client = cut(envelope.client.address);
    row.helo = cut(envelope.client.helo);
    if (record.inspected) row.verdict = record.decision.verdict;
    row.size = envelope.size;
    row.steps = record.steps;
    return row;
}

}  // namespace

std::vector<TrackingRow> rows_of(const message::Record& record, std::uint16_t attempt) {
    std::unordered_map<std::string_view, std::string_view> rules;
    for (const auto& group : record.decision.groups) {
        for (const auto& recipient : group.recipients) rules[recipient] = group.rule;
    }
    const TrackingRow common = common_row(record, attempt);
    std::vector<TrackingRow> rows;
    std::unordered_map<std::string, std::size_t> seen;
    const auto row_for = [&](std::string_view recipient) -> TrackingRow& {
        auto key = cut(recipient);
        const auto [at, is_new] = seen.try_emplace(key, rows.size());
        if (is_new) rows.push_back(common);
        auto& row = rows[at->second];
        row.recipient = std::move(key);
        if (const auto rule = rules.find(recipient); rule != rules.end()) row.rule = cut(rule->second);
        return row;
    };
    for (const auto& recipient : record.envelope.recipients) {
        row_for(recipient.address).outcome = Outcome::aborted;
    }
    for (const auto& outcome : record.outcomes) {
        auto& row = row_for(outcome.recipient);
        row.outcome = outcome.outcome;
        row.reply = cut(outcome.reply, kMaxReply);
        row.next_hop = cut(outcome.next_hop);
        row.item = cut(outcome.item);
    }
    if (rows.empty()) rows.push_back(common);
    return rows;
}

std::string address_key(std::string_view address) {
    const auto close = address.rfind('>');
    const auto open = close == std::string_view::npos ? close : address.rfind('<', close);
    if (open != std::string_view::npos) address = address.substr(open + 1, close - open - 1);
    address = base::trim(address);
    if (address.empty()) return {};
    const auto at = address.rfind('@');
    auto domain = at == std::string_view::npos ? std::string_view() : address.substr(at + 1);
    if (domain.ends_with('.')) domain.remove_suffix(1);
    return cut(base::lower(domain) + '@' + base::lower(address.substr(0, at)));
}

std::string encode_steps(const std::vector<message::Step>& steps) {
    pb::Record out;
    for (const auto& step : steps) {
        if (out.steps_size() == kMaxSteps) break;
        auto* to = out.add_steps();
        to->set_name(step.name);
        to->set_at_us(step.at_us);
        to->set_result(cut(step.result));
    }
    return out.SerializeAsString();
}

std::vector<message::Step> decode_steps(std::string_view bytes) {
    pb::Record in;
    std::vector<message::Step> out;
    if (!in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return out;
    for (const auto& step : in.steps()) out.push_back({step.name(), step.at_us(), step.result()});
    return out;
}

}  // namespace gatehouse::record
