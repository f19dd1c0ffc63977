#include "apps/desk/rows.h"

#include "base/text.h"
#include "base/time.h"
#include "decide/explain.h"
#include "decide/findings.h"
#include "message/json.h"

namespace gatehouse::apps {

namespace json = boost::json;

namespace {

std::string safe(std::string_view text) {
    constexpr std::size_t kLongest = 4096;
    return base::printable(text, kLongest);
}

json::array steps_json(const std::vector<message::Step>& steps) {
    json::array out;
    for (const auto& step : steps) {
        out.push_back(
            json::object{{"step", step.name}, {"at_us", step.at_us}, {"result", safe(step.result)}});
    }
    return out;
}

json::object envelope_json(const message::Envelope& envelope) {
    json::array recipients;
    for (const auto& recipient : envelope.recipients)
        recipients.push_back(json::value(safe(recipient.address)));
    json::object out{{"reference", envelope.reference.to_string()},
                     {"received", base::to_rfc3339(envelope.received)},
                     {"client", safe(envelope.client.address)},
                     {"helo", safe(envelope.client.helo)},
                     {"protocol", safe(envelope.client.protocol)},
                     {"tls", safe(envelope.client.tls_version)},
                     {"from", safe(envelope.sender)},
                     {"to", std::move(recipients)},
                     {"size", envelope.size},
                     {"revision", envelope.revision}};
    if (envelope.client.early_talker) out["early_talker"] = true;
    if (envelope.client.unauthorised_pipelining) out["unauthorised_pipelining"] = true;
    return out;
}

json::array answers_json(const message::Answers& answers) {
    static constexpr std::string_view kStates[] = {"", "clean", "found", "not_scanned", "unavailable"};
    json::array out;
    for (const auto& answer : answers) {
        out.push_back(json::object{{"asked", safe(answer.question.asked)},
                                   {"about", safe(answer.question.where)},
                                   {"state", kStates[static_cast<std::size_t>(answer.state)]},
                                   {"name", safe(answer.name)},
                                   {"database", safe(answer.database)},
                                   {"micros", answer.micros},
                                   {"from_cache", answer.from_cache}});
    }
    return out;
}

}  // namespace

json::array words_json(const std::vector<std::string>& words) {
    json::array out;
    for (const auto& word : words) out.push_back(json::value(safe(word)));
    return out;
}

json::object tracking_row_json(const record::TrackingRow& row) {
    return {{"reference", row.reference.to_string()},
            {"attempt", row.attempt},
            {"received", base::to_rfc3339(row.received)},
            {"from", safe(row.sender)},
            {"to", safe(row.recipient)},
            {"subject", safe(row.subject)},
            {"message_id", safe(row.message_id)},
            {"header_from", safe(row.from)},
            {"client", safe(row.client)},
            {"helo", safe(row.helo)},
            {"verdict", row.verdict ? std::string(message::to_string(*row.verdict)) : ""},
            {"rule", safe(row.rule)},
            {"outcome", message::to_string(row.outcome)},
            {"reply", safe(row.reply)},
            {"next_hop", safe(row.next_hop)},
            {"item", row.item},
            {"size", row.size},
            {"steps", steps_json(row.steps)}};
}

json::object item_json(const act::quarantine::Item& item) {
    const auto& info = item.info;
    json::array to;
    for (const auto& recipient : info.envelope.recipients) to.push_back(json::value(safe(recipient.address)));
    return {{"id", info.id.to_string()},
            {"state", act::quarantine::to_string(item.state)},
            {"created", base::to_rfc3339(info.created)},
            {"area", safe(info.area)},
            {"verdict", message::to_string(info.verdict)},
            {"rule", safe(info.rule)},
            {"because", words_json(info.because)},
            {"from", safe(info.envelope.sender)},
            {"to", std::move(to)},
            {"header_from", safe(info.from)},
            {"subject", safe(info.subject)},
            {"message_id", safe(info.message_id)},
            {"client", safe(info.envelope.client.address)},
            {"size", item.size},
            {"attempts", item.attempts},
            {"damaged", item.damaged}};
}

json::object queue_item_json(const act::queue::QueueItem& item) {
    const auto& story = item.story;
    json::array to;
    for (const auto& recipient : story.envelope.recipients)
        to.push_back(json::value(safe(recipient.address)));
    const std::string_view state = item.is_damaged     ? "damaged"
                                   : item.is_held      ? "held"
                                   : item.is_postponed ? "postponed"
                                   : item.attempts > 0 ? "deferred"
                                                       : "waiting";
    return {{"id", item.id.to_string()},
            {"state", state},
            {"next_hop", safe(item.lane)},
            {"queued", base::to_rfc3339(item.queued)},
            {"due", base::to_rfc3339(item.due)},
            {"expires", base::to_rfc3339(item.expires)},
            {"attempts", item.attempts},
            {"from", safe(story.envelope.sender)},
            {"to", std::move(to)},
            {"subject", safe(story.facts.header.subject)},
            {"message_id", safe(story.facts.header.message_id)},
            {"size", item.size},
            {"notice", item.is_notice},
            {"last", base::printable(item.last, 400)}};
}

json::object record_json(const message::Record& record) {
    json::object out;
    if (record.inspected) {
        const auto evidence = decide::all_evidence(&record.facts, record.answers);
        const auto gaps = decide::all_gaps(&record.facts, record.answers);
        boost::system::error_code error;
        auto scan =
            json::parse(message::scan_json({"", record.facts, evidence, gaps, record.decision}), error);
        if (!error && scan.is_object()) out = std::move(scan.get_object());
        out.erase("file");
    }
    out["inspected"] = record.inspected;
    out["envelope"] = envelope_json(record.envelope);
    out["answers"] = answers_json(record.answers);
    out["steps"] = steps_json(record.steps);
    json::array outcomes;
    for (const auto& outcome : record.outcomes) {
        outcomes.push_back(json::object{{"to", safe(outcome.recipient)},
                                        {"outcome", message::to_string(outcome.outcome)},
                                        {"reply", safe(outcome.reply)},
                                        {"next_hop", safe(outcome.next_hop)},
                                        {"item", outcome.item}});
    }
    out["outcomes"] = std::move(outcomes);
    out["words"] = decide::explain(record);
    return out;
}

}  // namespace gatehouse::apps
