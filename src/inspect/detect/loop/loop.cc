#include "inspect/detect/loop/loop.h"

#include "base/text.h"
#include "inspect/mime/header.h"
#include "inspect/mime/lexer.h"
#include "inspect/mime/structure.h"

namespace gatehouse::inspect::detect::loop {

namespace {

bool is_same_host(std::string_view a, std::string_view b) {
    if (a.ends_with('.')) a.remove_suffix(1);
    return base::iequals(a, b);
}

}  // namespace

std::string_view by_host(std::string_view received) {
    mime::Lexer lexer(received);
    const auto next_word = [&lexer] {
        lexer.skip_blanks_and_comments();
        return lexer.word("(;");  // the date stands after ';'
    };
    for (auto word = next_word(); !word.empty(); word = next_word()) {
        if (base::iequals(word, "by")) return next_word();
    }
    return {};
}

Finding inspect(const Object& /*object*/, const MessageFacts& facts, base::Budget& budget,
                const Settings& settings) {
    std::int64_t received = 0;
    std::int64_t own = 0;
    for (const auto& field : facts.structure.headers()) {
        if (!field.is("Received")) continue;
        if (!budget.take_steps(field.value.size())) break;
        ++received;
        if (!facts.hostname.empty() && is_same_host(by_host(field.value), facts.hostname)) ++own;
    }
    Finding finding;
    const auto report = [&](const base::EvidenceInfo& info, std::int64_t count, std::int64_t limit) {
        auto evidence = make_evidence(info, "", std::string(info.help));
        evidence.facts = {{"count", std::to_string(count)}, {"limit", std::to_string(limit)}};
        finding.evidence.push_back(std::move(evidence));
    };
    if (received > settings.max_received) report(kReceived, received, settings.max_received);
    if (own >= settings.max_own_name) report(kOwnName, own, settings.max_own_name);
    return finding;
}

}  // namespace gatehouse::inspect::detect::loop
