#include "decide/explain.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "base/time.h"
#include "decide/findings.h"
#include "decide/words.h"

namespace gatehouse::decide {
namespace {

using base::printable;
using message::Evidence;
using message::Gap;
using message::GroupDecision;
using message::Record;

constexpr std::size_t kListed = 10;

/// "a, b and 7 more".
std::string list(const std::vector<std::string>& items) {
    std::string out;
    const std::size_t shown = std::min(items.size(), kListed);
    for (std::size_t i = 0; i < shown; ++i) out += (i == 0 ? "" : ", ") + printable(items[i], 120);
    return items.size() == shown ? out : fmt::format("{} and {} more", out, items.size() - shown);
}

std::string at(const std::string& where) {
    return where.empty() ? std::string() : " at " + printable(where, 120);
}

std::string line_of(const Evidence& item) {
    return fmt::format("{}{}: {} (confidence {:.2g}, {})", printable(item.id, 80), at(item.where),
                       printable(item.text), item.confidence, printable(item.source, 80));
}

std::string line_of(const Gap& gap) {
    const auto text = gap.text.empty() ? std::string() : ": " + printable(gap.text);
    return fmt::format("gap.{}{}{}{}", to_string(gap.reason), at(gap.part),
                       gap.engine.empty() ? std::string() : fmt::format(" ({})", printable(gap.engine, 40)),
                       text);
}

template <typename Item, typename Wanted>
void write_list(std::string& out, std::string_view indent, const std::vector<Item>& items, Wanted is_wanted) {
    std::size_t count = 0;
    for (const auto& item : items) {
        if (!is_wanted(item)) continue;
        if (++count <= kListed) out += fmt::format("{}{}\n", indent, line_of(item));
    }
    if (count > kListed) out += fmt::format("{}and {} more\n", indent, count - kListed);
}

struct Findings {
    std::vector<Evidence> evidence;
    std::vector<Gap> gaps;
};

void write_reason(std::string& out, const std::string& word, const Findings& findings, const Record& record) {
    constexpr std::string_view kIndent = "      ";
    if (word == "size") {
        out += fmt::format("{}size: {} bytes\n", kIndent, record.envelope.size);
    } else if (word == "recipients") {
        out += fmt::format("{}recipients: {}\n", kIndent, record.envelope.recipients.size());
    } else if (word == "spam_score") {
        out += fmt::format("{}spam score {:.4g}, threshold {:.4g}\n", kIndent, record.decision.spam_score,
                           record.decision.spam_threshold);
    } else if (word.starts_with("gap.")) {
        const auto reason = message::parse_gap_reason(std::string_view(word).substr(4));
        write_list(out, kIndent, findings.gaps, [&](const Gap& gap) { return gap.reason == reason; });
    } else if (word.starts_with("verdict.")) {
        out += fmt::format("{}the verdict is {}\n", kIndent, to_string(record.decision.verdict));
    } else {
        write_list(out, kIndent, findings.evidence,
                   [&](const Evidence& item) { return word_of(item) == word; });
    }
}

std::string words_of(const message::HeaderEdit& edit) {
    using Kind = message::HeaderEdit::Kind;
    switch (edit.kind) {
        case Kind::remove_named:
            return fmt::format("remove {}", printable(edit.name, 80));
        case Kind::remove_prefix:
            return fmt::format("remove {}*", printable(edit.name, 80));
        case Kind::remove_results_of:
            return fmt::format("remove Authentication-Results in the name of {}", printable(edit.text, 80));
        case Kind::prefix_subject:
            return fmt::format("put \"{}\" in front of the Subject", printable(edit.text, 120));
        case Kind::append:
            return fmt::format("add {}: {}", printable(edit.name, 80), printable(edit.text, 120));
    }
    return "";
}

void write_group(std::string& out, const GroupDecision& group, const Findings& findings,
                 const Record& record) {
    out += fmt::format("\nFor {}:\n  {}\n", list(group.recipients), describe(group.actions));
    if (!group.rule.empty()) out += fmt::format("  decided by: {}\n", printable(group.rule));
    if (group.rule.empty() && group.matched.empty()) out += "  no rule matched\n";
    if (group.rule.empty() && !group.matched.empty()) out += "  no rule ended the evaluation\n";
    if (!group.matched.empty()) out += fmt::format("  rules that matched: {}\n", list(group.matched));
    if (!group.because.empty()) out += "    because of\n";
    for (const auto& word : group.because) write_reason(out, word, findings, record);
    for (const auto& flip : group.flips) out += fmt::format("  {}\n", printable(flip, 600));
    if (group.plan.is_empty()) return;
    out += "  header changes:\n";
    const std::size_t shown = std::min(group.plan.edits.size(), kListed);
    for (std::size_t i = 0; i < shown; ++i) out += fmt::format("    {}\n", words_of(group.plan.edits[i]));
    if (group.plan.edits.size() > shown)
        out += fmt::format("    and {} more\n", group.plan.edits.size() - shown);
}

void write_outcomes(std::string& out, const Record& record) {
    if (record.outcomes.empty()) return;
    out += "\nWhat became of it:\n";
    const std::size_t shown = std::min(record.outcomes.size(), kListed);
    for (std::size_t i = 0; i < shown; ++i) {
        const auto& one = record.outcomes[i];
        const std::string who =
            one.recipient.empty() ? "before any recipient" : printable(one.recipient, 120);
        out += fmt::format("  {}: {}{}{}\n", who, to_string(one.outcome),
                           one.next_hop.empty() ? "" : " by " + printable(one.next_hop, 120),
                           one.reply.empty() ? "" : ", answered " + printable(one.reply));
    }
    if (record.outcomes.size() > shown) out += fmt::format("  and {} more\n", record.outcomes.size() - shown);
}

std::string counted(std::size_t count, std::string_view one) {
    return fmt::format("{} {}{}", count, one, count == 1 ? "" : "s");
}

/// " from 192.0.2.1 (mail.example.org)", as far as it is known.
std::string client_words(const message::Envelope& envelope) {
    const auto& client = envelope.client;
    std::string out = client.address.empty() ? "" : " from " + printable(client.address, 60);
    if (client.helo.empty()) return out;
    const std::string helo = printable(client.helo, 120);
    return out.empty() ? fmt::format(" from a client called {}", helo) : fmt::format("{} ({})", out, helo);
}

std::string header(const Record& record) {
    const auto& envelope = record.envelope;
    return fmt::format("{}  {}\n  received {}{}, sender {}, {}, {}\n", envelope.reference.to_string(),
                       record.inspected ? to_string(record.decision.verdict) : "not inspected",
                       base::to_rfc3339(envelope.received), client_words(envelope),
                       envelope.sender.empty() ? "<>" : printable(envelope.sender),
                       counted(envelope.recipients.size(), "recipient"), counted(envelope.size, "byte"));
}

/// Why no rule ran.
std::string end_words(const Record& record) {
    const bool had_end = std::any_of(record.steps.begin(), record.steps.end(),
                                     [](const message::Step& step) { return step.name == "data"; });
    const bool is_aborted =
        !record.outcomes.empty() && record.outcomes.front().outcome == message::Outcome::aborted;
    if (is_aborted) return "  The client went away before the end of the message; no rule ran.\n";
    return had_end ? "  The message was refused at its end; no rule ran.\n"
                   : "  The message was refused before its end was received; no rule ran.\n";
}

}  // namespace

std::string explain(const Record& record) {
    std::string out = header(record);
    if (!record.inspected) {
        out += end_words(record);
        write_outcomes(out, record);
        return out;
    }
    const Findings findings{all_evidence(&record.facts, record.answers),
                            all_gaps(&record.facts, record.answers)};
    out += findings.evidence.empty() ? "\nFound: nothing\n" : "\nFound:\n";
    write_list(out, "  ", findings.evidence, [](const Evidence&) { return true; });
    out += findings.gaps.empty() ? "Not inspected: nothing was left out\n" : "Not inspected:\n";
    write_list(out, "  ", findings.gaps, [](const Gap&) { return true; });
    const std::size_t shown = std::min(record.decision.groups.size(), kListed);
    for (std::size_t i = 0; i < shown; ++i) write_group(out, record.decision.groups[i], findings, record);
    if (record.decision.groups.size() > shown) {
        out += fmt::format("\nand {} more groups of recipients\n", record.decision.groups.size() - shown);
    }
    write_outcomes(out, record);
    return out;
}

}  // namespace gatehouse::decide
